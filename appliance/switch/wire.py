"""The event socket's framing: bytes to frames, and headers looked up where they lie.

A frame is a block of ``Name: value`` lines, an empty line, and a body of ``Content-Length`` bytes; an event is
such a block once more, in the body (mod_event_socket ``read_packet`` and ``listener_run``). Lines are split
before values are decoded, and a decoded newline never becomes structure: a display name of ``%0AReply-Text:``
stays a display name. Nothing is decoded that nobody asks for: an event carries some 8 kB of variables, of
which a call looks at five.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from appliance.errors import SwitchError

#: A channel's data with all its variables is about 10 kB; a SIP message cannot be longer than 64 kB.
MAX_HEAD_BYTES = 512 * 1024
#: ``show channels as json`` of 2,000 channels is about 3 MB.
MAX_BODY_BYTES = 16 * 1024 * 1024


def text(value: bytes) -> str:
    """Bytes of unknown origin as text: UTF-8, else GB18030 (Chinese trunks send GBK), else with U+FFFD.

    >>> text("张".encode()) == text("张".encode("gbk")) == "张"
    True
    >>> text(b"400\\xff")
    '400\ufffd'
    """
    for encoding in ("utf-8", "gb18030"):
        try:
            return value.decode(encoding)
        except UnicodeDecodeError:
            continue
    return value.decode("utf-8", "replace")


@lru_cache(maxsize=64)
def _any_case(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\n" + re.escape(name) + rb": ([^\n]*)", re.IGNORECASE)


class Headers:
    """A block of header lines, looked up by name. Values are URL-encoded on the wire; they come out decoded."""

    __slots__ = ("_block",)

    def __init__(self, block: bytes) -> None:
        # The leading newline lets one search find a name at the beginning of any line and nowhere else.
        self._block = b"\n" + block

    def raw(self, name: bytes) -> bytes | None:
        """The value as it stands on the wire, of the first header of that very name; None: there is none."""
        mark = b"\n" + name + b": "
        at = self._block.find(mark)
        if at < 0:
            return None
        at += len(mark)
        end = self._block.find(b"\n", at)
        return self._block[at:] if end < 0 else self._block[at:end]

    def raw_last(self, name: bytes) -> bytes | None:
        """As ``raw``, searched from the end: what the switch adds to a channel's data stands behind it."""
        mark = b"\n" + name + b": "
        at = self._block.rfind(mark)
        if at < 0:
            return None
        at += len(mark)
        end = self._block.find(b"\n", at)
        return self._block[at:] if end < 0 else self._block[at:end]

    def get(self, name: bytes, default: str = "") -> str:
        """The value as text."""
        value = self.raw(name)
        return default if value is None else _decoded(value)

    def get_any_case(self, name: bytes, default: str = "") -> str:
        """As ``get``, without regard to case: ``variable_sip_h_…`` is spelled as the SIP header was."""
        found = _any_case(name).search(self._block)
        return default if found is None else _decoded(found[1])

    def starting(self, prefix: bytes) -> Iterator[tuple[str, str]]:
        """Names and values of every header whose name begins so."""
        mark = b"\n" + prefix
        at = self._block.find(mark)
        while at >= 0:
            end = self._block.find(b"\n", at + 1)
            line = self._block[at + 1 :] if end < 0 else self._block[at + 1 : end]
            name, colon, value = line.partition(b": ")
            if colon:
                yield text(name), _decoded(value)
            at = -1 if end < 0 else self._block.find(mark, end)

    def __len__(self) -> int:
        """Bytes of the block."""
        return len(self._block) - 1


def _decoded(value: bytes) -> str:
    if value == b"_undef_":  # how switch_event_serialize writes an empty value
        return ""
    return text(unquote_to_bytes(value) if b"%" in value else value)


class Frame(Headers):
    """What came in at once: a reply, an event or a notice. ``kind`` is its Content-Type."""

    __slots__ = ("body", "kind")

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__(head)
        self.kind = self.raw(b"Content-Type") or b""
        self.body = body

    @property
    def reply(self) -> str:
        """``+OK …`` or ``-ERR …``: the Reply-Text of a command, the body of an API call."""
        if self.kind == b"api/response":
            return text(self.body)
        return self.get(b"Reply-Text").strip()

    def event(self) -> Headers:
        """The headers of the event that the body holds (``text/event-plain``), without the event's own body."""
        return Headers(self.body.partition(b"\n\n")[0])


class Framer:
    """Bytes in, whole frames out, however the bytes were cut."""

    def __init__(self, max_head: int = MAX_HEAD_BYTES, max_body: int = MAX_BODY_BYTES) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._head: bytes | None = None
        self._length = 0
        self._max_head = max_head
        self._max_body = max_body

    @property
    def in_frame(self) -> bool:
        """Whether bytes of an unfinished frame are held: an end of file now is in its midst."""
        return self._head is not None or bool(self._buffer.strip(b"\n"))

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Frames that are whole with these bytes.

        :raises SwitchError: what came is no event socket, or exceeds the limits.
        """
        self._buffer += data
        while True:
            if self._head is None and not self._take_head():
                return
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            head, self._head = self._head or b"", None
            yield Frame(head, body)

    def _take_head(self) -> bool:
        """Cut a header block off the buffer; False while it is not whole."""
        buffer = self._buffer
        if buffer.startswith(b"\n"):
            # Some replies end in more than one empty line (userauth, "Reply-Text: +OK\n").
            del buffer[: len(buffer) - len(buffer.lstrip(b"\n"))]
            self._searched = 0
        end = buffer.find(b"\n\n", self._searched)
        if end < 0:
            self._searched = max(0, len(buffer) - 1)
            if len(buffer) > self._max_head:
                raise SwitchError(f"event socket: header block of more than {self._max_head} bytes")
            return False
        if end > self._max_head:
            raise SwitchError(f"event socket: header block of {end} bytes")
        self._head = bytes(buffer[:end])
        del buffer[: end + 2]
        self._searched = 0
        self._length = self._body_length(self._head)
        return True

    def _body_length(self, head: bytes) -> int:
        value = Headers(head).raw(b"Content-Length")
        if value is None:
            return 0
        if not value.isdigit():
            raise SwitchError(f"event socket: Content-Length {value[:40]!r}")
        length = int(value) if len(value) < 12 else self._max_body + 1
        if length > self._max_body:
            raise SwitchError(f"event socket: body of {length} bytes")
        return length
