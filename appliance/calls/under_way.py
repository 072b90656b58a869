"""Keep what calls under way have noted where it outlives the switch: a channel's own facts die with it.

Every two seconds, in one transaction for all, and at once when the switch is gone. A short call that ends as calls
do costs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from appliance.domain.cdr import packed
from appliance.errors import CallerGone, SwitchError
from appliance.store.begun import BegunCalls
from appliance.switch.leg import Leg, LegHandler

#: Seconds between two looks at what has changed.
LOOK_EVERY_S = 2.0


class UnderWay:
    """The calls of this process."""

    def __init__(self, begun: BegunCalls, now: Callable[[], datetime]) -> None:
        self._begun = begun
        self._now = now
        self._legs: dict[str, Leg] = {}
        self._kept: dict[str, str] = {}

    def followed(self, handler: LegHandler) -> LegHandler:
        """The handler, with each of its calls followed to its end."""

        def handle(leg: Leg) -> None:
            self._legs[leg.uuid] = leg
            try:
                handler(leg)
            except CallerGone:
                raise
            except SwitchError:
                # The switch may be dead, or has only broken off: should it never write a CDR, this is known.
                self._keep([leg])
                raise
            finally:
                # The same call may have come back already, by a connection of its own.
                if self._legs.get(leg.uuid) is leg:
                    del self._legs[leg.uuid]
                    self._kept.pop(leg.uuid, None)

        return handle

    def look(self) -> None:
        """Keep what has changed since the last look."""
        self._keep([leg for leg in self._legs.values() if self._kept.get(leg.uuid) != packed(leg.notes)])

    def _keep(self, legs: Iterable[Leg]) -> None:
        facts = {leg.uuid: packed(leg.notes) for leg in legs}
        if facts:
            self._begun.noted(facts, self._now())
            self._kept |= facts
