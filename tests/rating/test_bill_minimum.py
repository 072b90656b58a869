"""Who pays a number's minimum, and what counts towards it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import select, update

from appliance.rating.again import rate_again
from appliance.site.apply import apply
from appliance.store.models import Account, Number, NumberMove, Plan, Price
from appliance.store.unit import Store
from tests.rating.billed import NOW, credit, issue
from tests.rating.booked import DAY, JANUARY, MONTH, NUMBER, WHO, call, rate, take
from tests.rating.minimum import closed, fill, lines, owed
from tests.rating.stored import clock, put_calls
from tests.site.texts import DEMO, document


@pytest.fixture
def box(copy_of: Callable[[Callable[[str], None]], str]) -> Iterator[Store]:
    with Store(copy_of(fill)) as store:
        yield store


def move(store: Store, to: str, at: datetime) -> None:
    with store.work() as session:
        row = session.get(Number, NUMBER)
        assert row is not None
        session.add(NumberMove(number=NUMBER, from_account=row.account_id, to_account=to, at=at))
        row.account_id = to
        session.commit()


def test_who_had_a_number_when_the_month_began_pays_its_minimum(box: Store) -> None:
    take(box, call("a", JANUARY + DAY, 30))
    closed(box, MONTH, MONTH + 1, MONTH + 2)
    move(box, "west", JANUARY + 33 * DAY)
    assert lines(issue(box, MONTH)) == [("calls", 30), ("minimum", 20)]
    assert issue(box, MONTH, "west") is None
    assert lines(issue(box, MONTH + 1)) == [("calls", 0), ("minimum", 50)], "it left in February"
    assert issue(box, MONTH + 1, "west") is None
    assert issue(box, MONTH + 2) is None
    assert lines(issue(box, MONTH + 2, "west")) == [("calls", 0), ("minimum", 50)]


def test_a_number_that_comes_and_goes(box: Store) -> None:
    closed(box, MONTH, MONTH + 1, MONTH + 2)
    move(box, "west", JANUARY + 10 * DAY)
    move(box, "east", JANUARY + 40 * DAY)
    owners = [[bool(issue(box, month, one)) for one in ("east", "west")] for month in range(MONTH, MONTH + 3)]
    assert owners == [[True, False], [False, True], [True, False]]


def test_calls_of_a_number_that_came_are_billed_without_its_minimum(box: Store) -> None:
    move(box, "west", JANUARY + 10 * DAY)
    put_calls(box, [call("a", JANUARY + 20 * DAY, 30)], account="west")
    rate(box, ["a"])
    closed(box, MONTH)
    assert lines(issue(box, MONTH, "west")) == [("calls", 30)]
    assert lines(issue(box, MONTH)) == [("calls", 0), ("minimum", 50)]


def reprice(store: Store, yuan_a_minute: int) -> None:
    with store.work() as session:
        session.execute(update(Price).values(per_minute=yuan_a_minute * 1_000_000))
        session.commit()
    rate_again(store, clock, book=WHO)


def test_a_correction_before_the_bill_counts_towards_the_minimum(box: Store) -> None:
    take(box, call("a", JANUARY + DAY, 30))
    closed(box, MONTH)
    reprice(box, 80)
    assert lines(issue(box, MONTH)) == [("calls", 30), ("minimum", 10), ("correction", 10)]
    assert owed(box) == 50


def test_a_credit_note_does_not_fall_below_the_minimum(box: Store) -> None:
    take(box, call("a", JANUARY + DAY, 30))
    closed(box, MONTH)
    assert lines(issue(box, MONTH)) == [("calls", 30), ("minimum", 20)]
    steps = ((20, -20, 20, 50), (80, 30, -30, 50), (140, 30, -10, 70), (60, -40, 20, 50))
    for price, corrected, added, sum_ in steps:
        reprice(box, price)
        (note,) = credit(box)
        assert lines(note) == [("correction", corrected), ("minimum", added)]
        assert owed(box) == sum_


def test_what_is_above_the_minimum_is_remembered(box: Store) -> None:
    """The bill added nothing; what it asked at the least is known all the same, whatever the plan asks since."""
    take(box, call("a", JANUARY + DAY, 60))
    closed(box, MONTH)
    assert lines(issue(box, MONTH)) == [("calls", 60)]
    with box.work() as session:
        session.execute(update(Plan).values(minimum_monthly=90_000_000))
        session.commit()
    reprice(box, 30)
    (note,) = credit(box)
    assert lines(note) == [("correction", -30), ("minimum", 20)]
    assert owed(box) == 50


def test_late_calls_count_towards_the_minimum_of_their_month(box: Store) -> None:
    take(box, call("a", JANUARY + DAY, 30), call("f", JANUARY + 32 * DAY, 50))
    closed(box, MONTH)
    issue(box, MONTH)
    take(box, call("late", JANUARY + 2 * DAY, 15))
    closed(box, MONTH + 1)
    assert lines(issue(box, MONTH + 1)) == [("calls", 50), ("late", 15), ("minimum-late", -15)]
    assert owed(box) == 100
    take(box, call("later", JANUARY + 3 * DAY, 15), call("m", JANUARY + 60 * DAY, 50))
    closed(box, MONTH + 2)
    assert lines(issue(box, MONTH + 2)) == [("calls", 50), ("late", 15), ("minimum-late", -5)]
    assert owed(box) == 160, "60 for January, which is above its minimum"


def test_a_site_file_that_moves_a_number_says_from_whom(store: Store) -> None:
    apply(store, document(DEMO), now=NOW)
    with store.work() as session:
        assert session.scalars(select(NumberMove)).all() == [], "a new one is nobody's before"
        session.add(Account(id="before", name="Before"))
        session.flush()
        session.execute(update(Number).values(account_id="before"))
        session.commit()
    for _ in range(2):
        report = apply(store, document(DEMO), now=NOW, prune=True)
    assert [(one.action.value, one.key) for one in report.changes] == [("kept", "before")], "it is still billed"
    with store.reading() as session:
        (moved,) = session.scalars(select(NumberMove)).all()
    assert (moved.number, moved.from_account, moved.to_account, moved.at) == (NUMBER, "before", "demo", NOW)
