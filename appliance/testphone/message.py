"""SIP messages as bytes (RFC 3261 section 7), and the values inside their headers.

Nothing is decoded on the way in or out: a display name in GBK or a hostile byte stays what it was on the
wire. ``text`` gives a latin-1 view, which never fails and loses nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance.testphone.errors import MessageError

Header = tuple[bytes, bytes]

_COMPACT = {
    b"i": b"call-id", b"m": b"contact", b"e": b"content-encoding", b"l": b"content-length",
    b"c": b"content-type", b"f": b"from", b"s": b"subject", b"k": b"supported", b"t": b"to", b"v": b"via",
}  # fmt: skip
_FOLD = re.compile(rb"\r\n[ \t]+")
_TAG = re.compile(rb"tag=([^;,\s]+)", re.IGNORECASE)
_BRANCH = re.compile(rb";\s*branch=([^;,\s]+)", re.IGNORECASE)

REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 420: "Bad Extension", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable", 603: "Decline",
}  # fmt: skip


def canonical(name: bytes) -> bytes:
    """A header's name in lower case and long form (RFC 3261 section 7.3.3)."""
    lower = name.strip().lower()
    return _COMPACT.get(lower, lower)


@dataclass(slots=True)
class Message:
    """A request or a response: the start line, the headers in their order, the body."""

    start: bytes
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        """False for a response."""
        return not self.start.upper().startswith(b"SIP/2.0 ")

    @property
    def method(self) -> str:
        """The request's method; for a response that of its CSeq."""
        return self.start.split(b" ", 1)[0].decode("latin-1") if self.is_request else self.cseq[1]

    @property
    def uri(self) -> bytes:
        """The request's URI."""
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        """The response's status."""
        return int(self.start.split(b" ", 2)[1])

    @property
    def reason(self) -> str:
        """The response's reason phrase."""
        return self.start.split(b" ", 2)[2].decode("latin-1")

    def get(self, name: str) -> bytes | None:
        """The first header of that name as it came, or None. Names are compared without regard to case."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[bytes]:
        """Every header of that name, in order."""
        wanted = canonical(name.encode("latin-1"))
        return [value for key, value in self.headers if canonical(key) == wanted]

    def text(self, name: str) -> str | None:
        """``get`` as latin-1."""
        value = self.get(name)
        return None if value is None else value.decode("latin-1")

    def need(self, name: str) -> bytes:
        """``get``; MessageError when it is missing."""
        value = self.get(name)
        if value is None:
            raise MessageError(f"no {name} header")
        return value

    @property
    def call_id(self) -> bytes:
        """Call-ID."""
        return self.need("Call-ID")

    @property
    def cseq(self) -> tuple[int, str]:
        """CSeq's number and method."""
        parts = self.need("CSeq").split()
        if len(parts) != 2 or not parts[0].isdigit():
            raise MessageError(f"CSeq {self.get('CSeq')!r}")
        return int(parts[0]), parts[1].decode("latin-1")

    @property
    def branch(self) -> bytes:
        """The topmost Via's branch; empty when it has none (RFC 2543 peers)."""
        found = _BRANCH.search(self.need("Via"))
        return found.group(1) if found else b""

    @property
    def from_tag(self) -> bytes:
        """From's tag, empty when there is none."""
        return tag_of(self.need("From"))

    @property
    def to_tag(self) -> bytes:
        """To's tag, empty when there is none."""
        return tag_of(self.need("To"))

    def encode(self) -> bytes:
        """The bytes on the wire; Content-Length is counted here (RFC 3261 section 20.14)."""
        lines = [self.start]
        lines += [k + b": " + v for k, v in self.headers if canonical(k) != b"content-length"]
        lines += [b"Content-Length: %d" % len(self.body), b"", self.body]
        return b"\r\n".join(lines)


def parse(data: bytes) -> Message:
    """A datagram as a message.

    Raises MessageError when there is no start line, no end of headers, a line without a colon, or Via, CSeq,
    Call-ID, From or To is missing.
    """
    head, end, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    lines = _FOLD.sub(b" ", head).split(b"\r\n")
    words = lines[0].split(b" ")
    if not end or len(words) < 3:
        raise MessageError(f"no SIP message: {data[:60]!r}")
    message = Message(lines[0])
    if not message.is_request and not words[1].isdigit():
        raise MessageError(f"status line {lines[0]!r}")
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            raise MessageError(f"header line {line!r}")
        message.headers.append((name.strip(), value.strip()))
    for needed in ("Via", "Call-ID", "From", "To"):
        message.need(needed)
    if message.cseq[1] != message.method:
        raise MessageError(f"CSeq {message.get('CSeq')!r} of {message.start!r}")
    length = message.get("Content-Length")
    message.body = body[: int(length)] if length is not None and length.isdigit() else body
    return message


def response_to(
    request: Message,
    status: int,
    *,
    to_tag: bytes = b"",
    reason: str | None = None,
    headers: Iterable[Header] = (),
    body: bytes = b"",
) -> Message:
    """A response with the headers that must be copied (RFC 3261 section 8.2.6.2, 12.1.1)."""
    phrase = reason if reason is not None else REASONS.get(status, "Unknown")
    answer = Message(b"SIP/2.0 %d " % status + phrase.encode("latin-1"), body=body)
    for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq"):
        for value in request.all(name):
            if name == "To" and to_tag and not tag_of(value):
                value += b";tag=" + to_tag
            answer.headers.append((name.encode(), value))
    answer.headers.extend(headers)
    return answer


def tag_of(value: bytes) -> bytes:
    """The tag of a From or To value. Looked for after the address, so that ``tag=`` in a name is not it."""
    found = _TAG.search(value[value.rfind(b">") + 1 :])
    return found.group(1) if found else b""


def split_list(value: bytes) -> list[bytes]:
    """A header's comma-separated values; commas in quotes and in angle brackets do not separate."""
    parts, start, quoted, angle, skip = [], 0, False, False, False
    for at, byte in enumerate(value):
        if skip:
            skip = False
        elif quoted:
            skip, quoted = byte == 0x5C, byte != 0x22
        elif byte == 0x22:
            quoted = True
        elif byte in b"<>":
            angle = byte == 0x3C
        elif byte == 0x2C and not angle:
            parts.append(value[start:at].strip())
            start = at + 1
    return [*parts, value[start:].strip()]


def new_branch() -> bytes:
    """A branch with the magic cookie of RFC 3261 section 8.1.1.7."""
    return b"z9hG4bK" + secrets.token_hex(10).encode()


def new_tag() -> bytes:
    """A tag with 48 random bits (RFC 3261 section 19.3 asks for 32)."""
    return secrets.token_hex(6).encode()
