"""A call uses its included units once, whatever price or month it is answered in: ``domain.affordable``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.affordable import Asked, Limit, Units, Use, affordable
from appliance.domain.grants import SHANGHAI, Allowance, Grants, month_of
from appliance.domain.pricing import ChargeBy, Meter, Plan, Price, PriceBook, Subscription

NUMBER = "4001234567"
BEGIN = datetime(2026, 1, 1, tzinfo=SHANGHAI)
NOW = datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)
MIDNIGHT = datetime(2026, 12, 1, tzinfo=SHANGHAI)
MONTH = month_of(NOW)


def book(*prices: Price, included: int, rollover_months: int = 0) -> PriceBook:
    plan = Plan("p", "P", ChargeBy.TIME, Meter.ANSWER, prices, included, rollover_months)
    return PriceBook({"p": plan}, {NUMBER: (Subscription(NUMBER, "p", BEGIN),)})


def price(at: datetime = BEGIN, per_minute: int = 600_000, step: int = 1) -> Price:
    return Price(at, at.isoformat(), initial_seconds=step, step_seconds=step, per_minute=per_minute)


def ask(of: PriceBook, *uses: Use, at: datetime = NOW, seconds: int = 300) -> Limit | None:
    return affordable(Asked(NUMBER, "mobile", at, seconds, 14_400), of, lambda held: uses, 0)


def test_two_prices_of_a_month_are_of_one_call() -> None:
    later = price(NOW + timedelta(hours=1), per_minute=1_200_000, step=7)
    for prices in ((price(), later), (replace(later, effective_from=BEGIN), price(later.effective_from))):
        found = ask(book(*prices, included=1000))
        assert found is not None
        assert found.units == (Units(BEGIN, MONTH, 301, 1_200_000, 6_020_000),), "the greatest figures"


@pytest.mark.parametrize("included", [300, 599, 600])
def test_a_call_of_two_months_leaves_what_it_cannot_use(included: int) -> None:
    of = book(price(), included=included, rollover_months=1)
    at = MIDNIGHT - timedelta(hours=1)
    # All that was granted before this month is used up.
    before = (MONTH - 1, included * 11)
    found = ask(of, before, (MONTH, 300, MONTH + 1), at=at)
    assert (found is None) == (included == 300)
    if found is not None:
        assert (found.seconds, found.amount) == (included - 300, 0)
        assert {one.month for one in found.units} == {MONTH, MONTH + 1}


@given(
    included=st.integers(0, 30),
    rollover=st.integers(0, 2),
    calls=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 2), st.integers(0, 1)), max_size=4),
    data=st.data(),
)
def test_in_whatever_month_others_are_answered_no_less_is_left(
    included: int, rollover: int, calls: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    first = month_of(BEGIN)
    at = datetime(2026, 2, 10, tzinfo=SHANGHAI)
    of = book(price(), included=included, rollover_months=rollover)
    uses: list[Use] = [(first + month, units, first + month + more) for units, month, more in calls]
    found = ask(of, *uses, at=at, seconds=100)
    left = Grants(Allowance(first, included, rollover))
    for units, month, more in calls:
        left.take(first + month + data.draw(st.integers(0, more)), units)
    available = sum(remaining for _, remaining in left.available(first + 1))
    assert (found.seconds if found is not None else 0) <= available
