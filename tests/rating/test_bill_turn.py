"""Which months are to be billed before others: those with calls, and none for a mere minimum."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import update

from appliance.errors import RatingError
from appliance.store.models import Charge, Number, Plan, Subscription
from appliance.store.unit import Store
from tests.rating.billed import correct, issue
from tests.rating.booked import DAY, JANUARY, MONTH, call, posted, rate, take
from tests.rating.minimum import MINIMUM, closed, fill, lines, owed, put
from tests.rating.stored import put_calls


@pytest.fixture
def box(copy_of: Callable[[Callable[[str], None]], str]) -> Iterator[Store]:
    with Store(copy_of(fill)) as store:
        yield store


@pytest.fixture
def light(on_sqlite: Store) -> Store:
    """The same, for what does not hang on the kind of database."""
    put(on_sqlite)
    return on_sqlite


def test_a_number_that_moved_unnoted_owes_nothing_before_its_months(box: Store) -> None:
    """Before moves were kept: whom it left has paid, and nobody demands that again of whom it came to."""
    closed(box, MONTH, MONTH + 1)
    assert all(issue(box, month) for month in (MONTH, MONTH + 1))
    with box.work() as session:
        session.execute(update(Number).values(account_id="west"))
        session.commit()
    closed(box, MONTH + 2)
    assert lines(issue(box, MONTH + 2, "west")) == [("calls", 0), ("minimum", 50)]


def test_a_plan_that_has_a_minimum_since_asks_it_of_no_earlier_month(light: Store) -> None:
    with light.work() as session:
        session.execute(update(Plan).values(minimum_monthly=0))
        session.commit()
    closed(light, MONTH, MONTH + 1)
    assert [issue(light, month) for month in (MONTH, MONTH + 1)] == [None, None]
    with light.work() as session:
        session.execute(update(Plan).values(minimum_monthly=MINIMUM))
        session.commit()
    closed(light, MONTH + 2)
    assert lines(issue(light, MONTH + 2)) == [("calls", 0), ("minimum", 50)]


def test_a_number_that_came_asks_for_no_month_before_it(light: Store) -> None:
    """Subscribed from January on, as its plan's terms say, and added in March."""
    closed(light, MONTH, MONTH + 1)
    added = "4008009999"
    with light.work() as session:
        session.add(Number(number=added, account_id="west"))
        session.flush()
        session.add(Subscription(number=added, plan_code="pack", starts_at=JANUARY))
        session.commit()
    put_calls(light, [call("a", JANUARY + 60 * DAY, 80, added)], account="west")
    rate(light, ["a"])
    closed(light, MONTH + 2)
    assert lines(issue(light, MONTH + 2, "west")) == [("calls", 80)]


def test_a_minimum_that_is_billed_behind_a_later_month_moves_no_balance_that_is_shown(light: Store) -> None:
    take(light, call("f", JANUARY + 32 * DAY, 70))
    closed(light, MONTH, MONTH + 1)
    february, january = issue(light, MONTH + 1), issue(light, MONTH)
    assert (lines(february), lines(january)) == ([("calls", 70)], [("calls", 0), ("minimum", 50)])
    assert owed(light) == 120, "what the two bills come to"
    assert february is not None and january is not None
    assert january.movements[-1].amount == february.movements[0].amount == 0
    assert posted(light)[-1] == ("bill:ZD00000002", "bill", -50, 5), "in the month that is open"


def test_late_calls_that_were_billed_before_their_month_count_towards_its_minimum(box: Store) -> None:
    closed(box, MONTH)
    take(box, call("late", JANUARY + DAY, 30), call("f", JANUARY + 32 * DAY, 60))
    closed(box, MONTH + 1)
    assert lines(issue(box, MONTH + 1)) == [("calls", 60), ("late", 30)]
    assert lines(issue(box, MONTH)) == [("calls", 0), ("minimum", 20)]
    take(box, call("later", JANUARY + 2 * DAY, 30), call("m", JANUARY + 60 * DAY, 50))
    closed(box, MONTH + 2)
    assert lines(issue(box, MONTH + 2)) == [("calls", 50), ("late", 30), ("minimum-late", -20)]
    assert owed(box) == 60 + 60 + 50


def test_a_month_that_was_closed_with_a_later_one_is_billed_before_it(light: Store) -> None:
    take(light, call("a", JANUARY + DAY, 60))
    with light.work() as session:
        session.execute(update(Charge).values(final=True))
        session.commit()
    closed(light, MONTH + 1)
    with pytest.raises(RatingError, match="2026-01 of east is to be billed before 2026-02"):
        issue(light, MONTH + 1)
    assert lines(issue(light, MONTH)) == [("calls", 60)]
    assert lines(issue(light, MONTH + 1)) == [("calls", 0), ("minimum", 50)]
    assert owed(light) == 110


def test_a_correction_demands_the_bill_of_its_month_unless_it_is_of_nothing(light: Store) -> None:
    take(light, call("nobody answered", JANUARY + DAY, 0), call("m", JANUARY + 60 * DAY, 60))
    closed(light, MONTH, MONTH + 1, MONTH + 2)
    correct(light, MONTH, 0)
    assert issue(light, MONTH + 1) is not None
    correct(light, MONTH, 1_000_000)
    with pytest.raises(RatingError, match="2026-01 of east is to be billed before 2026-03"):
        issue(light, MONTH + 2)
