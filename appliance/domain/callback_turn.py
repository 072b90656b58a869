"""When it is the turn of somebody who asked to be called back, and by which trunk he is called. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from appliance.domain import numbers
from appliance.domain.admission import black_listed
from appliance.domain.calendar import DayKinds, Standing, standing
from appliance.domain.callback import NO_CALLBACK, Request, Stage, Terms
from appliance.domain.lines import media_terms
from appliance.domain.outcome import Target, Way
from appliance.domain.queue import Waiting
from appliance.domain.routing import RoutingTable, Trunk


@dataclass(frozen=True, slots=True)
class Moment:
    """The routing at one moment."""

    table: RoutingTable
    now: datetime
    day_kind: DayKinds


def in_row(
    requests: Iterable[Request], callers: Collection[Waiting], now: datetime, may: Callable[[Request], bool]
) -> Iterator[Waiting]:
    """Requests as callers of their queues: they stand where they came, by priority and arrival.

    Whose line rings has his turn already. Not in the row are: those who are spoken to; those who were not reached a
    moment ago, until the gap is over; who ``may`` not be called (``may_be_called``); and whoever has called again
    and waits, or talks, himself (``callers``), for he is not two.
    """
    themselves = {(one.queue, one.caller) for one in callers if one.caller}
    calls = {one.uuid for one in callers}
    for request in requests:
        if request.stage in (Stage.LINE, Stage.TAKEN):
            yield _waiting(request, rung=request.lines, rung_at=request.since)
        elif (
            request.stage is Stage.WAITS
            and request.id not in calls
            and themselves.isdisjoint({(request.queue, request.caller), (request.queue, request.callee)})
            and request.expires_at > now
            and (not request.attempts or request.due_at <= now)
            and may(request)
        ):
            yield _waiting(request)


def is_here_himself(request: Request, callers: Iterable[Waiting]) -> bool:
    """Whether he has called again, and waits or talks in the queue: his telephone is not to be called then."""
    his = {request.caller, request.callee} - {""}
    return any(one.uuid == request.id or (one.queue == request.queue and one.caller in his) for one in callers)


def _waiting(request: Request, rung: tuple[str, ...] = (), rung_at: datetime | None = None) -> Waiting:
    return Waiting(
        uuid=request.id,
        queue=request.queue,
        entered_at=request.entered_at,
        number=request.number,
        caller=request.caller or request.callee,
        priority=request.priority,
        skill=request.skill,
        rung=rung,
        rung_at=rung_at,
        not_before=request.due_at,
    )


def may_be_called(request: Request, at: Moment) -> bool:
    """Whether he may be called now: his queue is there, the number is in service, it is within the hours of both,
    and he has not been put on a black list since he asked."""
    queue, route = at.table.queues.get(request.queue), at.table.numbers.get(request.number)
    if queue is None or route is None or not route.in_service:
        return False
    if not all(_is_open(name, at) for name in (queue.callback.schedule, route.rules.schedule)):
        return False
    return not route.rules.black_lists or black_listed(numbers.caller(request.callee), route, at.table) is None


def _is_open(schedule_id: str, at: Moment) -> bool:
    schedule = at.table.schedules.get(schedule_id)
    return schedule is None or standing(schedule, at.now, at.day_kind) is Standing.OPEN


def ways_to(
    request: Request, line: str, table: RoutingTable, is_down: Callable[[str], bool] = lambda trunk: False
) -> list[Target]:
    """How he is called: by the trunk that he came by, else by those of the queue's lines; those that are down
    come last. Each with its own number as the calling one: a trunk that has none is none of them.

    :param line: the line that he is joined to.
    """
    named = dict.fromkeys([request.trunk, *_of_lines(request.queue, table)])
    trunks = [trunk for one in named if (trunk := table.trunk(one)) is not None and can_call(trunk)]
    trunks.sort(key=lambda trunk: is_down(trunk.id))
    return [_target(request, line, trunk) for trunk in trunks]


def _of_lines(queue_id: str, table: RoutingTable) -> Iterator[str]:
    """Trunks of a queue's lines, in their order; a trunk of several lines comes several times."""
    queue = table.queues.get(queue_id)
    for one in queue.hunt.lines if queue is not None else ():
        if (line := table.lines.get(one)) is not None:
            yield from (line.trunk, *line.backups)


def has_way(table: RoutingTable, is_down: Callable[[str], bool]) -> Callable[[Request], bool]:
    """Whether a trunk that is there can call somebody: while none is, no line is to be rung only to hear that.

    Stricter than ``ways_to``, which only puts trunks last that are down: to try one of them in vain costs a caller
    who waits a moment, but here it costs a line its time, again and again.

    :return: for one pass over all requests: each trunk and each queue is looked at once.
    """

    @cache
    def is_way(trunk_id: str) -> bool:
        trunk = table.trunk(trunk_id)
        return trunk is not None and can_call(trunk) and not is_down(trunk_id)

    @cache
    def is_way_of_lines(queue_id: str) -> bool:
        return any(is_way(trunk_id) for trunk_id in _of_lines(queue_id, table))

    return lambda request: is_way(request.trunk) or is_way_of_lines(request.queue)


def can_call(trunk: Trunk) -> bool:
    """Whether a trunk can place a call of our own: it is known where, and by which number. A 400 number is never
    the calling one."""
    return bool(trunk.proxy and trunk.caller_number) and not numbers.is_valid(trunk.caller_number)


#: How long his telephone rings.
RING_S = 30


def _target(request: Request, line: str, trunk: Trunk) -> Target:
    return Target(
        line=line,
        number=numbers.written_for(request.callee, trunk.number_format),
        proxy=trunk.proxy,
        ring_seconds=RING_S,
        max_calls=0,
        caller_number=trunk.caller_number,
        trunk=trunk.id,
        trunk_max_calls=trunk.max_calls,
        codecs=trunk.codecs,
        causes=trunk.causes,
        way=Way.ADDRESS if trunk.registration is None else Way.REGISTERED,
        media=media_terms(trunk),
        profile=trunk.profile,
        announced=trunk.announced,
    )


def terms_of(request: Request, table: RoutingTable) -> Terms:
    """The terms of his queue; where it is gone the usual ones."""
    queue = table.queues.get(request.queue)
    return NO_CALLBACK if queue is None else queue.callback
