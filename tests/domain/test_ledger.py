"""Who may book what, and what a posting does."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import closing, ledger
from appliance.domain.ledger import (
    LONGEST_REASON,
    LONGEST_SUBJECT,
    OTHER_SIDE,
    UNSEALED,
    Kind,
    Ledger,
    Who,
    effect_on,
    manual_effect,
    manual_subject,
    posting,
    seal,
)
from appliance.errors import LedgerError

AT = datetime(2026, 1, 1, tzinfo=UTC)
TWO = Who("clerk", "a reason", "boss")


def test_doctests() -> None:
    assert doctest.testmod(ledger).failed == doctest.testmod(closing).failed == 0


@pytest.mark.parametrize("kind", Kind)
@given(effect=st.integers(-(10**15), 10**15).filter(bool))
def test_a_posting_changes_the_balance_and_one_other_ledger_by_as_much(kind: Kind, effect: int) -> None:
    made = posting(kind, "s", "east", effect, month=1, at=AT, who=TWO)
    assert made.amount > 0
    found = {each: effect_on(each, made) for each in Ledger}
    assert found.pop(Ledger.BALANCE) == effect
    assert found.pop(OTHER_SIDE[kind]) == -effect
    assert set(found.values()) == {0}
    assert (made.by_login, made.reason, made.approved_by) == ("clerk", "a reason", "boss")


@pytest.mark.parametrize(
    ("kind", "amount", "balance", "who", "effect"),
    [
        (Kind.TOPUP, 100, -50, Who("clerk"), 100),
        (Kind.REFUND, 100, 100, TWO, -100),
        (Kind.ADJUSTMENT, 100, -500, TWO, 100),
        (Kind.ADJUSTMENT, -100, 0, TWO, -100),
    ],
)
def test_what_may_be_booked(kind: Kind, amount: int, balance: int, who: Who, effect: int) -> None:
    assert manual_effect(kind, amount, balance, who) == effect


@pytest.mark.parametrize(
    ("kind", "amount", "who", "why"),
    [
        (Kind.TOPUP, 100, Who(""), "login"),
        (Kind.TOPUP, 1, Who("clerk", "x" * (LONGEST_REASON + 1)), "at most 500"),
        (Kind.TOPUP, 0, TWO, "above 0"),
        (Kind.TOPUP, -1, TWO, "above 0"),
        (Kind.REFUND, -1, TWO, "above 0"),
        (Kind.ADJUSTMENT, 0, TWO, "above 0"),
        (Kind.REFUND, 1, Who("clerk", " ", "boss"), "a reason"),
        (Kind.ADJUSTMENT, 1, Who("clerk", "x" * (LONGEST_REASON + 1), "boss"), "at most 500"),
        (Kind.ADJUSTMENT, 1, Who("clerk", "x", "clerk"), "another person"),
        (Kind.REFUND, 1, Who("clerk", "x"), "another person"),
        (Kind.REFUND, 101, TWO, "cannot be paid back"),
    ],
)
def test_what_may_not_be_booked(kind: Kind, amount: int, who: Who, why: str) -> None:
    with pytest.raises(LedgerError, match=why):
        manual_effect(kind, amount, 100, who)


def test_a_reference_is_as_long_as_the_database_keeps() -> None:
    assert len(manual_subject(Kind.ADJUSTMENT, "R" * 109)) == LONGEST_SUBJECT
    with pytest.raises(LedgerError, match="adjustment has at most 109 characters"):
        manual_subject(Kind.ADJUSTMENT, "R" * 110)


def test_what_calls_under_way_hold_is_not_paid_back() -> None:
    assert manual_effect(Kind.REFUND, 70_000_000, 100_000_000, TWO, held=30_000_000) == -70_000_000
    for balance, most in ((100_000_000, "70.00"), (90_000_000, "60.00")):
        with pytest.raises(LedgerError, match=rf"30.00 yuan are held for calls under way: at most {most} can"):
            manual_effect(Kind.REFUND, 70_000_001, balance, TWO, held=30_000_000)
    with pytest.raises(LedgerError, match=r"at most 0\.00 can"):
        manual_effect(Kind.REFUND, 1, 5, TWO, held=9)


def test_a_seal_holds_every_line_and_their_order_and_the_seal_before() -> None:
    one = seal(UNSEALED, ["a", "b"])
    others = [["b", "a"], ["a"], ["ab"], ["a", "b", ""], []]
    assert one not in [seal(UNSEALED, lines) for lines in others]
    assert seal(one, ["c"]) != seal(UNSEALED, ["c"]) and len(one) == 64
