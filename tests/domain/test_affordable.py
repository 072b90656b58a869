"""How long a call may last for an amount: ``domain.affordable`` against the definition that it turns round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.affordable import Asked, Limit, Units, affordable, longest
from appliance.domain.grants import SHANGHAI, month_of
from appliance.domain.pricing import (
    Charge,
    ChargeBy,
    Meter,
    MeteredCall,
    Plan,
    Price,
    PriceBook,
    Subscription,
    price_call,
)

NUMBER = "4001234567"
BEGIN = datetime(2026, 1, 1, tzinfo=SHANGHAI)
NOW = datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)
MONTH = month_of(NOW)


def book(*prices: Price, by: ChargeBy = ChargeBy.TIME, meter: Meter = Meter.ANSWER, **plan: int) -> PriceBook:
    made = Plan("p", "P", by, meter, prices, **plan)
    return PriceBook({"p": made}, {NUMBER: (Subscription(NUMBER, "p", BEGIN),)})


def price(at: datetime = BEGIN, **terms: int) -> Price:
    return Price(at, at.isoformat(), **terms)


def ask(
    of: PriceBook, amount: int, *used: tuple[int, int], at: datetime = NOW, at_most: int = 3600
) -> Limit | None:
    return affordable(Asked(NUMBER, "mobile", at, at_most), of, lambda held: used, amount)


def amount_of(of: PriceBook, seconds: int, included: int = 0) -> int:
    charge = price_call(MeteredCall("", NUMBER, "mobile", NOW, NOW, seconds, seconds), of, included)
    assert isinstance(charge, Charge)
    return charge.amount


@given(
    initial=st.integers(1, 90),
    step=st.integers(1, 90),
    free=st.integers(0, 30),
    fee=st.integers(0, 300_000),
    per_minute=st.integers(1, 2_000_000),
    included=st.integers(0, 900),
    amount=st.integers(-100_000, 9_000_000),
)
def test_an_amount_pays_for_that_and_for_no_block_more(
    initial: int, step: int, free: int, fee: int, per_minute: int, included: int, amount: int
) -> None:
    terms = {"initial_seconds": initial, "step_seconds": step, "free_seconds": free, "connect_fee": fee}
    of = book(price(per_minute=per_minute, **terms), included=included)
    found = ask(of, amount)
    beyond = max(initial, step, free + 1)
    if found is None:
        assert amount_of(of, max(free + 1, 2), included) > max(amount, 0)
        return
    assert amount_of(of, found.seconds, included) == found.amount <= max(amount, 0)
    if found.seconds < 3600:
        assert max(amount, 0) < amount_of(of, found.seconds + 1, included)
        assert max(amount, 0) < amount_of(of, found.seconds + beyond, included)
    worth = amount_of(of, found.seconds) - found.amount
    assert sum(units.worth for units in found.units) == worth


@given(steps=st.lists(st.integers(0, 5), min_size=1, max_size=60), amount=st.integers(-5, 80))
def test_the_longest_time_is_found_as_by_trying_each(steps: list[int], amount: int) -> None:
    prices = [0]
    for step in steps:
        prices.append(prices[-1] + step)
    tried = max(seconds for seconds, cost in enumerate(prices) if cost <= max(amount, 0))
    assert longest(prices.__getitem__, amount, len(steps)) == tried


def test_blocks_are_paid_for_whole() -> None:
    of = book(price(per_minute=600_000, initial_seconds=60, step_seconds=60))
    assert ask(of, 1_799_999) == Limit(120, 1_200_000)
    assert ask(of, 1_800_000) == Limit(180, 1_800_000)
    assert ask(of, 599_999) is None


def test_a_plan_by_call_costs_the_same_however_long() -> None:
    of = book(price(per_call=500_000), by=ChargeBy.CALL)
    assert ask(of, 500_000) == Limit(3600, 500_000)
    assert ask(of, 499_999) is None


def test_it_counts_from_the_line_where_the_plan_does() -> None:
    of = book(price(per_minute=60_000_000, initial_seconds=1, step_seconds=1), meter=Meter.BRIDGE)
    assert ask(of, 5_000_000) == Limit(5, 5_000_000, from_answer=False)


@pytest.mark.parametrize("owed", [0, -1_000_000])
def test_a_package_pays_whatever_is_owed(owed: int) -> None:
    of = book(price(per_minute=600_000), included=600)
    used = [(MONTH, 480)]
    assert ask(of, owed, *used, at_most=120) == Limit(120, 0, (Units(BEGIN, MONTH, 120, 600_000, 1_200_000),))
    assert ask(of, owed, *used) == Limit(120, 0, (Units(BEGIN, MONTH, 120, 600_000, 1_200_000),))
    assert ask(of, owed, (MONTH, 600)) is None


def test_what_is_carried_over_pays_too() -> None:
    of = book(price(per_minute=600_000), included=600, rollover_months=1)
    # The month before took its 60 of what was carried over to it; uses of before the first grant are nobody's.
    used = [(MONTH, 300), (MONTH - 1, 60), (month_of(BEGIN) - 1, 7)]
    found = ask(of, 0, *used)
    assert found == Limit(900, 0, (Units(BEGIN, MONTH, 900, 600_000, 9_000_000),))


def test_calls_of_which_only_the_free_seconds_are_paid_for_are_not_taken() -> None:
    of = book(price(per_minute=600_000, free_seconds=10, initial_seconds=1, step_seconds=1))
    assert ask(of, 0) is None
    assert ask(of, 0, at_most=10) == Limit(10)
    # The eleventh second is paid for with the ten before it.
    assert ask(of, 110_000) == Limit(11, 110_000)


def test_less_than_the_switch_can_tell_is_not_taken() -> None:
    of = book(price(per_minute=60_000_000, initial_seconds=1, step_seconds=1))
    assert ask(of, 1_000_000) is None
    assert ask(of, 2_000_000) == Limit(2, 2_000_000)


def test_what_cannot_be_priced_costs_nothing() -> None:
    assert ask(PriceBook({}, {}), 0) == Limit(3600)
    assert ask(book(price(NOW + timedelta(days=1))), 0) == Limit(3600)


def test_a_price_that_comes_while_the_call_may_wait_is_reckoned_with() -> None:
    dearer = price(NOW + timedelta(minutes=30), per_minute=1_200_000, initial_seconds=1, step_seconds=1)
    of = book(price(per_minute=600_000, initial_seconds=1, step_seconds=1), dearer)
    assert ask(of, 6_000_000) == Limit(300, 6_000_000)
    assert ask(of, 6_000_000, at_most=1200) == Limit(600, 6_000_000)


def test_a_caller_may_wait_longer_than_he_may_talk() -> None:
    midnight = datetime(2026, 11, 26, tzinfo=SHANGHAI)
    dearer = price(midnight, per_minute=10_000_000, initial_seconds=1, step_seconds=1)
    of = book(price(per_minute=100_000, initial_seconds=1, step_seconds=1), dearer, meter=Meter.BRIDGE)
    asked = Asked(NUMBER, "mobile", midnight - timedelta(minutes=5), 120, within_s=7200)
    assert affordable(asked, of, lambda held: (), 50_000_000) == Limit(120, 20_000_000, from_answer=False)
    assert affordable(asked, of, lambda held: (), 10_000_000) == Limit(60, 10_000_000, from_answer=False)
    # Of what begins only when the box has ended the call nothing is reckoned with.
    early = Asked(NUMBER, "mobile", midnight - timedelta(minutes=5), 120, within_s=299)
    assert affordable(early, of, lambda held: (), 50_000_000) == Limit(120, 200_000, from_answer=False)


def test_each_month_that_the_call_may_belong_to_is_reckoned_with() -> None:
    of = book(price(per_minute=600_000, initial_seconds=1, step_seconds=1), included=1000)
    midnight = datetime(2026, 12, 1, tzinfo=SHANGHAI)
    found = ask(of, 0, (MONTH, 400), at=midnight.astimezone(UTC) - timedelta(minutes=5))
    assert found == Limit(
        600, 0, tuple(Units(BEGIN, month, 600, 600_000, 6_000_000) for month in (MONTH, MONTH + 1))
    )


def test_a_subscription_that_ends_meanwhile() -> None:
    plan = Plan(
        "p", "P", ChargeBy.TIME, Meter.BRIDGE, (price(per_minute=60_000, initial_seconds=1, step_seconds=1),)
    )
    end = NOW + timedelta(minutes=10)
    of = PriceBook({"p": plan}, {NUMBER: (Subscription(NUMBER, "p", BEGIN, end),)})
    # From its end on nothing could be charged; from when it would count is not known.
    assert ask(of, 60_000) == Limit(60, 60_000, from_answer=True)


@pytest.mark.parametrize(
    ("stakes", "fee", "taken"),
    [
        ([], 0, 0),
        # As dear as his own, or cheaper: what he takes of it he saves himself.
        ([(600_000, 7_000), (1, 8_000)], 0, 0),
        ([(600_001, 7_000), (1, 8_000)], 0, 7_000),
        ([(600_001, 7_000), (700_000, 8_000)], 0, 15_000),
        # His own connect fee is saved by the last unit only.
        ([(600_001, 7_000)], 5_000, 7_000),
    ],
)
def test_what_the_call_may_take_from_others_is_held_too(
    stakes: list[tuple[int, int]], fee: int, taken: int
) -> None:
    of = book(price(per_minute=600_000, initial_seconds=1, step_seconds=1, connect_fee=fee), included=600)
    asked = Asked(NUMBER, "mobile", NOW, 120)

    def found(used: int, amount: int = 10**9) -> Limit | None:
        return affordable(asked, of, lambda held: [(MONTH, used)], amount, lambda held: stakes)

    dearest = 600_000 + 60 * fee
    assert found(480) == Limit(120, 0, (Units(BEGIN, MONTH, 120, dearest, 1_200_000 + fee),)), "kept for him"
    assert found(540) == Limit(120, 600_000 + fee + taken, (Units(BEGIN, MONTH, 120, dearest, 600_000),))
    assert found(600) == Limit(120, 1_200_000 + fee + taken, (Units(BEGIN, MONTH, 120),))
    if taken:
        assert found(540, 5_000) == Limit(60, 0, (Units(BEGIN, MONTH, 60, dearest, 600_000 + fee),)), (
            "no longer than what is kept for him"
        )


def test_a_plan_by_call_holds_what_a_dearer_call_may_lose() -> None:
    of = book(price(per_call=500_000, connect_fee=1), by=ChargeBy.CALL, included=1)
    asked = Asked(NUMBER, "mobile", NOW, 120)
    alone = affordable(asked, of, lambda held: [], 0)
    assert alone == Limit(120, 0, (Units(BEGIN, MONTH, 1, 60 * 500_001, 500_001),))
    for dearest, amount in ((60 * 500_001, 500_001), (60 * 500_002, 500_008)):
        second = affordable(asked, of, lambda held: [(MONTH, 1)], 10**9, lambda held: [(dearest, 7)])  # noqa: B023
        assert second == Limit(120, amount, (Units(BEGIN, MONTH, 1),))


def test_a_call_of_no_length_is_not_taken() -> None:
    assert ask(book(price(per_minute=600_000), included=600), 0, at_most=0) is None
