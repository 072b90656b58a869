"""Callers who are to be called back, and those who were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from appliance.domain import numbers
from appliance.store.models import Account, Task
from appliance.store.queries.call_views import Place
from appliance.store.queries.calls import caller_matches
from appliance.store.queries.scope import Reader

#: States that a filter may ask for.
STATES = ("open", "closed")


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks. Empty fields filter nothing; ``since`` is inclusive, ``until`` is not, both of the last call.

    :param state: one of ``STATES``.
    :param number: the 400 number that was called last, in any writing.
    :param caller: part of a caller's number.
    """

    state: str = ""
    number: str = ""
    caller: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A caller and his missed calls.

    :param calls: how many; the first and the last one's beginnings, and how the last one ended.
    :param closing_call: UUID of the call that reached him; empty: none did.
    :param closed_by: login of who closed it, with ``note``; empty: nobody.
    """

    id: int
    kind: str
    account_id: str
    account_name: str
    caller: str
    caller_kind: str
    number: str
    calls: int
    first_call: str
    first_at: datetime
    last_call: str
    last_at: datetime
    last_outcome: str
    closed_at: datetime | None
    closing_call: str
    closed_by: str
    note: str

    @property
    def is_open(self) -> bool:
        """Whether nobody has reached him yet."""
        return self.closed_at is None


def count(reader: Reader, wanted: TaskFilter) -> int:
    """How many a filter finds."""
    found = reader.row(select(func.count(Task.id)).where(*_conditions(wanted)))
    return found[0] if found else 0


def page(
    reader: Reader, wanted: TaskFilter, *, limit: int, offset: int = 0, after: Place | None = None
) -> Sequence[TaskRow]:
    """Tasks of a filter, those called last first: ``limit`` of them, from ``offset`` on or behind ``after``."""
    statement = (
        select(Task, Account.name)
        .join_from(Task, Account, Account.id == Task.account_id, isouter=True)
        .where(*_conditions(wanted))
    )
    if after is not None:
        same = and_(Task.last_at == after.started_at, Task.id < after.id)
        statement = statement.where(or_(Task.last_at < after.started_at, same))
    statement = statement.order_by(Task.last_at.desc(), Task.id.desc()).limit(limit).offset(offset)
    return [_row(task, name or "") for task, name in reader.rows(statement)]


def one(reader: Reader, task_id: int) -> TaskRow | None:
    """The task of that id; None: there is none that this reader may see."""
    statement = select(Task, Account.name).join_from(Task, Account, Account.id == Task.account_id, isouter=True)
    found = reader.row(statement.where(Task.id == task_id))
    return _row(found[0], found[1] or "") if found else None


def place(row: TaskRow) -> Place:
    """Where the next page goes on."""
    return Place(row.last_at, row.id)


def _conditions(wanted: TaskFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state:
        conditions.append(Task.closed_at.is_(None) if wanted.state == "open" else Task.closed_at.is_not(None))
    if wanted.number:
        conditions.append(Task.number == numbers.compact(wanted.number))
    if wanted.caller:
        conditions.append(caller_matches(Task.caller, wanted.caller))
    if wanted.since is not None:
        conditions.append(Task.last_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Task.last_at < wanted.until)
    return conditions


def _row(task: Task, account_name: str) -> TaskRow:
    own = {name: getattr(task, name) for name in TaskRow.__dataclass_fields__ if name != "account_name"}
    return TaskRow(account_name=account_name, **own)
