"""What a phone has heard: sound laid out on wall time, and keys."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from appliance.testphone.g711 import Samples
from appliance.testphone.rtp import KEYS, Packet, TelephoneEvent
from appliance.testphone.tones import RATE

RESYNC_S = 0.1
"""A sender's clock is believed until it differs from the arrival by more than this."""

LATE_S = 0.5
"""A packet may be this late on its way; a timestamp that leads by more is another clock."""

_WINDOW = 25  # packets, as many as are sent in LATE_S


@dataclass
class Key:
    """A key that was heard.

    ``at`` is when its first packet came, in seconds on the clock of ``heard``; ``ms`` how long it was held;
    ``packets`` and ``ends`` how many packets and end packets came, ``marked`` whether the first had the
    marker bit (all 0 or False for ``how="info"``).
    """

    key: str
    at: float
    ms: int
    how: str = "rfc4733"
    packets: int = 0
    ends: int = 0
    marked: bool = False


@dataclass(frozen=True)
class _Piece:
    """A packet's sound; ``arrived`` and ``stamp`` count samples, ``stamp`` without its wrap at 2**32."""

    arrived: int
    stamp: int
    ssrc: int
    samples: Samples


class Ear:
    """Keeps everything that arrives.

    Sound is placed by its RTP timestamps, so that late delivery does not tear it. Where they lie on wall time is
    told by the packet with the shortest way among those of the next ``LATE_S``: after a stall a burst of packets
    is late, and the last of them shows by how much; after a pause that the sender's clock left out, all are.
    Nothing received stays zero.
    """

    def __init__(self) -> None:
        self.zero: float | None = None
        self.closed: float | None = None
        self.at: list[float] = []
        self.keys: list[Key] = []
        self._whole: Samples = np.zeros(RATE, dtype=np.int16)
        self._recent: deque[_Piece] = deque()
        self._last: tuple[int, int] | None = None
        self._anchor: tuple[int, int] | None = None
        self._key_stamp: tuple[int, int] | None = None

    def start(self, now: float) -> float:
        """Sets the zero of the clock (``time.monotonic``), unless early media did already; returns it."""
        if self.zero is None:
            self.zero = now
        return self.zero

    def close(self, now: float) -> None:
        """The call is over: ``audio`` grows no longer."""
        if self.closed is None:
            self.closed = now

    def sound(self, arrival: float, packet: Packet, samples: Samples) -> None:
        """A packet of speech that arrived at ``arrival`` (``time.monotonic``)."""
        zero = self.start(arrival)
        self.at.append(arrival - zero)
        stamp = packet.timestamp
        if self._last is not None and self._last[0] == packet.ssrc:
            # Timestamps wrap at 2**32: the difference is read as a signed 32-bit number.
            stamp = self._last[1] + (stamp - self._last[1] + 0x80000000) % 0x100000000 - 0x80000000
        self._last = (packet.ssrc, stamp)
        self._recent.append(_Piece(round((arrival - zero) * RATE), stamp, packet.ssrc, samples))
        if len(self._recent) > _WINDOW:
            place, self._anchor = self._settle(list(self._recent), self._anchor)
            self._whole = _placed(self._whole, place, self._recent.popleft().samples)

    def event(self, arrival: float, packet: Packet, event: TelephoneEvent) -> None:
        """A telephone-event packet: packets of one timestamp are one key (RFC 4733 section 2.3.1)."""
        if event.code >= len(KEYS):
            return
        zero = self.start(arrival)
        stamp = (packet.ssrc, packet.timestamp)
        if stamp != self._key_stamp:
            self._key_stamp = stamp
            self.keys.append(Key(KEYS[event.code], arrival - zero, 0, marked=packet.marker))
        key = self.keys[-1]
        key.packets += 1
        key.ends += event.end
        key.ms = max(key.ms, event.duration * 1000 // RATE)

    def audio(self, now: float) -> Samples:
        """Everything heard since the zero, up to ``now`` or to the end of the call."""
        if self.zero is None:
            return np.zeros(0, dtype=np.int16)
        until = now if self.closed is None else self.closed
        length = max(0, round((until - self.zero) * RATE))
        whole = np.zeros(length, dtype=np.int16)
        settled = self._whole[:length]
        whole[: len(settled)] = settled
        anchor, recent = self._anchor, list(self._recent)
        for at, piece in enumerate(recent):
            place, anchor = self._settle(recent[at:], anchor)
            whole = _placed(whole, place, piece.samples)
        return whole[:length]

    def _settle(self, pieces: list[_Piece], anchor: tuple[int, int] | None) -> tuple[int, tuple[int, int]]:
        """Where the first of ``pieces`` belongs, and the anchor (SSRC, samples between stamp and place)."""
        first = pieces[0]
        own = first.arrived - first.stamp
        ways = (piece.arrived - piece.stamp for piece in pieces if piece.ssrc == first.ssrc)
        best = min(way for way in ways if way >= own - LATE_S * RATE)
        if anchor is None or anchor[0] != first.ssrc or abs(best - anchor[1]) > RESYNC_S * RATE:
            anchor = (first.ssrc, best)
        return anchor[1] + first.stamp, anchor


def _placed(whole: Samples, start: int, samples: Samples) -> Samples:
    """``whole`` with ``samples`` at ``start``, grown where needed; what lies before its beginning is left out."""
    if start < 0:
        start, samples = 0, samples[-start:]
    end = start + len(samples)
    if end > len(whole):
        whole = np.concatenate([whole, np.zeros(end, dtype=np.int16)])
    whole[start:end] = samples
    return whole
