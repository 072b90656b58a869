"""Calls charged many at once: where the database keeps what it computes, and how that becomes charges.

What a call costs is no statement of this module: whoever rates hands in the queries (``rating.bulk.box``). The
tables are the session's own and temporary; they are gone with the unit of work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    case,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Session

from appliance.domain.money import YUAN
from appliance.domain.rerating import REJECT, Figures
from appliance.store.bulk_tables import ASSESSED, CALLS, METADATA, PLANS, WRITTEN
from appliance.store.charges import (
    AT,
    BY_RULES,
    NOT_FINAL,
    PAYER,
    answered,
    ratable_conditions,
    unrated_conditions,
    with_charge,
)
from appliance.store.instants import microseconds, month
from appliance.store.ledger import post_new
from appliance.store.models import Call, Charge, ClosedMonth
from appliance.store.types import Instant

#: The columns of ``rating.bulk.expressions.charge`` here.
CHARGED = (
    "call_id",
    "account_id",
    "month",
    "plan",
    "price",
    "metered",
    "units",
    "included",
    "charged",
    "millions",
    "yuan",
    "micro",
    "reason",
)
_KEYS = ("call_uuid", "account_id", "month", "booked_month", "rated_at", "final", *Figures._fields)


@contextmanager
def workspace(session: Session) -> Iterator[None]:
    """The tables, empty; and room to compute. The session's unit of work must end with the block."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        # A number's calls are one statement, however many they are; and they are sorted.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))
        connection.execute(text("SET LOCAL jit = off"))
        METADATA.create_all(connection, checkfirst=False)
        yield
        return
    usual = connection.scalar(text("PRAGMA cache_size"))
    connection.execute(text("PRAGMA cache_size = -65536"))
    connection.execute(text("PRAGMA temp.cache_size = -65536"))
    try:
        METADATA.create_all(connection, checkfirst=False)
        yield
        METADATA.drop_all(connection, checkfirst=False)
    finally:
        connection.execute(text(f"PRAGMA cache_size = {usual}"))


