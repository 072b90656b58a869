"""The event socket's wire: framing, encoding, what FreeSWITCH would write for the same values."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.miniswitch import esl_wire
from appliance.miniswitch.esl_wire import Framer, WireError


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("13800138000", "13800138000"),
        ("sofia/gateway400/1@127.0.0.1:5070", "sofia/gateway400/1%40127.0.0.1%3A5070"),
        ("a b", "a%20b"),
        ("%(1000,4000,450)", "%25(1000,4000,450)"),
        ("Sun, 22 Nov 2026 11:14:35 GMT", "Sun,%2022%20Nov%202026%2011%3A14%3A35%20GMT"),
        ("<sip:1@h>;x=1", "%3Csip%3A1%40h%3E%3Bx%3D1"),
        ("v=0\r\n", "v%3D0%0D%0A"),
        ("ARRAY::a|:b", "ARRAY%3A%3Aa%7C%3Ab"),
        ("中文", "%E4%B8%AD%E6%96%87"),
        ("\udcd6\udcd0", "%D6%D0"),
        ("it's (fine)!*$~_-.,/", "it's (fine)!*$~_-.,/".replace(" ", "%20")),
        ('+1&2#3[4]{5}\\6^7`8?9"', "%2B1%262%233%5B4%5D%7B5%7D%5C6%5E7%608%3F9%22"),
        # As in FreeSWITCH: what looks encoded already, in upper case, is left alone.
        ("%0A%0a%", "%0A%250a%25"),
    ],
)
def test_values_are_encoded_as_freeswitch_does(value: str, encoded: str) -> None:
    """The pairs were read off a running FreeSWITCH, or follow its list of unsafe characters."""
    assert esl_wire.url_encode(value) == encoded


@given(st.binary())
def test_no_value_breaks_a_line(data: bytes) -> None:
    """Whatever bytes a name is made of, the encoded value is visible ASCII without a space."""
    encoded = esl_wire.url_encode(esl_wire.to_text(data))
    assert all("!" <= character <= "~" for character in encoded)


def test_an_event_frame() -> None:
    """Two lengths: of the event, and of a body inside it."""
    frame = esl_wire.event_frame([("Event-Name", "DTMF"), ("Empty", "")])
    assert frame == (b"Content-Length: 33\nContent-Type: text/event-plain\n\nEvent-Name: DTMF\nEmpty: _undef_\n\n")
    inner = b"Event-Name: API\nContent-Length: 6\n\n\xe7\x94\xb5abc"
    assert esl_wire.event_frame([("Event-Name", "API")], "电abc").endswith(b"\n\n" + inner)


def test_replies() -> None:
    """Frames of answers and of the end."""
    assert esl_wire.reply_frame("+OK") == b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    assert esl_wire.api_frame("电") == b"Content-Type: api/response\nContent-Length: 3\n\n\xe7\x94\xb5"
    assert esl_wire.api_frame("") == b"Content-Type: api/response\nContent-Length: 14\n\n-ERR no reply\n"
    notice = esl_wire.disconnect_frame("abc")
    assert notice.startswith(b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: abc\n")
    head, _, body = notice.partition(b"\n\n")
    assert int(head.rpartition(b": ")[2]) == len(body)


COMMANDS = (
    b"connect\n\n"
    b"sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=\xd6\xd0: b\nEvent-UUID: 1\n\n"
    b"\r\n\r\napi status\r\n\r\n"
    b"sendmsg\nContent-Type: text/plain\nContent-Length: 8\n\nline\n\n\n\nexit\n\n"
)


def read(chunks: list[bytes]) -> list[tuple[str, dict[str, str], str]]:
    """Feed chunks to a framer."""
    framer = Framer()
    return [(c.line, c.headers, c.body) for chunk in chunks for c in framer.feed(chunk)]


def test_commands() -> None:
    """Headers, a body with blank lines in it, carriage returns, a value that is not UTF-8."""
    connect, execute, api, body, leave = read([COMMANDS])
    assert (connect[0], api[0], leave[0]) == ("connect", "api status", "exit")
    assert execute[1]["execute-app-arg"] == "a=\udcd6\udcd0: b"
    assert execute[1]["event-uuid"] == "1"
    assert body[2] == "line\n\n\n\n"


@given(st.lists(st.integers(0, len(COMMANDS))))
def test_commands_in_pieces(cuts: list[int]) -> None:
    """However the stream is cut, the same commands come out."""
    edges = [0, *sorted(cuts), len(COMMANDS)]
    chunks = [COMMANDS[start:end] for start, end in pairwise(edges)]
    assert read(chunks) == read([COMMANDS])


def test_the_first_of_equal_headers_wins() -> None:
    """A second `execute-app-name` cannot replace the first."""
    ((_, headers, _),) = read([b"sendmsg\nexecute-app-name: set\nexecute-app-name: system\n\n"])
    assert headers["execute-app-name"] == "set"


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (esl_wire.MAX_COMMAND + 1),
        b"sendmsg\nContent-Length: -1\n\n",
        b"sendmsg\nContent-Length: x\n\n",
        b"sendmsg\nContent-Length: 99999999\n\n",
    ],
)
def test_what_is_no_command(data: bytes) -> None:
    """A typed error, so that the connection is closed and nothing else."""
    with pytest.raises(WireError):
        Framer().feed(data)
