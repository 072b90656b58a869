"""By what a call is rated otherwise, and closed months replayed."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import rerating
from appliance.domain.closing import Hindrances
from appliance.domain.grants import Allowance, Grants, charges, month_of
from appliance.domain.pricing import (
    Assessment,
    Charge,
    ChargeBy,
    Meter,
    MeteredCall,
    Plan,
    Price,
    Reason,
    Refusal,
    Subscription,
    Unratable,
)
from appliance.domain.rerating import WAIVED, Cause, Difference, Figures, cause, figures_of, replay
from appliance.errors import RuleError

START = datetime(2026, 1, 1, tzinfo=UTC)
OLD = Figures("p", "t", 60, 60, 0, 60, 100, "charged")


def test_doctests() -> None:
    assert doctest.testmod(rerating).failed == 0


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (None, OLD, Cause.UNRATED),
        (OLD, WAIVED, Cause.SETTLED),
        (WAIVED, OLD, Cause.SETTLED),
        (figures_of(Unratable(Refusal.NO_PRICE)), OLD, Cause.RATABLE),
        (OLD, OLD._replace(plan_code="q", amount=90), Cause.PLAN),
        (OLD, OLD._replace(price_from="u", included_units=5), Cause.PRICE),
        (OLD, OLD._replace(metered_seconds=61, billable_units=120), Cause.DURATION),
        (OLD, OLD._replace(billable_units=120, included_units=60), Cause.UNITS),
        (OLD, OLD._replace(included_units=60, amount=0), Cause.GRANTS),
        # A price that was edited behind the back of all that guards it.
        (OLD, OLD._replace(amount=90), Cause.PRICE),
    ],
)
def test_the_first_difference_is_the_cause(old: Figures | None, new: Figures, why: Cause) -> None:
    assert cause(old, new) is why


def test_figures_are_what_is_stored() -> None:
    charge = Charge("p", "t", 61, 120, 60, 60, 110_000, Reason.PART_INCLUDED)
    assert figures_of(charge) == ("p", "t", 61, 120, 60, 60, 110_000, "part-included")
    assert figures_of(Unratable(Refusal.NO_PRICE)) == ("", "", 0, 0, 0, 0, 0, "reject:no-price")
    assert figures_of(charge).is_ratable and WAIVED.is_ratable
    assert not figures_of(Unratable(Refusal.NO_PRICE)).is_ratable


def test_a_difference_adds_up() -> None:
    difference = Difference("east", 1, closed=False)
    difference.add(Cause.PRICE, 100, 90)
    difference.add(Cause.GRANTS, 5, 0)
    assert (difference.old, difference.new, difference.calls) == (105, 90, 2)


def called(
    number: int, at: datetime | None, units: int, rollover_months: int = 1
) -> tuple[MeteredCall, Assessment]:
    price = Price(START, "t", initial_seconds=1, step_seconds=1, per_minute=60_000_000)
    plan = Plan("p", "", ChargeBy.TIME, Meter.ANSWER, (price,), 100, rollover_months)
    call = MeteredCall(f"c{number:02}", "n", "mobile", at or START, at, units, 0)
    held = Subscription("n", "p", START)
    return call, Assessment(held, plan, price if at else None, units if at else 0, units if at else 0)


@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 60)), max_size=20),
    st.integers(0, 3),
)
def test_what_was_booked_in_its_own_month_is_replayed_as_it_was_charged(
    calls: list[tuple[int, int]], rollover_months: int
) -> None:
    found = [
        called(nth, START + timedelta(days=day), units, rollover_months) for nth, (day, units) in enumerate(calls)
    ]
    booked = [(month_of(call.answered_at or START), call, assessed) for call, assessed in found]
    assert dict(replay(booked)) == dict(charges(found))


def test_a_late_call_uses_what_is_left() -> None:
    january, february = month_of(START), month_of(START) + 1
    booked = [
        (january, *called(2, START + timedelta(days=2), 70)),
        (february, *called(1, START + timedelta(days=1), 50)),
        (january, *called(3, START + timedelta(days=3), 10)),
        (february, *called(4, None, 0)),
    ]
    found = {call.call_id: charge.included_units for call, charge in replay(booked)}
    assert found == {"c02": 70, "c03": 10, "c01": 20, "c04": 0}
    assert list(replay([])) == []


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 150)), max_size=12), st.integers(0, 3))
def test_units_taken_may_be_summed_by_month(uses: list[tuple[int, int]], rollover_months: int) -> None:
    """What is left does not depend on the order in which months took their part: so it may be kept as sums."""
    allowance = Allowance(0, 100, rollover_months)
    as_they_came = Grants(allowance)
    taken: dict[int, int] = {}
    for month, units in uses:
        taken[month] = taken.get(month, 0) + as_they_came.take(month, units)
    summed = Grants(allowance)
    for month in sorted(taken):
        assert summed.take(month, taken[month]) == taken[month]
    for month in range(8):
        assert as_they_came.take(month, 1000) == summed.take(month, 1000)


def test_no_units_before_the_first_grant() -> None:
    with pytest.raises(RuleError):
        Grants(Allowance(5, 100, 1)).take(4, 1)


def test_what_bars_a_month() -> None:
    assert not Hindrances().bar(although_not_ratable=False)
    for one in (Hindrances(unrated=("a",)), Hindrances(abnormal=("a",)), Hindrances(earlier=(1,))):
        assert one.bar(although_not_ratable=True)
    assert Hindrances(not_ratable=("a",)).bar(although_not_ratable=False)
    assert not Hindrances(not_ratable=("a",)).bar(although_not_ratable=True)
