"""Charges of stored calls: what is to be rated, what was used before, and the charges themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, text
from sqlalchemy.orm import Session

from appliance.domain import pricing
from appliance.domain.cdr import LONGEST_LEG
from appliance.domain.grants import month_of, month_start
from appliance.store.models import Call, Charge

#: The calls that nobody may charge for before a person has looked at them.
ABNORMAL = "abnormal"
#: PostgreSQL's advisory lock of whoever writes charges.
_TURN = 400_400_401
_AT_ONCE = 500
#: The columns that ``metered_row`` reads.
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
    """Let one unit of work at a time write charges: grants depend on the charges before.

    SQLite lets one write at a time as it is.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def metered_calls(session: Session, uuids: Collection[str]) -> list[pricing.MeteredCall]:
    """These calls as rating sees them; those closed as abnormal are left out."""
    return [
        metered_row(row)
        for part in _parts(uuids)
        for row in session.execute(select(*METERED).where(Call.uuid.in_(part), Call.outcome != ABNORMAL))
    ]


def metered_between(
    session: Session, number: str, since: datetime, until: datetime | None
) -> list[pricing.MeteredCall]:
    """Every call of a number answered in ``[since, until)`` (None: no end), abnormal ones left out."""
    statement = select(*METERED).where(*_answered(number, since, until))
    return [metered_row(row) for row in session.execute(statement)]


def units_before(session: Session, number: str, since: datetime, until: datetime) -> list[tuple[int, int]]:
    """Billable units of a number's rated calls answered in ``[since, until)``: ``(month, units)``, in order."""
    statement = units_by_month(number, since, until)
    return [] if statement is None else [(int(each), int(units)) for each, units in session.execute(statement)]


def units_by_month(number: str, since: datetime, until: datetime) -> Select[int, int] | None:
    """The query of ``units_before``; None: there is no time between the two."""
    if since >= until:
        return None
    months = range(month_of(since), month_of(until) + 1)
    month: ColumnElement[int] = case(*((Call.answered_at < month_start(each + 1), each) for each in months))
    used = (
        select(month.label("month"), Charge.billable_units.label("units"))
        .join(Charge, Charge.call_uuid == Call.uuid)
        .where(*_answered(number, since, until))
        .subquery()
    )
    return select(used.c.month, func.sum(used.c.units)).group_by(used.c.month).order_by(used.c.month)


def to_rate(
    session: Session, *, again: bool, since: datetime | None, until: datetime | None
) -> dict[str, list[str]]:
    """UUIDs of calls by number that have no charge, or of all (``again``), whose charge is not final.

    :param since: with ``until``: only calls of ``[since, until)``, by their answer, or their start if unanswered.
    """
    at = func.coalesce(Call.answered_at, Call.started_at)
    statement = (
        select(Call.number, Call.uuid)
        .join(Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .where(Call.outcome != ABNORMAL)
        .order_by(Call.number, Call.id)
    )
    if again:
        statement = statement.where(func.coalesce(Charge.final, False).is_(False))
    else:
        statement = statement.where(Charge.id.is_(None))
    if since is not None:
        statement = statement.where(at >= since)
    if until is not None:
        statement = statement.where(at < until)
    found: dict[str, list[str]] = {}
    for number, uuid in session.execute(statement):
        found.setdefault(number, []).append(uuid)
    return found


def save(session: Session, charges: Mapping[str, pricing.Charge | pricing.Unratable], now: datetime) -> list[str]:
    """Write the charges of calls; returns the calls whose charge is new or another one than before.

    A charge that stays as it was is not touched, and a final one never is.
    """
    changed = []
    for part in _parts(charges):
        stored = {row.call_uuid: row for row in session.scalars(select(Charge).where(Charge.call_uuid.in_(part)))}
        for uuid in part:
            values = _values(charges[uuid])
            row = stored.get(uuid)
            if row is None:
                session.add(Charge(call_uuid=uuid, rated_at=now, **values))
            elif row.final or all(getattr(row, name) == value for name, value in values.items()):
                continue
            else:
                for name, value in values.items():
                    setattr(row, name, value)
                row.rated_at = now
            changed.append(uuid)
        session.flush()
    return changed


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


def _answered(number: str, since: datetime, until: datetime | None) -> list[ColumnElement[bool]]:
    # The index knows when calls started; none is answered longer after that than a leg may last.
    conditions = [
        Call.number == number,
        Call.started_at >= since - (LONGEST_LEG + timedelta(seconds=1)),
        Call.answered_at >= since,
        Call.outcome != ABNORMAL,
    ]
    if until is not None:
        conditions += [Call.started_at < until, Call.answered_at < until]
    return conditions


def _values(charge: pricing.Charge | pricing.Unratable) -> dict[str, Any]:
    """A charge's columns. A call that cannot be priced has a row too: it was looked at, and why is shown."""
    if isinstance(charge, pricing.Unratable):
        zero = ("metered_seconds", "billable_units", "included_units", "charged_units", "amount")
        return {"plan_code": "", "price_from": "", **dict.fromkeys(zero, 0), "reason": f"reject:{charge.reason}"}
    values = asdict(charge)
    return {"plan_code": values.pop("plan"), **values, "reason": charge.reason.value}


def _parts(uuids: Collection[str]) -> Iterator[list[str]]:
    left = iter(uuids)
    while part := list(islice(left, _AT_ONCE)):
        yield part
