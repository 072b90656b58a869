"""Callers' stays in queues: those of a call, and what became of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select

from appliance.domain.queue import Left
from appliance.store.models import Line, Queue, QueueStay
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class StayView:
    """A caller's time in a queue. Names are empty where the queue or the line is gone, or no line took him.

    :param left: as ``domain.queue.Left``.
    """

    queue_id: str
    queue_name: str
    entered_at: datetime
    wait_ms: int
    left: str
    line_id: str
    line_name: str


@dataclass(frozen=True, slots=True)
class QueueReport:
    """What became of the callers of a queue, each counted once for each time that he entered it.

    :param name: empty: it has none, or the queue is gone and only its stays are left.
    :param offered: all of them: the sum of the eight ways to leave.
    :param short: of those who gave up, how many did so before it counts.
    :param service_level: answered in time ÷ (offered − short), in thousandths, rounded down; None: nobody counts,
        or the queue is gone and with it what it was measured by.
    :param mean_wait_ms: of those who were answered; None: nobody was.
    :param longest_wait_ms: of all; 0: nobody came.
    """

    queue_id: str
    name: str
    offered: int
    answered: int
    abandoned: int
    short: int
    timeout: int
    full: int
    nobody: int
    key: int
    callback: int
    lost: int
    service_level: int | None
    mean_wait_ms: int | None
    longest_wait_ms: int


def stays_of_call(reader: Reader, uuid: str) -> Sequence[StayView]:
    """The stays of a call in their order; none: it waited in no queue, or this reader may not see it."""
    found = reader.rows(
        select(QueueStay, Queue.name, Line.name)
        .join_from(QueueStay, Queue, Queue.id == QueueStay.queue_id, isouter=True)
        .join(Line, Line.id == QueueStay.line_id, isouter=True)
        .where(QueueStay.call_uuid == uuid)
        .order_by(QueueStay.ordinal)
    )
    return [
        StayView(
            queue_id=stay.queue_id,
            queue_name=queue_name or "",
            entered_at=stay.entered_at,
            wait_ms=stay.wait_ms,
            left=stay.left,
            line_id=stay.line_id,
            line_name=line_name or "",
        )
        for stay, queue_name, line_name in found
    ]


def queue_report(reader: Reader, since: datetime, until: datetime) -> Sequence[QueueReport]:
    """Every queue, and every one that is gone but was entered, with its stays that began in ``[since, until)``."""
    in_time = and_(_left(Left.ANSWERED), QueueStay.wait_ms <= Queue.service_level_seconds * 1000)
    short = and_(_left(Left.ABANDONED), QueueStay.wait_ms <= Queue.short_abandon_seconds * 1000)
    counted = reader.rows(
        select(
            QueueStay.queue_id,
            func.count(QueueStay.id),
            _count(short),
            _count(in_time),
            func.sum(case((_left(Left.ANSWERED), QueueStay.wait_ms), else_=0)),
            func.max(QueueStay.wait_ms),
            *(_count(_left(left)) for left in Left),
        )
        .join_from(QueueStay, Queue, Queue.id == QueueStay.queue_id, isouter=True)
        .where(QueueStay.entered_at >= since, QueueStay.entered_at < until)
        .group_by(QueueStay.queue_id)
    )
    names = dict(reader.rows(select(Queue.id, Queue.name)))
    by_queue = {queue_id: tuple(int(value) for value in values) for queue_id, *values in counted}
    nobody_came = (0,) * (5 + len(Left))
    return [
        _report(queue_id, names.get(queue_id), by_queue.get(queue_id, nobody_came))
        for queue_id in sorted(names.keys() | by_queue.keys())
    ]


def _left(left: Left) -> ColumnElement[bool]:
    return QueueStay.left == left.value


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _report(queue_id: str, name: str | None, values: Sequence[int]) -> QueueReport:
    """``name`` None: the queue is gone."""
    offered, short, in_time, answered_ms, longest, *lefts = values
    left = dict(zip(Left, lefts, strict=True))
    counts = offered - short if name is not None else 0
    return QueueReport(
        queue_id=queue_id,
        name=name or "",
        offered=offered,
        answered=left[Left.ANSWERED],
        abandoned=left[Left.ABANDONED],
        short=short,
        timeout=left[Left.TIMEOUT],
        full=left[Left.FULL],
        nobody=left[Left.NOBODY],
        key=left[Left.KEY],
        callback=left[Left.CALLBACK],
        lost=left[Left.LOST],
        service_level=1000 * in_time // counts if counts else None,
        mean_wait_ms=answered_ms // left[Left.ANSWERED] if left[Left.ANSWERED] else None,
        longest_wait_ms=longest,
    )
