"""What the database has by now of accounts' money, for calls that do not ask it (``store.credit``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from appliance.domain.grants import month_of, month_start
from appliance.domain.ledger import CALL_KINDS, Ledger
from appliance.domain.pricing import PriceBook
from appliance.store.charges import ABNORMAL, units_taken
from appliance.store.ledger import EFFECT
from appliance.store.models import Account, Call, Charge, LedgerBalance, LedgerPosting
from appliance.store.parts import parts


class Settled(NamedTuple):
    """Of calls that something is held for: those whose charges are posted, or that wait for a person
    (``domain.holding.freed``); and those that are stored at all."""

    settled: dict[str, datetime | None]
    stored: set[str]


def settled_of(session: Session, uuids: Collection[str]) -> Settled:
    """A call that was closed as abnormal is charged when a person says so: until then nothing is held for it."""
    settled: dict[str, datetime | None] = {}
    stored = set()
    for part in parts(uuids):
        rows = session.execute(
            select(Call.uuid, Call.outcome, Call.answered_at, Charge.id, Charge.included_units)
            .join(Charge, Charge.call_uuid == Call.uuid, isouter=True)
            .where(Call.uuid.in_(part))
        )
        for uuid, outcome, answered_at, charge, included in rows:
            stored.add(uuid)
            if charge is not None or outcome == ABNORMAL:
                settled[uuid] = answered_at if included else None
    return Settled(settled, stored)


def amounts(session: Session) -> dict[str, int]:
    """The balance of every account; of one that nothing was booked for: 0."""
    balance = select(LedgerBalance).where(LedgerBalance.ledger == Ledger.BALANCE.value).subquery()
    rows = session.execute(
        select(Account.id, func.coalesce(balance.c.amount, 0)).join(
            balance, balance.c.account_id == Account.id, isouter=True
        )
    )
    return {account: int(amount) for account, amount in rows}


def spent(session: Session, after: int, through: int, midnight: datetime) -> dict[str, int]:
    """What calls were charged by postings behind number ``after`` and up to ``through``, made in the day that
    begins at ``midnight``, by account.

    What a charge is changed by, up or down, counts for its day where that is the day of its first posting as well:
    rating earlier days' calls again neither opens today's cap nor uses it up.
    """
    day = midnight, midnight + timedelta(days=1)
    first = aliased(LedgerPosting)
    changes_this_day = (
        select(first.id)
        .where(
            first.subject == LedgerPosting.subject,
            first.account_id == LedgerPosting.account_id,
            first.revision == 1,
            first.at >= day[0],
            first.at < day[1],
        )
        .exists()
    )
    rows = session.execute(
        select(LedgerPosting.account_id, func.sum(EFFECT))
        .where(
            LedgerPosting.id > after,
            LedgerPosting.id <= through,
            LedgerPosting.at >= day[0],
            LedgerPosting.at < day[1],
            LedgerPosting.kind.in_(CALL_KINDS),
            or_(LedgerPosting.revision == 1, changes_this_day),
        )
        .group_by(LedgerPosting.account_id)
    )
    return {account: -int(effect) for account, effect in rows}


def units_used(
    session: Session, book: PriceBook, numbers: Iterable[str], now: datetime
) -> Mapping[tuple[str, datetime], list[tuple[int, int]]]:
    """Included units that charges of these numbers have used, of each subscription that still grants any: number
    and its start → ``(month, units)``."""
    found = {}
    month = month_start(month_of(now))
    for number in numbers:
        for held in book.subscriptions.get(number, ()):
            plan = book.plans[held.plan]
            if not plan.included or (held.ends_at is not None and held.ends_at <= now):
                continue
            begin = held.starts_at if plan.rollover_months else max(held.starts_at, month)
            # Every answered call counts, the one that is answered now among them.
            found[number, held.starts_at] = units_taken(
                session, number, begin, held.ends_at, now + timedelta(days=1)
            )
    return found
