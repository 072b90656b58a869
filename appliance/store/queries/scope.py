"""Whose rows a reader sees, enforced below the queries.

Each table says here how its rows belong to an account: by a column, through another table, shared by all
accounts of the box, or not to be read by this way at all. SQLAlchemy then adds the condition to every
statement of the session, subqueries and joins included (``with_loader_criteria``); a statement that it could
not add it to (plain text, plain tables, writes) is refused. A test holds the list to the models: a new table
that is on none of the lists fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Row, event, exists, false
from sqlalchemy.orm import ORMExecuteState, Session, aliased, with_loader_criteria
from sqlalchemy.sql.selectable import TypedReturnsRows

from appliance.errors import RuleError
from appliance.store.models import (
    Account,
    AccountSuspension,
    Base,
    Bill,
    BilledCorrection,
    CalendarDay,
    Call,
    Callback,
    CallLeg,
    Charge,
    ClosedMonth,
    Correction,
    CorrectionItem,
    Flow,
    FlowDraft,
    FlowPublication,
    FlowVersion,
    Hook,
    LedgerBalance,
    LedgerPosting,
    LedgerSeal,
    LegCost,
    Line,
    LineSigning,
    ListEntry,
    Notification,
    Number,
    NumberList,
    NumberMove,
    Operator,
    Plan,
    Price,
    Prompt,
    Queue,
    QueueStay,
    Recording,
    RecordingAccess,
    Region,
    Role,
    Schedule,
    SetAside,
    Settlement,
    SiteState,
    Subscription,
    Task,
    TaskEvent,
    TaxInvoice,
    Trunk,
    TrunkCost,
)
from appliance.store.unit import Store

_Columns = TypeVarTuple("_Columns")
_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows may be seen: one account's, or (``account_id`` None) those of every account of the box."""

    account_id: str | None

    @property
    def sees_all(self) -> bool:
        """Whether the rows of every account may be seen."""
        return self.account_id is None


def _has(owner: type[Base], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """There is such an owner. Asked row by row: a list of all that an account owns would be long."""
    return exists().where(*conditions).select_from(owner)


_call, _flow, _number, _list = aliased(Call), aliased(Flow), aliased(Number), aliased(NumberList)
_correction = aliased(Correction)

#: How a table's rows belong to an account.
OWNED: dict[type[Base], Callable[[str], ColumnElement[bool]]] = {
    Account: lambda account: Account.id == account,
    Bill: lambda account: Bill.account_id == account,
    Call: lambda account: Call.account_id == account,
    Callback: lambda account: Callback.account_id == account,
    CallLeg: lambda account: _has(_call, _call.uuid == CallLeg.call_uuid, _call.account_id == account),
    Charge: lambda account: _has(_call, _call.uuid == Charge.call_uuid, _call.account_id == account),
    ClosedMonth: lambda account: ClosedMonth.account_id == account,
    Correction: lambda account: Correction.account_id == account,
    CorrectionItem: lambda account: _has(
        _correction, _correction.id == CorrectionItem.correction_id, _correction.account_id == account
    ),
    Flow: lambda account: Flow.account_id == account,
    FlowDraft: lambda account: _has(_flow, _flow.id == FlowDraft.flow_id, _flow.account_id == account),
    FlowPublication: lambda account: _has(_flow, _flow.id == FlowPublication.flow_id, _flow.account_id == account),
    FlowVersion: lambda account: _has(_flow, _flow.id == FlowVersion.flow_id, _flow.account_id == account),
    Hook: lambda account: Hook.account_id == account,
    LedgerBalance: lambda account: LedgerBalance.account_id == account,
    LedgerPosting: lambda account: LedgerPosting.account_id == account,
    Line: lambda account: Line.account_id == account,
    LineSigning: lambda account: LineSigning.account_id == account,
    ListEntry: lambda account: _has(_list, _list.id == ListEntry.list_id, _list.account_id == account),
    Notification: lambda account: Notification.account_id == account,
    Number: lambda account: Number.account_id == account,
    NumberList: lambda account: NumberList.account_id == account,
    Prompt: lambda account: Prompt.account_id == account,
    Queue: lambda account: Queue.account_id == account,
    QueueStay: lambda account: QueueStay.account_id == account,
    Recording: lambda account: Recording.account_id == account,
    RecordingAccess: lambda account: RecordingAccess.account_id == account,
    Schedule: lambda account: Schedule.account_id == account,
    Settlement: lambda account: Settlement.account_id == account,
    Subscription: lambda account: _has(
        _number, _number.number == Subscription.number, _number.account_id == account
    ),
    Task: lambda account: Task.account_id == account,
    TaskEvent: lambda account: TaskEvent.account_id == account,
}
#: Tables that all accounts of a box share.
SHARED: tuple[type[Base], ...] = (CalendarDay, Plan, Price, Region, Trunk)
#: Tables of the box itself: who sees one account alone sees nothing of them.
BOX: tuple[type[Base], ...] = (LegCost, TrunkCost)
#: Tables that no query of this package reads, for anybody.
CLOSED: tuple[type[Base], ...] = (
    AccountSuspension,
    BilledCorrection,
    LedgerSeal,
    NumberMove,
    Operator,
    Role,
    SetAside,
    SiteState,
    TaxInvoice,
)


class Reader:
    """A session that reads the rows of one scope and nothing else."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self.scope = scope
        self._session = session
        options = [with_loader_criteria(table, false(), include_aliases=True) for table in CLOSED]
        if scope.account_id is not None:
            account = scope.account_id
            options += [
                with_loader_criteria(table, owned(account), include_aliases=True) for table, owned in OWNED.items()
            ]
            options += [with_loader_criteria(table, false(), include_aliases=True) for table in BOX]

        def hold(state: ORMExecuteState) -> None:
            if not (state.is_select and state.is_orm_statement):
                raise RuleError("a scoped session takes ORM selects only")
            state.statement = state.statement.options(*options)

        event.listen(session, "do_orm_execute", hold)

    def rows(self, statement: TypedReturnsRows[*_Columns]) -> Sequence[Row[*_Columns]]:
        """Every row."""
        return self._session.execute(statement).all()

    def row(self, statement: TypedReturnsRows[*_Columns]) -> Row[*_Columns] | None:
        """The first row, or None."""
        return self._session.execute(statement).first()

    def scalars(self, statement: TypedReturnsRows[_One]) -> Sequence[_One]:
        """The first column of every row."""
        return self._session.scalars(statement).all()


@contextmanager
def reading(store: Store, scope: Scope) -> Iterator[Reader]:
    """One consistent reading of what ``scope`` may see.

    :raises StoreError: as ``Store.reading``.
    """
    with store.reading() as session:
        yield Reader(session, scope)
