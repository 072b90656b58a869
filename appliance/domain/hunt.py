"""Which of several lines rings, in which order: the strategies of a hunting group.

``choose`` is pure: what lines did before comes as ``LineUse``, the dice are handed in.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from appliance.domain.calendar import DayKinds, Standing, standing
from appliance.domain.outcome import Disposition

if TYPE_CHECKING:
    from appliance.domain.routing import Line, RoutingTable


class Strategy(StrEnum):
    """In which order lines are rung. A line's level goes before the strategy: a level is rung once all lines of the
    levels before it have failed."""

    #: 顺序: as they are listed.
    ORDER = "order"
    #: 循环: from the line behind the one that was rung last.
    ROTATE = "rotate"
    #: 随机: by chance.
    RANDOM = "random"
    #: 同振: all at once.
    RING_ALL = "ring-all"
    #: 比例: by chance, a line of weight 3 three times as often in front as one of weight 1.
    WEIGHT = "weight"
    #: 最久空闲: the one whose last talk ended longest ago.
    LONGEST_IDLE = "longest-idle"
    #: 熟客优先: the line that this caller spoke to last, whatever its level, then as they are listed.
    LAST_SPOKEN = "last-spoken"


#: Ends after which the next line may be rung. A full line counts as busy; one that is switched off, or does not
#: exist, as unreachable.
FAIL_OVER = frozenset({Disposition.BUSY, Disposition.NO_ANSWER, Disposition.UNREACHABLE, Disposition.REJECTED})
_COUNTS_AS = {
    Disposition.FULL: Disposition.BUSY,
    Disposition.NOT_EXISTING: Disposition.UNREACHABLE,
    Disposition.OFF: Disposition.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Hunt:
    """Lines by their ids, how they are chosen, and after which ends the next one is tried."""

    lines: tuple[str, ...] = ()
    strategy: Strategy = Strategy.ORDER
    fail_over: frozenset[Disposition] = FAIL_OVER

    def goes_on(self, after: Disposition) -> bool:
        """Whether the next line is rung after one ended so.

        >>> Hunt(fail_over=frozenset({Disposition.BUSY})).goes_on(Disposition.FULL)
        True
        >>> Hunt(fail_over=frozenset({Disposition.BUSY})).goes_on(Disposition.NO_ANSWER)
        False
        """
        return _COUNTS_AS.get(after, after) in self.fail_over


NO_LINES = Hunt()


@dataclass(frozen=True, slots=True)
class LineUse:
    """What a line did before. None: never, as far as is known.

    :param rung_at: when this hunt rang it last.
    :param talked_until: when its last talk ended.
    :param today: calls that it took today, in Asia/Shanghai.
    :param this_month: calls that it took this month.
    :param busy: every slot is taken; only the simulator says so before the switch does.
    :param registered: of a SIP phone: it is known where it is.
    """

    rung_at: datetime | None = None
    talked_until: datetime | None = None
    today: int = 0
    this_month: int = 0
    busy: bool = False
    registered: bool = False


@dataclass(frozen=True, slots=True)
class Uses:
    """What the lines of a hunt did before, and which of them the caller spoke to last (empty: none)."""

    lines: Mapping[str, LineUse] = field(default_factory=dict)
    last_spoken: str = ""

    def of(self, line_id: str) -> LineUse:
        """A line's use; an unknown one was never used."""
        return self.lines.get(line_id, _UNUSED)


_UNUSED = LineUse()
NEVER_USED = Uses()
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Skip(StrEnum):
    """Why a line is not rung."""

    GONE = "gone"
    NO_TRUNK = "no-trunk"
    #: A SIP phone that is not registered: nobody knows where it is.
    UNREGISTERED = "unregistered"
    OFF_SCHEDULE = "off-schedule"
    DAILY_CAP = "daily-cap"
    MONTHLY_CAP = "monthly-cap"
    #: Of a queue's lines only: nobody is signed in at it, or it has not the skill that is asked for.
    SIGNED_OUT = "signed-out"
    NO_SKILL = "no-skill"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Choice:
    """``rounds``: lines that are rung at once, one round after the other, each line at most once. ``skipped``: the
    lines that are not rung, and why."""

    rounds: tuple[tuple[Line, ...], ...]
    skipped: Mapping[str, Skip]


