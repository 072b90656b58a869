"""A file's bytes become variables, whatever encoding a trunk's names came in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cdr.decode import NotACdr, NotWhole, variables
from tests.cdr.spooled import SAMPLES


def document(callflow: object = None, **named: Any) -> bytes:
    found = {"variables": named} | ({} if callflow is None else {"callflow": callflow})
    return json.dumps(found, ensure_ascii=False).encode("utf-8")


def test_utf8() -> None:
    assert variables(document(sip_from_display="王小明", billmsec=5)) == {
        "sip_from_display": "王小明",
        "billmsec": 5,
    }


@pytest.mark.parametrize("name", ["張誠誠，測試", "王小明", "€"])
def test_a_value_in_gb18030_beside_one_in_utf8(name: str) -> None:
    # The second byte of 誠 is a backslash, which the switch escapes like any other.
    raw = name.encode("gb18030").replace(b"\\", b"\\\\")
    data = document(sip_from_display="NAME", gw_flow="流程@3").replace(b"NAME", raw)
    assert variables(data) == {"sip_from_display": name, "gw_flow": "流程@3"}


def test_a_name_in_gb18030_as_freeswitch_wrote_it() -> None:
    for path in (SAMPLES / "gbk-name").iterdir():
        assert variables(path.read_bytes())["sip_from_display"] == "張誠誠，測試"


def test_bytes_of_no_encoding_are_replaced() -> None:
    data = (
        document(sip_from_display="NAME", escaped="NEXT")
        .replace(b"NAME", b"a\xff\xffb")
        .replace(b"NEXT", b"\\u738b")
    )
    assert variables(data) == {"sip_from_display": "a\ufffd\ufffdb", "escaped": "王"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"variables":{"uuid":"a',
        b'{"variables":{"uuid":"\xe7\x8e',
        b'{"variables":{"uuid":"\xd5\x5c"}}',
        b"[" * 200_000,
        b'{"variables":{"a":' + b"9" * 5000 + b"}}",
        b"\xff\xfe{",
    ],
)
def test_what_is_not_whole(data: bytes) -> None:
    with pytest.raises(NotWhole):
        variables(data)


@pytest.mark.parametrize("data", [b"[]", b"null", b"{}", b'{"variables":[]}', b'"\xff"', b"NaN"])
def test_what_is_json_and_no_cdr(data: bytes) -> None:
    with pytest.raises(NotACdr):
        variables(data)


def times(*bridged: object) -> list[object]:
    return [{"times": {"bridged_time": time}} for time in bridged]


@pytest.mark.parametrize(
    ("noted", "callflow", "found"),
    [
        ("0", times("0", "7", "5"), "5"),
        ("9", times("7"), "7"),
        ("6", times("7"), "6"),
        ("0", times("x", None, "-1", "٧", "1" * 21, 5), "0"),
        ("0", "none", "0"),
        ("0", [1, {}, {"times": []}], "0"),
        ("bad", times("7"), "bad"),
        (5, times("7"), 5),
        ("9" * 5000, times("7"), "9" * 5000),
        ("8", times("0"), "8"),
    ],
)
def test_the_first_bridge_is_found_behind_a_transfer(noted: object, callflow: object, found: object) -> None:
    assert variables(document(callflow, bridge_uepoch=noted))["bridge_uepoch"] == found


def test_the_bridge_may_be_missing_in_the_variables() -> None:
    assert variables(document(times("7"))) == {"bridge_uepoch": "7"}


@given(st.binary())
def test_no_bytes_make_it_crash(data: bytes) -> None:
    try:
        variables(b'{"variables":{"a":"' + data + b'"}}')
    except (NotWhole, NotACdr):
        return
