"""The busy-line queue (占线排队): who is served next, by which line, and when a caller waits no longer.

Pure: who waits and what lines do comes as values, the dice and the clock are handed in. Served are callers in the
order of priority, then of arrival; whoever no free line may serve is passed over for those behind him. Sources: the
strategies of mod_callcenter and of carriers' switchboards.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from appliance.domain.calendar import DayKinds
from appliance.domain.callback import NO_CALLBACK, Terms
from appliance.domain.hunt import Choice, Hunt, Skip, Uses, choose
from appliance.domain.outcome import Disposition

if TYPE_CHECKING:
    from appliance.domain.routing import Line, RoutingTable

#: How long a call is taken to last where none was measured yet.
USUAL_HANDLING = timedelta(minutes=3)
#: An expectation that is longer is not told: nobody waits by it.
LONGEST_TOLD = timedelta(minutes=60)
#: For this time after a line was told to ring the switch may not have counted it yet.
_NOT_COUNTED_YET = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and the lines that serve it. Times are seconds.

    :param max_wait_s: after it the caller leaves by the exit ``timeout``.
    :param max_length: callers that wait at once; the next one leaves by ``full``. 0: any number.
    :param announce_s: how often the caller hears his position and the expected wait; 0: never.
    :param music: the prompt that is played meanwhile.
    :param wrap_up_s: how long a line is left alone after a talk (话后整理).
    :param rest_s: how long a line is left alone that rang in vain.
    :param sign_in: lines serve only while somebody is signed in at them.
    :param vip_priority: what a caller on a white list of the number has in addition to the node's priority.
    :param service_level_s: within it an answer counts for the service level.
    :param short_abandon_s: who gives up within it did not wait.
    :param callback: how callers are called back who ask for it.
    """

    id: str
    account: str
    hunt: Hunt
    max_wait_s: int = 600
    max_length: int = 0
    announce_s: int = 30
    music: str = "hold-music"
    wrap_up_s: int = 15
    rest_s: int = 30
    sign_in: bool = False
    vip_priority: int = 5
    service_level_s: int = 20
    short_abandon_s: int = 5
    callback: Terms = NO_CALLBACK

    @property
    def turns(self) -> str:
        """The name by which the turns of its lines are remembered."""
        return f"queue/{self.id}"


class Left(StrEnum):
    """How a caller left a queue: exactly one for each who entered."""

    ANSWERED = "answered"
    #: He hung up.
    ABANDONED = "abandoned"
    TIMEOUT = "timeout"
    FULL = "full"
    #: No line is there to serve him: none is signed in, on its schedule, and has a trunk.
    NOBODY = "nobody"
    #: He pressed a key that leads elsewhere.
    KEY = "key"
    #: He asked to be called back; his request keeps his place (``domain.callback``).
    CALLBACK = "callback"
    #: We lost him: the handlers were gone for too long, or something else than he ended the call.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in a queue, or one who is to be called back. ``rung`` are the lines that were chosen for him, which
    ring since ``rung_at`` (None: not yet). He is not served before ``not_before``, but keeps his place."""

    uuid: str
    queue: str
    entered_at: datetime
    number: str = ""
    caller: str = ""
    priority: int = 0
    skill: str = ""
    rung: tuple[str, ...] = ()
    rung_at: datetime | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class LineNow:
    """What a line does now. ``calls`` is the switch's count of calls that it has, those that ring it included;
    until ``rests_until`` it is left alone."""

    calls: int = 0
    rests_until: datetime | None = None
    signed_in: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    """Everything that serving goes by, at one moment.

    :param waiting: all callers of the box that wait, those included whose lines ring.
    :param uses: what the lines of a queue did before, for a caller.
    """

    table: RoutingTable
    waiting: Sequence[Waiting]
    lines: Mapping[str, LineNow]
    now: datetime
    day_kind: DayKinds
    dice: random.Random
    uses: Callable[[Queue, Waiting], Uses] = field(default=lambda queue, waiting: Uses())


@dataclass(frozen=True, slots=True)
class Served:
    """A caller's turn: these lines ring at once for him."""

    uuid: str
    lines: tuple[Line, ...]


