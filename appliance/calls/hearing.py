"""What a caller hears while he waits in a queue: music, and over it where he stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from appliance.calls.desk import Desk
from appliance.calls.ticket import Ticket
from appliance.domain.queue import Queue, minutes_told
from appliance.domain.speech import callback_prompts, position_prompts
from appliance.switch.leg import Digits, Leg

#: Without any music, how long the caller hears nothing before we look again.
_SILENCE_S = 2.0
_log = structlog.get_logger(__name__)


class Hearing:
    """One caller's. At first he is told his position, then music follows in the same breath; when it is time again
    he is told over the music, which goes on beneath: the switch swaps the frames, so there is no pause, and nobody
    has to be woken for it.

    :param resumed: he comes back from dead handlers: he hears music first. What they had said over his music is
        over by itself in a few seconds.
    """

    def __init__(self, leg: Leg, ticket: Ticket, queue: Queue, desk: Desk, *, resumed: bool) -> None:
        self._leg = leg
        self._ticket = ticket
        self._queue = queue
        self._desk = desk
        self._told_at = desk.now() if resumed else None
        self._every = timedelta(seconds=queue.announce_s)
        #: What was said over his music last; it may be heard still.
        self._over: Path | None = None
        ticket.tell = self._tell

    def go_on(self, ends: datetime, keys: str) -> str:
        """Let him hear until the sounds are over, he is woken, or presses one of ``keys``: that key.

        :param ends: when he is to be woken at the latest.
        """
        queue = self._queue
        music = self._found(queue.music)
        sounds = self._announcement() if self._is_due() else []
        self._ticket.tell_at = None
        if music is not None:
            sounds.append(music)
            if self._every and self._told_at is not None:
                self._ticket.tell_at = self._told_at + self._every
        self._ticket.wake_at = ends
        return self._heard(sounds, keys)

    def hush(self) -> None:
        """What follows is not to be spoken over."""
        over, self._over = self._over, None
        if over is not None:
            self._desk.dispatcher.hush(self._ticket, over)

    def _is_due(self) -> bool:
        if not self._every:
            return False
        return self._told_at is None or self._desk.now() - self._told_at >= self._every

    def _heard(self, sounds: Sequence[Path], keys: str) -> str:
        self._ticket.asleep = True
        try:
            heard = self._leg.wait(sounds, keys) if sounds else self._leg.collect(None, _SILENCE_S)
        finally:
            self._ticket.asleep = False
        return heard.keys if isinstance(heard, Digits) and heard.keys in keys else ""

    def _tell(self) -> None:
        """Tell him over his music. Where that cannot be he is woken, and told before it."""
        before = self._told_at
        said = self._announcement()
        self._ticket.tell_at = self._desk.now() + self._every
        if len(said) != 1:
            self._told_at = before
            self._ticket.wake_at = self._desk.now()
            return
        # Known before it is heard: he may be woken while the order is under way.
        self._over = said[0]
        if not self._desk.dispatcher.say_over(self._ticket, said[0]):
            _log.warning("position not told", call=self._ticket.waiting.uuid)

    def _announcement(self) -> list[Path]:
        """His position and what he has to expect; he is told now."""
        desk, ticket, queue = self._desk, self._ticket, self._queue
        first, self._told_at = self._told_at is None, desk.now()
        wait_for = desk.dispatcher.expected_wait(queue, ticket)
        minutes = None if wait_for is None else minutes_told(wait_for)
        names = position_prompts(max(1, desk.dispatcher.place(ticket)), minutes) + callback_prompts(
            queue.callback.key
        )
        found = [self._found(name) for name in (*(("queue-busy",) if first else ()), *names)]
        return desk.together([path for path in found if path is not None])

    def _found(self, name: str) -> Path | None:
        path = self._desk.find_prompt(self._queue.account, name)
        if path is None:
            _log.error("prompt missing", prompt=name, account=self._queue.account)
        return path
