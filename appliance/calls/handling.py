"""How long a queue's lines are taken by one caller: measured, and remembered for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.domain.queue import Queue
from appliance.store.waitlist import Waitlist

#: How long a measured handling time holds.
_MEASURE_EVERY = timedelta(seconds=10)


class Handling:
    """Handling times by queue, as the journal's latest talks tell them."""

    def __init__(self, waitlist: Waitlist, now: Callable[[], datetime]) -> None:
        self._list = waitlist
        self._now = now
        self._measured: dict[str, tuple[datetime, timedelta | None]] = {}

    def of(self, queue: Queue) -> timedelta | None:
        """Talk and wrap-up of one caller on the average; None: nobody has talked yet."""
        now = self._now()
        measured_at, handling = self._measured.get(queue.id, (now - 2 * _MEASURE_EVERY, None))
        if abs(now - measured_at) >= _MEASURE_EVERY:
            handling = self._list.handling(queue.hunt.lines, now)
            if handling is not None:
                handling += timedelta(seconds=queue.wrap_up_s)
            self._measured[queue.id] = now, handling
        return handling
