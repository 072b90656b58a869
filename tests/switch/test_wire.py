"""Framing and lookup: any bytes, however cut, and nothing decoded becomes structure."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import SwitchError
from appliance.switch.wire import Frame, Framer, Headers, text

names = st.from_regex(rb"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
blocks = st.dictionaries(names, st.binary(max_size=80), min_size=1, max_size=8)


def encoded(headers: dict[bytes, bytes]) -> bytes:
    return b"".join(b"%s: %s\n" % (name, quote_from_bytes(value).encode()) for name, value in headers.items())


def frames(data: bytes, sizes: list[int]) -> list[Frame]:
    """What comes out when the bytes come in pieces of these sizes, over and over."""
    out: list[Frame] = []
    framer, at, turn = Framer(), 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        out += framer.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert not framer.in_frame
    return out


@given(
    st.lists(st.tuples(blocks, st.one_of(st.none(), st.binary(max_size=200))), max_size=5),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_frames_come_out_however_the_bytes_are_cut(
    sent: list[tuple[dict[bytes, bytes], bytes | None]], sizes: list[int]
) -> None:
    data = b""
    for headers, body in sent:
        length = b"" if body is None else b"Content-Length: %d\n" % len(body)
        data += length + encoded({b"X-" + name: value for name, value in headers.items()}) + b"\n" + (body or b"")
        if body is None:
            data += b"\n"  # "Reply-Text: +OK\n" leaves an empty line too many; the next head skips it
    found = frames(data, sizes)
    assert len(found) == len(sent)
    for frame, (headers, body) in zip(found, sent, strict=True):
        assert frame.body == (body or b"")
        for name, value in headers.items():
            assert frame.get(b"X-" + name) == ("" if value == b"_undef_" else text(value))


@given(blocks)
def test_every_header_is_found_and_no_other(headers: dict[bytes, bytes]) -> None:
    block = Headers(encoded(headers))
    for name, value in headers.items():
        assert block.get(name, "none") == ("" if value == b"_undef_" else text(value))
        assert block.raw(name) == block.raw_last(name)
    assert block.raw(b"X-Not-There") is None
    assert block.get(b"X-Not-There", "none") == "none"
    assert {name.encode() for name, _ in block.starting(b"")} == set(headers)


@given(st.binary(max_size=200))
def test_a_value_never_becomes_a_header(value: bytes) -> None:
    hostile = b"x\nUnique-ID: evil\n\nContent-Length: 9\r\n" + value
    frame = next(iter(Framer().feed(encoded({b"Name": hostile, b"Unique-ID": b"good"}) + b"\n")))
    assert frame.get(b"Unique-ID") == "good"
    assert frame.get(b"Name") == text(hostile)
    assert frame.body == b""


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], max_codepoint=0x9FFF), max_size=40))
def test_utf8_is_read_as_it_is(written: str) -> None:
    assert text(written.encode()) == written


@given(st.binary(max_size=60))
def test_any_bytes_are_some_text(value: bytes) -> None:
    assert isinstance(text(value), str)


def test_gbk_is_read() -> None:
    assert text("测试用户".encode("gbk")) == "测试用户"


def test_names_without_regard_to_case() -> None:
    block = Headers(b"variable_sip_h_diversion: %3Csip:1@x%3E\nvariable_sip_h_Diversion-2: no\n")
    assert block.get_any_case(b"variable_sip_h_Diversion") == "<sip:1@x>"
    assert block.get_any_case(b"variable_sip_h_History", "-") == "-"


def test_headers_by_prefix() -> None:
    block = Headers(b"variable_gw_a: 1\nx: variable_gw_b\nvariable_gw_c: \nvariable_gw_d: %0Avariable_gw_e: 5")
    assert dict(block.starting(b"variable_gw_")) == {
        "variable_gw_a": "1",
        "variable_gw_c": "",
        "variable_gw_d": "\nvariable_gw_e: 5",
    }


def test_an_empty_value_as_the_switch_writes_it() -> None:
    assert Headers(b"a: _undef_\n").get(b"a", "none") == ""


def test_an_events_own_body_is_no_header() -> None:
    body = b"Event-Name: BACKGROUND_JOB\nContent-Length: 18\n\nUnique-ID: evil\n\n\n"
    frame = Frame(b"Content-Type: text/event-plain", body)
    assert frame.event().get(b"Event-Name") == "BACKGROUND_JOB"
    assert frame.event().raw(b"Unique-ID") is None


def test_replies_of_commands_and_of_the_api() -> None:
    assert Frame(b"Content-Type: command/reply\nReply-Text: -ERR no", b"").reply == "-ERR no"
    assert Frame(b"Content-Type: command/reply\nReply-Text: %2BOK%0A", b"").reply == "+OK"
    assert Frame(b"Content-Type: api/response", b"-ERR no\n").reply == "-ERR no\n"


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", " ", "99999999", "9" * 50, "1 2"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    with pytest.raises(SwitchError, match="event socket"):
        list(Framer().feed(f"Content-Type: x\nContent-Length: {length}\n\n".encode()))


def test_a_head_without_end_is_refused() -> None:
    framer = Framer(max_head=1000)
    with pytest.raises(SwitchError, match="1000"):
        for _ in range(100):
            list(framer.feed(b"x" * 50))
    with pytest.raises(SwitchError, match="header block"):
        list(Framer(max_head=1000).feed(b"x: " + b"y" * 2000 + b"\n\n"))


def test_an_unfinished_frame_is_known_as_such() -> None:
    framer = Framer()
    assert not framer.in_frame
    assert list(framer.feed(b"Content-Length: 5\n\nabc")) == []
    assert framer.in_frame
    assert len(list(framer.feed(b"de"))) == 1
    assert not framer.in_frame
