"""What an account may spend (reseller mode): its terms, what is known of it, and what is left for its next call.

Amounts are millionths of a yuan. What calls under way could still cost is held for them (``Standing.held``), so
that calls at once share one balance without overspending it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from appliance.domain.refusal import Refusal

#: A leg that the switch ends for money has this cause: Q.850's "requested facility not subscribed", which no
#: handler gives otherwise.
OUT_OF_MONEY_CAUSE = "FACILITY_NOT_SUBSCRIBED"
#: What the record of such a call says instead: a word of ours.
OUT_OF_MONEY = "OUT_OF_MONEY"


class Mode(StrEnum):
    """Whether an account pays before its calls or after them."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms an account calls.

    :param credit_limit: what a postpaid account may owe.
    :param daily_cap: what its calls may come to on a day of Asia/Shanghai; 0: any amount.
    :param low_balance: when less than that is left it is told; 0: it is not.
    :param warning_s: so long before a call runs out of money both sides hear of it; 0: they do not.
    :param longest_call_s: no call is given more time, so that one does not hold all the money; 0: as the box has
        it.
    :param notify: ids of the hooks by which it is told.
    """

    mode: Mode
    credit_limit: int = 0
    daily_cap: int = 0
    low_balance: int = 0
    warning_s: int = 60
    longest_call_s: int = 0
    notify: tuple[str, ...] = ()

    @property
    def credit(self) -> int:
        """What it may owe."""
        return self.credit_limit if self.mode is Mode.POSTPAID else 0

    def is_low(self, balance: int) -> bool:
        """Whether so little is left that the account is to be told.

        >>> prepaid = Terms(Mode.PREPAID, low_balance=20)
        >>> prepaid.is_low(20), prepaid.is_low(19)
        (False, True)
        """
        return balance + self.credit < self.low_balance


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an account.

    :param balance: its ledger's, above 0 to its credit, below 0 what it owes.
    :param spent: what its calls have come to today.
    :param held: what its calls under way could come to.
    """

    balance: int
    spent: int = 0
    held: int = 0
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Unfunded:
    """There is no money for a call; ``left`` is what was, below 0 where more is gone than may be."""

    refusal: Refusal
    left: int


class Left(NamedTuple):
    """What a call may come to at the most, and what stands in the way of more."""

    amount: int
    by: Refusal


def left_of(terms: Terms, standing: Standing) -> Left:
    """What is left for the next call; below 0 where more is gone already than may be.

    >>> left_of(Terms(Mode.POSTPAID, credit_limit=100, daily_cap=70), Standing(balance=-20, spent=30, held=15))
    Left(amount=25, by=<Refusal.DAILY_CAP: 'daily-cap'>)
    """
    money = Left(standing.balance + terms.credit - standing.held, Refusal.NO_CREDIT)
    if not terms.daily_cap:
        return money
    return min(money, Left(terms.daily_cap - standing.spent - standing.held, Refusal.DAILY_CAP))
