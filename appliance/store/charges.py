"""Charges of stored calls: what is to be rated, what was used before, and one call with its charge."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from appliance.domain import pricing
from appliance.domain.cdr import LONGEST_LEG
from appliance.domain.grants import month_of
from appliance.store.models import Call, Charge, CorrectionItem, Number
from appliance.store.parts import parts

#: The calls that nobody may charge for before a person has looked at them, and what he may say (``Call.settled``).
ABNORMAL = "abnormal"
CHARGE, WAIVE = "charge", "waive"
#: A call that the rules price. One that a person waived is charged nothing without them.
BY_RULES = or_(Call.settled == CHARGE, and_(Call.settled == "", Call.outcome != ABNORMAL))
#: The instant by which a call belongs to a month and a subscription.
AT = func.coalesce(Call.answered_at, Call.started_at)
#: Who pays. A call of a number that was not known when it was stored belongs to the number's account of today.
PAYER = func.coalesce(
    Call.account_id,
    select(Number.account_id).where(Number.number == Call.number).correlate(Call).scalar_subquery(),
    "",
)
NOT_FINAL = func.coalesce(Charge.final, False).is_(False)

#: PostgreSQL's advisory lock of whoever writes charges or postings.
_TURN = 400_400_401
METERED = (
    Call.uuid,
    Call.number,
    Call.caller_kind,
    Call.started_at,
    Call.answered_at,
    Call.bill_ms,
    Call.bridged_ms,
)


def take_turn(session: Session) -> None:
    """Let one unit of work at a time write charges and postings: grants depend on the charges before, numbers of
    postings on the postings.

    SQLite lets one write at a time as it is.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def metered_calls(session: Session, uuids: Collection[str]) -> list[pricing.MeteredCall]:
    """These calls as rating sees them; those that wait for a person, are waived or final are left out."""
    return [
        metered_row(row)
        for part in parts(uuids)
        for row in session.connection().execute(_open_calls().where(Call.uuid.in_(part), BY_RULES))
    ]


def waived_calls(session: Session, uuids: Collection[str]) -> list[str]:
    """Those of the calls that a person waived and that are not final."""
    return [
        row.uuid
        for part in parts(uuids)
        for row in session.execute(_open_calls().where(Call.uuid.in_(part), Call.settled == WAIVE))
    ]


def metered_between(
    session: Session, number: str, since: datetime, until: datetime | None
) -> list[pricing.MeteredCall]:
    """Every call of a number answered in ``[since, until)`` (None: no end) whose charge is not final; those that
    wait for a person or are waived are left out."""
    statement = _open_calls().where(*answered(number, since, until), BY_RULES)
    return [metered_row(row) for row in session.connection().execute(statement)]


def how_many_between(session: Session, number: str, since: datetime, until: datetime | None) -> int:
    """How many calls ``metered_between`` gives."""
    statement = with_charge(select(func.count(Call.id)))
    found = session.scalar(statement.where(NOT_FINAL, *answered(number, since, until), BY_RULES))
    return int(found or 0)


def units_taken(
    session: Session, number: str, begin: datetime, end: datetime | None, before: datetime
) -> list[tuple[int, int]]:
    """Included units that calls of a number answered in ``[begin, end)`` have used, ``(month, units)`` in order:
    those of calls before ``before``, and of all whose charge is final, by its last correction where it has one."""
    within = (
        *answered(number, begin, end),
        or_(Charge.final, Call.answered_at < before),
        # The month of a final charge stays, even if its call's times have changed since.
        Charge.month >= month_of(begin),
    )
    units = func.coalesce(CorrectionItem.included_units, Charge.included_units)
    statement = (
        select(Charge.month, func.sum(units))
        .join(Call, Call.uuid == Charge.call_uuid)
        .join(
            CorrectionItem,
            and_(CorrectionItem.call_uuid == Charge.call_uuid, _is_last_correction()),
            isouter=True,
        )
        .where(*within)
        .group_by(Charge.month)
        .order_by(Charge.month)
    )
    return [(month, int(used)) for month, used in session.execute(statement)]


def _is_last_correction() -> ColumnElement[bool]:
    """That a ``CorrectionItem`` is the last one of its call. Asked of a few calls by the call's index, where
    ``last_corrections`` reads every call that a number ever had."""
    later = aliased(CorrectionItem)
    same_call = later.call_uuid == CorrectionItem.call_uuid
    return ~select(later.id).where(same_call, later.id > CorrectionItem.id).exists()


