"""Calls under a plan that they were not charged by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import grants
from appliance.domain.advice import PlanCost, Profile, Usage, profile, under_plan, whole_months
from appliance.domain.grants import SHANGHAI, month_start
from appliance.domain.pricing import ChargeBy, Meter, MeteredCall, Plan, Price, PriceBook, Subscription, assess

NUMBER = "4008001234"
JANUARY, FEBRUARY = 2026 * 12, 2026 * 12 + 1
SINCE = month_start(JANUARY)
PRICE = Price(SINCE, "jan", initial_seconds=60, step_seconds=60, per_minute=100_000)
TIME = Plan("time", "按时", ChargeBy.TIME, Meter.ANSWER, (PRICE,), included=120, minimum_monthly=500_000)
CALL = Plan("call", "按次", ChargeBy.CALL, Meter.BRIDGE, (replace(PRICE, per_call=300_000),))


def call(name: str, at: datetime, seconds: int = 60, kind: str = "mobile", talk: int | None = None) -> MeteredCall:
    return MeteredCall(name, NUMBER, kind, at, at, seconds, seconds if talk is None else talk)


def usage(*calls: MeteredCall, months: tuple[int, ...] = (JANUARY, FEBRUARY), **changes: object) -> Usage:
    return replace(Usage(NUMBER, SINCE, months, frozenset(months), calls), **changes)  # type: ignore[arg-type]


def by_month(cost: PlanCost) -> list[tuple[int, int, int, int]]:
    return [(one.calls, one.units, one.amount, one.topped_up) for one in cost.months.values()]


def test_grants_and_the_minimum_month_by_month() -> None:
    calls = [call("a", SINCE, 600), call("b", SINCE + timedelta(days=40), 60)]
    assert by_month(under_plan(TIME, usage(*calls))) == [(1, 600, 800_000, 0), (1, 60, 0, 500_000)]
    used = usage(call("a", SINCE), call("b", SINCE + timedelta(days=40), 240))
    rolled = under_plan(replace(TIME, rollover_months=1), used)
    assert by_month(rolled) == [(1, 60, 0, 500_000), (1, 240, 100_000, 400_000)]
    assert (rolled.total, rolled.sum_of("included"), rolled.is_whole) == (1_000_000, 240, True)
    # A month that is not whole has no minimum.
    part = under_plan(TIME, usage(*calls, full=frozenset({JANUARY})))
    assert by_month(part) == [(1, 600, 800_000, 0), (1, 60, 0, 0)]


def test_calls_without_a_price() -> None:
    fixed_only = replace(TIME, prices=(replace(PRICE, caller="fixed"),))
    cost = under_plan(fixed_only, usage(call("a", SINCE), call("b", SINCE, kind="fixed")))
    assert (cost.sum_of("unpriced"), dict(cost.unpriced_kinds), cost.is_whole) == (1, {"mobile": 1}, False)
    # From before its subscription no call can be priced at all.
    early = under_plan(TIME, usage(call("a", SINCE), since=SINCE + timedelta(days=1)))
    assert early.sum_of("unpriced") == 1


def test_a_plan_that_is_younger_than_the_calls() -> None:
    later = (
        replace(PRICE, effective_from=month_start(FEBRUARY + 9), per_minute=7),
        replace(PRICE, effective_from=month_start(FEBRUARY + 2), per_minute=60_000_000),
        replace(PRICE, effective_from=month_start(FEBRUARY + 3), per_minute=600_000, caller="fixed"),
    )
    young = replace(TIME, prices=later, included=0, minimum_monthly=0)
    cost = under_plan(young, usage(call("a", SINCE), call("b", SINCE, kind="fixed")))
    assert (cost.total, cost.sum_of("backdated"), cost.is_whole) == (60_600_000, 2, True)


def test_unanswered_calls_cost_nothing() -> None:
    missed = replace(call("a", SINCE), answered_at=None)
    assert by_month(under_plan(CALL, usage(missed, call("b", SINCE, talk=0)))) == [(2, 0, 0, 0), (0, 0, 0, 0)]


def test_how_a_number_is_called() -> None:
    calls = [
        call("a", SINCE, 100, talk=29),
        call("b", SINCE, 100, talk=30),
        call("c", SINCE, 10, kind="fixed", talk=0),
        replace(call("d", SINCE), answered_at=None),
    ]
    found = profile(usage(*calls))
    assert found == Profile(59, 4, 3, 2, 59, 1, {"mobile": 3, "fixed": 1})
    twice = found.plus(found)
    assert (twice.days, twice.calls, twice.short, twice.kinds["mobile"]) == (59, 8, 2, 6)


@pytest.mark.parametrize(
    ("starts", "ends", "months"),
    [
        (datetime(2026, 1, 1, tzinfo=SHANGHAI), None, [JANUARY, FEBRUARY]),
        (datetime(2026, 1, 1, 0, 0, 1, tzinfo=SHANGHAI), None, [FEBRUARY]),
        (datetime(2025, 12, 31, 16, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC), [JANUARY, FEBRUARY]),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 2, 28, 15, tzinfo=UTC), [JANUARY]),
    ],
)
def test_months_that_a_plan_holds_whole(starts: datetime, ends: datetime | None, months: list[int]) -> None:
    held = Subscription(NUMBER, "time", starts, ends)
    assert whole_months([held], (JANUARY, FEBRUARY)) == dict.fromkeys(months, held)


_CALLS = st.lists(
    st.tuples(st.integers(0, 58 * 86_400), st.integers(0, 2000), st.sampled_from(["mobile", "fixed"])), max_size=12
)


@given(_CALLS, st.integers(0, 3000), st.integers(0, 2), st.sampled_from([ChargeBy.TIME, ChargeBy.CALL]))
def test_it_is_what_the_rules_say(
    calls: list[tuple[int, int, str]], included: int, rollover: int, by: ChargeBy
) -> None:
    plan = replace(TIME, charge_by=by, included=included, rollover_months=rollover, minimum_monthly=0)
    made = [call(f"c{n}", SINCE + timedelta(seconds=at), s, kind) for n, (at, s, kind) in enumerate(calls)]
    book = PriceBook({"time": plan}, {NUMBER: (Subscription(NUMBER, "time", SINCE),)})
    expected = sum(charge.amount for _, charge in grants.charges((one, assess(one, book)) for one in made))  # type: ignore[misc]
    assert under_plan(plan, usage(*made)).total == expected
