"""Everything that goes on in the box at one moment: calls, queues, lines, trunks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.domain.calendar import DayKinds
from appliance.domain.hunt import LineUse, Uses
from appliance.domain.live.calls import LineLeg, LiveCall, Stage
from appliance.domain.queue import Floor, LineNow, Queue, Waiting, expected_wait, in_order, staff
from appliance.domain.routing import Line, RoutingTable

#: A caller who came so lately may not be on the switch's list yet.
_FRESH = timedelta(seconds=2)
_IDLE = LineUse()


class LineState(StrEnum):
    """What a line does; of several that hold at once the first."""

    TALKING = "talking"
    RINGING = "ringing"
    #: A SIP phone that is not registered.
    UNREGISTERED = "unregistered"
    #: Each of its trunks is down.
    TRUNK_DOWN = "trunk-down"
    #: It has had its calls of the day or the month.
    CAPPED = "capped"
    #: Queues leave it alone for a while.
    RESTING = "resting"
    FREE = "free"
    #: The switch is away: nobody knows.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TrunkNow:
    """Whether a trunk answers, and since when."""

    up: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the switch's legs.

    :param waiting: who waits in queues, as the journal has it.
    :param uses: lines' calls of the day and the month, and which phones are registered.
    :param rests: lines that are left alone, until when.
    :param signed_in: lines at which somebody is signed in, since when.
    :param trunks: trunks that are watched.
    :param handling: queue → how long its lines are busy with a caller; queues that are not named were not measured.
    """

    table: RoutingTable
    now: datetime
    day_kind: DayKinds
    waiting: Sequence[Waiting] = ()
    uses: Mapping[str, LineUse] = field(default_factory=dict)
    rests: Mapping[str, datetime] = field(default_factory=dict)
    signed_in: Mapping[str, datetime] = field(default_factory=dict)
    trunks: Mapping[str, TrunkNow] = field(default_factory=dict)
    handling: Mapping[str, timedelta | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveLine:
    """A line. ``calls`` are those that it has, those that ring it included; ``max_calls`` 0: we count none.

    :param asks_sign_in: a queue rings it only while somebody is signed in at it.
    """

    id: str
    account: str
    state: LineState
    calls: int
    max_calls: int
    since: datetime | None
    rests_until: datetime | None
    asks_sign_in: bool
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class LiveWaiter:
    """A caller in a queue. ``position`` 0: lines ring for him; ``expected_s`` None: nobody can tell."""

    uuid: str
    position: int
    number: str
    caller: str
    priority: int
    entered_at: datetime
    expected_s: int | None


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """A queue: who waits, in order, and its lines counted: free, busy (they ring or talk), resting, and away (no
    call reaches them, or nobody is signed in at them)."""

    id: str
    account: str
    callers: tuple[LiveWaiter, ...]
    lines: int
    free: int
    busy: int
    resting: int
    away: int
    sign_in: bool
    signed_in: int


@dataclass(frozen=True, slots=True)
class LiveTrunk:
    """A trunk. ``up`` None: it is not watched. ``channels``: those in use, by account; ``max_calls`` 0: we count
    none."""

    id: str
    up: bool | None
    since: datetime | None
    channels: Mapping[str, int]
    max_calls: int


@dataclass(frozen=True, slots=True)
class Board:
    """All of it."""

    calls: tuple[LiveCall, ...]
    queues: tuple[LiveQueue, ...]
    lines: tuple[LiveLine, ...]
    trunks: tuple[LiveTrunk, ...]


def board(calls: Sequence[LiveCall] | None, legs: Sequence[LineLeg], known: Known) -> Board:
    """The box as it is; ``calls`` None: the switch is away, and of it nothing is known."""
    lines = {line.id: _line(line, calls is not None, legs, known) for line in known.table.lines.values()}
    return Board(
        calls=tuple(calls or ()),
        queues=tuple(_queue(queue, calls, lines, known) for queue in known.table.queues.values()),
        lines=tuple(lines.values()),
        trunks=_trunks(calls or (), legs, known),
    )


def _line(line: Line, is_known: bool, legs: Sequence[LineLeg], known: Known) -> LiveLine:
    own = [leg for leg in legs if leg.line == line.id]
    state, since = _state(line, own, known) if is_known else (LineState.UNKNOWN, None)
    asks = any(queue.sign_in and line.id in queue.hunt.lines for queue in known.table.queues.values())
    return LiveLine(
        id=line.id,
        account=line.account,
        state=state,
        calls=len(own),
        max_calls=line.max_calls,
        since=since,
        rests_until=known.rests.get(line.id),
        asks_sign_in=asks,
        signed_in_at=known.signed_in.get(line.id),
    )


def _state(line: Line, legs: Sequence[LineLeg], known: Known) -> tuple[LineState, datetime | None]:
    use = known.uses.get(line.id, _IDLE)
    talks = [leg.joined_at for leg in legs if leg.joined_at is not None]
    if talks:
        return LineState.TALKING, min(talks)
    if legs:
        return LineState.RINGING, min(leg.created_at for leg in legs)
    if line.is_phone:
        if not use.registered:
            return LineState.UNREGISTERED, None
    else:
        found = [known.trunks.get(trunk) for trunk in (line.trunk, *line.backups)]
        down = [trunk.since for trunk in found if trunk is not None and not trunk.up]
        if len(down) == len(found):
            return LineState.TRUNK_DOWN, max(down)
    if (line.daily_calls and use.today >= line.daily_calls) or (
        line.monthly_calls and use.this_month >= line.monthly_calls
    ):
        return LineState.CAPPED, None
    return (LineState.RESTING if line.id in known.rests else LineState.FREE), None


_BUSY = (LineState.TALKING, LineState.RINGING)
_AWAY = (LineState.UNREGISTERED, LineState.TRUNK_DOWN, LineState.CAPPED, LineState.UNKNOWN)


def _queue(
    queue: Queue, calls: Sequence[LiveCall] | None, lines: Mapping[str, LiveLine], known: Known
) -> LiveQueue:
    own = [lines[line] for line in queue.hunt.lines if line in lines]
    counted: Counter[str] = Counter()
    for line in own:
        if line.state in _BUSY:
            counted["busy"] += 1
        elif line.state in _AWAY or (queue.sign_in and line.signed_in_at is None):
            counted["away"] += 1
        else:
            counted["resting" if line.state is LineState.RESTING else "free"] += 1
    return LiveQueue(
        id=queue.id,
        account=queue.account,
        callers=_waiters(queue, calls, known),
        lines=len(own),
        free=counted["free"],
        busy=counted["busy"],
        resting=counted["resting"],
        away=counted["away"],
        sign_in=queue.sign_in,
        signed_in=sum(line.signed_in_at is not None for line in own),
    )


def _waiters(queue: Queue, calls: Sequence[LiveCall] | None, known: Known) -> tuple[LiveWaiter, ...]:
    """Those who wait, those first whose turn has come. Who talks already, or has hung up though nobody has struck
    him out yet, is none of them."""
    stages = None if calls is None else {call.uuid: call.stage for call in calls}
    here = [one for one in in_order(known.waiting) if one.queue == queue.id and _waits(one, stages, known.now)]
    places = {one.uuid: place for place, one in enumerate((one for one in here if not one.rung), start=1)}
    staffed = {skill: _staff(queue, skill, known) for skill in {one.skill for one in here}}
    handling = known.handling.get(queue.id)
    waiters = []
    for one in sorted(here, key=lambda one: not one.rung):
        place = places.get(one.uuid, 0)
        expected = expected_wait(place, staffed[one.skill], handling)
        told = None if expected is None else round(expected.total_seconds())
        waiters.append(LiveWaiter(one.uuid, place, one.number, one.caller, one.priority, one.entered_at, told))
    return tuple(waiters)


def _waits(one: Waiting, stages: Mapping[str, Stage] | None, now: datetime) -> bool:
    if stages is None:
        return True
    stage = stages.get(one.uuid)
    return now - one.entered_at < _FRESH if stage is None else stage is not Stage.TALKING


def _staff(queue: Queue, skill: str, known: Known) -> int:
    """How many lines may serve a caller who asks for that skill, busy or not."""
    asking = Waiting("", queue.id, known.now, skill=skill)
    floor = Floor(
        table=known.table,
        waiting=(),
        lines={line: LineNow(signed_in=True) for line in known.signed_in},
        now=known.now,
        day_kind=known.day_kind,
        dice=random.Random(0),  # noqa: S311 - only counted, the order does not matter
        uses=lambda queue, waiting: Uses(known.uses),
    )
    return sum(map(len, staff(queue, asking, floor).rounds))


def _by(leg: LineLeg, line: Line, table: RoutingTable) -> str:
    """The trunk that a line is rung by: a backup, where it is rung there."""
    backups = (table.trunk(trunk) for trunk in line.backups)
    return next((trunk.id for trunk in backups if trunk and leg.proxy and trunk.proxy == leg.proxy), line.trunk)


def _trunks(calls: Sequence[LiveCall], legs: Sequence[LineLeg], known: Known) -> tuple[LiveTrunk, ...]:
    channels: dict[str, Counter[str]] = {}
    for call in calls:
        channels.setdefault(call.trunk, Counter())[call.account] += 1
    for leg in legs:
        line = known.table.lines.get(leg.line)
        if line is not None:
            channels.setdefault(_by(leg, line, known.table), Counter())[line.account] += 1
    found = []
    for trunk in known.table.trunks:
        state = known.trunks.get(trunk.id)
        found.append(
            LiveTrunk(
                id=trunk.id,
                up=None if state is None else state.up,
                since=None if state is None else state.since,
                channels=dict(channels.get(trunk.id, {})),
                max_calls=trunk.max_calls,
            )
        )
    return tuple(found)
