"""What an account has to its credit or owes, and how that came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from appliance.store.ledger import EFFECT
from appliance.store.models import LedgerBalance, LedgerPosting
from appliance.store.queries.scope import Reader

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting as its account sees it: ``effect`` on the balance and the ``balance`` after it, millionths of a
    yuan. ``subject`` is a call's UUID or what was booked for; ``month`` the month whose bill has it."""

    id: int
    at: datetime
    kind: str
    subject: str
    month: int
    effect: int
    balance: int
    reason: str
    by_login: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """A ledger of an account: credit less debit, millionths of a yuan."""

    account_id: str
    ledger: str
    amount: int


def balances(reader: Reader) -> list[AccountBalance]:
    """Every ledger of every account that this reader may see."""
    rows = reader.rows(
        select(LedgerBalance.account_id, LedgerBalance.ledger, LedgerBalance.amount).order_by(
            LedgerBalance.account_id, LedgerBalance.ledger
        )
    )
    return [AccountBalance(*row) for row in rows]


def opening(reader: Reader, account_id: str, since: datetime | None) -> int:
    """The balance of an account before an instant, millionths of a yuan; 0 without one."""
    if since is None:
        return 0
    found = reader.row(
        select(func.coalesce(func.sum(EFFECT), 0)).where(
            LedgerPosting.account_id == account_id, LedgerPosting.at < since
        )
    )
    return int(found[0]) if found else 0


def statement(
    reader: Reader, account_id: str, since: datetime | None = None, until: datetime | None = None
) -> Iterator[StatementLine]:
    """Postings of an account in ``[since, until)`` in the order in which they were booked, read page by page."""
    conditions: list[ColumnElement[bool]] = [LedgerPosting.account_id == account_id]
    if since is not None:
        conditions.append(LedgerPosting.at >= since)
    if until is not None:
        conditions.append(LedgerPosting.at < until)
    running, after = opening(reader, account_id, since), 0
    while True:
        rows = reader.rows(
            select(LedgerPosting, EFFECT)
            .where(*conditions, LedgerPosting.id > after)
            .order_by(LedgerPosting.id)
            .limit(_AT_ONCE)
        )
        for row, effect in rows:
            after, running = row.id, running + effect
            yield StatementLine(
                id=row.id,
                at=row.at,
                kind=row.kind,
                subject=row.subject,
                month=row.month,
                effect=effect,
                balance=running,
                reason=row.reason,
                by_login=row.by_login,
                approved_by=row.approved_by,
            )
        if len(rows) < _AT_ONCE:
            return
