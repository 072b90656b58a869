"""What a phone has heard: sound laid out on wall time, and keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.testphone.g711 import Samples
from appliance.testphone.rtp import KEYS, Packet, TelephoneEvent
from appliance.testphone.tones import RATE

RESYNC_S = 0.1
"""A sender's clock is believed until it differs from the arrival by more than this."""


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


class Ear:
    """Keeps everything that arrives.

    Sound is placed by its RTP timestamps, so that late delivery does not tear it, on an anchor taken from the
    arrival of the first packet; a new SSRC, or a timestamp that leads or lags the arrival by more than
    ``RESYNC_S``, sets a new anchor. Nothing received stays zero.
    """

    def __init__(self) -> None:
        self.zero: float | None = None
        self.closed: float | None = None
        self.at: list[float] = []
        self.keys: list[Key] = []
        self._pieces: list[tuple[int, Samples]] = []
        self._anchor: tuple[int, int, int] | None = None
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
        arrived = round((arrival - zero) * RATE)
        if self._anchor is not None and self._anchor[0] == packet.ssrc:
            _, stamp, place = self._anchor
            # Timestamps wrap at 2**32: the difference is read as a signed 32-bit number.
            expected = place + (packet.timestamp - stamp + 0x80000000) % 0x100000000 - 0x80000000
            if abs(expected - arrived) <= RESYNC_S * RATE:
                self._place(expected, samples)
                return
        self._anchor = (packet.ssrc, packet.timestamp, arrived)
        self._place(arrived, samples)

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
        length = max([length, *(start + len(piece) for start, piece in self._pieces[-5:])])
        whole = np.zeros(length, dtype=np.int16)
        for start, piece in self._pieces:
            whole[start : start + len(piece)] = piece[: max(0, length - start)]
        return whole

    def _place(self, start: int, samples: Samples) -> None:
        if start < 0:  # reordered before the very first packet
            start, samples = 0, samples[-start:]
        self._pieces.append((start, samples))
