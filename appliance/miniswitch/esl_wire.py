"""The event socket's wire: framing of commands, encoding of events.

Text that came from the wire as bytes which are not UTF-8 (GBK display names) lives in `str` as
surrogate escapes and goes back out as the same bytes, percent-encoded. Framing is done on bytes,
before anything is decoded. Source: FreeSWITCH `switch_event_serialize`, `switch_url_encode`,
mod_event_socket `read_packet`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

MAX_COMMAND = 64 * 1024
MAX_BODY = 1024 * 1024
UNKNOWN = "-ERR command not found"

Headers = Iterable[tuple[str, str]]

_UNSAFE = re.compile(rb"""[^!$'()*,./0-9A-Z_a-z~-]""")
_ALREADY_ENCODED = re.compile(rb"%[0-9A-F]{2}")


class WireError(Exception):
    """What came is not an event socket command; the connection is closed."""


def to_text(data: bytes) -> str:
    """Bytes to text that can be turned back into the same bytes."""
    return data.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """Text to bytes, undoing `to_text`; a lone surrogate of another origin becomes `?`."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


@lru_cache(maxsize=8192)
def url_encode(value: str) -> str:
    """Percent-encode as FreeSWITCH does: upper-case hex, `%XX` that is there already stays.

    >>> url_encode('"a b" <sip:1@h>'), url_encode("100%"), url_encode("%0A"), url_encode("电")
    ('%22a%20b%22%20%3Csip%3A1%40h%3E', '100%25', '%0A', '%E7%94%B5')
    """
    data = to_bytes(value)
    if not _UNSAFE.search(data):
        return value

    def encode(match: re.Match[bytes]) -> bytes:
        if match.group() == b"%" and _ALREADY_ENCODED.match(data, match.start()):
            return b"%"
        return b"%%%02X" % match.group()[0]

    return _UNSAFE.sub(encode, data).decode("ascii")


def serialize(headers: Headers, body: str = "") -> bytes:
    """An event's text: one `Name: value` a line, values encoded, an empty value as `_undef_`."""
    lines = [f"{name}: {url_encode(value) or '_undef_'}\n" for name, value in headers]
    if not body:
        return to_bytes("".join(lines)) + b"\n"
    data = to_bytes(body)
    return to_bytes("".join(lines)) + b"Content-Length: %d\n\n" % len(data) + data


def event_frame(headers: Headers, body: str = "") -> bytes:
    """An event as it is sent to a listener of format plain."""
    text = serialize(headers, body)
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(text) + text


def reply_frame(text: str) -> bytes:
    """The answer to a command: one line, but for a variable's value, which goes out as it is."""
    return to_bytes(f"Content-Type: command/reply\nReply-Text: {text}\n\n")


def api_frame(text: str) -> bytes:
    """The output of an API command."""
    data = to_bytes(text or "-ERR no reply\n")
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(data) + data


def disconnect_frame(uuid: str | None) -> bytes:
    """The last words of the switch on a connection; with the call's UUID on an outbound one."""
    text = b"Disconnected, goodbye.\n"
    owner = f"Controlled-Session-UUID: {uuid}\nContent-Disposition: disconnect\n".encode() if uuid else b""
    return b"Content-Type: text/disconnect-notice\n" + owner + b"Content-Length: %d\n\n" % len(text) + text


@dataclass(frozen=True)
class Command:
    """One command: its first line, and headers under lower-case names."""

    line: str
    headers: dict[str, str]
    body: str = ""

    def get(self, name: str) -> str:
        """A header by lower-case name, empty when it is not there."""
        return self.headers.get(name, "")


class Framer:
    """Cuts a stream of bytes into commands. Feed it what was read; take what is whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Command]:
        """Add bytes; returns the commands that are now complete. Raises `WireError`."""
        self._buffer += data
        commands = []
        while (command := self._take()) is not None:
            commands.append(command)
        return commands

    def _take(self) -> Command | None:
        while self._buffer.startswith((b"\n", b"\r")):
            del self._buffer[:1]
        end = re.search(rb"\n\r?\n", self._buffer)
        if end is None:
            if len(self._buffer) > MAX_COMMAND:
                raise WireError("a command without end")
            return None
        lines = bytes(self._buffer[: end.start()]).split(b"\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = to_text(line.rstrip(b"\r")).partition(":")
            if colon:
                # The first of several equal headers wins, as a look-up in FreeSWITCH finds it.
                headers.setdefault(name.strip().lower(), value.lstrip(" "))
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            raise WireError(f"Content-Length {length!r}")
        stop = end.end() + int(length)
        if len(self._buffer) < stop:
            return None
        body = to_text(bytes(self._buffer[end.end() : stop]))
        del self._buffer[:stop]
        return Command(to_text(lines[0].rstrip(b"\r")), headers, body)
