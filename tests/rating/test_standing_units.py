"""What packages include, held for calls under way (``rating.standing``, ``calls.funds``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.calls.funds import Grant
from appliance.domain.affordable import Limit
from appliance.domain.credit import Unfunded
from appliance.domain.grants import month_of, month_start
from appliance.domain.pricing import Price, PriceBook
from appliance.domain.refusal import Refusal
from appliance.store.begun import BegunCalls
from appliance.store.journal import Started
from appliance.store.unit import Store
from tests.rating.booked import JANUARY, NUMBER, pack, rate
from tests.rating.booked import call as called
from tests.rating.prepaid import MAX_CALL_S, YUAN, Box, Boxes
from tests.rating.stored import put_calls
from tests.rating.test_again import publish


def test_a_package_pays_for_as_much_as_others_leave_of_it(on_sqlite: Store, boxes: Boxes) -> None:
    box = boxes(on_sqlite, pack(included=100))
    box.store_call("a", 30)
    rate(box.store, ["a"])
    box.standings.look()
    assert box.hold("b") == Grant(Limit(70, 0, box.hold("b").limit.units), 60)  # type: ignore[union-attr]
    assert box.hold("c") == Unfunded(Refusal.NO_CREDIT, 0), "all of it may be used by the call under way"
    box.store_call("b", 10)
    rate(box.store, ["b"])
    box.standings.look()
    assert box.seconds("c") == 60
    box.now += timedelta(days=32)
    assert box.seconds("d") == 100, "the next month has its own"


def test_a_lost_journal_knows_at_once_which_packages_are_used_up(on_sqlite: Store, boxes: Boxes) -> None:
    box = boxes(on_sqlite, pack(included=100))
    box.standings.look()
    assert box.seconds("a") == 100
    box.store_call("a", 100)
    rate(box.store, ["a"])
    box.standings.look()
    assert box.hold("b") == Unfunded(Refusal.NO_CREDIT, 0)
    for file in box.file.parent.glob("journal.db*"):
        file.unlink()
    box.standings.look()
    assert box.hold("c") == Unfunded(Refusal.NO_CREDIT, 0)


@pytest.mark.parametrize("rollover_months", [0, 1])
def test_a_call_that_may_be_answered_in_either_month_keeps_its_units_once(
    on_sqlite: Store, boxes: Boxes, rollover_months: int
) -> None:
    box = boxes(on_sqlite, pack(rollover_months, included=200))
    box.now = month_start(month_of(box.now) + 1) - timedelta(seconds=MAX_CALL_S / 2)
    # What the months before have left over.
    box.store_call("before", 200 * rollover_months)
    rate(box.store, ["before"])
    box.standings.look()
    assert [box.seconds(name) for name in "ab"] == [100, 100]
    assert box.hold("c") == Unfunded(Refusal.NO_CREDIT, 0)


def test_a_price_that_is_about_to_change_does_not_double_what_is_kept(on_sqlite: Store, boxes: Boxes) -> None:
    box = boxes(on_sqlite, pack(included=200))
    publish(box.store, 120 * YUAN, box.now + timedelta(seconds=MAX_CALL_S / 2))
    box.terms()
    box.standings.look()
    assert [box.seconds(name) for name in "ab"] == [100, 100]
    assert box.hold("c") == Unfunded(Refusal.NO_CREDIT, 0)


def answered(box: Box, uuid: str, at: datetime, seconds: int, kind: str = "mobile") -> None:
    """Stored and rated, and the collector has looked."""
    put_calls(box.store, [replace(called(uuid, at, seconds), caller_kind=kind)])
    BegunCalls(box.journal.file).settled([uuid])
    rate(box.store, [uuid])
    box.standings.look()


def test_what_was_charged_from_units_is_held_until_nobody_can_take_them(on_sqlite: Store, boxes: Boxes) -> None:
    box = boxes(on_sqlite, pack(included=100))
    box.top_up(100)
    box.standings.look()
    begin = box.now
    assert box.hold("a").limit.amount == 0  # type: ignore[union-attr]
    box.now = begin + timedelta(seconds=1)
    assert box.hold("b").limit.amount == 100 * YUAN  # type: ignore[union-attr]
    answered(box, "b", begin + timedelta(seconds=2), 99)
    assert box.left() == (100, 100), "free of charge as long as the other one is not charged"
    assert box.hold("c") == Unfunded(Refusal.NO_CREDIT, 0)
    box.now = begin + timedelta(seconds=101)
    box.hold("later")
    answered(box, "a", begin, 100)
    assert box.left() == (1, 0), "a call that began later keeps nothing held"


def test_units_that_save_another_call_more_are_held_for_at_its_price(on_sqlite: Store, boxes: Boxes) -> None:
    prices = tuple(
        Price(JANUARY, kind, kind, initial_seconds=1, step_seconds=1, per_minute=per_minute * YUAN)
        for kind, per_minute in (("mobile", 60), ("fixed", 6))
    )
    made = pack(included=100)
    plan = replace(made.plans["pack"], prices=prices)
    box = boxes(on_sqlite, PriceBook({"pack": plan}, made.subscriptions))

    def hold(uuid: str, kind: str) -> Grant | Unfunded | None:
        return box.funds.hold(Started(uuid, box.now, NUMBER, "east", "t", "", False), kind)

    box.top_up(10)
    box.standings.look()
    assert hold("a", "mobile").limit.amount == 0  # type: ignore[union-attr]
    assert hold("b", "fixed") == Unfunded(Refusal.NO_CREDIT, 10 * YUAN), "answered first, the other would owe 90"
    box.top_up(100)
    box.standings.look()
    assert hold("c", "fixed").limit.amount == 110 * YUAN  # type: ignore[union-attr]
    answered(box, "c", box.now + timedelta(seconds=5), 100, "fixed")
    assert box.left() == (110, 110)
    answered(box, "a", box.now + timedelta(seconds=9), 100)
    assert box.left() == (10, 0)
