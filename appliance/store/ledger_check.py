"""Whether the ledger agrees with itself and with the charges. Everything is summed anew from the rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import exists, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from appliance.domain.closing import month_name
from appliance.domain.ledger import CALL_KINDS, Kind, Ledger
from appliance.domain.money import yuan
from appliance.store import seals
from appliance.store.ledger import EFFECT, sums
from appliance.store.models import Charge, ClosedMonth, Correction, CorrectionItem, LedgerBalance, LedgerPosting

#: Calls that are named, of many that are wrong.
_NAMED = 20


def faults(session: Session) -> Iterator[str]:
    """What is wrong, a line each; nothing: the ledger is in order."""
    yield from _numbers(session)
    yield from _balances(session)
    yield from _charges(session)
    yield from _months(session)
    yield from _corrections(session)
    sealed = seals.broken(session)
    if sealed is not None:
        yield f"the postings up to number {sealed} are not those that were sealed"


def count(session: Session) -> int:
    """How many postings there are."""
    return session.scalar(select(func.count(LedgerPosting.id))) or 0


def _numbers(session: Session) -> Iterator[str]:
    first, last, how_many = session.execute(
        select(func.min(LedgerPosting.id), func.max(LedgerPosting.id), func.count(LedgerPosting.id))
    ).one()
    if how_many and (first, last) != (1, how_many):
        yield f"postings are numbered from {first} to {last}, and there are {how_many}: some are missing"
    before = aliased(LedgerPosting)
    gaps = (
        select(LedgerPosting.subject, LedgerPosting.account_id, LedgerPosting.revision)
        .where(
            LedgerPosting.revision > 1,
            ~exists().where(
                before.subject == LedgerPosting.subject,
                before.account_id == LedgerPosting.account_id,
                before.revision == LedgerPosting.revision - 1,
            ),
        )
        .limit(_NAMED)
    )
    for subject, account_id, revision in session.execute(gaps):
        yield f"{subject} of {account_id or '-'}: there is a posting {revision} and none before it"


def _balances(session: Session) -> Iterator[str]:
    summed = {key: amount for key, amount in sums(session).items() if amount}
    kept = {
        (row.account_id, Ledger(row.ledger)): row.amount
        for row in session.scalars(select(LedgerBalance))
        if row.amount
    }
    for key in sorted(summed.keys() | kept.keys()):
        if summed.get(key, 0) != kept.get(key, 0):
            account_id, ledger = key
            yield (
                f"{ledger} of {account_id or '-'}: kept as {yuan(kept.get(key, 0))}, "
                f"its postings come to {yuan(summed.get(key, 0))}"
            )
    if sum(summed.values()):
        yield f"all ledgers together come to {yuan(sum(summed.values()))}, not to 0"


def _charges(session: Session) -> Iterator[str]:
    """Each charge is posted with what it is, to whom it belongs and in its month, and nothing else is."""
    due = select(
        Charge.call_uuid.label("subject"), Charge.account_id, Charge.booked_month.label("month"), Charge.amount
    )
    done = select(LedgerPosting.subject, LedgerPosting.account_id, LedgerPosting.month, EFFECT).where(
        LedgerPosting.kind.in_(CALL_KINDS)
    )
    both = union_all(due, done).subquery()
    wrong = (
        select(both.c.subject, both.c.account_id, func.sum(both.c.amount))
        .group_by(both.c.subject, both.c.account_id, both.c.month)
        .having(func.sum(both.c.amount) != 0)
        .order_by(both.c.subject)
        .limit(_NAMED)
    )
    for subject, account_id, amount in session.execute(wrong):
        known = session.scalar(select(literal(1)).where(exists().where(Charge.call_uuid == subject)))
        what = "" if known else "; it has no charge and is to be rated (appliance rating run)"
        yield f"call {subject} of {account_id or '-'}: {yuan(int(amount))} of its charge is not posted{what}"


def _months(session: Session) -> Iterator[str]:
    summed = (
        select(
            Charge.account_id,
            Charge.booked_month,
            func.count(Charge.id).label("calls"),
            func.sum(Charge.amount).label("amount"),
        )
        .where(Charge.final)
        .group_by(Charge.account_id, Charge.booked_month)
        .subquery()
    )
    rows = session.execute(
        select(ClosedMonth, func.coalesce(summed.c.calls, 0), func.coalesce(summed.c.amount, 0)).join(
            summed,
            (summed.c.account_id == ClosedMonth.account_id) & (summed.c.booked_month == ClosedMonth.month),
            isouter=True,
        )
    )
    for closed, calls, amount in rows:
        if (closed.calls, closed.amount) != (calls, int(amount)):
            yield (
                f"{month_name(closed.month)} of {closed.account_id} was closed with {closed.calls} charges, "
                f"{yuan(closed.amount)} yuan; its final charges are {calls}, {yuan(int(amount))} yuan"
            )
    later = aliased(ClosedMonth)
    loose = (
        select(Charge.call_uuid)
        .where(
            Charge.final.is_(False),
            exists().where(later.account_id == Charge.account_id, later.month >= Charge.booked_month),
        )
        .limit(_NAMED)
    )
    for uuid in session.scalars(loose):
        yield f"call {uuid}: booked in a closed month, and its charge is not final"


def _corrections(session: Session) -> Iterator[str]:
    posted = (
        select(LedgerPosting.subject, func.sum(-EFFECT).label("amount"))
        .where(LedgerPosting.kind == Kind.CORRECTION.value)
        .group_by(LedgerPosting.subject)
    )
    by_subject = {subject: int(amount) for subject, amount in session.execute(posted)}
    items = (
        select(CorrectionItem.correction_id, func.sum(CorrectionItem.amount).label("amount"))
        .group_by(CorrectionItem.correction_id)
        .subquery()
    )
    rows = session.execute(
        select(Correction.id, Correction.amount, func.coalesce(items.c.amount, 0)).join(
            items, items.c.correction_id == Correction.id, isouter=True
        )
    )
    for correction_id, amount, of_items in rows:
        found = by_subject.pop(f"{Kind.CORRECTION}:{correction_id}", 0)
        if not amount == int(of_items) == found:
            yield (
                f"correction {correction_id}: of {yuan(amount)} yuan, its calls come to {yuan(int(of_items))}, "
                f"its posting to {yuan(found)}"
            )
    for subject in sorted(by_subject):
        yield f"{subject} is posted and is no correction"
