"""Included units over the months (rule 8)."""

from __future__ import annotations

import doctest
import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import grants
from appliance.domain.grants import Allowance, charges, cover, month_of, month_start
from appliance.domain.pricing import (
    Assessment,
    Charge,
    ChargeBy,
    Meter,
    MeteredCall,
    Plan,
    Price,
    PriceBook,
    Reason,
    Subscription,
    assess,
)
from appliance.errors import RuleError

START = datetime(2026, 1, 15, tzinfo=UTC)
uses = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 60)), max_size=40).map(
    lambda found: sorted(found, key=lambda use: use[0])
)
allowances = st.builds(Allowance, st.just(0), st.integers(0, 50), st.integers(0, 4))


def test_doctests() -> None:
    assert doctest.testmod(grants).failed == 0


def by_hand(allowance: Allowance, used: list[tuple[int, int]]) -> list[int]:
    """Every unit looked for in every month's grant, oldest first."""
    left = dict.fromkeys(range(allowance.first_month, 20), allowance.included)
    covered = []
    for month, units in used:
        taken = 0
        for _ in range(units):
            open_ = [each for each in left if month - allowance.rollover_months <= each <= month and left[each]]
            if open_:
                left[min(open_)] -= 1
                taken += 1
        covered.append(taken)
    return covered


@given(allowances, uses)
def test_coverage_is_what_counting_by_hand_gives(allowance: Allowance, used: list[tuple[int, int]]) -> None:
    assert list(cover(allowance, used)) == by_hand(allowance, used)


@given(allowances, uses, st.integers(0, 40))
def test_what_was_used_before_may_be_summed_by_month(
    allowance: Allowance, used: list[tuple[int, int]], cut: int
) -> None:
    before: dict[int, int] = {}
    for month, units in used[:cut]:
        before[month] = before.get(month, 0) + units
    summed = list(cover(allowance, [*before.items(), *used[cut:]]))
    assert summed[len(before) :] == list(cover(allowance, used))[cut:]


def test_a_month_before_the_first_or_the_last_is_a_fault() -> None:
    for used in ([(4, 1)], [(6, 1), (5, 1)]):
        with pytest.raises(RuleError):
            list(cover(Allowance(5, 10, 1), used))


def test_a_rollover_longer_than_the_subscription_costs_nothing() -> None:
    assert list(cover(Allowance(24_000, 5, 10**12), [(24_100, 505), (24_100, 1)])) == [505, 0]


@pytest.mark.parametrize(
    ("at", "month"),
    [("2026-01-31T15:59:59.999999+00:00", 1), ("2026-01-31T16:00:00+00:00", 2), ("2026-02-01T06:58:59+14:59", 1)],
)
def test_months_are_those_of_shanghai(at: str, month: int) -> None:
    assert month_of(datetime.fromisoformat(at)) == 2026 * 12 + month - 1


@given(st.integers(2000 * 12, 2099 * 12))
def test_a_month_begins_with_its_first_instant(month: int) -> None:
    assert month_of(month_start(month)) == month
    assert month_of(month_start(month) - timedelta(microseconds=1)) == month - 1


def called(call_id: str, at: datetime | None, seconds: int) -> tuple[MeteredCall, Assessment]:
    price = Price(START, "t", initial_seconds=1, step_seconds=1, per_minute=60_000_000)
    plan = Plan("p", "", ChargeBy.TIME, Meter.ANSWER, (price,), included=100, rollover_months=1)
    book = PriceBook({"p": plan}, {"4008001234": (Subscription("4008001234", "p", START),)})
    call = MeteredCall(call_id, "4008001234", "mobile", at or START, at, seconds, 0)
    assessed = assess(call, book)
    assert isinstance(assessed, Assessment)
    return call, assessed


def test_calls_use_grants_by_instant_then_by_their_names_codes() -> None:
    at = datetime(2026, 1, 20, tzinfo=UTC)
    calls = [
        called("a", at, 50),
        called("B", at.astimezone(timezone(timedelta(hours=9))), 80),
        called("z", at - timedelta(microseconds=1), 10),
        called("none", None, 0),
    ]
    for seed in range(6):
        random.Random(seed).shuffle(calls)
        found = {call.call_id: charge for call, charge in charges(calls)}
        assert {name: charge.included_units for name, charge in found.items()} == {
            "z": 10,
            "B": 80,
            "a": 10,
            "none": 0,
        }
        assert found["a"].reason is Reason.PART_INCLUDED
        assert found["a"].amount == 40_000_000
        assert found["none"] == Charge("p", "", 0, 0, 0, 0, 0, Reason.UNANSWERED)


def test_the_first_month_is_granted_in_full_and_what_was_used_before_counts() -> None:
    # The subscription starts in the middle of January; 30 of January's 100 were used, and February is not over.
    (_, charge), *none = charges([called("a", datetime(2026, 2, 10, tzinfo=UTC), 500)], [(2026 * 12, 30)])
    assert (charge.included_units, none) == (170, [])


def test_no_calls() -> None:
    assert list(charges([])) == []
