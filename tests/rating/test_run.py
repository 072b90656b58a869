"""Stored calls are rated as the rules say, in whatever order and batches they come."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from appliance.domain.grants import month_of
from appliance.domain.ledger import Who
from appliance.domain.pricing import ChargeBy, Meter, MeteredCall, Plan, Price, PriceBook, Subscription
from appliance.rating.again import rate_again
from appliance.rating.run import Rated, rate_all, rate_calls
from appliance.store.models import Call, Charge
from appliance.store.models import Price as PriceRow
from appliance.store.unit import Store
from tests.rating.stored import (
    NOW,
    as_lines,
    charged,
    clock,
    later,
    put_book,
    put_calls,
    sample_book,
    sample_calls,
    sample_lines,
)

NUMBER = "4008001234"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def rate(store: Store, uuids: Iterable[str]) -> Rated:
    with store.work() as session:
        rated = rate_calls(session, list(uuids), clock)
        session.commit()
    return rated


def again(store: Store) -> int:
    """Book what rating again changes; how many calls that is."""
    return sum(each.calls for each in rate_again(store, later, book=Who("test", "again")))


def pack(rollover_months: int, included: int = 100) -> PriceBook:
    price = Price(JANUARY, "t", initial_seconds=1, step_seconds=1, per_minute=60_000_000)
    plan = Plan("pack", "Pack", ChargeBy.TIME, Meter.ANSWER, (price,), included, rollover_months)
    return PriceBook({"pack": plan}, {NUMBER: (Subscription(NUMBER, "pack", JANUARY),)})


def call(call_id: str, at: datetime, seconds: int = 60) -> MeteredCall:
    return MeteredCall(call_id, NUMBER, "mobile", at - timedelta(seconds=3), at, seconds, 0)


def included(store: Store) -> dict[str, int]:
    return {uuid: charge.included_units for uuid, charge in sorted(charged(store).items())}


# ---- the sample


def test_the_sample_rated_at_once(store: Store) -> None:
    put_book(store, sample_book())
    calls = sample_calls()
    put_calls(store, calls)
    rated = rate_all(store, clock)
    assert as_lines(store) == sorted(sample_lines())
    assert (rated.changed, rated.changed - rated.rejects) == (len(calls), len(sample_lines()))
    assert rate_all(store, later) == Rated()
    assert again(store) == 0
    assert {charge.rated_at for charge in charged(store).values()} == {NOW}


def test_the_sample_as_it_comes_in(store: Store) -> None:
    """In batches, mostly in order and some of them late, as a collector brings them."""
    put_book(store, sample_book())
    dice = random.Random(3)
    calls = sorted(sample_calls(), key=lambda each: each.started_at + timedelta(hours=dice.expovariate(1 / 48)))
    for start in range(0, len(calls), 150):
        batch = calls[start : start + 150]
        put_calls(store, batch)
        rate(store, [each.call_id for each in batch])
    assert as_lines(store) == sorted(sample_lines())


# ---- included units


@pytest.mark.parametrize("rollover_months", [0, 1])
def test_a_late_call_moves_the_units_of_later_ones(store: Store, rollover_months: int) -> None:
    put_book(store, pack(rollover_months))
    put_calls(store, [call("b", JANUARY + timedelta(days=2)), call("c", JANUARY + timedelta(days=3))])
    rate(store, ["b", "c"])
    assert included(store) == {"b": 60, "c": 40}
    put_calls(store, [call("a", JANUARY + timedelta(days=1), 90)])
    rated = rate(store, ["a"])
    assert included(store) == {"a": 90, "b": 10, "c": 0}
    assert rated == Rated(calls=3, changed=3, rejects=0)


def test_units_of_one_month_do_not_touch_the_next_without_rollover(store: Store) -> None:
    put_book(store, pack(0))
    put_calls(store, [call("jan", JANUARY, 10), call("feb", JANUARY + timedelta(days=40), 150)])
    rate(store, ["jan", "feb"])
    put_calls(store, [call("jan-2", JANUARY + timedelta(days=1), 150)])
    assert rate(store, ["jan-2"]).calls == 1
    assert included(store) == {"feb": 100, "jan": 10, "jan-2": 90}


def test_units_roll_over(store: Store) -> None:
    put_book(store, pack(1))
    put_calls(store, [call("feb", JANUARY + timedelta(days=40), 150)])
    rate(store, ["feb"])
    assert included(store) == {"feb": 150}
    put_calls(store, [call("jan", JANUARY + timedelta(days=1), 80)])
    rate(store, ["jan"])
    assert included(store) == {"feb": 120, "jan": 80}


def test_calls_of_one_instant_go_by_their_names(store: Store) -> None:
    put_book(store, pack(0))
    put_calls(store, [call("b", JANUARY), call("a", JANUARY), call("B", JANUARY)])
    for uuid in ("b", "a", "B"):
        rate(store, [uuid])
    assert included(store) == {"B": 60, "a": 40, "b": 0}


def test_a_call_that_changes_is_rated_anew_with_those_behind_it(store: Store) -> None:
    put_book(store, pack(0))
    put_calls(store, [call("a", JANUARY), call("b", JANUARY + timedelta(days=1))])
    rate(store, ["a", "b"])
    with store.work() as session:
        session.execute(delete(Charge).where(Charge.call_uuid == "a"))
        session.execute(update(Call).where(Call.uuid == "a").values(bill_ms=10_000))
        session.commit()
    assert rate_all(store, later) == Rated(calls=2, changed=2, rejects=0)
    assert included(store) == {"a": 10, "b": 60}


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_batches_give_the_same(store: Store, seed: int) -> None:
    dice = random.Random(seed)
    put_book(store, pack(seed % 3, included=500))
    calls = [
        call(f"c{n:02}", JANUARY + timedelta(days=dice.uniform(0, 150)), dice.randrange(200)) for n in range(40)
    ]
    dice.shuffle(calls)
    while calls:
        batch = [calls.pop() for _ in range(min(len(calls), dice.randrange(1, 8)))]
        put_calls(store, batch)
        rate(store, [each.call_id for each in batch])
    assert again(store) == 0


# ---- what is not rated, or not any more


def test_a_call_that_cannot_be_priced_has_a_row_that_says_why(store: Store) -> None:
    put_book(store, pack(0))
    early = call("early", JANUARY - timedelta(days=1))
    unknown = replace(call("unknown", JANUARY), number="4009999999")
    nobody = replace(call("nobody", JANUARY), number="")
    put_calls(store, [early, unknown, nobody])
    assert rate_all(store, clock) == Rated(3, 3, 3)
    for charge in charged(store).values():
        assert (charge.reason, charge.plan_code, charge.amount) == ("reject:no-subscription", "", 0)
    assert rate_all(store, clock) == Rated()


def test_a_price_that_comes_later_rates_what_had_none(store: Store) -> None:
    book = pack(1)
    put_book(store, book)
    with store.work() as session:
        session.execute(update(PriceRow).values(effective_from=JANUARY + timedelta(days=10)))
        session.commit()
    put_calls(store, [call("a", JANUARY), call("b", JANUARY + timedelta(days=11), 150)])
    rate_all(store, clock)
    assert {uuid: charge.reason for uuid, charge in charged(store).items()} == {
        "a": "reject:no-price",
        "b": "part-included",
    }
    # A late call between them draws on the same grants; the one without a price still uses none.
    put_calls(store, [call("ab", JANUARY + timedelta(days=10), 30)])
    rate(store, ["a", "ab"])
    assert included(store) == {"a": 0, "ab": 30, "b": 70}
    with store.work() as session:
        session.execute(update(PriceRow).values(effective_from=JANUARY))
        session.commit()
    again(store)
    assert included(store) == {"a": 60, "ab": 30, "b": 10}


def test_a_call_without_a_price_uses_no_units_of_those_beside_it(store: Store) -> None:
    put_book(store, pack(1))
    with store.work() as session:
        session.execute(update(PriceRow).values(caller="mobile"))
        session.commit()
    fixed = replace(call("b", JANUARY + timedelta(days=2)), caller_kind="fixed")
    put_calls(store, [fixed, call("c", JANUARY + timedelta(days=3))])
    rate(store, ["b", "c"])
    put_calls(store, [call("a", JANUARY + timedelta(days=1), 70)])
    assert rate(store, ["a"]) == Rated(calls=3, changed=2, rejects=1)
    assert included(store) == {"a": 70, "b": 0, "c": 30}


def test_an_abnormal_call_waits_for_a_person(store: Store) -> None:
    put_book(store, pack(1))
    put_calls(store, [call("a", JANUARY)], outcome="abnormal")
    put_calls(store, [call("b", JANUARY + timedelta(days=1))])
    assert rate(store, ["a"]) == Rated()
    assert rate_all(store, clock) == Rated(1, 1, 0)
    assert again(store) == 0
    assert included(store) == {"b": 60}


def test_a_final_charge_stays(store: Store) -> None:
    put_book(store, pack(0))
    put_calls(store, [call("b", JANUARY + timedelta(days=1))])
    rate_all(store, clock)
    with store.work() as session:
        session.execute(update(Charge).values(final=True))
        session.commit()
    put_calls(store, [call("a", JANUARY)])
    assert rate(store, ["a"]) == Rated(calls=1, changed=1, rejects=0)
    assert included(store) == {"a": 40, "b": 60}
    assert again(store) == 0


def test_only_a_month(store: Store) -> None:
    put_book(store, pack(0))
    # The last minute of January in Shanghai, the first of February, and a call of February never answered.
    edge = datetime(2026, 1, 31, 16, tzinfo=UTC)
    missed = replace(call("missed", edge + timedelta(days=3)), answered_at=None)
    put_calls(store, [call("jan", edge - timedelta(seconds=1)), call("feb", edge), missed])
    assert rate_all(store, clock, month=month_of(edge)).changed == 2
    assert sorted(charged(store)) == ["feb", "missed"]
    assert rate_all(store, clock, month=month_of(edge) - 1).changed == 1


def test_nothing_to_rate(store: Store) -> None:
    assert rate(store, []) == Rated()
