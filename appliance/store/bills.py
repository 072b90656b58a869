"""What a month's bill is made of, and the bills themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, exists, func, insert, or_, select, union
from sqlalchemy.orm import Session

from appliance.domain.grants import month_start
from appliance.domain.ledger import Kind
from appliance.domain.pricing import Subscription
from appliance.store.charges import AT, last_corrections
from appliance.store.ledger import EFFECT
from appliance.store.models import (
    Bill,
    BilledCorrection,
    Call,
    Charge,
    Correction,
    CorrectionItem,
    LedgerPosting,
    Number,
    NumberMove,
    TaxInvoice,
)

BILL, CREDIT = "bill", "credit"
#: That a charge is a call's on a bill: one that nobody answered, or that has no plan, is none.
_CALLED = (Charge.plan_code != "", Charge.metered_seconds > 0)


class Charged(NamedTuple):
    """Charges of a month's bill, summed by number, plan, price and the month of their calls."""

    number: str
    plan_code: str
    price_from: str
    month: int
    calls: int
    metered_seconds: int
    billable_units: int
    included_units: int
    charged_units: int
    amount: int


def numbers_of(session: Session, account_id: str, month: int) -> set[str]:
    """The numbers that were an account's when a month began: those whose next move is away from it, and those that
    it has today and that have not moved since."""
    moved_since = (
        select(NumberMove.number, func.min(NumberMove.id).label("id"))
        .where(NumberMove.at > month_start(month))
        .group_by(NumberMove.number)
        .subquery()
    )
    left = (
        select(NumberMove.number)
        .join(moved_since, moved_since.c.id == NumberMove.id)
        .where(NumberMove.from_account == account_id)
    )
    stayed = select(Number.number).where(
        Number.account_id == account_id, Number.number.not_in(select(moved_since.c.number))
    )
    return set(session.scalars(union(left, stayed)))


def charged(session: Session, account_id: str, month: int) -> list[Charged]:
    """The charges that are booked in a month, those without a plan (not ratable, waived) left out: they are 0."""
    by = (Call.number, Charge.plan_code, Charge.price_from, Charge.month)
    sums = [
        func.sum(column)
        for column in (
            Charge.metered_seconds,
            Charge.billable_units,
            Charge.included_units,
            Charge.charged_units,
            Charge.amount,
        )
    ]
    calls = func.count(Charge.id).filter(Charge.metered_seconds > 0)
    rows = session.execute(
        select(*by, calls, *sums)
        .join(Call, Call.uuid == Charge.call_uuid)
        .where(Charge.account_id == account_id, Charge.booked_month == month, Charge.plan_code != "")
        .group_by(*by)
        .order_by(*by)
    )
    return [Charged(*row[:4], *map(int, row[4:])) for row in rows]


def included_used(session: Session, held: Subscription, through: int) -> list[tuple[int, int]]:
    """Included units that a subscription's calls have used, of those booked up to a month: ``(month, units)``.

    As they are corrected by now, in whichever month the corrections are booked: those of a month that is not billed
    stand on its bill, and those of earlier ones on their bills' credit notes.
    """
    last = last_corrections(held.number)
    units = func.coalesce(CorrectionItem.included_units, Charge.included_units)
    statement = (
        select(Charge.month, func.sum(units))
        .join(Call, Call.uuid == Charge.call_uuid)
        .join(
            CorrectionItem,
            and_(CorrectionItem.call_uuid == Charge.call_uuid, CorrectionItem.id.in_(last)),
            isouter=True,
        )
        .where(Call.number == held.number, held.starts_at <= AT, Charge.booked_month <= through)
        .where(units > 0)
        .group_by(Charge.month)
        .order_by(Charge.month)
    )
    if held.ends_at is not None:
        statement = statement.where(held.ends_at > AT)
    return [(month, int(units)) for month, units in session.execute(statement)]


def movements(session: Session, account_id: str, month: int) -> tuple[int, dict[Kind, int]]:
    """What the balance was at a month's beginning, and what changed it in the month, by kind."""
    before, within = (
        func.coalesce(func.sum(EFFECT).filter(condition), 0)
        for condition in (LedgerPosting.month < month, LedgerPosting.month == month)
    )
    rows = session.execute(
        select(LedgerPosting.kind, before, within)
        .where(LedgerPosting.account_id == account_id, LedgerPosting.month <= month)
        .group_by(LedgerPosting.kind)
    ).all()
    during = dict.fromkeys(Kind, 0) | {Kind(kind): int(effect) for kind, _, effect in rows}
    return sum(int(effect) for _, effect, _ in rows), during


def unbilled_corrections(session: Session, account_id: str) -> list[Correction]:
    """Corrections of an account that stand on no document yet, in the order in which they were booked."""
    statement = (
        select(Correction)
        .join(BilledCorrection, BilledCorrection.correction_id == Correction.id, isouter=True)
        .where(Correction.account_id == account_id, BilledCorrection.bill_number.is_(None))
        .order_by(Correction.id)
    )
    return list(session.scalars(statement))