def last_corrections(number: str) -> Select[Any]:
    """Keys of the last ``CorrectionItem`` of each call of a number that has any."""
    return (
        select(func.max(CorrectionItem.id))
        .join(Call, Call.uuid == CorrectionItem.call_uuid)
        .where(Call.number == number)
        .group_by(CorrectionItem.call_uuid)
    )


class Unrated(NamedTuple):
    """Calls of a number that have no charge and wait for nobody: all of them, and those that a person waived; and
    how many calls of it have a charge."""

    number: str
    calls: int
    waived: int
    charged: int


def unrated_numbers(session: Session, since: datetime | None, until: datetime | None) -> list[Unrated]:
    """Numbers with calls that have no charge and wait for nobody, sorted.

    :param since: with ``until``: only calls of ``[since, until)``, by their answer, or their start if unanswered.
    """
    due = and_(*unrated_conditions(since, until))
    counted = func.count(Call.id).filter(due)
    waived, charged = func.count(Call.id).filter(due, Call.settled == WAIVE), func.count(Charge.id)
    statement = with_charge(select(Call.number, counted, waived, charged)).group_by(Call.number)
    return [Unrated(*row) for row in session.execute(statement.having(counted > 0).order_by(Call.number))]


def newest(session: Session) -> tuple[int, str] | None:
    """The charge that was made last, its number and its call; None: there is none. While it is the same, nobody has
    charged a call."""
    last = select(func.max(Charge.id)).scalar_subquery()
    found = session.execute(select(Charge.id, Charge.call_uuid).where(Charge.id == last)).first()
    return None if found is None else (found[0], found[1])


def how_many(session: Session, numbers: Collection[str]) -> int:
    """All calls of some numbers, whatever became of them."""
    return session.scalar(select(func.count()).where(Call.number.in_(numbers))) or 0


def unrated(session: Session, number: str, since: datetime | None, until: datetime | None) -> list[str]:
    """UUIDs of such calls of a number."""
    statement = select(Call.uuid).where(Call.number == number, *unrated_conditions(since, until))
    return list(session.scalars(with_charge(statement)))


def find(session: Session, uuid: str) -> tuple[Call, Charge | None] | None:
    """A call and its charge; None: no such call."""
    call = session.scalar(select(Call).where(Call.uuid == uuid))
    if call is None:
        return None
    return call, session.scalar(select(Charge).where(Charge.call_uuid == uuid))


def metered(call: Call) -> pricing.MeteredCall:
    """A call as rating sees it: its milliseconds are whole seconds, rounded up."""
    return metered_row(
        (call.uuid, call.number, call.caller_kind, call.started_at, call.answered_at, call.bill_ms, call.bridged_ms)
    )


def metered_row(row: Any) -> pricing.MeteredCall:
    """As ``metered``, of the columns ``METERED``."""
    uuid, number, caller_kind, started_at, answered_at, bill_ms, bridged_ms = row
    return pricing.MeteredCall(
        call_id=uuid,
        number=number,
        caller_kind=caller_kind,
        started_at=started_at,
        answered_at=answered_at,
        billsec=pricing.whole_seconds(bill_ms),
        bridged_seconds=pricing.whole_seconds(bridged_ms),
    )


def with_charge(statement: Any) -> Any:
    """A statement about calls, each with its charge or none."""
    return statement.join(Charge, Charge.call_uuid == Call.uuid, isouter=True)


def _open_calls() -> Any:
    return with_charge(select(*METERED)).where(NOT_FINAL)


def unrated_conditions(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """That a call has no charge and waits for nobody, as ``unrated_numbers`` says."""
    return [Charge.id.is_(None), *ratable_conditions(since, until)]


def ratable_conditions(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """That a call waits for nobody, as ``unrated_numbers`` says, whether it has a charge or not."""
    conditions = [or_(BY_RULES, Call.settled == WAIVE)]
    if since is not None:
        conditions.append(since <= AT)
    if until is not None:
        conditions.append(until > AT)
    return conditions


def answered(number: str, since: datetime, until: datetime | None) -> list[ColumnElement[bool]]:
    """That a call of a number was answered in ``[since, until)``."""
    # The index knows when calls started; none is answered longer after that than a leg may last.
    conditions = [
        Call.number == number,
        Call.started_at >= since - (LONGEST_LEG + timedelta(seconds=1)),
        Call.answered_at >= since,
    ]
    if until is not None:
        conditions += [Call.started_at < until, Call.answered_at < until]
    return conditions
