"""Months are closed, late calls are booked in an open one, abnormal calls wait for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from appliance.domain.ledger import Who
from appliance.domain.settling import Action
from appliance.errors import RatingError
from appliance.rating.close import close_month
from appliance.rating.settle import settle_call
from appliance.store.models import Call, Charge, ClosedMonth, LedgerPosting, LedgerSeal, Settlement
from appliance.store.unit import Store
from tests.rating.booked import (
    DAY,
    JANUARY,
    MONTH,
    WHO,
    call,
    close,
    faults,
    pack,
    posted,
    rate,
    take,
    yuan,
)
from tests.rating.stored import charged, clock, put_book, put_calls


def settle(store: Store, uuid: str, action: Action, **told: int) -> Charge:
    with store.work() as session:
        charge = settle_call(session, uuid, action, clock, WHO, **told)
        session.commit()
    return charge


def test_each_charge_is_posted_and_each_change_by_its_difference(store: Store) -> None:
    put_book(store, pack())
    take(store, call("b", JANUARY + DAY, 80), call("c", JANUARY + 2 * DAY, 60))
    take(store, call("a", JANUARY, 50))
    assert posted(store) == [("c", "charge", -40, 0), ("b", "charge", -30, 0), ("c", "change", -20, 0)]
    assert yuan(store) == -90
    assert rate(store, ["a", "b", "c"]).changed == 0
    assert len(posted(store)) == 3 and faults(store) == []


def test_a_closed_month_is_final(store: Store) -> None:
    put_book(store, pack())
    edge = JANUARY + 31 * DAY
    # The last moment of January in Shanghai, written with another offset; and the first of February.
    last = (edge - timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=-5)))
    take(store, call("jan", JANUARY + DAY, 130), call("last", last, 7), call("feb", edge, 160))
    (one,) = close(store, MONTH)
    assert (one.account_id, one.new, one.calls, one.amount) == ("east", True, 2, 37_000_000)
    assert {uuid: charge.final for uuid, charge in charged(store).items()} == {
        "jan": True,
        "last": True,
        "feb": False,
    }
    (again,) = close(store, MONTH)
    assert (again.new, again.calls, again.amount) == (False, 2, 37_000_000)
    assert rate(store, ["jan", "last", "feb"]).changed == 0
    assert faults(store) == []
    with store.reading() as session:
        closed = session.scalars(select(ClosedMonth)).one()
        assert (closed.by_login, closed.not_ratable, closed.reason) == ("boss", 0, "")


def test_a_month_is_closed_when_it_is_over_and_its_late_calls_had_their_time(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    take(on_sqlite, call("jan", JANUARY))

    def at(now: datetime) -> bool:
        return close_month(on_sqlite, MONTH, lambda: now, grace=timedelta(hours=24), who=WHO)[0].new

    for early in (JANUARY + 31 * DAY, JANUARY + 32 * DAY - timedelta(microseconds=1)):
        with pytest.raises(RatingError, match="2026-01 is not over for 24 hours"):
            at(early)
    # In Kiritimati it is the second of February for ten hours already.
    assert at((JANUARY + 32 * DAY).astimezone(timezone(timedelta(hours=14))))


def test_a_leap_day_belongs_to_february(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    march = datetime(2028, 2, 29, 16, tzinfo=UTC)
    leap = 2028 * 12 + 1
    take(on_sqlite, call("leap", march - timedelta(seconds=1), 130), call("march", march, 130))
    late = datetime(2028, 3, 5, tzinfo=UTC)
    (one,) = close_month(on_sqlite, leap, lambda: late, grace=timedelta(), who=WHO)
    assert (one.calls, one.amount) == (1, 30_000_000)
    with pytest.raises(RatingError, match="not over"):
        close_month(on_sqlite, leap + 1, lambda: late, grace=timedelta(), who=WHO)


def test_what_stands_in_the_way_is_named_and_nothing_is_closed(store: Store) -> None:
    put_book(store, pack())
    take(store, call("good", JANUARY))
    put_calls(store, [call("unrated", JANUARY)])
    put_calls(store, [call("dead", JANUARY)], outcome="abnormal")
    take(store, replace(call("priceless", JANUARY), number="4009999999"))
    take(store, call("dec", JANUARY - DAY))
    take(store, call("feb", JANUARY + 40 * DAY))
    (one,) = close(store, MONTH + 1)
    assert one.hindrances is not None and not one.new
    assert one.hindrances.unrated == ("unrated",)
    assert one.hindrances.abnormal == ("dead",)
    assert one.hindrances.not_ratable == ("dec", "priceless")
    assert one.hindrances.earlier == (MONTH - 1, MONTH)
    assert not any(charge.final for charge in charged(store).values())
    # Whoever is willing to leave what has no price still may not leave the rest.
    (one,) = close(store, MONTH + 1, although=True)
    assert one.hindrances is not None


def test_calls_without_a_price_are_left_at_nothing_when_somebody_says_why(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    take(on_sqlite, replace(call("priceless", JANUARY), number="4009999999"))
    for who in (Who("", "why"), Who("boss", " ")):
        with pytest.raises(RatingError, match="a login and a reason"):
            close_month(on_sqlite, MONTH, clock, grace=timedelta(), who=who, although_not_ratable=True)
    assert close(on_sqlite, MONTH, although=True)[0].new
    with on_sqlite.reading() as session:
        closed = session.scalars(select(ClosedMonth)).one()
        assert (closed.not_ratable, closed.reason, closed.calls, closed.amount) == (1, "test", 1, 0)
    assert charged(on_sqlite)["priceless"].final


# ---- late calls


@pytest.mark.parametrize(("rollover_months", "rolled_over"), [(0, 0), (1, 40)])
def test_a_late_call_of_a_closed_month_is_booked_in_the_open_one(
    store: Store, rollover_months: int, rolled_over: int
) -> None:
    """It uses what January's calls left of January's units, and is never free for coming late."""
    put_book(store, pack(rollover_months))
    take(store, call("jan", JANUARY + DAY, 60), call("feb", JANUARY + 35 * DAY, 130))
    close(store, MONTH)
    before = charged(store)["jan"]
    assert charged(store)["feb"].included_units == min(130, 100 + rolled_over)
    take(store, call("late", JANUARY, 70))
    found = charged(store)
    assert (found["late"].included_units, found["late"].charged_units) == (40, 30)
    assert (found["late"].month, found["late"].booked_month, found["late"].final) == (MONTH, MONTH + 1, False)
    assert found["jan"].rated_at == before.rated_at and found["jan"].included_units == 60
    # What rolled over to February the late call has used.
    assert found["feb"].included_units == 100
    assert ("late", "late", -30, 1) in posted(store)
    assert faults(store) == []
    (one,) = close(store, MONTH + 1)
    assert (one.calls, one.amount) == (2, 30_000_000 + found["feb"].amount)
    assert charged(store)["late"].final and faults(store) == []


def test_a_late_call_finds_used_what_rolled_over_into_a_closed_month(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack(1))
    take(on_sqlite, call("feb", JANUARY + 35 * DAY, 180))
    close(on_sqlite, MONTH)
    close(on_sqlite, MONTH + 1)
    take(on_sqlite, call("late", JANUARY, 70), call("mar", JANUARY + 65 * DAY, 150))
    # February used all of January's units and 80 of its own; March has 20 and 100.
    found = {uuid: charge.included_units for uuid, charge in charged(on_sqlite).items()}
    assert found == {"feb": 180, "late": 0, "mar": 120}
    assert charged(on_sqlite)["late"].booked_month == MONTH + 2


def test_a_clock_that_is_set_back_opens_no_month(on_sqlite: Store) -> None:
    """What is closed is in the database: a call that is stored by a clock of January is late all the same."""
    put_book(on_sqlite, pack())
    take(on_sqlite, call("jan", JANUARY, 130))
    close(on_sqlite, MONTH)
    take(on_sqlite, call("again", JANUARY + DAY, 10))
    with pytest.raises(RatingError, match="not over"):
        close_month(on_sqlite, MONTH + 1, lambda: JANUARY, grace=timedelta(), who=WHO)
    assert charged(on_sqlite)["again"].booked_month == MONTH + 1
    assert posted(on_sqlite)[-1] == ("again", "late", -10, 1)


def test_a_call_that_moves_to_another_month_moves_its_posting(store: Store) -> None:
    """A leg that came late said when it was answered."""
    put_book(store, pack(included=0))
    take(store, call("a", JANUARY + 31 * DAY - timedelta(seconds=1), 10))
    with store.work() as session:
        session.execute(delete(Charge))
        session.execute(update(Call).values(answered_at=JANUARY + 31 * DAY))
        session.commit()
    assert "a" in faults(store)[0]
    rate(store, ["a"])
    assert posted(store)[1:] == [("a", "change", 10, 0), ("a", "change", -10, 1)]
    assert yuan(store) == -10 and faults(store) == []


def test_a_plan_that_changes_in_the_middle_of_a_call_is_that_of_its_answer(on_sqlite: Store) -> None:
    book = pack(included=0)
    (held,) = book.subscriptions[call("", JANUARY).number]
    change = JANUARY + 10 * DAY
    dear = replace(
        book.plans["pack"], code="dear", prices=(replace(book.plans["pack"].prices[0], per_minute=120_000_000),)
    )
    both = (replace(held, ends_at=change), replace(held, plan="dear", starts_at=change))
    put_book(on_sqlite, replace(book, plans={**book.plans, "dear": dear}, subscriptions={held.number: both}))
    take(on_sqlite, call("before", change - timedelta(seconds=1), 3600), call("at", change, 10))
    assert {uuid: charge.amount // 1_000_000 for uuid, charge in charged(on_sqlite).items()} == {
        "before": 3600,
        "at": 20,
    }


# ---- what is kept by the database itself


def test_the_database_refuses_to_change_what_is_booked(store: Store) -> None:
    put_book(store, pack())
    take(store, call("a", JANUARY, 130))
    close(store, MONTH)
    changes: list[Any] = [
        update(Charge).values(amount=0),
        delete(Charge),
        delete(Call),
        update(LedgerPosting).values(amount=1),
        delete(LedgerPosting),
        update(ClosedMonth).values(amount=1),
        delete(ClosedMonth),
        delete(LedgerSeal),
    ]
    if store.engine.dialect.name == "postgresql":
        changes += [text("TRUNCATE ledger_postings"), text("TRUNCATE charges")]
    for change in changes:
        with pytest.raises(DBAPIError, match="append-only"), store.work() as session:
            session.execute(change)
    assert faults(store) == [] and yuan(store) == -30


# ---- settling


def test_an_abnormal_call_is_charged_by_a_persons_word(store: Store) -> None:
    put_book(store, pack())
    put_calls(store, [call("dead", JANUARY, 5)], outcome="abnormal")
    take(store, call("b", JANUARY + DAY, 80))
    assert settle(store, "dead", Action.CHARGE, talked_s=90).reason == "included"
    assert {uuid: charge.included_units for uuid, charge in charged(store).items()} == {"dead": 90, "b": 10}
    # A mistake: it was waived after all, and the units go back to the call behind it.
    assert settle(store, "dead", Action.WAIVE).reason == "waived"
    assert {uuid: charge.included_units for uuid, charge in charged(store).items()} == {"dead": 0, "b": 80}
    with store.reading() as session:
        first, second = session.scalars(select(Settlement).order_by(Settlement.id)).all()
        assert (first.by_login, first.reason, first.action, second.action) == ("boss", "test", "charge", "waive")
        assert (first.before["bill_ms"], first.after["bill_ms"]) == (5000, 90_000)
    assert close(store, MONTH)[0].new and faults(store) == []
    with pytest.raises(RatingError, match="final"):
        settle(store, "dead", Action.CHARGE)


def test_a_call_without_a_price_can_be_waived(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    take(on_sqlite, replace(call("priceless", JANUARY), number="4009999999"))
    assert close(on_sqlite, MONTH)[0].hindrances is not None
    settle(on_sqlite, "priceless", Action.WAIVE)
    assert close(on_sqlite, MONTH)[0].new


@pytest.mark.parametrize(
    ("uuid", "who", "why"),
    [("none", WHO, "no such call"), ("a", Who("", "x"), "login"), ("a", Who("b", " "), "reason")],
)
def test_settling_needs_a_call_a_person_and_a_reason(on_sqlite: Store, uuid: str, who: Who, why: str) -> None:
    put_book(on_sqlite, pack())
    put_calls(on_sqlite, [call("a", JANUARY)], outcome="abnormal")
    with pytest.raises(RatingError, match=why), on_sqlite.work() as session:
        settle_call(session, uuid, Action.WAIVE, clock, who)