def choose(
    hunt: Hunt, table: RoutingTable, uses: Uses, now: datetime, day_kind: DayKinds, dice: random.Random
) -> Choice:
    """The lines to ring, in rounds. Each may have as many calls at once as its caps leave it: calls that are under
    way count nowhere else, and the switch holds a line to its ``max_calls``."""
    usable: list[Line] = []
    skipped: dict[str, Skip] = {}
    for line_id in dict.fromkeys(hunt.lines):
        line = table.lines.get(line_id)
        if line is None:
            skipped[line_id] = Skip.GONE
            continue
        why = _skip(line, table, uses.of(line_id), now, day_kind)
        if why is None:
            usable.append(_within_caps(line, uses.of(line_id)))
        else:
            skipped[line_id] = why
    if hunt.strategy is Strategy.LAST_SPOKEN:
        familiar = [line for line in usable if line.id == uses.last_spoken]
        others = [line for line in usable if line.id != uses.last_spoken]
        levels = [familiar, *_levels(others)]
    else:
        levels = _levels(usable)
    if hunt.strategy is Strategy.RING_ALL:
        return Choice(tuple(map(tuple, levels)), skipped)
    ordered = [line for level in levels for line in _ordered(level, hunt, table, uses, dice)]
    return Choice(tuple((line,) for line in ordered), skipped)


def _skip(line: Line, table: RoutingTable, use: LineUse, now: datetime, day_kind: DayKinds) -> Skip | None:
    schedule = table.schedules.get(line.schedule)
    trunks = (table.trunk(trunk_id) for trunk_id in (line.trunk, *line.backups))
    if line.is_phone:
        if not use.registered:
            return Skip.UNREGISTERED
    elif not any(trunk is not None and trunk.proxy for trunk in trunks):
        return Skip.NO_TRUNK
    if schedule is not None and standing(schedule, now, day_kind) is not Standing.OPEN:
        return Skip.OFF_SCHEDULE
    if line.daily_calls and use.today >= line.daily_calls:
        return Skip.DAILY_CAP
    if line.monthly_calls and use.this_month >= line.monthly_calls:
        return Skip.MONTHLY_CAP
    return Skip.BUSY if use.busy else None


def _within_caps(line: Line, use: LineUse) -> Line:
    caps = ((line.max_calls, 0), (line.daily_calls, use.today), (line.monthly_calls, use.this_month))
    return replace(line, max_calls=min((cap - taken for cap, taken in caps if cap), default=0))


def _levels(lines: Sequence[Line]) -> list[list[Line]]:
    levels: dict[int, list[Line]] = {}
    for line in lines:
        levels.setdefault(line.level, []).append(line)
    return [levels[level] for level in sorted(levels)]


def _ordered(lines: list[Line], hunt: Hunt, table: RoutingTable, uses: Uses, dice: random.Random) -> Sequence[Line]:
    """Lines of one level in the order in which they are rung."""
    match hunt.strategy:
        case Strategy.ORDER | Strategy.LAST_SPOKEN | Strategy.RING_ALL:
            return lines
        case Strategy.ROTATE:
            return _rotated(lines, hunt, table, uses)
        case Strategy.RANDOM:
            return dice.sample(lines, len(lines))
        case Strategy.WEIGHT:
            # Drawing without putting back, by weights (Efraimidis and Spirakis 2006).
            drawn = {line.id: dice.random() ** (1 / line.weight) for line in lines}
            return sorted(lines, key=lambda line: drawn[line.id], reverse=True)
        case Strategy.LONGEST_IDLE:
            return sorted(lines, key=lambda line: uses.of(line.id).talked_until or _LONG_AGO)
        case _:
            assert_never(hunt.strategy)


def _rotated(lines: list[Line], hunt: Hunt, table: RoutingTable, uses: Uses) -> list[Line]:
    """From the line behind the one that was rung last, which may be one that is not rung today."""
    level = {line.level for line in lines}
    ring = [one for one in dict.fromkeys(hunt.lines) if one in table.lines and table.lines[one].level in level]
    rung = [(at, index) for index, one in enumerate(ring) if (at := uses.of(one).rung_at) is not None]
    first = max(rung)[1] + 1 if rung else 0
    return sorted(lines, key=lambda line: (ring.index(line.id) - first) % len(ring))
