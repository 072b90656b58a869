"""The ledger's rules: between which ledgers an amount goes, who may book, and what is booked as one.

Every account (enterprise) has the same ledgers. A posting takes one amount from one of them to another, so that it
is balanced by its form; a ledger's sum is what was credited less what was debited. ``balance`` above 0 is what the
enterprise has to its credit, below 0 what it owes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.domain import money
from appliance.errors import LedgerError

LONGEST_REASON = 500
#: What a posting is for: a call, or a kind and a reference.
LONGEST_SUBJECT = 120
#: First link of the chain of seals.
UNSEALED = ""


class Ledger(StrEnum):
    """A ledger of an account."""

    BALANCE = "balance"
    REVENUE = "revenue"
    CASH = "cash"
    ADJUSTMENTS = "adjustments"


class Kind(StrEnum):
    """Why an amount is booked."""

    #: A call's first charge, a difference to what was booked of it, and the charge of a call of a closed month.
    CHARGE = "charge"
    CHANGE = "change"
    LATE = "late"
    #: What a re-rating found in a closed month.
    CORRECTION = "correction"
    TOPUP = "topup"
    #: Money that is paid back.
    REFUND = "refund"
    #: Given, or taken, without money: goodwill, a loss written off.
    ADJUSTMENT = "adjustment"
    #: What a bill comes to beyond its charges: the monthly minimum, and fractions of a fen.
    BILL = "bill"


#: Kinds whose subject is a call.
CALL_KINDS = (Kind.CHARGE, Kind.CHANGE, Kind.LATE)

#: The ledger on the other side of the balance.
OTHER_SIDE: Mapping[Kind, Ledger] = {
    Kind.CHARGE: Ledger.REVENUE,
    Kind.CHANGE: Ledger.REVENUE,
    Kind.LATE: Ledger.REVENUE,
    Kind.CORRECTION: Ledger.REVENUE,
    Kind.TOPUP: Ledger.CASH,
    Kind.REFUND: Ledger.CASH,
    Kind.ADJUSTMENT: Ledger.ADJUSTMENTS,
    Kind.BILL: Ledger.REVENUE,
}


@dataclass(frozen=True, slots=True)
class Posting:
    """``amount`` millionths of a yuan, above 0, from ``debit`` to ``credit``.

    :param subject: what it is booked for; with account and revision it is booked once only.
    :param month: the month whose bill has it (``domain.grants.month_of``).
    """

    subject: str
    account_id: str
    revision: int
    kind: Kind
    debit: Ledger
    credit: Ledger
    amount: int
    month: int
    at: datetime
    by_login: str = ""
    approved_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """Who books, why, and who approved of it."""

    by: str
    reason: str = ""
    approved_by: str = ""


def posting(
    kind: Kind, subject: str, account_id: str, effect: int, *, month: int, at: datetime, who: Who, revision: int = 1
) -> Posting:
    """The posting that changes an account's balance by ``effect``, which is not 0."""
    other = OTHER_SIDE[kind]
    debit, credit = (other, Ledger.BALANCE) if effect > 0 else (Ledger.BALANCE, other)
    return Posting(
        subject=subject,
        account_id=account_id,
        revision=revision,
        kind=kind,
        debit=debit,
        credit=credit,
        amount=abs(effect),
        month=month,
        at=at,
        by_login=who.by,
        approved_by=who.approved_by,
        reason=who.reason,
    )


def manual_subject(kind: Kind, reference: str) -> str:
    """The subject of what a person books.

    :param reference: what it is for: a payment's number.
    :raises LedgerError: it is too long.

    >>> manual_subject(Kind.TOPUP, "PAY-2026-0041")
    'topup:PAY-2026-0041'
    """
    subject = f"{kind}:{reference}"
    if (over := len(subject) - LONGEST_SUBJECT) > 0:
        raise LedgerError(f"a reference of a {kind} has at most {len(reference) - over} characters")
    return subject


def manual_effect(kind: Kind, amount: int, balance: int, who: Who, held: int = 0) -> int:
    """By how much a top-up, refund or adjustment that a person books changes the balance.

    :param amount: millionths of a yuan; below 0 only where an adjustment takes away.
    :param balance: that of the account before.
    :param held: what its calls under way may still come to, which is not paid back.
    :raises LedgerError: it may not be booked so.
    """
    if not who.by:
        raise LedgerError("a booking needs the login of who makes it")
    if amount == 0 or (amount < 0 and kind is not Kind.ADJUSTMENT):
        raise LedgerError("the amount must be above 0")
    if len(who.reason) > LONGEST_REASON:
        raise LedgerError(f"a reason has at most {LONGEST_REASON} characters")
    if kind is Kind.TOPUP:
        return amount
    if not who.reason.strip():
        raise LedgerError(f"a reason is needed, of at most {LONGEST_REASON} characters")
    if not who.approved_by or who.approved_by == who.by:
        raise LedgerError("another person must approve of it")
    if kind is Kind.ADJUSTMENT:
        return amount
    if amount > balance:
        raise LedgerError("more than the account has to its credit cannot be paid back")
    if amount > balance - held:
        most = money.yuan(max(balance - held, 0))
        raise LedgerError(f"{money.yuan(held)} yuan are held for calls under way: at most {most} can be paid back")
    return -amount


def effect_on(ledger: Ledger, one: Posting) -> int:
    """By how much a posting changes the sum of a ledger of its account."""
    if one.credit is ledger:
        return one.amount
    return -one.amount if one.debit is ledger else 0


def seal(before: str, lines: Iterable[str]) -> str:
    """SHA-256 over the seal before and the lines that came since, each ended by a line feed.

    >>> seal(UNSEALED, ["1 a"]) == seal(UNSEALED, ["1 b"])
    False
    """
    found = hashlib.sha256(before.encode())
    for line in lines:
        found.update(line.encode())
        found.update(b"\n")
    return found.hexdigest()