def fill(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into one of the tables."""
    if rows:
        session.connection().execute(insert(table), rows)


def take_unrated(
    session: Session, numbers: Collection[str], since: datetime | None, until: datetime | None, *, all_new: bool
) -> None:
    """Put the calls of some numbers that have no charge and wait for nobody among the calls.

    :param all_new: none of their calls has a charge; to look that up for each costs as much as all the rest.
    """
    due = (ratable_conditions if all_new else unrated_conditions)(since, until)
    _take(session, Call.number.in_(numbers), BY_RULES, *due, charged=not all_new)


def take_between(session: Session, number: str, since: datetime, until: datetime | None) -> None:
    """Put the calls of a number among the calls that were answered in ``[since, until)`` and have a charge that is
    not final."""
    _take(session, *answered(number, since, until), BY_RULES, Charge.id.is_not(None), NOT_FINAL)


def waiting(session: Session) -> int:
    """How many calls there are to be assessed."""
    return session.connection().scalar(select(func.count()).select_from(CALLS)) or 0


def assess(session: Session, query: str) -> None:
    """Read the calls against the book by a query over the tables, and take them from among the calls."""
    connection = session.connection()
    found = text(_verbatim(query)).columns(*(column(each.name) for each in ASSESSED.columns))
    connection.execute(insert(ASSESSED).from_select([each.name for each in ASSESSED.columns], found))
    connection.execute(delete(CALLS))
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE bulk_assessed"))


def firsts(session: Session) -> list[tuple[int, int, int]]:
    """The first of the calls that may use grants, by ``(subscription, month)``: when it was answered, microseconds
    since 1970."""
    columns = ASSESSED.c
    found = session.connection().execute(
        select(columns.subscription, columns.month, func.min(columns.answered_us))
        .where(columns.refusal.is_(None), columns.granted, columns.answered_us.is_not(None))
        .group_by(columns.subscription, columns.month)
        .order_by(columns.subscription, columns.month)
    )
    return [(subscription, month, at) for subscription, month, at in found]


def totals(session: Session, query: str) -> list[tuple[int, int, int]]:
    """The rows of ``rating.bulk.expressions.month_totals``."""
    found = session.connection().execute(text(_verbatim(query)))
    return [(subscription, month, int(units)) for subscription, month, units in found]


def counts(session: Session) -> tuple[int, int]:
    """How many calls were assessed, and how many of them have no subscription or price."""
    found = session.connection().execute(select(func.count(), func.count(ASSESSED.c.refusal))).one()
    return found[0], found[1]


def charged_before(session: Session, query: str) -> dict[str, Figures]:
    """What the calls that have a charge already are rated as now."""
    known = exists().where(Charge.call_uuid == literal_column("rated.call_uuid"))
    found: dict[str, Figures] = {}
    for rated in _rated(query):
        rows = session.connection().execute(
            select(rated.c.call_uuid, *(rated.c[name] for name in Figures._fields)).where(known)
        )
        found |= {row[0]: Figures(*row[1:]) for row in rows}
    return found


def charge_new(session: Session, query: str, now: datetime, *, all_new: bool) -> int:
    """Write and post the charges of the calls that have none; how many they are. The caller has taken his turn.

    :param all_new: none of the calls has a charge.
    """
    connection = session.connection()
    before = connection.scalar(select(func.max(Charge.id))) or 0
    closed = (
        select(ClosedMonth.account_id, func.max(ClosedMonth.month).label("month"))
        .group_by(ClosedMonth.account_id)
        .subquery("closed")
    )
    for rated in _rated(query):
        # As domain.closing.booked_month.
        booked = case((closed.c.month >= rated.c.month, closed.c.month + 1), else_=rated.c.month)
        rows: Select[Any] = select(
            rated.c.call_uuid,
            rated.c.account_id,
            rated.c.month,
            booked,
            literal(now, Instant),
            literal(False, Boolean),
            *(rated.c[name] for name in Figures._fields),
        ).join_from(rated, closed, closed.c.account_id == rated.c.account_id, isouter=True)
        if not all_new:
            rows = rows.where(~exists().where(Charge.call_uuid == rated.c.call_uuid))
        # One after the other in the order of their key: its index is written from one end to the other.
        rows = rows.order_by(rated.c.call_uuid)
        connection.execute(insert(Charge.__table__).from_select(_KEYS, rows))  # type: ignore[arg-type]
    post_new(session, before, now)
    return connection.scalar(select(func.count()).where(Charge.id > before)) or 0


def _take(session: Session, *conditions: ColumnElement[bool], charged: bool = True) -> None:
    """:param charged: whether the conditions ask for the calls' charges."""
    connection = session.connection()
    dialect = connection.dialect.name
    calls = select(
        Call.id,
        Call.uuid,
        Call.number,
        Call.caller_kind,
        # Where a call was answered, nobody asks when it began.
        case((Call.answered_at.is_(None), microseconds(Call.started_at, dialect)), else_=0),
        microseconds(Call.answered_at, dialect),
        month(type_coerce(AT, Instant), dialect),
        (Call.bill_ms + 999) // 1000,
        (Call.bridged_ms + 999) // 1000,
        PAYER,
    )
    rows = (with_charge(calls) if charged else calls).where(*conditions)
    names = [each.name for each in CALLS.columns]
    connection.execute(insert(CALLS).from_select(names, rows))


def _rated(query: str) -> list[FromClause]:
    """Charges with the columns of ``Charge``: of the calls that are charged, and of the refused."""
    priced = text(_verbatim(query)).columns(*map(column, CHARGED)).subquery("priced").c
    amount = priced.millions * (1_000_000 * YUAN) + priced.yuan * YUAN + priced.micro
    charged = (
        select(
            priced.call_id.label("call_uuid"),
            priced.account_id,
            priced.month,
            PLANS.c.plan_code,
            func.coalesce(WRITTEN.c.price_from, "").label("price_from"),
            priced.metered.label("metered_seconds"),
            priced.units.label("billable_units"),
            priced.included.label("included_units"),
            priced.charged.label("charged_units"),
            amount.label("amount"),
            priced.reason,
        )
        .join(PLANS, PLANS.c.plan == priced.plan, isouter=True)
        .join(WRITTEN, WRITTEN.c.price == priced.price, isouter=True)
        .subquery("rated")
    )
    refused = (
        select(
            ASSESSED.c.call_id.label("call_uuid"),
            ASSESSED.c.account_id,
            ASSESSED.c.month,
            literal("", String).label("plan_code"),
            literal("", String).label("price_from"),
            *(literal(0, Integer).label(name) for name in Figures._fields[2:-1]),
            (literal(REJECT, String) + ASSESSED.c.refusal).label("reason"),
        )
        .where(ASSESSED.c.refusal.is_not(None))
        .subquery("rated")
    )
    return [charged, refused]


def _verbatim(query: str) -> str:
    """A query in which no colon begins the name of a parameter."""
    return query.replace(":", r"\:")
