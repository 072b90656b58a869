"""Office hours: weekly periods, statutory holidays, worked weekends (调休), and the days of one's own.

Everything is wall-clock time in Asia/Shanghai, where no clock is ever changed. What kind of day a date is comes as
a function: the public calendar with the box's own table over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTES_A_DAY = 24 * 60
#: Monday first, as ``date.weekday`` counts.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class DayKind(StrEnum):
    """What the State Council's calendar makes of a day."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    #: A Saturday or Sunday that is worked in exchange for a day off.
    MAKEUP = "makeup"


DayKinds = Callable[[date], DayKind]


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``begin`` on and before ``end``, minutes after midnight. An ``end`` at or before ``begin`` lies in the
    next day: 22:00 to 06:00 belongs to the day on which it begins."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        """Minutes, 1 to 1440."""
        return (self.end - self.begin - 1) % MINUTES_A_DAY + 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """When somebody is there.

    :param week: weekday (Monday 0) → its hours; days that are not named are closed.
    :param works_holidays: statutory holidays are as any other day; otherwise they are closed.
    :param makeup_as: the weekday whose hours a worked weekend has; not where holidays are worked, too.
    :param own_days: dates with hours of their own, none: closed. They go before everything else.
    """

    id: str
    account: str
    week: Mapping[int, tuple[Hours, ...]]
    works_holidays: bool = False
    makeup_as: int = 0
    own_days: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)


class Standing(StrEnum):
    """How a schedule stands at a moment."""

    OPEN = "open"
    #: A holiday, on which it would be open if it were an ordinary day or not: nobody is there all day.
    HOLIDAY = "holiday"
    CLOSED = "closed"


def standing(schedule: Schedule, now: datetime, day_kind: DayKinds) -> Standing:
    """Whether somebody is there ``now`` (a time with an offset)."""
    local = now.astimezone(SHANGHAI)
    today = local.date()
    minute = local.hour * 60 + local.minute
    if _within(hours_of(schedule, today, day_kind), minute):
        return Standing.OPEN
    # Hours that began yesterday and go past midnight.
    if _within(hours_of(schedule, today - timedelta(days=1), day_kind), minute + MINUTES_A_DAY):
        return Standing.OPEN
    return Standing.HOLIDAY if _is_day_off(schedule, today, day_kind) else Standing.CLOSED


def hours_of(schedule: Schedule, day: date, day_kind: DayKinds) -> tuple[Hours, ...]:
    """The hours that begin on a day."""
    own = schedule.own_days.get(day)
    if own is not None:
        return own
    match day_kind(day):
        case DayKind.HOLIDAY if not schedule.works_holidays:
            return ()
        case DayKind.MAKEUP if not schedule.works_holidays:
            return schedule.week.get(schedule.makeup_as, ())
        case _:
            return schedule.week.get(day.weekday(), ())


def _is_day_off(schedule: Schedule, day: date, day_kind: DayKinds) -> bool:
    return day not in schedule.own_days and not schedule.works_holidays and day_kind(day) is DayKind.HOLIDAY


def _within(hours: tuple[Hours, ...], minute: int) -> bool:
    return any(one.begin <= minute < one.begin + one.length for one in hours)


def read_minutes(text: str) -> int | None:
    """``HH:MM``, 00:00 to 24:00, as minutes after midnight; None: it is none.

    >>> read_minutes("09:30"), read_minutes("24:00"), read_minutes("9:30"), read_minutes("24:01")
    (570, 1440, None, None)
    """
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and text.isascii() and (hours + minutes).isdigit()):
        return None
    total = int(hours) * 60 + int(minutes)
    return total if int(minutes) < 60 and total <= MINUTES_A_DAY else None


def read_hours(text: str) -> Hours | None:
    """``HH:MM-HH:MM``; None: it is none. 00:00-24:00 and 08:00-08:00 are a whole day.

    >>> read_hours("09:00-18:00"), read_hours("22:00-06:00")
    (Hours(begin=540, end=1080), Hours(begin=1320, end=360))
    >>> read_hours("09:00"), read_hours("24:00-09:00"), read_hours("9-18")
    (None, None, None)
    """
    first, _, last = text.partition("-")
    begin, end = read_minutes(first), read_minutes(last)
    return None if begin is None or end is None or begin == MINUTES_A_DAY else Hours(begin, end)
