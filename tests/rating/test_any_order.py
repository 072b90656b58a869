"""Whatever order calls come in and months are closed in, charges are what the rules say of all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.domain import grants
from appliance.domain.pricing import MeteredCall, Unratable, assess
from appliance.rating.again import compare
from appliance.store.models import Account, Call, Charge, Number, Subscription
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, call, close, faults, pack, rate
from tests.rating.stored import put_book, put_calls
from tests.support.databases import sqlite_database

#: Day, hour and seconds of a call.
_CALLS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 23), st.integers(0, 130)), min_size=1, max_size=8)
_serial = itertools.count(1)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One for all examples: nothing that is booked can be taken out, so each has an account of its own."""
    folder: Path = tmp_path_factory.mktemp("any-order")
    with Store(sqlite_database(folder / "box.db")) as made:
        put_book(made, pack(0))
        put_book_with_rollover(made)
        yield made


def put_book_with_rollover(store: Store) -> None:
    from appliance.store.models import Plan, Price

    with store.work() as session:
        for months in (1, 2):
            code = f"pack-{months}"
            session.add(
                Plan(
                    code=code,
                    name=code,
                    charge_by="time",
                    meter="answer",
                    included=100,
                    rollover_months=months,
                )
            )
            session.flush()
            session.add(
                Price(
                    plan_code=code,
                    effective_from=JANUARY,
                    effective_text="t",
                    initial_seconds=1,
                    step_seconds=1,
                    per_minute=60_000_000,
                )
            )
        session.commit()


def subscribed(store: Store, rollover_months: int) -> tuple[str, str]:
    """A new account with a number; both."""
    serial = next(_serial)
    account, number = f"a{serial}", f"400{serial:07}"
    with store.work() as session:
        session.add(Account(id=account, name=account))
        session.flush()
        session.add(Number(number=number, account_id=account))
        session.flush()
        plan = f"pack-{rollover_months}" if rollover_months else "pack"
        session.add(Subscription(number=number, plan_code=plan, starts_at=JANUARY))
        session.commit()
    return account, number


def included(store: Store, number: str) -> dict[str, int]:
    with store.reading() as session:
        rows = session.execute(
            select(Charge.call_uuid, Charge.included_units)
            .join(Call, Call.uuid == Charge.call_uuid)
            .where(Call.number == number)
        )
        return {row[0]: row[1] for row in rows}


def by_the_rules(calls: list[MeteredCall], rollover_months: int) -> dict[str, int]:
    book = pack(rollover_months, number=calls[0].number)
    assessed = []
    for one in calls:
        found = assess(one, book)
        assert not isinstance(found, Unratable)
        assessed.append((one, found))
    return {one.call_id: charge.included_units for one, charge in grants.charges(assessed)}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_CALLS, st.integers(0, 2), st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_charges_are_those_of_all_calls_at_once(
    box: Store, calls: list[tuple[int, int, int]], rollover_months: int, batches: list[int]
) -> None:
    account, number = subscribed(box, rollover_months)
    made = [
        call(f"{account}-{nth}", JANUARY + day * DAY + timedelta(hours=hour), seconds, number)
        for nth, (day, hour, seconds) in enumerate(calls)
    ]
    left = list(made)
    for size in batches:
        batch, left = left[:size], left[size:]
        put_calls(box, batch, account=account)
        rate(box, [one.call_id for one in batch])
    assert included(box, number) == by_the_rules(made, rollover_months)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_CALLS, st.integers(0, 2), st.lists(st.booleans(), min_size=12, max_size=12))
def test_months_closed_in_between_stay_and_nothing_is_lost(
    box: Store, calls: list[tuple[int, int, int]], rollover_months: int, closes: list[bool]
) -> None:
    account, number = subscribed(box, rollover_months)
    closed, kept = MONTH, {}
    for nth, ((day, hour, seconds), then_close) in enumerate(zip(calls, closes, strict=False)):
        one = call(f"{account}-{nth}", JANUARY + day * DAY + timedelta(hours=hour), seconds, number)
        put_calls(box, [one], account=account)
        rate(box, [one.call_id])
        # The clock of these tests stands in the first hours of June.
        if then_close and closed < MONTH + 4:
            (done,) = close(box, closed, account=account)
            assert done.new
            closed += 1
        now = final(box, account)
        assert kept.items() <= now.items(), "a final charge is never changed"
        kept = now
    with box.reading() as session:
        assert compare(session, number) == [], "rating all of it again finds the same"
    assert len(included(box, number)) == min(len(calls), len(closes))
    assert faults(box) == []


def final(store: Store, account: str) -> dict[str, tuple[int, int, int]]:
    with store.reading() as session:
        rows = session.scalars(select(Charge).where(Charge.account_id == account, Charge.final))
        return {row.call_uuid: (row.included_units, row.amount, row.booked_month) for row in rows}