def numbers_of_corrections(session: Session, ids: Collection[int]) -> dict[int, str]:
    """The number whose calls each of these corrections is of."""
    statement = (
        select(CorrectionItem.correction_id, func.min(Call.number))
        .join(Call, Call.uuid == CorrectionItem.call_uuid)
        .where(CorrectionItem.correction_id.in_(ids))
        .group_by(CorrectionItem.correction_id)
    )
    return dict(session.execute(statement).all())


def next_of(session: Session, kind: str) -> int:
    """The sequence of the next bill or credit note. The caller has taken his turn."""
    return (session.scalar(select(func.max(Bill.sequence)).where(Bill.kind == kind)) or 0) + 1


def next_part(session: Session, account_id: str, month: int) -> int:
    """The part of the next credit note of a bill."""
    found = session.scalar(select(func.max(Bill.part)).where(Bill.account_id == account_id, Bill.month == month))
    return (found or 0) + 1


def of_month(session: Session, account_id: str, month: int) -> Bill | None:
    """An account's bill of a month; None: it is not issued."""
    return session.scalar(select(Bill).where(Bill.account_id == account_id, Bill.month == month, Bill.kind == BILL))


def since(session: Session, account_id: str, month: int) -> Sequence[Bill]:
    """An account's bills and credit notes of a month and of later ones."""
    return session.scalars(select(Bill).where(Bill.account_id == account_id, Bill.month >= month)).all()


def first_owing(session: Session, account_id: str, before: int) -> int | None:
    """An account's first month before one that has calls, late calls or corrections to be billed, and no bill.

    Asked by what is booked, from the first charge on: a month that was closed with a later one has no row of its
    own.
    """
    first = session.scalar(select(func.min(Charge.booked_month)).where(Charge.account_id == account_id))
    if first is None:
        return None
    billed = set(session.scalars(select(Bill.month).where(Bill.account_id == account_id, Bill.kind == BILL)))
    unbilled = (month for month in range(first, before) if month not in billed)
    return next((month for month in unbilled if _owes(session, account_id, month)), None)


def _owes(session: Session, account_id: str, month: int) -> bool:
    called = exists().where(Charge.account_id == account_id, Charge.booked_month == month, *_CALLED)
    corrected = exists().where(
        Correction.account_id == account_id, Correction.month == month, Correction.amount != 0
    )
    on_paper = exists().where(BilledCorrection.correction_id == Correction.id)
    return bool(session.scalar(select(or_(called, corrected.where(~on_paper)))))


def is_billed_after(session: Session, account_id: str, month: int) -> bool:
    """Whether a later month of an account has a bill."""
    later = (Bill.account_id == account_id, Bill.kind == BILL, Bill.month > month)
    return session.scalar(select(Bill.number).where(*later).limit(1)) is not None


def by_number(session: Session, number: str) -> Bill | None:
    """A bill or a credit note; None: there is none of that number."""
    return session.get(Bill, number)


def listed(session: Session, account_id: str | None = None, month: int | None = None) -> Sequence[Bill]:
    """Bills and credit notes, newest first."""
    statement = select(Bill).order_by(Bill.issued_at.desc(), Bill.number.desc())
    if account_id is not None:
        statement = statement.where(Bill.account_id == account_id)
    if month is not None:
        statement = statement.where(Bill.month == month)
    return session.scalars(statement).all()


def add(session: Session, bill: Bill, corrections: Collection[int]) -> None:
    """Keep a document, and that these corrections stand on it.

    :raises IntegrityError: a correction stands on another, or the month is billed.
    """
    session.add(bill)
    session.flush()
    if corrections:
        rows: list[dict[str, Any]] = [{"correction_id": one, "bill_number": bill.number} for one in corrections]
        session.execute(insert(BilledCorrection), rows)


def invoice_of(session: Session, number: str) -> str:
    """The number of a bill's tax invoice; empty: none is known."""
    statement = select(TaxInvoice.invoice).where(TaxInvoice.bill_number == number).order_by(TaxInvoice.id.desc())
    return session.scalar(statement.limit(1)) or ""


def note_invoice(session: Session, number: str, invoice: str, by: str, at: datetime) -> None:
    """Note a bill's tax invoice."""
    session.add(TaxInvoice(bill_number=number, invoice=invoice, by_login=by, at=at))
    session.flush()


def accounts(session: Session) -> list[str]:
    """Accounts that have corrections, sorted."""
    return sorted(session.scalars(select(Correction.account_id).distinct()))


def gaps(session: Session) -> list[str]:
    """Kinds of documents whose numbers do not count from 1 without a gap."""
    counted = select(Bill.kind, func.count(Bill.number), func.min(Bill.sequence), func.max(Bill.sequence))
    rows = session.execute(counted.group_by(Bill.kind).order_by(Bill.kind))
    return [kind for kind, count, first, last in rows if (first, last) != (1, count)]
