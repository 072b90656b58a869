"""RTP packets (RFC 3550 section 5.1) and telephone-events in them (RFC 4733 section 2.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from appliance.testphone.errors import MessageError

KEYS = "0123456789*#ABCD"
"""A key's place in this string is its event code (RFC 4733 section 3.2)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet; ``timestamp`` counts samples, ``payload_type`` is 0 to 127."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        """The bytes on the wire: version 2, no padding, extension or contributing sources."""
        second = self.payload_type | (0x80 if self.marker else 0)
        head = struct.pack("!BBHII", 0x80, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
        return head + self.payload


def parse_rtp(data: bytes) -> Packet:
    """A datagram as a packet. Raises MessageError when it is no RTP of version 2 or is cut off."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise MessageError(f"no RTP: {data[:16]!r}")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    start, end = 12 + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if len(data) < start + 4:
            raise MessageError("RTP header extension is cut off")
        start += 4 + 4 * int(struct.unpack_from("!H", data, start + 2)[0])
    if first & 0x20:
        end -= data[-1]
    if start > end:
        raise MessageError("RTP packet is cut off")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """The payload of one telephone-event packet; ``duration`` counts samples since the key went down."""

    code: int
    end: bool
    duration: int
    volume: int = 10

    def encode(self) -> bytes:
        """Four bytes."""
        return struct.pack("!BBH", self.code, (0x80 if self.end else 0) | self.volume, self.duration)


def parse_event(payload: bytes) -> TelephoneEvent:
    """A telephone-event payload. Raises MessageError when it is shorter than four bytes."""
    if len(payload) < 4:
        raise MessageError("telephone-event is cut off")
    code, flags, duration = struct.unpack_from("!BBH", payload)
    return TelephoneEvent(code, bool(flags & 0x80), duration, flags & 0x3F)
