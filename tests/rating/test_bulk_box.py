"""The box's calls rated in bulk by its database: the same charges and postings as call by call."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Table, delete, select, update

from appliance.domain.pricing import ChargeBy, Meter, MeteredCall, Plan, Price, PriceBook, Subscription
from appliance.rating.bulk import box, expressions, tables
from appliance.rating.bulk.parse import CALLS
from appliance.rating.run import Rated, rate_all, rate_calls
from appliance.store import bulk_tables, charges
from appliance.store.models import Account, Call, Charge, LedgerPosting, Number
from appliance.store.models import Plan as PlanRow
from appliance.store.models import Price as PriceRow
from appliance.store.models import Subscription as SubscriptionRow
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, call, close, faults, pack
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

#: Rated in bulk, and its twin, rated call by call; each of an account of its own.
BULK, PLAIN = "4008001234", "4008001235"


def in_bulk(store: Store, month: int | None = None) -> Rated:
    return rate_all(store, clock, month=month, bulk_from=0)


def test_the_sample(store: Store) -> None:
    put_book(store, sample_book())
    calls = sample_calls()
    put_calls(store, calls)
    rated = in_bulk(store)
    assert as_lines(store) == sorted(sample_lines())
    assert rated == Rated(len(calls), len(calls), len(calls) - len(sample_lines()))
    assert rate_all(store, later, bulk_from=0) == Rated()
    assert {charge.rated_at for charge in charged(store).values()} == {NOW}
    assert faults(store) == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_came_before(store: Store, seed: int) -> None:
    """Twins with the same calls, months closed, charges lost, calls waived and waiting, prices of the past."""
    dice = random.Random(seed)
    twins(store, seed % 3)
    for step in range(5):
        calls = [_call(dice, f"c{step}{nth:02}") for nth in range(dice.randrange(1, 30))]
        outcome = "abnormal" if dice.random() < 0.1 else "answered"
        for number, account in ((BULK, "east"), (PLAIN, "west")):
            mine = [replace(one, call_id=f"{account}-{one.call_id}", number=number) for one in calls]
            put_calls(store, mine, outcome=outcome, account=account)
        _disturb(store, dice)
        assert rated_apart(store)
        if step in (1, 3):
            for account in ("east", "west"):
                close(store, MONTH + step // 2, account=account, although=True)
        assert told(store, "east", BULK) == told(store, "west", PLAIN)
        assert postings(store, "east") == postings(store, "west")
    assert faults(store) == []


def rated_apart(store: Store) -> bool:
    """One twin in bulk, the other call by call; whether both counted the same."""
    found = []
    with store.reading() as session:
        waiting = {one.number: one for one in charges.unrated_numbers(session, None, None)}
    for number, bulk_from in ((PLAIN, 10**9), (BULK, 0)):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                charges, "unrated_numbers", lambda *_, of=number: [waiting[of]] if of in waiting else []
            )
            found.append(rate_all(store, clock, bulk_from=bulk_from))
    return found[0] == found[1]


def _call(dice: random.Random, call_id: str) -> MeteredCall:
    at = JANUARY + timedelta(seconds=dice.choice([0, dice.uniform(0, 100 * 86_400), 31 * 86_400, 31 * 86_400 - 1]))
    made = call(call_id, at, dice.choice([0, 1, 59, 60, 61, dice.randrange(300)]))
    made = replace(
        made, bridged_seconds=dice.randrange(100), caller_kind=dice.choice(["mobile", "fixed", "unknown"])
    )
    return replace(made, answered_at=None) if dice.random() < 0.1 else made


def _disturb(store: Store, dice: random.Random) -> None:
    """What happens between two runs, to both twins alike."""
    what = dice.choice(["", "waive", "lose", "price", "lengthen"])
    with store.work() as session:
        known = sorted(session.scalars(select(Charge.call_uuid).where(~Charge.final, Charge.account_id == "east")))
        names = [name.partition("-")[2] for name in dice.sample(known, min(3, len(known)))]
        twins_of = [f"{account}-{name}" for account in ("east", "west") for name in names]
        if what == "waive":
            session.execute(update(Call).where(Call.outcome == "abnormal").values(settled="waive"))
        if what in ("lose", "lengthen"):
            session.execute(delete(Charge).where(Charge.call_uuid.in_(twins_of)))
        if what == "lengthen":
            session.execute(update(Call).where(Call.uuid.in_(twins_of)).values(bill_ms=77_001))
        if what == "price":
            at = JANUARY + timedelta(days=dice.randrange(60), microseconds=dice.randrange(10**6))
            session.add(_price(at, dice.choice(["any", "mobile"]), dice.randrange(10**7)))
        session.commit()


def _price(at: datetime, caller: str, per_minute: int) -> PriceRow:
    return PriceRow(
        plan_code="pack",
        effective_from=at,
        effective_text=at.isoformat(),
        caller=caller,
        initial_seconds=7,
        step_seconds=13,
        free_seconds=3,
        connect_fee=1_000_001,
        per_minute=per_minute,
    )


def twins(store: Store, rollover_months: int) -> None:
    put_book(store, pack(rollover_months, included=400, number=BULK))
    with store.work() as session:
        session.add(Account(id="west", name="West"))
        session.flush()
        session.add(Number(number=PLAIN, account_id="west"))
        session.add(
            PlanRow(code="call", name="by call", charge_by="call", meter="bridge", included=5, rollover_months=1)
        )
        session.flush()
        session.add(PriceRow(plan_code="call", effective_from=JANUARY, effective_text="c", per_call=9))
        session.execute(update(SubscriptionRow).values(ends_at=JANUARY + 50 * DAY))
        session.add(SubscriptionRow(number=PLAIN, plan_code="pack", starts_at=JANUARY, ends_at=JANUARY + 50 * DAY))
        for number in (BULK, PLAIN):
            session.add(SubscriptionRow(number=number, plan_code="call", starts_at=JANUARY + 51 * DAY))
        session.commit()


def told(store: Store, account: str, number: str) -> list[tuple[Any, ...]]:
    """The charges of a twin, without its own names."""
    columns = [one for one in Charge.__table__.columns if one.name not in {"id", "call_uuid", "account_id"}]
    with store.reading() as session:
        rows = session.execute(
            select(Charge.call_uuid, *columns)
            .join(Call, Call.uuid == Charge.call_uuid)
            .where(Call.number == number, Charge.account_id == account)
            .order_by(Charge.call_uuid)
        )
        return [(row[0].removeprefix(account), *row[1:]) for row in rows]


def postings(store: Store, account: str) -> list[tuple[Any, ...]]:
    columns = [one for one in LedgerPosting.__table__.columns if one.name not in {"id", "subject", "account_id"}]
    with store.reading() as session:
        rows = session.execute(
            select(LedgerPosting.subject, *columns)
            .where(LedgerPosting.account_id == account)
            .order_by(LedgerPosting.subject, LedgerPosting.revision)
        )
        return [(row[0].removeprefix(account), *row[1:]) for row in rows]


def test_a_book_beyond_its_figures_is_left_to_the_loop(store: Store) -> None:
    price = Price(JANUARY, "t", initial_seconds=1, step_seconds=1, per_minute=10**18)
    plan = Plan("pack", "Pack", ChargeBy.TIME, Meter.ANSWER, (price,))
    put_book(store, PriceBook({"pack": plan}, {BULK: (Subscription(BULK, "pack", JANUARY),)}))
    put_calls(store, [call("a", JANUARY, 60)])
    with store.work() as session:
        assert box.rate_numbers(session, [BULK], None, None, clock) is None
    assert in_bulk(store) == Rated(1, 1, 0)
    assert charged(store)["a"].amount == 10**18


def test_charged_since_it_was_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector charges one of a number's calls after somebody has found that none has a charge."""
    put_book(store, pack(1, included=90))
    put_calls(store, [call(name, JANUARY + nth * DAY) for nth, name in enumerate("abc")])
    count = charges.unrated_numbers

    def counted(*asked: Any) -> list[charges.Unrated]:
        found = count(*asked)
        with store.work() as session:
            assert rate_calls(session, ["b"], clock).changed
            session.commit()
        return found

    monkeypatch.setattr(charges, "unrated_numbers", counted)
    assert in_bulk(store) == Rated(3, 3, 0)
    assert [one.included_units for _, one in sorted(charged(store).items())] == [60, 30, 0]
    assert faults(store) == []


