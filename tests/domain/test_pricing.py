"""One call's price, rule by rule (docs/rating.md)."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import pricing
from appliance.domain.pricing import (
    Charge,
    ChargeBy,
    Meter,
    MeteredCall,
    Plan,
    Price,
    PriceBook,
    Reason,
    Refusal,
    Subscription,
    Unratable,
    price_call,
)

NUMBER = "4008001234"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_price(since: datetime = JANUARY, **fields: object) -> Price:
    return Price(effective_from=since, effective_text=since.isoformat(), **fields)  # type: ignore[arg-type]


def a_plan(*prices: Price, charge_by: ChargeBy = ChargeBy.TIME, meter: Meter = Meter.ANSWER) -> Plan:
    return Plan("p", "Plan", charge_by, meter, prices or (a_price(per_minute=110_000),))


def a_book(plan: Plan, since: datetime = JANUARY, until: datetime | None = None) -> PriceBook:
    return PriceBook({plan.code: plan}, {NUMBER: (Subscription(NUMBER, plan.code, since, until),)})


def a_call(
    billsec: int = 61, bridged: int = 40, answered_at: datetime | None = AT, kind: str = "mobile"
) -> MeteredCall:
    return MeteredCall("c1", NUMBER, kind, AT - timedelta(seconds=9), answered_at, billsec, bridged)


def charge(call: MeteredCall, book: PriceBook, included: int = 0) -> Charge:
    found = price_call(call, book, included)
    assert isinstance(found, Charge)
    return found


def test_doctests() -> None:
    assert doctest.testmod(pricing).failed == 0


def test_a_call_by_time() -> None:
    assert charge(a_call(), a_book(a_plan())) == Charge(
        plan="p",
        price_from="2026-01-01T00:00:00+00:00",
        metered_seconds=61,
        billable_units=120,
        included_units=0,
        charged_units=120,
        amount=220_000,
        reason=Reason.CHARGED,
    )


def test_a_call_by_the_call() -> None:
    plan = a_plan(a_price(per_call=350_000, connect_fee=10_000, per_minute=9), charge_by=ChargeBy.CALL)
    found = charge(a_call(billsec=3600), a_book(plan))
    assert (found.billable_units, found.charged_units, found.amount) == (1, 1, 360_000)


@pytest.mark.parametrize(("meter", "metered"), [(Meter.ANSWER, 61), (Meter.BRIDGE, 40)])
def test_the_meter_starts_where_the_plan_says(meter: Meter, metered: int) -> None:
    assert charge(a_call(), a_book(a_plan(meter=meter))).metered_seconds == metered


@pytest.mark.parametrize(
    ("at", "found"),
    [(JANUARY - timedelta(microseconds=1), False), (JANUARY, True), (AT, False), (AT - timedelta(1), True)],
)
def test_a_subscription_holds_its_start_and_not_its_end(at: datetime, found: bool) -> None:
    book = a_book(a_plan(a_price(JANUARY - timedelta(days=99), per_minute=1)), until=AT)
    priced = price_call(a_call(answered_at=at), book)
    assert isinstance(priced, Charge) is found
    if not found:
        assert priced == Unratable(Refusal.NO_SUBSCRIPTION)


def test_a_number_without_a_subscription() -> None:
    assert price_call(replace(a_call(), number="4009999999"), a_book(a_plan())) == Unratable(
        Refusal.NO_SUBSCRIPTION
    )


def test_an_unanswered_call_goes_by_its_start() -> None:
    # Begun before the subscription's end, so it belongs to it although the end came while it rang.
    book = a_book(a_plan(), until=AT)
    found = charge(a_call(answered_at=None), book)
    assert found == Charge("p", "", 0, 0, 0, 0, 0, Reason.UNANSWERED)
    assert price_call(a_call(), book) == Unratable(Refusal.NO_SUBSCRIPTION)


def test_nothing_metered_is_unanswered_even_without_a_price() -> None:
    book = a_book(a_plan(a_price(AT + timedelta(1)), meter=Meter.BRIDGE))
    assert charge(a_call(bridged=0), book, included=100).reason is Reason.UNANSWERED
    assert price_call(a_call(), book) == Unratable(Refusal.NO_PRICE)


@pytest.mark.parametrize(
    ("kind", "since"), [("mobile", datetime(2026, 1, 2, tzinfo=UTC)), ("fixed", datetime(2026, 2, 2, tzinfo=UTC))]
)
def test_the_callers_kind_goes_before_any_and_then_the_latest(kind: str, since: datetime) -> None:
    plan = a_plan(
        a_price(datetime(2026, 2, 2, tzinfo=UTC)),
        a_price(datetime(2026, 1, 2, tzinfo=UTC), caller="mobile"),
        a_price(JANUARY, caller="mobile"),
        a_price(AT + timedelta(microseconds=1), caller="mobile"),
        a_price(datetime(2026, 2, 2, tzinfo=UTC), caller="overseas"),
    )
    assert charge(a_call(kind=kind), a_book(plan)).price_from == since.isoformat()


def test_a_price_for_another_kind_is_none() -> None:
    assert price_call(a_call(), a_book(a_plan(a_price(caller="fixed")))) == Unratable(Refusal.NO_PRICE)


def test_a_price_holds_from_its_instant_on() -> None:
    plan = a_plan(a_price(per_minute=1), a_price(AT, per_minute=2))
    assert charge(a_call(), a_book(plan)).price_from == AT.isoformat()
    before = a_call(answered_at=AT - timedelta(microseconds=1))
    assert charge(before, a_book(plan)).price_from == JANUARY.isoformat()


@pytest.mark.parametrize(("seconds", "free"), [(5, True), (6, False)])
def test_free_seconds_are_free_up_to_and_with_the_last(seconds: int, free: bool) -> None:
    found = charge(a_call(seconds), a_book(a_plan(a_price(free_seconds=5, per_minute=60_000))), included=99)
    if free:
        assert found == Charge("p", JANUARY.isoformat(), 5, 0, 0, 0, 0, Reason.FREE)
    else:
        assert (found.billable_units, found.included_units) == (60, 60)


@pytest.mark.parametrize(
    ("seconds", "initial", "step", "units"),
    [
        (1, 60, 60, 60),
        (60, 60, 60, 60),
        (61, 60, 60, 120),
        (7, 6, 6, 12),
        (31, 30, 6, 36),
        (36, 30, 6, 36),
        (5, 0, 1, 5),
    ],
)
def test_billable_units(seconds: int, initial: int, step: int, units: int) -> None:
    plan = a_plan(a_price(initial_seconds=initial, step_seconds=step))
    assert charge(a_call(seconds), a_book(plan)).billable_units == units


@pytest.mark.parametrize(
    ("available", "included", "reason"),
    [
        (0, 0, Reason.CHARGED),
        (1, 1, Reason.PART_INCLUDED),
        (119, 119, Reason.PART_INCLUDED),
        (120, 120, Reason.INCLUDED),
        (9999, 120, Reason.INCLUDED),
    ],
)
def test_included_units(available: int, included: int, reason: Reason) -> None:
    plan = a_plan(a_price(per_minute=60_000, connect_fee=7))
    found = charge(a_call(), a_book(plan), available)
    assert (found.included_units, found.charged_units, found.reason) == (included, 120 - included, reason)
    # The connect fee is due as soon as anything is.
    assert found.amount == (0 if included == 120 else 7 + (120 - included) * 1000)


def test_half_a_millionth_goes_up() -> None:
    plan = a_plan(a_price(per_minute=30, initial_seconds=1, step_seconds=1))
    assert [charge(a_call(seconds), a_book(plan)).amount for seconds in (1, 2, 3)] == [1, 1, 2]


@given(
    seconds=st.integers(1, 9_999_999),
    initial=st.integers(0, 600),
    step=st.integers(1, 600),
    per_minute=st.integers(0, 10**9),
    fee=st.integers(0, 10**9),
    available=st.integers(0, 10_000_000),
)
def test_an_amount_is_what_decimal_arithmetic_says(
    seconds: int, initial: int, step: int, per_minute: int, fee: int, available: int
) -> None:
    plan = a_plan(a_price(initial_seconds=initial, step_seconds=step, per_minute=per_minute, connect_fee=fee))
    found = charge(a_call(seconds), a_book(plan), available)
    units = initial
    if seconds > initial:
        units += int(((Decimal(seconds) - initial) / step).to_integral_value("ROUND_CEILING")) * step
    assert found.billable_units == units >= seconds
    assert found.included_units + found.charged_units == units
    assert found.included_units == min(available, units)
    exact = Decimal(fee) + Decimal(found.charged_units) * per_minute / 60
    assert found.amount == (0 if not found.charged_units else int(exact.to_integral_value(ROUND_HALF_UP)))
