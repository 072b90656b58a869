"""The sender: takes what is next from the outbox, has it delivered, says what became of it.

Each hook has one message under way, the oldest, so messages come in their order; hooks do not wait for one another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from datetime import datetime

import structlog

from appliance.domain.hook import Hook, Message
from appliance.domain.retry import is_due, next_try
from appliance.notify.verdict import Verdict, refused
from appliance.store.outbox_sending import Claimed, Head, SendingOutbox

_log = structlog.get_logger(__name__)

#: Delivers a message to a hook; the number is that of the try.
Deliver = Callable[[Hook, Message, int], Verdict]


class Sender:
    """For one thread; ``deliver`` is called in the executor's."""

    def __init__(
        self,
        outbox: SendingOutbox,
        hooks: Callable[[], Mapping[str, Hook] | None],
        deliver: Deliver,
        executor: Executor,
        now: Callable[[], datetime],
        dice: random.Random,
        pause: Callable[[float], object],
    ) -> None:
        """``pause``: waits so many seconds, or less when there is a reason."""
        self._outbox = outbox
        self._hooks = hooks
        self._deliver = deliver
        self._executor = executor
        self._now = now
        self._dice = dice
        self._pause = pause
        self._under_way: dict[Future[Verdict], Claimed] = {}

    def step(self, pause_s: float) -> None:
        """Begin whatever is due, then wait for the end of what is under way, for ``pause_s`` at most."""
        hooks = self._hooks()
        if hooks is not None:
            for head in self._outbox.heads():
                self._begin(head, hooks)
        if self._under_way:
            self._wait(pause_s)
        else:
            self._pause(pause_s)

    def finish(self) -> None:
        """Begin nothing more; say what became of what is under way."""
        while self._under_way:
            self._wait(None)

    def _wait(self, pause_s: float | None) -> None:
        done, _ = wait(self._under_way, timeout=pause_s, return_when=FIRST_COMPLETED)
        for one in done:
            self._settle(self._under_way.pop(one), one)

    def _begin(self, head: Head, hooks: Mapping[str, Hook]) -> None:
        now, hook = self._now(), hooks.get(head.message.hook)
        if head.is_claimed(now):
            return
        if not is_due(head.due_at, head.last_try, hook.per_minute if hook else 0, now):
            return
        claimed = self._outbox.claim(head, now)
        if claimed is None:
            return
        if hook is None:
            self._judge(claimed, refused(f"there is no hook {head.message.hook}"))
            return
        self._under_way[self._executor.submit(self._deliver, hook, claimed.message, claimed.tries)] = claimed

    def _settle(self, claimed: Claimed, future: Future[Verdict]) -> None:
        fault = future.exception()
        if fault is None:
            self._judge(claimed, future.result())
            return
        # A fault of ours must not stop the others' messages, nor be tried for ever.
        _log.error("message could not be delivered", message=claimed.message.id, exc_info=fault)
        self._judge(claimed, refused(f"a fault of the appliance: {type(fault).__name__}"))

    def _judge(self, claimed: Claimed, verdict: Verdict) -> None:
        now, message = self._now(), claimed.message
        told = {"message": message.id, "hook": message.hook, "tries": claimed.tries, "said": verdict.said}
        if verdict.ok:
            self._outbox.sent(claimed, now, verdict.said)
            _log.info("message sent", **told)
            return
        again = next_try(claimed.tries, claimed.since, now, self._dice, verdict.at_least)
        if verdict.final or again is None:
            self._outbox.dead(claimed, now, verdict.said)
            _log.error("message given up", **told)
            return
        self._outbox.again(claimed, again, verdict.said)
        _log.warning("message not delivered", again=again.isoformat(timespec="seconds"), **told)
