"""Bills: lines in fen, the minimum of a month, tax."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.bills import (
    Item,
    LineKind,
    Usage,
    bill_number,
    credit_number,
    is_full_month,
    lines_of,
    minimum_of,
    totals,
)
from appliance.domain.grants import SHANGHAI, Allowance, cover, statement
from appliance.domain.pricing import ChargeBy, Subscription
from appliance.errors import RuleError

FEBRUARY = 2026 * 12 + 1


def subscription(starts: str = "2026-01-01", ends: str = "", number: str = "4008001234") -> Subscription:
    return Subscription(number, "p", _at(starts), _at(ends) if ends else None)


def _at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)


def usage(amount: int, minimum: int = 0, number: str = "4008001234") -> Usage:
    return Usage(number, "p", "套餐", ChargeBy.TIME, minimum, calls=1, amount=amount)


@pytest.mark.parametrize(
    ("micro", "fen"), [(0, 0), (4_999, 0), (5_000, 1), (14_999, 1), (15_000, 2), (1_234_567, 123), (1_235_000, 124)]
)
def test_a_line_is_rounded_once(micro: int, fen: int) -> None:
    (line,) = lines_of([usage(micro)])
    assert (line.exact, line.amount) == (micro, fen)


def test_below_the_minimum_both_lines_are_the_minimum() -> None:
    calls, more = lines_of([usage(12_345_678, minimum=50_000_000)])
    assert (calls.amount, more.kind, more.amount) == (1235, LineKind.MINIMUM, 3765)


def test_at_and_above_the_minimum_nothing_is_added() -> None:
    for amount in (50_000_000, 49_995_000, 50_010_000):
        assert len(lines_of([usage(amount, minimum=50_000_000)])) == 1


def test_the_minimum_is_of_what_the_number_came_to_in_all() -> None:
    """Corrections count, whatever they are for; late calls are of another month, and other numbers of their own."""
    items = [
        Item(LineKind.CORRECTION, "4008001234", "", 10_000_000),
        Item(LineKind.CORRECTION, "4008005678", "", 10_000_000),
        Item(LineKind.LATE, "4008001234", "2026-01", 5_000_000, 1),
    ]
    made = lines_of([usage(30_000_000, minimum=50_000_000)], items)
    assert [(line.kind, line.amount) for line in made[:2]] == [(LineKind.CALLS, 3000), (LineKind.MINIMUM, 1000)]
    # Those of this month that stand on a later bill already are consumed as well.
    came_late = {"4008001234": 400, "4008005678": 400}
    made = lines_of([usage(30_000_000, minimum=50_000_000)], items, came_late)
    assert [(line.kind, line.amount) for line in made[:2]] == [(LineKind.CALLS, 3000), (LineKind.MINIMUM, 600)]


@pytest.mark.parametrize(
    ("starts", "ends", "full"),
    [
        ("2026-01-15", "", True),
        ("2026-02-01", "", True),
        ("2026-02-02", "", False),
        ("2026-01-01", "2026-02-28", False),
        ("2026-01-01", "2026-03-01", True),
        ("2026-01-01", "2026-03-02", True),
    ],
)
def test_the_minimum_is_asked_for_full_months(starts: str, ends: str, full: bool) -> None:
    held = subscription(starts, ends)
    assert is_full_month(held, FEBRUARY) is full
    assert minimum_of(7, FEBRUARY, [held]) == (7 if full else 0)
    assert minimum_of(7, FEBRUARY, [held, subscription()]) == 7
    assert minimum_of(7, FEBRUARY, []) == 0


def test_a_month_begins_in_shanghai() -> None:
    begun = subscription()
    one_second_late = Subscription(begun.number, "p", _at("2026-02-01") + timedelta(seconds=1), None)
    assert not is_full_month(one_second_late, FEBRUARY)


def test_lines_stand_by_number_and_items_behind_them() -> None:
    item = Item(LineKind.CORRECTION, "4008001234", "重复计费", -35_000, 1)
    usages = [usage(1, number="4008001235"), usage(2)]
    lines = lines_of(usages, [item])
    assert [line.exact for line in lines] == [2, 1, -35_000]
    assert (lines[-1].amount, lines[-1].calls) == (-3, 1), "half up, as everywhere"


@given(st.lists(st.integers(-(10**12), 10**12), max_size=20), st.integers(0, 10_000))
def test_net_and_tax_are_the_sum(amounts: list[int], rate: int) -> None:
    lines = lines_of([], [Item(LineKind.LATE, "4008001234", "", amount) for amount in amounts])
    found = totals(lines, rate)
    assert found.gross == sum(line.amount for line in lines) == found.net + found.tax
    # The tax is the one that the net amount has, to the fen.
    assert abs(found.tax * (10_000 + rate) - found.gross * rate) * 2 <= 10_000 + rate


@pytest.mark.parametrize("rate", [-1, 10_001])
def test_no_rate(rate: int) -> None:
    with pytest.raises(RuleError):
        totals([], rate)


@given(
    st.integers(0, 200), st.integers(0, 3), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 300)), max_size=30)
)
def test_the_statement_is_what_the_grants_did(included: int, rollover: int, uses: list[tuple[int, int]]) -> None:
    allowance = Allowance(0, included, rollover)
    uses.sort(key=lambda use: use[0])
    covered = list(cover(allowance, uses))
    for month in range(9):
        grants = statement(allowance, uses, month)
        used = sum(units for (each, _), units in zip(uses, covered, strict=True) if each == month)
        assert sum(grant.used for grant in grants) == used
        assert all(grant.before == grant.used + grant.left + grant.lapsed for grant in grants)
        later = {grant.granted: grant.before for grant in statement(allowance, uses, month + 1)}
        assert {grant.granted: grant.left for grant in grants if grant.left} == {
            granted: units for granted, units in later.items() if granted <= month and units
        }


def test_no_statement_before_the_first_month() -> None:
    assert statement(Allowance(5, 100, 1), [(5, 3)], 4) == []


def test_bills_and_credit_notes_are_counted_apart() -> None:
    assert (bill_number(17), credit_number(17)) == ("ZD00000017", "HZ00000017")
