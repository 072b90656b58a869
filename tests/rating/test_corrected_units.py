"""Included units that a correction takes or gives back are used once: open months have what it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from appliance.domain.bills import LineKind
from appliance.domain.pricing import PriceBook
from appliance.rating.again import compare, rate_again
from appliance.rating.explain import explain
from appliance.rating.run import rate_all
from appliance.store.bills import included_used
from appliance.store.models import Plan, Price
from appliance.store.plans import load_book
from appliance.store.queries import Scope, reading
from appliance.store.unit import Store
from tests.rating.billed import credit, issue
from tests.rating.booked import DAY, JANUARY, MONTH, NUMBER, WHO, call, close, faults, pack, take
from tests.rating.stored import charged, clock, put_book, put_calls

FEBRUARY = JANUARY + timedelta(days=31)


def without_a_price_in_january(store: Store, seconds: int = 100) -> None:
    """Rollover 1, 100 s a month; January's call was closed without a price, February's used all 200 s."""
    book = pack(rollover_months=1)
    plan = book.plans["pack"]
    late = replace(plan, prices=tuple(replace(price, effective_from=FEBRUARY) for price in plan.prices))
    put_book(store, PriceBook({"pack": late}, book.subscriptions))
    take(store, call("jan", JANUARY + DAY, seconds), call("feb", FEBRUARY + DAY, 200))
    close(store, MONTH, although=True)
    assert used(store) == {"jan": 0, "feb": 200}


def mend(store: Store, since: datetime = JANUARY) -> None:
    with store.work() as session:
        session.add(
            Price(
                plan_code="pack",
                effective_from=since,
                effective_text="mended",
                initial_seconds=1,
                step_seconds=1,
                per_minute=60_000_000,
            )
        )
        session.commit()


def used(store: Store) -> dict[str, int]:
    return {uuid: charge.included_units for uuid, charge in charged(store).items()}


def is_contradicted(store: Store, uuid: str) -> bool:
    """Whether the explanation of a charge finds that other units were left for it."""
    seen = []
    for scope in (Scope(None), Scope("east")):
        with reading(store, scope) as reader:
            seen.append("anew" in "".join(words.en for words in explain(reader, uuid)))
    assert seen[0] == seen[1], "whoever looks"
    return seen[0]


@pytest.mark.parametrize("month", [None, MONTH])
def test_open_months_have_what_a_correction_leaves(on_sqlite: Store, month: int | None) -> None:
    without_a_price_in_january(on_sqlite)
    mend(on_sqlite)
    with on_sqlite.reading() as session:
        told = {one.booked.call.call_id: one.new for one in compare(session, NUMBER, month)}
    assert (told["jan"].included_units, told["feb"].included_units) == (100, 100)
    rate_again(on_sqlite, clock, month=month, book=WHO)
    assert used(on_sqlite) == {"jan": 0, "feb": 100}, "the final charge stays, and its correction took the rest"
    assert rate_again(on_sqlite, clock) == [] == rate_again(on_sqlite, clock, book=WHO)
    with on_sqlite.reading() as session:
        held = load_book(session, {NUMBER}).subscriptions[NUMBER][0]
        assert included_used(session, held, MONTH + 1) == [(MONTH, 100), (MONTH + 1, 100)], "the bill says the same"
        assert included_used(session, held, MONTH) == [(MONTH, 100)], "January's as well"
    assert not is_contradicted(on_sqlite, "feb")
    close(on_sqlite, MONTH + 1)
    assert rate_again(on_sqlite, clock) == [], "and nothing shows up when the month is closed"
    assert not is_contradicted(on_sqlite, "feb"), "it stays explained"
    assert faults(on_sqlite) == []


@pytest.mark.parametrize("is_billed", [False, True])
def test_bills_from_then_on_have_what_a_correction_leaves(on_sqlite: Store, is_billed: bool) -> None:
    """Found when February is closed as well: the correction is booked in March, and stands on January's paper."""
    without_a_price_in_january(on_sqlite, seconds=150)
    close(on_sqlite, MONTH + 1)
    if is_billed:
        with on_sqlite.work() as session:
            session.execute(update(Plan).values(minimum_monthly=50_000_000))
            session.commit()
        assert issue(on_sqlite, MONTH) is not None
    mend(on_sqlite)
    rate_again(on_sqlite, clock, book=WHO)
    if is_billed:
        (paper,) = credit(on_sqlite)
    else:
        bill = issue(on_sqlite, MONTH)
        assert bill is not None
        assert [(one.use.before, one.use.used, one.use.left) for one in bill.grants] == [(100, 100, 0)]
        paper = bill
    assert [line.amount for line in paper.lines if line.kind is LineKind.CORRECTION] == [5000]
    february = issue(on_sqlite, MONTH + 1)
    assert february is not None
    assert [(one.use.before, one.use.used, one.use.left) for one in february.grants] == [(0, 0, 0), (100, 100, 0)]
    assert not is_contradicted(on_sqlite, "feb"), "it was charged before"


@pytest.mark.parametrize("bulk_from", [0, 10**9])
def test_calls_that_come_later_have_what_corrections_left(store: Store, bulk_from: int) -> None:
    without_a_price_in_january(store)
    mend(store)
    rate_again(store, clock, book=WHO)
    put_calls(store, [call("first", FEBRUARY, 30), call("late", JANUARY + 2 * DAY, 30)])
    rate_all(store, clock, bulk_from=bulk_from)
    assert used(store) == {"jan": 0, "late": 0, "first": 30, "feb": 70}
    assert rate_again(store, clock) == [] and faults(store) == []


def test_the_last_correction_counts(on_sqlite: Store) -> None:
    """Found, and lost again: what the first correction took is there once more."""
    put_book(on_sqlite, pack(rollover_months=1))
    take(on_sqlite, call("jan", JANUARY + DAY, 100), call("feb", FEBRUARY + DAY, 200))
    close(on_sqlite, MONTH)
    assert used(on_sqlite) == {"jan": 100, "feb": 100}
    for free, expected in ((100, 200), (0, 100)):
        with on_sqlite.work() as session:
            price = Price(
                plan_code="pack",
                effective_from=JANUARY + timedelta(seconds=200 - free),
                effective_text=f"free {free}",
                initial_seconds=1,
                step_seconds=1,
                free_seconds=free,
                per_minute=60_000_000,
            )
            session.add(price)
            session.commit()
        rate_again(on_sqlite, clock, book=WHO)
        assert used(on_sqlite)["feb"] == expected
        put_calls(on_sqlite, [call(f"mar{free}", FEBRUARY + 40 * DAY, 10)])
        rate_all(on_sqlite, clock)
        assert rate_again(on_sqlite, clock) == []
    assert faults(on_sqlite) == []
