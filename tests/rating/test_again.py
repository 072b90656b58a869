"""Rating again shows what differs, books it once, and leaves closed months as they are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from appliance.domain.ledger import Who
from appliance.domain.pricing import PriceBook
from appliance.domain.rerating import Cause, Difference
from appliance.errors import RatingError
from appliance.rating.again import rate_again
from appliance.store.models import Call, Correction, CorrectionItem, Price
from appliance.store.unit import Store
from tests.rating.booked import (
    DAY,
    JANUARY,
    MONTH,
    NUMBER,
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

YUAN = 1_000_000


def publish(store: Store, per_minute: int, since: datetime, text: str = "new") -> None:
    """A price that succeeds the one that there is, from an instant on, be it past."""
    with store.work() as session:
        session.add(
            Price(
                plan_code="pack",
                effective_from=since,
                effective_text=text,
                caller="any",
                initial_seconds=1,
                step_seconds=1,
                per_minute=per_minute,
            )
        )
        session.commit()


def shown(store: Store, month: int | None = None) -> list[tuple[int, bool, int, int, dict[str, int]]]:
    """Month (from January 2026), closed, old and new yuan, causes."""
    return [_told(one) for one in rate_again(store, clock, month=month)]


def book(store: Store) -> list[tuple[int, bool, int, int, dict[str, int]]]:
    return [_told(one) for one in rate_again(store, clock, book=WHO)]


def _told(one: Difference) -> tuple[int, bool, int, int, dict[str, int]]:
    assert one.account_id == "east"
    causes = Counter({cause.value: calls for cause, calls in one.causes.items()})
    return one.month - MONTH, one.closed, one.old // YUAN, one.new // YUAN, dict(causes)


def test_a_price_published_in_the_past_is_a_difference_until_it_is_booked(store: Store) -> None:
    put_book(store, pack(included=0))
    take(store, call("a", JANUARY, 10), call("b", JANUARY + 5 * DAY, 10), call("c", JANUARY + 40 * DAY, 10))
    # Half the price, from the second call on.
    publish(store, 30 * YUAN, JANUARY + DAY)
    expected = [(0, False, 10, 5, {"price": 1}), (1, False, 10, 5, {"price": 1})]
    assert shown(store) == expected
    assert shown(store, MONTH) == expected[:1]
    assert yuan(store) == -30 and len(posted(store)) == 3, "nothing is booked by looking"
    assert book(store) == expected
    assert (book(store), shown(store)) == ([], []), "and never twice"
    assert yuan(store) == -20
    assert posted(store)[3:] == [("b", "change", 5, 0), ("c", "change", 5, 1)]
    assert faults(store) == []


def test_a_closed_month_is_corrected_in_an_open_one_once(store: Store) -> None:
    put_book(store, pack())
    take(store, call("a", JANUARY, 130), call("b", JANUARY + 5 * DAY, 10), call("feb", JANUARY + 40 * DAY, 120))
    close(store, MONTH)
    before = charged(store)
    publish(store, 30 * YUAN, JANUARY + DAY)
    assert shown(store) == [(0, True, 10, 5, {"price": 1}), (1, False, 20, 10, {"price": 1})]
    book(store)
    assert charged(store)["b"].amount == before["b"].amount == 10 * YUAN, "a final charge stays"
    assert (book(store), shown(store)) == ([], [])
    with store.reading() as session:
        correction = session.scalars(select(Correction)).one()
        item = session.scalars(select(CorrectionItem)).one()
    assert (correction.account_id, correction.month, correction.booked_month) == ("east", MONTH, MONTH + 1)
    assert (correction.amount, correction.calls, correction.reason) == (-5 * YUAN, 1, "test")
    assert (item.call_uuid, item.amount, item.rated, item.price_from) == ("b", -5 * YUAN, 5 * YUAN, "new")
    assert (f"correction:{correction.id}", "correction", 5, 1) in posted(store)
    assert yuan(store) == -45 and faults(store) == []
    # A second mistake is corrected against the first correction.
    publish(store, 42 * YUAN, JANUARY + 2 * DAY, "newer")
    assert book(store)[0] == (0, True, 5, 7, {"price": 1})
    assert (shown(store), faults(store)) == ([], [])


def test_nothing_differs_after_late_calls_and_closed_months(on_sqlite: Store) -> None:
    """What a late call found left is what rating again finds left."""
    put_book(on_sqlite, pack(1))
    take(on_sqlite, call("feb", JANUARY + 35 * DAY, 150))
    close(on_sqlite, MONTH)
    take(on_sqlite, call("late", JANUARY, 70), call("feb2", JANUARY + 36 * DAY, 30))
    assert shown(on_sqlite) == []
    close(on_sqlite, MONTH + 1)
    take(on_sqlite, call("later", JANUARY + DAY, 70), call("mar", JANUARY + 65 * DAY, 150))
    assert shown(on_sqlite) == []


def test_a_leg_that_comes_after_the_close_is_a_difference(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack(included=0))
    take(on_sqlite, call("a", JANUARY, 10))
    close(on_sqlite, MONTH)
    with on_sqlite.work() as session:
        session.execute(update(Call).values(bill_ms=25_000))
        session.commit()
    rate(on_sqlite, ["a"])
    assert charged(on_sqlite)["a"].amount == 10 * YUAN
    assert shown(on_sqlite) == [(0, True, 10, 25, {"duration": 1})]


def test_a_plan_that_is_found_later_charges_what_was_left_at_nothing(on_sqlite: Store) -> None:
    book_of_pack = pack(included=0)
    put_book(on_sqlite, PriceBook(book_of_pack.plans, {}))
    put_calls(on_sqlite, [call("a", JANUARY, 10), call("feb", JANUARY + 40 * DAY, 20)])
    rate(on_sqlite, ["a", "feb"])
    close(on_sqlite, MONTH, although=True)
    put_subscription(on_sqlite, book_of_pack)
    assert shown(on_sqlite) == [(0, True, 0, 10, {"ratable": 1}), (1, False, 0, 20, {"ratable": 1})]
    book(on_sqlite)
    assert yuan(on_sqlite) == -30 and faults(on_sqlite) == []


def put_subscription(store: Store, book_of_pack: PriceBook) -> None:
    from appliance.store.models import Number, Subscription

    (held,) = book_of_pack.subscriptions[NUMBER]
    with store.work() as session:
        session.add(Number(number=NUMBER, account_id="east"))
        session.flush()
        session.add(Subscription(number=NUMBER, plan_code=held.plan, starts_at=held.starts_at, ends_at=None))
        session.commit()


def test_a_month_alone_takes_along_what_its_units_touch(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack(1))
    take(on_sqlite, call("jan", JANUARY, 40), call("feb", JANUARY + 40 * DAY, 170))
    assert charged(on_sqlite)["feb"].included_units == 160
    # Seconds count twice in January by a price of that month: 40 seconds are two steps of 30.
    with on_sqlite.work() as session:
        session.add(
            Price(
                plan_code="pack",
                effective_from=JANUARY - timedelta(seconds=1),
                effective_text="steps",
                caller="mobile",
                initial_seconds=30,
                step_seconds=30,
                per_minute=60 * YUAN,
            )
        )
        session.commit()
    # 170 seconds in February are 180, of which January's 40 left and February's 100 are included.
    both = [(0, False, 0, 0, {"price": 1}), (1, False, 10, 40, {"price": 1})]
    assert shown(on_sqlite, MONTH) == shown(on_sqlite) == both
    # February alone keeps what January has used so far.
    assert shown(on_sqlite, MONTH + 1) == [(1, False, 10, 20, {"price": 1})]


@pytest.mark.parametrize("who", [Who(""), Who("boss"), Who("boss", "x" * 501)])
def test_booking_needs_a_person_and_a_reason(on_sqlite: Store, who: Who) -> None:
    with pytest.raises(RatingError, match="a login and a reason"):
        rate_again(on_sqlite, clock, book=who)


def test_what_was_never_rated_is_rated_again_too(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack(included=0))
    missed = call("missed", JANUARY)
    put_calls(on_sqlite, [call("a", datetime(2026, 1, 5, tzinfo=UTC), 10), missed])
    assert [one.causes for one in rate_again(on_sqlite, clock)] == [Counter({Cause.UNRATED: 2})]
