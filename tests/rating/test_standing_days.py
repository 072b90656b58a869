"""What a day's calls may cost (``rating.standing``, ``calls.funds``): whose day it is, and when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.domain.credit import Unfunded
from appliance.domain.ledger import Who
from appliance.domain.refusal import Refusal
from appliance.rating.again import rate_again
from tests.rating.booked import JANUARY, rate
from tests.rating.prepaid import YUAN, Box
from tests.rating.test_again import publish


def test_a_day_that_is_used_up_is_over_at_midnight(box: Box) -> None:
    box.terms(daily_cap=20 * YUAN)
    box.top_up(100)
    box.store_call("a", 15)
    rate(box.store, ["a"])
    box.standings.look()
    assert box.seconds("b") == 5
    assert box.hold("c") == Unfunded(Refusal.DAILY_CAP, 0)
    box.funds.release("b")
    box.now += timedelta(days=1)
    box.standings.look()
    assert box.seconds("d") == 20


def test_a_clock_that_is_set_back_over_midnight_opens_no_second_cap(box: Box) -> None:
    midnight = datetime.fromisoformat("2026-11-26T00:00:00+08:00")
    box.terms(daily_cap=20 * YUAN)
    box.top_up(100)
    box.now = midnight + timedelta(seconds=30)
    box.store_call("a", 20)
    box.rated("a")
    box.standings.look()
    assert box.hold("b") == Unfunded(Refusal.DAILY_CAP, 0)
    for after in (-30, 40):
        box.now = midnight + timedelta(seconds=after)
        box.standings.look()
    assert box.hold("c") == Unfunded(Refusal.DAILY_CAP, 0)


def test_a_charge_between_the_time_of_a_look_and_its_reading_counts_for_its_day(box: Box) -> None:
    midnight = datetime.fromisoformat("2026-11-26T00:00:00+08:00")
    box.terms(daily_cap=20 * YUAN)
    box.top_up(100)
    box.now = midnight + timedelta(seconds=1)
    box.store_call("a", 20)
    box.rated("a")
    box.now = midnight - timedelta(seconds=1)
    box.standings.look()
    box.now = midnight + timedelta(seconds=2)
    box.standings.look()
    assert box.hold("b") == Unfunded(Refusal.DAILY_CAP, 0)


def test_a_change_counts_for_the_day_of_its_charge_only(box: Box) -> None:
    """A cheaper price, backdated, gives back what yesterday's calls and today's cost."""
    box.terms(daily_cap=20 * YUAN)
    box.top_up(100)
    box.store_call("yesterday", 60)
    box.rated("yesterday")
    box.now += timedelta(days=1)
    box.store_call("today", 20)
    box.rated("today")
    box.standings.look()
    assert box.hold("b") == Unfunded(Refusal.DAILY_CAP, 0)
    publish(box.store, 30 * YUAN, JANUARY + timedelta(days=1))
    rate_again(box.store, lambda: box.now, book=Who("boss", "cheaper"))
    box.standings.look()
    assert box.left() == (60, 0)
    assert box.seconds("c") == 10
