"""RTP packets: reading and writing, keys as telephone-events, and a small jitter buffer.

Sources: RFC 3550 section 5.1 (header), RFC 4733 section 2.3 (telephone-events).
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from appliance.miniswitch.g711 import FRAME

KEYS = "0123456789*#ABCD"

_HEADER = struct.Struct("!BBHII")
_LONGEST_BUFFER = 6 * FRAME
_WANTED_BUFFER = 2 * FRAME


@dataclass(frozen=True)
class Packet:
    """The parts of an RTP packet that matter here."""

    kind: int
    marker: bool
    sequence: int
    stamp: int
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Read a datagram; None when it is not RTP version 2."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    first, second, sequence, stamp, _ = _HEADER.unpack_from(data)
    start, end = 12 + 4 * (first & 15), len(data)
    if first & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= data[-1]
    if start > end:
        return None
    return Packet(second & 127, second > 127, sequence, stamp, data[start:end])


class Writer:
    """Numbers the packets of one outgoing stream.

    `clock` is the stream's time in samples; the media thread moves it on at every tick, so that a
    pause in what is sent shows as a jump of the timestamp, as RFC 3550 wants.
    """

    def __init__(self) -> None:
        self.source = random.getrandbits(32)
        self.clock = random.getrandbits(31)
        self._sequence = random.getrandbits(15)

    def packet(self, kind: int, payload: bytes, marker: bool = False, stamp: int | None = None) -> bytes:
        """The next packet of payload type `kind`, at `clock` or at the given timestamp."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        when = (self.clock if stamp is None else stamp) & 0xFFFFFFFF
        return _HEADER.pack(0x80, kind | (128 if marker else 0), self._sequence, when, self.source) + payload


class KeyReader:
    """Turns telephone-event packets into keys: one key an event, however many packets it took."""

    def __init__(self) -> None:
        self._stamp: int | None = None
        self._key = ""
        self._done = True

    def feed(self, payload: bytes, stamp: int) -> str:
        """The keys that this packet completes: none, one, or two when the end of one was lost."""
        if len(payload) < 4 or payload[0] >= len(KEYS):
            return ""
        keys = ""
        if stamp != self._stamp:
            keys = "" if self._done else self._key
            self._stamp, self._key, self._done = stamp, KEYS[payload[0]], False
        if payload[1] & 0x80 and not self._done:
            self._done = True
            keys += self._key
        return keys


class JitterBuffer:
    """Evens out arrival: filled by the RTP thread, emptied by one frame a tick of the media thread.

    Works on bytes, so that any packet length will do. Waits for two frames at the start of speech,
    drops the oldest when a sender's clock runs ahead. Single operations on a bytearray are atomic,
    and each side does only its own.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._last: int | None = None
        self._flowing = False
        self._waited = 0

    def put(self, packet: Packet) -> None:
        """Add a packet's sound; one that comes twice or far too late is dropped."""
        if self._last is not None and (packet.sequence - self._last - 1) & 0xFFFF >= 0x8000:
            return
        self._last = packet.sequence
        self._bytes += packet.payload

    def take(self) -> bytes | None:
        """160 bytes, or None when there is nothing to play at this tick."""
        held = len(self._bytes)
        if held > _LONGEST_BUFFER:
            del self._bytes[: held - _WANTED_BUFFER]
            held = _WANTED_BUFFER
        if not self._flowing:
            self._waited = self._waited + 1 if held >= FRAME else 0
            if held < _WANTED_BUFFER and self._waited < 3:
                return None
            self._flowing, self._waited = True, 0
        if held < FRAME:
            self._flowing = False
            return None
        frame = bytes(self._bytes[:FRAME])
        del self._bytes[:FRAME]
        return frame
