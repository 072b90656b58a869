"""Missed calls (未接) become tasks: one for each caller whom nobody has reached yet.

Pure, and told from all that is known at once: in whatever order calls come to light, the tasks are the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: First words of outcomes by which a caller was missed. Who was refused by a rule was not.
_MISSED = ("abandoned", "failed")
#: He left a message: somebody is to call back.
_MESSAGE = "ended:message"
_ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Seen:
    """A stored call of a caller, or to him."""

    uuid: str
    number: str
    started_at: datetime
    joined_at: datetime | None
    ended_at: datetime
    outcome: str

    @property
    def is_missed(self) -> bool:
        """Whether nobody spoke with a caller who wanted that."""
        return self.outcome == _MESSAGE or self.outcome.partition(":")[0] in _MISSED

    @property
    def reached(self) -> bool:
        """Whether somebody spoke with him."""
        return self.outcome == _ANSWERED


@dataclass(frozen=True, slots=True)
class Closing:
    """A clerk's word that a caller needs no call back any more."""

    at: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Reach:
    """How a task was closed: by a call that reached him (``call``), or by a clerk (``by``, ``note``)."""

    at: datetime
    call: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class MissedTask:
    """The missed calls of a caller, in their order, until he was reached; ``reach`` None: he was not yet."""

    calls: tuple[Seen, ...]
    reach: Reach | None


def tasks(calls: Iterable[Seen], closings: Iterable[Closing] = ()) -> list[MissedTask]:
    """The tasks of one caller of one account, the oldest first; only the last one can be open.

    A missed call is settled by the first answered one that ended after it had begun (calls may overlap), or by the
    first closing since.
    """
    calls = sorted(calls, key=lambda call: (call.started_at, call.uuid))
    reaches = sorted(
        [
            *((call.ended_at, Reach(call.joined_at or call.ended_at, call.uuid)) for call in calls if call.reached),
            *((one.at, Reach(one.at, by=one.by, note=one.note)) for one in closings),
        ],
        key=lambda reach: (reach[0], reach[1].call, reach[1].by),
    )
    until = [at for at, _ in reaches]
    groups: dict[int, list[Seen]] = {}
    for call in calls:
        if call.is_missed:
            groups.setdefault(bisect_left(until, call.started_at), []).append(call)
    return [
        MissedTask(tuple(missed), reaches[place][1] if place < len(reaches) else None)
        for place, missed in sorted(groups.items())
    ]
