"""What a line does with a call: one frozen script for each behaviour seen on real lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.testphone.errors import CallOver
from appliance.testphone.incoming import IncomingCall
from appliance.testphone.message import Header
from appliance.testphone.tones import Sound


@dataclass(frozen=True)
class LineScript:
    """One behaviour; the class methods below name the usual ones. Times are seconds.

    In order: ``dead`` answers nothing at all; silence for ``silent_s``; 100 (unless ``trying`` is off); 183
    with the sound ``early``, or 180 (unless ``ringing`` is off); ``ring_s`` of ringing, endless when None;
    then ``status``: 200 answers, another refuses with ``reason`` and ``headers``. Once answered: says
    ``say``; presses ``press`` after ``press_after_s``; hangs up ``hang_up_after_s`` after the answer;
    vanishes ``vanish_after_s`` after the answer.
    """

    status: int = 200
    reason: str | None = None
    headers: tuple[Header, ...] = ()
    dead: bool = False
    silent_s: float = 0.0
    trying: bool = True
    ringing: bool = True
    ring_s: float | None = 0.1
    early: Sound | None = field(default=None, compare=False)
    say: Sound | None = field(default=None, compare=False)
    press: str = ""
    press_after_s: float = 0.3
    hang_up_after_s: float | None = None
    vanish_after_s: float | None = None

    @classmethod
    def answer(
        cls,
        after: float = 0.1,
        *,
        say: Sound | None = None,
        press: str = "",
        press_after: float = 0.3,
        hang_up_after: float | None = None,
    ) -> LineScript:
        """Rings ``after`` s, answers, says ``say``, presses ``press``, hangs up if told to."""
        return cls(ring_s=after, say=say, press=press, press_after_s=press_after, hang_up_after_s=hang_up_after)

    @classmethod
    def busy(cls, after: float = 0.0) -> LineScript:
        """486 without ringing."""
        return cls(status=486, ringing=False, ring_s=after)

    @classmethod
    def no_answer(cls) -> LineScript:
        """Rings until the caller gives up."""
        return cls(ring_s=None)

    @classmethod
    def reject(cls, after: float = 0.1, status: int = 603) -> LineScript:
        """Rings ``after`` s, then refuses."""
        return cls(status=status, ring_s=after)

    @classmethod
    def not_found(cls) -> LineScript:
        """404 without ringing."""
        return cls(status=404, ringing=False, ring_s=0.0)

    @classmethod
    def unavailable(cls, after: float = 0.0) -> LineScript:
        """480 without ringing."""
        return cls(status=480, ringing=False, ring_s=after)

    @classmethod
    def slow(cls, silent: float = 2.0, after: float = 0.1, *, say: Sound | None = None) -> LineScript:
        """Nothing at all for ``silent`` s, not even 100, then rings and answers."""
        return cls(silent_s=silent, ring_s=after, say=say)

    @classmethod
    def early_media(
        cls, sound: Sound = 450, after: float = 1.0, *, say: Sound | None = None, status: int = 200
    ) -> LineScript:
        """183 with ``sound`` for ``after`` s, then answers or, with another ``status``, refuses."""
        return cls(status=status, early=sound, ring_s=after, say=say)

    @classmethod
    def nothing(cls) -> LineScript:
        """Answers nothing at all, as a phone without power."""
        return cls(dead=True)

    @classmethod
    def vanishes(cls, after: float = 0.5, ring: float = 0.1, *, say: Sound | None = None) -> LineScript:
        """Answers and, ``after`` s later, is gone without a BYE."""
        return cls(ring_s=ring, vanish_after_s=after, say=say)

    async def play(self, call: IncomingCall) -> None:
        """Carries the script out; a caller who gives up ends it early."""
        try:
            await self._ring(call)
            if self.status != 200:
                call.reject(self.status, self.reason, self.headers)
            elif not self.dead:
                call.answer()
                if self.say is None:
                    call.hush()
                else:
                    call.say(self.say)
                await self._talk(call)
        except CallOver:
            return

    async def _ring(self, call: IncomingCall) -> None:
        if self.dead:
            call.vanish()
            return
        if self.silent_s:
            await call.pause(self.silent_s)
        if self.trying:
            call.trying()
        if self.early is not None:
            call.progress(self.early)
        elif self.ringing:
            call.ring()
        if self.ring_s is None:
            await call.ended(timeout=24 * 3600)
        elif self.ring_s:
            await call.pause(self.ring_s)

    async def _talk(self, call: IncomingCall) -> None:
        if self.press:
            await call.pause(self.press_after_s)
            await call.press(self.press)
        if self.hang_up_after_s is not None:
            await call.pause(max(0.0, self.hang_up_after_s - call.since_answer))
            await call.hangup()
        elif self.vanish_after_s is not None:
            await call.pause(max(0.0, self.vanish_after_s - call.since_answer))
            call.vanish()
