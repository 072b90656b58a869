"""What a phone sends: one frame each 20 ms from a source, silence when there is none, keys in between."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from appliance.testphone.g711 import Codec
from appliance.testphone.rtp import KEYS, Packet, TelephoneEvent
from appliance.testphone.tones import FRAME, Source

TICK_S = 0.020
_LATE_TICKS = 10
_SILENCE = np.zeros(FRAME, dtype=np.int16)


@dataclass
class _Press:
    code: int
    ticks: int
    done: asyncio.Future[None]
    elapsed: int = 0
    stamp: int = 0


class Mouth:
    """Makes the packets of each tick; ``run`` sends them on a monotonic clock.

    ``send`` takes a packet's bytes. ``payload`` and ``codec`` say how to code speech, ``dtmf`` is the other
    side's telephone-event payload type or None.
    """

    def __init__(self, send: Callable[[bytes], None], payload: int, codec: Codec, dtmf: int | None) -> None:
        self.payload, self.codec, self.dtmf = payload, codec, dtmf
        self.source: Source | None = None
        self.hushed = asyncio.Event()
        self.hushed.set()
        self.sent = 0
        self._send = send
        self._sequence = secrets.randbits(15)
        self._stamp = secrets.randbits(31)
        self._ssrc = secrets.randbits(32)
        self._first = True
        self._presses: deque[_Press] = deque()

    def say(self, source: Source | None) -> None:
        """Replaces what is being said; None is silence."""
        self.source = source
        if source is None:
            self.hushed.set()
        else:
            self.hushed.clear()

    async def press(self, key: str, ms: int) -> None:
        """Holds ``key`` for ``ms`` milliseconds (40 to 8000) and returns when its end packets are sent.

        8000 ms is where the duration field of 16 bits ends; a longer key would need RFC 4733 section 2.5.1.3.
        """
        code = KEYS.find(key.upper()) if len(key) == 1 else -1
        if code < 0 or not 40 <= ms <= 8000:
            raise ValueError(f"key {key!r} for {ms} ms")
        press = _Press(code, round(ms / 20), asyncio.get_running_loop().create_future())
        self._presses.append(press)
        await press.done

    def stop(self) -> None:
        """Wakes whoever waits for a key or for the end of speech."""
        while self._presses:
            self._presses.popleft().done.cancel()
        self.hushed.set()

    async def run(self) -> None:
        """Sends until cancelled.

        After a short stall the missed frames follow at once, so that the far end's clock fits; a stall over
        ``_LATE_TICKS`` frames is left out of the stream as a jump of the timestamp.
        """
        start = time.monotonic()
        tick = 0
        while True:
            late = int((time.monotonic() - start) / TICK_S) - tick
            if late > _LATE_TICKS:
                tick += late
                self._stamp += late * FRAME
            for packet in self._tick():
                self._send(packet.encode())
                self.sent += 1
            tick += 1
            await asyncio.sleep(max(0.0, start + tick * TICK_S - time.monotonic()))

    def _tick(self) -> list[Packet]:
        frame = self.source.frame() if self.source is not None else None
        if frame is None:
            self.say(None)
        stamp = self._stamp
        self._stamp += FRAME
        if self._presses and self.dtmf is not None:
            return self._key(self._presses[0], stamp, self.dtmf)
        marker, self._first = self._first, False
        sound = self.codec.encode(_SILENCE if frame is None else frame)
        return [self._packet(self.payload, stamp, sound, marker)]

    def _key(self, press: _Press, stamp: int, payload_type: int) -> list[Packet]:
        """One tick of a key: every packet carries the timestamp of its start; the last is sent three times
        (RFC 4733 section 2.5.1.4)."""
        if not press.elapsed:
            press.stamp = stamp
        press.elapsed += 1
        end = press.elapsed >= press.ticks
        event = TelephoneEvent(press.code, end, press.elapsed * FRAME).encode()
        marker = press.elapsed == 1
        packets = [self._packet(payload_type, press.stamp, event, marker) for _ in range(3 if end else 1)]
        if end:
            self._presses.popleft()
            if not press.done.done():
                press.done.set_result(None)
        return packets

    def _packet(self, payload_type: int, stamp: int, payload: bytes, marker: bool) -> Packet:
        self._sequence += 1
        return Packet(payload_type, self._sequence, stamp, self._ssrc, payload, marker)
