"""What a person does with a phone: listens, speaks, presses keys."""

from __future__ import annotations

import time

from appliance.testphone.ear import Key
from appliance.testphone.media import Media
from appliance.testphone.tones import RATE, Samples, Sound, purity, rms
from appliance.testphone.waits import Waits

_LOUD = 0.01
_PURE = 0.7


class Voice(Waits):
    """The sound and the keys of one call. ``answered_at`` is on ``time.monotonic``, or None."""

    def __init__(self, media: Media) -> None:
        super().__init__()
        self.media = media
        self.answered_at: float | None = None

    @property
    def heard(self) -> Samples:
        """Everything heard, int16 at 8 kHz, from the first early media or else the answer, gaps as zeros.

        It reaches to the present moment or the end of the call. Position ``n`` is ``n / 8000`` s on the clock
        of ``now``.
        """
        return self.media.ear.audio(time.monotonic())

    @property
    def heard_at(self) -> list[float]:
        """When each packet of speech arrived, in seconds on the clock of ``now``."""
        return self.media.ear.at

    @property
    def dtmf_heard(self) -> list[Key]:
        """Every key heard, by telephone-event or INFO, in order."""
        return self.media.ear.keys

    @property
    def keys_heard(self) -> str:
        """The keys of ``dtmf_heard`` as one text."""
        return "".join(key.key for key in self.dtmf_heard)

    @property
    def now(self) -> float:
        """Seconds since the zero of ``heard``; 0.0 before it."""
        zero = self.media.ear.zero
        return 0.0 if zero is None else time.monotonic() - zero

    @property
    def since_answer(self) -> float:
        """Seconds since the answer; 0.0 before it."""
        return 0.0 if self.answered_at is None else time.monotonic() - self.answered_at

    def say(self, sound: Sound, *, loop: bool = False) -> None:
        """Says a tone (Hz, endless), a WAV file (path) or samples from now or from the start of the media."""
        self.media.say(sound, loop=loop)

    def hush(self) -> None:
        """Says silence, which is sent as well: the media path stays alive."""
        self.media.say(None)

    async def press(self, keys: str, ms: int = 100, gap_ms: int = 100) -> None:
        """Presses keys one after the other by telephone-events (RFC 4733), each ``ms`` long.

        Returns when the last end packet is sent. Raises NoTelephoneEvent, CallOver.
        """
        for at, key in enumerate(keys):
            if at:
                await self.pause(gap_ms / 1000)
            await self.media.press(key, ms)

    async def hears(self, hz: float, timeout: float = 5.0, *, seconds: float = 0.2) -> float:
        """Waits until the last ``seconds`` heard are the tone ``hz``; returns ``now`` then."""
        count = round(seconds * RATE)

        def reached() -> bool:
            last = self.heard[-count - RATE // 10 : -RATE // 10]
            return len(last) == count and rms(last) > _LOUD and purity(last, hz) > _PURE

        await self._poll(reached, timeout, f"a tone of {hz} Hz")
        return self.now

    async def hears_keys(self, keys: str, timeout: float = 5.0) -> None:
        """Waits until ``keys`` are in ``keys_heard``."""
        await self._poll(lambda: keys in self.keys_heard, timeout, f"keys {keys} (heard {self.keys_heard!r})")
