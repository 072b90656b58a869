"""What serving the queues goes by at one moment: of the journal, the routing, and the switch's counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from appliance.domain.calendar import DayKinds
from appliance.domain.hunt import Uses
from appliance.domain.queue import Floor, LineNow, Queue, Waiting
from appliance.domain.routing import Line, RoutingTable
from appliance.store import past
from appliance.store.journal import Journal
from appliance.store.waitlist import Waitlist


@dataclass(slots=True)
class FloorFacts:
    """``usage`` is how many calls each line had at the switch's last count."""

    journal: Journal
    waitlist: Waitlist
    now: Callable[[], datetime]
    public_day: DayKinds
    dice: random.Random
    usage: dict[str, int] = field(default_factory=dict)

    def floor(self, table: RoutingTable, waiting: Sequence[Waiting]) -> Floor:
        """Everything at this moment; ``waiting`` are all who wait or are to be called back."""
        now = self.now()

        def uses(queue: Queue, one: Waiting) -> Uses:
            capped = past.capped(table.lines[line] for line in queue.hunt.lines if line in table.lines)
            return self.journal.uses(queue.turns, queue.hunt, one.number, one.caller, capped, self.now())

        return Floor(
            table=table,
            waiting=waiting,
            lines=self._lines(table, now),
            now=now,
            day_kind=table.day_kinds(self.public_day),
            dice=self.dice,
            uses=uses,
        )

    def _lines(self, table: RoutingTable, now: datetime) -> dict[str, LineNow]:
        signed_in = self.waitlist.signed_in()
        rests = self.waitlist.left_alone(_wrap_up(table), now)
        known: Collection[str] = {*signed_in, *rests, *self.usage}
        return {line: LineNow(self.usage.get(line, 0), rests.get(line), line in signed_in) for line in known}


def counted(queues: Collection[str], table: RoutingTable) -> list[str]:
    """The lines of these queues whose calls are limited, and counted by the switch."""
    lines = {line for id_ in queues if (queue := table.queues.get(id_)) is not None for line in queue.hunt.lines}
    return sorted(id_ for id_ in lines if (line := table.lines.get(id_)) is not None and _is_limited(line))


def _is_limited(line: Line) -> bool:
    return bool(line.max_calls or line.daily_calls or line.monthly_calls)


def _wrap_up(table: RoutingTable) -> dict[str, int]:
    """Line → for how many seconds it is left alone after a talk; a line of several queues for the longest."""
    times: dict[str, int] = {}
    for queue in table.queues.values():
        for line in queue.hunt.lines:
            times[line] = max(queue.wrap_up_s, times.get(line, 0))
    return times
