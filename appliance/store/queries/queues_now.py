"""The queues at this moment: who waits, and whether somebody is at the lines.

What the journal says of the lines and callers that a reader may see; the switch is not asked.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.domain import numbers
from appliance.domain.callback_turn import in_row
from appliance.domain.queue import Waiting, in_order
from appliance.store.callbacks import Callbacks
from appliance.store.models import Account, Line, Queue
from appliance.store.queries.scope import Reader
from appliance.store.waitlist import Waitlist


@dataclass(frozen=True, slots=True)
class CallerView:
    """A caller in a queue.

    :param position: from 1. 0: his turn has come.
    :param rung: then the names of the lines that ring for him; or he talks to one of them already, which nobody but
        the switch knows.
    :param rung_at: since when; None: they are about to ring.
    :param callback: he does not wait himself, but is to be called back.
    """

    position: int
    number: str
    caller: str
    caller_kind: str
    entered_at: datetime
    priority: int
    skill: str
    rung: tuple[str, ...]
    rung_at: datetime | None
    callback: bool = False


@dataclass(frozen=True, slots=True)
class PostView:
    """A line of a queue. ``signed_in_at``: since when somebody is signed in at it; ``rests_until``: it is left
    alone."""

    id: str
    name: str
    number: str
    signed_in_at: datetime | None
    rests_until: datetime | None


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue with its callers, in the order in which they are served, those first whose turn has come; and its
    lines.

    :param sign_in: lines serve only while somebody is signed in at them.
    :param strategy: how its lines are chosen.
    :param service_level_s: within it an answer counts for the service level.
    """

    id: str
    name: str
    account_name: str
    strategy: str
    sign_in: bool
    service_level_s: int
    callers: tuple[CallerView, ...]
    lines: tuple[PostView, ...]

    @property
    def waiting(self) -> int:
        """How many callers' turn has not come."""
        return sum(caller.position > 0 for caller in self.callers)

    @property
    def signed_in(self) -> int:
        """At how many lines somebody is signed in."""
        return sum(line.signed_in_at is not None for line in self.lines)


def queues_now(reader: Reader, waitlist: Waitlist, now: datetime) -> Sequence[QueueNow]:
    """Every queue, by company and id."""
    queues = reader.scalars(select(Queue).order_by(Queue.account_id, Queue.id))
    lines = {line.id: line for line in reader.scalars(select(Line))}
    accounts = dict(reader.rows(select(Account.id, Account.name)))
    callers = _callers_of(reader, waitlist)
    to_call = _to_call(reader, waitlist, callers, now)
    waiting = in_order([*callers, *to_call])
    called_back = frozenset(one.uuid for one in to_call)
    wrap_up: dict[str, int] = {}
    for queue in queues:
        for line_id in queue.line_ids:
            wrap_up[line_id] = max(queue.wrap_up_seconds, wrap_up.get(line_id, 0))
    signed_in, rests = waitlist.signed_in(), waitlist.left_alone(wrap_up, now)
    return [
        QueueNow(
            id=queue.id,
            name=queue.name or queue.id,
            account_name=accounts.get(queue.account_id, ""),
            strategy=queue.strategy,
            sign_in=queue.sign_in,
            service_level_s=queue.service_level_seconds,
            callers=_callers([one for one in waiting if one.queue == queue.id], lines, called_back),
            lines=tuple(
                PostView(
                    id=line_id,
                    name=lines[line_id].name or line_id,
                    number=lines[line_id].number,
                    signed_in_at=signed_in.get(line_id),
                    rests_until=rests.get(line_id),
                )
                for line_id in queue.line_ids
                if line_id in lines
            ),
        )
        for queue in queues
    ]


def asks_for_sign_in(reader: Reader, line_id: str) -> bool:
    """Whether there is such a line, and a queue that it serves only while somebody is signed in at it."""
    if reader.row(select(Line.id).where(Line.id == line_id)) is None:
        return False
    return any(line_id in served for served in reader.scalars(select(Queue.line_ids).where(Queue.sign_in)))


def _callers_of(reader: Reader, waitlist: Waitlist) -> list[Waiting]:
    """The journal is the box's; its rows are held to the reader's scope here."""
    scope = reader.scope
    return [kept.waiting for kept in waitlist.here() if scope.sees_all or kept.account == scope.account_id]


def _to_call(reader: Reader, waitlist: Waitlist, callers: Sequence[Waiting], now: datetime) -> list[Waiting]:
    """Those who are to be called back and have a place; the hours, which only the handlers know, are not asked."""
    scope = reader.scope
    requests = Callbacks(waitlist.file).open()
    theirs = [one for one in requests if scope.sees_all or one.account == scope.account_id]
    return list(in_row(theirs, callers, now, lambda request: True))


def _callers(
    waiting: Sequence[Waiting], lines: Mapping[str, Line], called_back: Container[str]
) -> tuple[CallerView, ...]:
    """Of one queue, in order; ``position`` is as the callers are told theirs."""
    positions = {one.uuid: place for place, one in enumerate((one for one in waiting if not one.rung), start=1)}
    return tuple(
        CallerView(
            position=positions.get(one.uuid, 0),
            number=one.number,
            caller=one.caller,
            caller_kind=numbers.caller(one.caller).kind.value,
            entered_at=one.entered_at,
            priority=one.priority,
            skill=one.skill,
            rung=tuple((lines[line].name or line) if line in lines else line for line in one.rung),
            rung_at=one.rung_at,
            callback=one.uuid in called_back,
        )
        for one in sorted(waiting, key=lambda one: not one.rung)
    )