def test_only_a_month(store: Store) -> None:
    put_book(store, pack(0))
    # The last instant of January in Shanghai, the first of February, and a call of February never answered.
    edge = JANUARY + 31 * DAY
    missed = replace(call("missed", edge + 3 * DAY), answered_at=None)
    put_calls(store, [call("jan", edge - timedelta(microseconds=1)), call("feb", edge), missed])
    assert in_bulk(store, MONTH + 1).changed == 2
    assert {uuid: charge.month - MONTH for uuid, charge in charged(store).items()} == {"feb": 1, "missed": 1}
    assert in_bulk(store, MONTH).changed == 1


def test_the_tables_are_those_that_the_expressions_read() -> None:
    pairs: Iterable[tuple[Table, pa.Schema]] = [
        (bulk_tables.SUBSCRIPTIONS, tables.SUBSCRIPTIONS),
        (bulk_tables.PRICES, tables.PRICES),
        (bulk_tables.RATES, tables.RATES),
        (bulk_tables.COVER, tables.COVER),
        (bulk_tables.CALLS, CALLS.append(pa.field("account_id", pa.string()))),
    ]
    for table, schema in pairs:
        assert [each.name for each in table.columns] == schema.names
    rules = box._rules(expressions.SQLITE)
    assert "MOD(" not in rules.charges and "REAL" not in rules.charges + rules.totals


def test_without_the_extra_it_is_the_loop(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.rating.run.in_bulk_installed", lambda: False)
    monkeypatch.setattr(box, "rate_numbers", None)
    put_book(store, pack(0))
    put_calls(store, [call("a", JANUARY)])
    assert in_bulk(store) == Rated(1, 1, 0)
