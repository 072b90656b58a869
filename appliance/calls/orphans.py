"""Callers who wait and whose process has died: when each of them is woken."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from datetime import datetime, timedelta

from appliance.store.waitlist import Kept

#: So often at once, then seldom.
_OFTEN = 3
_AGAIN, _SELDOM = timedelta(seconds=1), timedelta(seconds=30)


class Orphans:
    """Who is woken comes to a process that lives. Who does not come after some tries talks, or hears the fallback's
    words, which are not to be cut off: he is looked after seldom.

    :param is_alive: whether a process of that name is still there.
    """

    def __init__(self, is_alive: Callable[[str], bool], now: Callable[[], datetime]) -> None:
        self._is_alive = is_alive
        self._now = now
        #: How often each was woken, and when last.
        self._woken: dict[str, tuple[int, datetime]] = {}

    def due(self, others: Iterable[Kept], ours: Container[str]) -> Iterator[Kept]:
        """Those of the callers of other processes who are to be woken now.

        :param ours: callers who have come to us meanwhile.
        """
        now = self._now()
        kept = list(others)
        gone = {owner for owner in {one.owner for one in kept} if not self._is_alive(owner)}
        orphans = {one.waiting.uuid: one for one in kept if one.owner in gone}
        self._woken = {uuid: woken for uuid, woken in self._woken.items() if uuid in orphans}
        for uuid, one in orphans.items():
            times, last = self._woken.get(uuid, (0, now))
            pause = _AGAIN if times < _OFTEN else _SELDOM
            if uuid in ours or (times and now - last < pause):
                continue
            self._woken[uuid] = times + 1, now
            yield one