def in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Callers in the order in which they are served."""
    return sorted(waiting, key=lambda one: (-one.priority, one.entered_at, one.uuid))


def serve(floor: Floor) -> list[Served]:
    """Whose turn it is, and by which lines, until no free line is left for anybody."""
    taken: dict[str, int] = {}
    for one in floor.waiting:
        for line_id in one.rung:
            young = one.rung_at is None or floor.now - one.rung_at < _NOT_COUNTED_YET
            taken[line_id] = taken.get(line_id, 0) + young
    free = {line.id for line in floor.table.lines.values() if _is_free(line, floor, taken)}
    served = []
    for one in in_order(floor.waiting):
        queue = floor.table.queues.get(one.queue)
        waits = not one.rung and (one.not_before is None or one.not_before <= floor.now)
        if not waits or queue is None or free.isdisjoint(queue.hunt.lines):
            continue
        choice = lines_for(queue, one, floor, free)
        # By its caps a line may have room for fewer calls than by itself.
        rounds = (tuple(line for line in lines if _is_free(line, floor, taken)) for lines in choice.rounds)
        lines = next(filter(None, rounds), ())
        if lines:
            served.append(Served(one.uuid, lines))
            for line in lines:
                taken[line.id] = taken.get(line.id, 0) + 1
                if not _is_free(line, floor, taken):
                    free.discard(line.id)
    return served


def staff(queue: Queue, one: Waiting, floor: Floor) -> Choice:
    """The lines that may serve a caller, busy or not, and why the others may not; none: nobody is there."""
    return lines_for(queue, one, floor, frozenset(floor.table.lines))


def _is_free(line: Line, floor: Floor, taken: Mapping[str, int]) -> bool:
    now = floor.lines.get(line.id, _IDLE)
    rests = now.rests_until is not None and now.rests_until > floor.now
    return not rests and (not line.max_calls or now.calls + taken.get(line.id, 0) < line.max_calls)


_IDLE = LineNow()


def lines_for(queue: Queue, one: Waiting, floor: Floor, free: Container[str]) -> Choice:
    """The lines that would ring for a caller: as a hunting group chooses, of those that are ``free``, there, and
    have the skill."""
    uses = floor.uses(queue, one)
    kept = {}
    own: dict[str, Skip] = {}
    for line_id in queue.hunt.lines:
        line = floor.table.lines.get(line_id)
        if queue.sign_in and not floor.lines.get(line_id, _IDLE).signed_in:
            own[line_id] = Skip.SIGNED_OUT
        elif line is not None and one.skill and one.skill not in line.skills:
            own[line_id] = Skip.NO_SKILL
        kept[line_id] = replace(uses.of(line_id), busy=line_id in own or line_id not in free)
    chosen = choose(queue.hunt, floor.table, Uses(kept, uses.last_spoken), floor.now, floor.day_kind, floor.dice)
    skipped = {line: own.get(line, why) if why is Skip.BUSY else why for line, why in chosen.skipped.items()}
    return Choice(chosen.rounds, skipped)


def position(uuid: str, waiting: Iterable[Waiting]) -> int:
    """How many of a caller's queue are served up to him, himself included; those whose lines ring already do not
    count. 0: he does not wait.

    >>> at = datetime(2026, 11, 25, 10, tzinfo=UTC)
    >>> row = [Waiting("a", "q", at, rung=("x",)), Waiting("b", "q", at), Waiting("c", "q", at, priority=1)]
    >>> [position(one, row) for one in "abcd"]
    [0, 2, 1, 0]
    """
    waiting = list(waiting)
    queue = next((one.queue for one in waiting if one.uuid == uuid), None)
    row = [one.uuid for one in in_order(waiting) if one.queue == queue and not one.rung]
    return row.index(uuid) + 1 if uuid in row else 0


def expected_wait(place: int, lines: int, handling: timedelta | None) -> timedelta | None:
    """How long it takes until a position is served by so many lines, each of which is busy for ``handling`` with a
    caller (None: not measured yet). None: too long to be told, or nobody is there.

    >>> expected_wait(3, 2, timedelta(minutes=4))
    datetime.timedelta(seconds=360)
    >>> expected_wait(1, 0, None), expected_wait(40, 1, None)
    (None, None)
    """
    if lines < 1 or place < 1:
        return None
    wait = (handling or USUAL_HANDLING) * place / lines
    return wait if wait <= LONGEST_TOLD else None


def minutes_told(wait: timedelta) -> int:
    """A wait in whole minutes as a caller is told it, never less than it is.

    >>> [minutes_told(timedelta(seconds=s)) for s in (0, 60, 61, 360)]
    [0, 1, 2, 6]
    """
    return math.ceil(wait / timedelta(minutes=1))


def rest_after(how: Disposition, queue: Queue) -> timedelta:
    """How long a line is left alone after a try that did not lead to a talk: it is not rung again at once for the
    next caller. One that was full was not rung."""
    return timedelta() if how is Disposition.FULL else timedelta(seconds=queue.rest_s)


@dataclass(frozen=True, slots=True)
class Stay:
    """A caller's time in a queue, as it is noted on his leg when it is over, or while it lasts (``left`` None).

    Written ``support@1764229000123+31200=timeout``: milliseconds since 1970, and those that he waited.
    """

    queue: str
    entered_at: datetime
    waited: timedelta = timedelta()
    left: Left | None = None

    def __str__(self) -> str:
        entered = f"{self.queue}@{_milliseconds(self.entered_at - _EPOCH)}"
        return entered if self.left is None else f"{entered}+{_milliseconds(self.waited)}={self.left}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAY = re.compile(
    r"(?P<queue>[A-Za-z0-9][A-Za-z0-9._-]{0,39})@(?P<entered>[0-9]{1,13})"
    rf"(?:\+(?P<waited>[0-9]{{1,10}})=(?P<left>{'|'.join(Left)}))?",
    re.ASCII,
)


def _milliseconds(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)


def read_stay(text: str) -> Stay | None:
    """A stay as it is noted; None: it is none.

    >>> print(read_stay("support@1764229000123+31200=timeout"))
    support@1764229000123+31200=timeout
    >>> read_stay("support") is None
    True
    """
    found = _STAY.fullmatch(text)
    if found is None:
        return None
    entered_at = _EPOCH + timedelta(milliseconds=int(found["entered"]))
    if found["left"] is None:
        return Stay(found["queue"], entered_at)
    return Stay(found["queue"], entered_at, timedelta(milliseconds=int(found["waited"])), Left(found["left"]))


#: What stays of one call may take together; a caller who goes in and out more often is not followed further.
_LONGEST_STAYS = 900


def with_stay(before: str, stay: Stay) -> str:
    """The stays of a call that are over, joined with ``;``, and one more.

    >>> at = datetime(2026, 11, 25, 10, tzinfo=UTC)
    >>> with_stay("a@1+2=key", Stay("b", at, timedelta(seconds=1), Left.FULL))
    'a@1+2=key;b@1795600800000+1000=full'
    """
    longer = f"{before};{stay}" if before else str(stay)
    return longer if len(longer) <= _LONGEST_STAYS else before


def stays_of(over: str, open_one: str, joined_at: datetime | None, ended_at: datetime, gave_up: bool) -> list[Stay]:
    """The stays of a call that has ended: those that were noted as over, and the one that lasted to its end.

    :param joined_at: when the caller was joined to a line, if he was.
    :param gave_up: he hung up himself.
    """
    stays = [stay for text in over.split(";") if (stay := read_stay(text)) is not None and stay.left is not None]
    last = read_stay(open_one)
    if last is None or last.left is not None:
        return stays
    if joined_at is not None:
        left, until = Left.ANSWERED, joined_at
    else:
        left, until = Left.ABANDONED if gave_up else Left.LOST, ended_at
    return [*stays, Stay(last.queue, last.entered_at, max(until - last.entered_at, timedelta()), left)]


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the callers of a queue. ``offered`` is the sum of all ``left``.

    :param short: of those who gave up, how many did so before it counts.
    :param in_time: of those who were answered, how many within the service level's time.
    """

    left: Mapping[Left, int]
    short: int
    in_time: int

    @property
    def offered(self) -> int:
        """All who came."""
        return sum(self.left.values())

    @property
    def service_level(self) -> float | None:
        """Answered in time ÷ (offered − short); None: nobody counts."""
        counted = self.offered - self.short
        return self.in_time / counted if counted else None


def summary(queue: Queue, stays: Iterable[Stay]) -> Summary:
    """Count stays of a queue."""
    left = dict.fromkeys(Left, 0)
    short = in_time = 0
    for stay in stays:
        if stay.left is None:
            continue
        left[stay.left] += 1
        short += stay.left is Left.ABANDONED and stay.waited <= timedelta(seconds=queue.short_abandon_s)
        in_time += stay.left is Left.ANSWERED and stay.waited <= timedelta(seconds=queue.service_level_s)
    return Summary(left, short, in_time)
