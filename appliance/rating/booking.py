"""Top-ups, refunds and adjustments that people book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.domain.closing import booked_month
from appliance.domain.grants import month_of
from appliance.domain.ledger import Kind, Who, manual_effect, manual_subject, posting
from appliance.errors import LedgerError
from appliance.store import ledger
from appliance.store.charges import take_turn
from appliance.store.charging import closed_through
from appliance.store.models import Account


def book(
    session: Session,
    kind: Kind,
    account_id: str,
    amount: int,
    who: Who,
    now: datetime,
    *,
    reference: str,
    held: Callable[[], int] = lambda: 0,
) -> int:
    """Book a top-up, a refund or an adjustment; the balance after it. The caller commits.

    :param amount: millionths of a yuan, above 0; below 0 where an adjustment takes away.
    :param reference: what it is booked for: a payment's number. It is booked once; the same again changes nothing.
    :param held: what is held for the account's calls under way (reseller mode); asked for a refund, when nobody
        else posts any more, so that what is not held by then is in the balance.
    :raises LedgerError: there is no such account, it may not be booked so (``domain.ledger.manual_effect``), or
        the reference stands for another booking.
    """
    subject = manual_subject(kind, reference)
    take_turn(session)
    if session.get(Account, account_id) is None:
        raise LedgerError(f"no such account: {account_id}")
    before = ledger.of_subject(session, subject)
    balance = ledger.balance(session, account_id)
    if before is not None:
        if (before.account_id, ledger.effect_of(before)) != (
            account_id,
            -amount if kind is Kind.REFUND else amount,
        ):
            raise LedgerError(f"{reference} stands for another {kind}, of {before.account_id}")
        return balance
    effect = manual_effect(kind, amount, balance, who, held() if kind is Kind.REFUND else 0)
    month = booked_month(month_of(now), closed_through(session, [account_id]).get(account_id))
    ledger.append(session, [posting(kind, subject, account_id, effect, month=month, at=now, who=who)])
    return balance + effect
