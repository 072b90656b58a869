"""Money between ledger and calls: what is held, when it is free again, who is told (``rating.standing``,
``calls.funds``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.calls.funds import Funds, Grant
from appliance.domain.affordable import Limit
from appliance.domain.credit import Unfunded
from appliance.domain.ledger import Kind, Who
from appliance.domain.pricing import Price, PriceBook
from appliance.domain.refusal import Refusal
from appliance.errors import StoreError
from appliance.rating.again import rate_again
from appliance.rating.booking import book
from appliance.rating.run import rate_calls
from appliance.rating.standing import Standings
from appliance.store import outbox
from appliance.store.begun import BegunCalls
from appliance.store.credit import Credit
from appliance.store.credit_terms import suspend
from appliance.store.journal import Journal, Started
from appliance.store.models import Account, Call, SiteState
from appliance.store.unit import Store
from tests.rating.booked import JANUARY, NUMBER, pack, rate
from tests.rating.booked import call as called
from tests.rating.stored import NOW, put_book, put_calls
from tests.rating.test_again import publish

YUAN = 1_000_000
MAX_CALL_S = 100


@dataclass
class Box:
    """A database, a journal, one process of handlers and a collector."""

    store: Store
    file: Path
    now: datetime = NOW
    booked: int = 0
    journals: list[Journal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = self.opened()
        self.funds = Funds(self.store, Credit(self.journal.file), lambda: self.now, MAX_CALL_S)
        self.standings = self.collector()

    def opened(self) -> Journal:
        self.journals.append(Journal(self.file))
        return self.journals[-1]

    def collector(self) -> Standings:
        return Standings(self.store, Credit(self.opened().file), lambda: self.now, MAX_CALL_S)

    def terms(self, **credit: Any) -> None:
        with self.store.work() as session:
            account = session.get(Account, "east")
            assert account is not None
            account.credit = {"mode": "prepaid", **credit}
            state = session.get(SiteState, 1) or SiteState(id=1, revision=0)
            state.revision += 1
            session.add(state)
            session.commit()
        self.funds.refresh()

    def top_up(self, yuan: int) -> None:
        self.booked += 1
        with self.store.work() as session:
            book(session, Kind.TOPUP, "east", yuan * YUAN, Who("anna"), self.now, reference=str(self.booked))
            session.commit()

    def hold(self, uuid: str) -> Grant | Unfunded | None:
        return self.funds.hold(Started(uuid, self.now, NUMBER, "east", "t", "", False), "mobile")

    def seconds(self, uuid: str) -> int:
        found = self.hold(uuid)
        assert isinstance(found, Grant)
        return found.limit.seconds

    def store_call(self, uuid: str, seconds: int, outcome: str = "answered") -> None:
        put_calls(self.store, [called(uuid, self.now, seconds)], outcome=outcome)
        BegunCalls(self.journal.file).settled([uuid])

    def left(self) -> tuple[int, int]:
        """Balance and what is held, yuan, as calls see it."""
        standing = self.funds._credit.peek("east", NUMBER).standing
        assert standing is not None
        return standing.balance // YUAN, standing.held // YUAN


@pytest.fixture
def box(on_sqlite: Store, tmp_path: Path) -> Iterator[Box]:
    """A yuan a second, prepaid, nothing included."""
    yield from _box(on_sqlite, tmp_path, pack(included=0))


def _box(store: Store, folder: Path, prices: PriceBook) -> Iterator[Box]:
    put_book(store, prices)
    made = Box(store, folder / "journal.db")
    made.terms()
    yield made
    for journal in made.journals:
        journal.close()


def test_what_a_call_used_is_held_until_the_balance_has_its_charge(box: Box) -> None:
    box.top_up(30)
    box.standings.look()
    assert box.seconds("a") == 30
    assert box.hold("b") == Unfunded(Refusal.NO_CREDIT, 0)
    assert box.seconds("a") == 30, "asked again"
    box.store_call("a", 12)
    box.standings.look()
    assert box.left() == (30, 30), "stored, not charged yet"
    rate(box.store, ["a"])
    assert box.hold("b") == Unfunded(Refusal.NO_CREDIT, 0), "charged, but not in the balance of the calls"
    box.standings.look()
    assert box.left() == (18, 0)
    assert box.seconds("b") == 18


def test_the_same_on_each_database(store: Store, tmp_path: Path) -> None:
    for box in _box(store, tmp_path, pack(included=10)):
        box.terms(daily_cap=60 * YUAN, low_balance=50 * YUAN, notify=["mail"])
        box.top_up(30)
        with box.store.work() as session:
            suspend(session, "east", True, "unpaid", "anna", NOW)
            suspend(session, "east", False, "paid", "anna", NOW)
            session.commit()
        box.standings.look()
        assert box.seconds("a") == 40, "ten are included"
        box.store_call("a", 22)
        rate(box.store, ["a"])
        box.standings.look()
        assert box.left() == (18, 0)
        assert box.seconds("b") == 18
        assert [one.message.hook for one in outbox.kept(box.file, ended=False)] == ["mail"]


def test_top_ups_reach_calls_with_the_next_look(box: Box) -> None:
    box.standings.look()
    assert box.hold("a") == Unfunded(Refusal.NO_CREDIT, 0)
    box.top_up(5)
    box.standings.look()
    assert box.seconds("a") == 5


@pytest.mark.parametrize("end", ["abnormal", "given up"])
def test_a_call_that_nobody_charges_frees_its_hold(box: Box, end: str) -> None:
    box.top_up(30)
    box.standings.look()
    box.seconds("a")
    if end == "abnormal":
        box.store_call("a", 12, "abnormal")
    else:
        BegunCalls(box.journal.file).settled(["a"])
    box.standings.look()
    assert box.left() == (30, 0)


def test_a_call_under_way_keeps_its_hold_whatever_its_age(box: Box) -> None:
    box.top_up(30)
    box.standings.look()
    box.seconds("a")
    box.now += timedelta(days=3)
    box.standings.look()
    assert box.left() == (30, 30)


def test_a_call_back_that_is_over_frees_its_hold(box: Box) -> None:
    """As any call that has begun, though rules count it among nobody's calls."""
    box.top_up(30)
    box.standings.look()
    box.funds.hold(Started("a", box.now, NUMBER, "east", "t", "", False), "mobile", begins=False)
    assert box.journal.started("a") is None
    box.now += timedelta(minutes=70)
    box.standings.look()
    assert box.left() == (30, 30)
    BegunCalls(box.journal.file).settled(["a"])
    box.standings.look()
    assert box.left() == (30, 0)


def test_an_account_that_calls_have_not_seen_is_let_call(box: Box) -> None:
    with capture_logs() as logs:
        assert box.seconds("a") == MAX_CALL_S
    assert [entry["event"] for entry in logs] == ["account without a balance, let call"]
    box.standings.look()
    assert box.left() == (0, MAX_CALL_S), "its hold counts as soon as there is a balance"


def test_while_the_journal_cannot_be_written_calls_are_let_in(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.standings.look()
    monkeypatch.setattr(type(box.journal.file), "together", lambda self, work: None)
    with capture_logs() as logs:
        assert box.seconds("a") == MAX_CALL_S
    assert [entry["event"] for entry in logs] == ["journal cannot be written, let call without a hold"]
    box.top_up(1)
    assert not box.standings.look()


def test_a_lost_journal_gets_its_balances_again(box: Box) -> None:
    box.terms(daily_cap=50 * YUAN)
    box.top_up(30)
    box.store_call("a", 12)
    rate(box.store, ["a"])
    box.standings.look()
    for file in box.file.parent.glob("journal.db*"):
        file.unlink()
    box.standings.look()
    assert box.left() == (18, 0)
    assert box.funds._credit.peek("east", NUMBER).standing.spent == 12 * YUAN  # type: ignore[union-attr]


def test_of_two_collectors_the_second_takes_nothing_over(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.top_up(30)
    other = box.collector()
    box.top_up(10)
    seen = Credit.take

    def slow(self: Credit, news: Any) -> bool:
        monkeypatch.setattr(Credit, "take", seen)
        assert other.look()
        return seen(self, news)

    monkeypatch.setattr(Credit, "take", slow)
    assert not box.standings.look()
    assert box.left() == (40, 0)


def test_terms_are_those_of_the_last_site_while_the_database_is_away(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.top_up(30)
    box.standings.look()

    def away(self: Store) -> Any:
        raise StoreError("away")

    monkeypatch.setattr(Store, "reading", away)
    with capture_logs() as logs:
        box.funds.refresh()
        box.funds.refresh()
    assert len(logs) == 1
    assert box.seconds("a") == 30
    with pytest.raises(StoreError):
        Funds(box.store, Credit(box.journal.file), lambda: box.now, MAX_CALL_S).refresh()


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


def test_postpaid_owes_up_to_its_limit(box: Box) -> None:
    box.terms(mode="postpaid", credit_limit=25 * YUAN, longest_call_seconds=20)
    box.standings.look()
    assert (box.seconds("a"), box.seconds("b")) == (20, 5)


@pytest.mark.parametrize("terms", [{"mode": "prepaid"}, {}])
def test_suspended_until_it_is_not(box: Box, terms: dict[str, str]) -> None:
    box.terms()
    with box.store.work() as session:
        account = session.get(Account, "east")
        assert account is not None
        account.credit = terms
        session.get(SiteState, 1).revision += 1  # type: ignore[union-attr]
        assert suspend(session, "east", True, "unpaid", "anna", NOW)
        session.commit()
    box.funds.refresh()
    box.top_up(5)
    box.standings.look()
    assert box.hold("a") == Unfunded(Refusal.SUSPENDED, 5 * YUAN)
    with box.store.work() as session:
        assert suspend(session, "east", False, "paid", "anna", NOW)
        assert not suspend(session, "east", False, "paid", "anna", NOW)
        session.commit()
    box.standings.look()
    assert (box.hold("b") is None) is (not terms)


def test_a_package_pays_for_as_much_as_others_leave_of_it(on_sqlite: Store, tmp_path: Path) -> None:
    (box,) = [*_box_of(on_sqlite, tmp_path)]
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


def _box_of(store: Store, folder: Path) -> Iterator[Box]:
    made = _box(store, folder, pack(included=100))
    yield next(made)


def test_low_is_told_once_until_it_is_not_low_any_more(box: Box) -> None:
    box.terms(low_balance=20 * YUAN, notify=["mail", "chat"])
    box.top_up(30)
    box.standings.look()

    def told() -> list[str]:
        return [one.message.hook for one in outbox.kept(box.file, ended=False)]

    assert told() == []
    for uuid in ("a", "b"):
        box.store_call(uuid, 6)
        rate(box.store, [uuid])
        box.standings.look()
    assert sorted(told()) == ["chat", "mail"]
    (message, *_) = [one.message for one in outbox.kept(box.file, ended=False)]
    assert "18.00" in message.text and "20.00" in message.text and message.account == "east"
    box.top_up(10)
    box.standings.look()
    assert len(told()) == 2
    box.store_call("c", 9)
    rate(box.store, ["c"])
    box.standings.look()
    assert len(told()) == 4


def test_a_call_that_its_caller_was_refused_later_holds_nothing(box: Box) -> None:
    box.top_up(30)
    box.standings.look()
    box.seconds("a")
    box.funds.release("a")
    assert box.left() == (30, 0)
    assert [one.uuid for one in box.funds._credit.held()] == []
    with box.store.reading() as session:
        assert session.query(Call).count() == 0


def test_a_clock_that_is_set_back_over_midnight_opens_no_second_cap(box: Box) -> None:
    midnight = datetime.fromisoformat("2026-11-26T00:00:00+08:00")
    box.terms(daily_cap=20 * YUAN)
    box.top_up(100)
    box.now = midnight + timedelta(seconds=30)
    box.store_call("a", 20)
    rate_at(box, "a")
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
    rate_at(box, "a")
    box.now = midnight - timedelta(seconds=1)
    box.standings.look()
    box.now = midnight + timedelta(seconds=2)
    box.standings.look()
    assert box.hold("b") == Unfunded(Refusal.DAILY_CAP, 0)


def rate_at(box: Box, uuid: str) -> None:
    """Rated and posted at the box's time."""
    with box.store.work() as session:
        rate_calls(session, [uuid], lambda: box.now)
        session.commit()


def test_a_lost_journal_knows_at_once_which_packages_are_used_up(on_sqlite: Store, tmp_path: Path) -> None:
    (box,) = [*_box_of(on_sqlite, tmp_path)]
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


def test_an_account_with_short_calls_is_held_for_what_begins_while_its_caller_waits(box: Box) -> None:
    box.terms(longest_call_seconds=5)
    box.top_up(1000)
    publish(box.store, 6000 * YUAN, box.now + timedelta(seconds=MAX_CALL_S - 1))
    box.terms(longest_call_seconds=5)
    box.standings.look()
    assert box.hold("a") == Grant(Limit(5, 500 * YUAN), 60)


def test_a_change_counts_for_the_day_of_its_charge_only(box: Box) -> None:
    """A cheaper price, backdated, gives back what yesterday's calls and today's cost."""
    box.terms(daily_cap=20 * YUAN)
    box.top_up(100)
    box.store_call("yesterday", 60)
    rate_at(box, "yesterday")
    box.now += timedelta(days=1)
    box.store_call("today", 20)
    rate_at(box, "today")
    box.standings.look()
    assert box.hold("b") == Unfunded(Refusal.DAILY_CAP, 0)
    publish(box.store, 30 * YUAN, JANUARY + timedelta(days=1))
    rate_again(box.store, lambda: box.now, book=Who("boss", "cheaper"))
    box.standings.look()
    assert box.left() == (60, 0)
    assert box.seconds("c") == 10


def answered(box: Box, uuid: str, at: datetime, seconds: int, kind: str = "mobile") -> None:
    """Stored and rated, and the collector has looked."""
    put_calls(box.store, [replace(called(uuid, at, seconds), caller_kind=kind)])
    BegunCalls(box.journal.file).settled([uuid])
    rate(box.store, [uuid])
    box.standings.look()


def test_what_was_charged_from_units_is_held_until_nobody_can_take_them(on_sqlite: Store, tmp_path: Path) -> None:
    (box,) = [*_box_of(on_sqlite, tmp_path)]
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


def test_units_that_save_another_call_more_are_held_for_at_its_price(on_sqlite: Store, tmp_path: Path) -> None:
    prices = tuple(
        Price(JANUARY, kind, kind, initial_seconds=1, step_seconds=1, per_minute=per_minute * YUAN)
        for kind, per_minute in (("mobile", 60), ("fixed", 6))
    )
    made = pack(included=100)
    plan = replace(made.plans["pack"], prices=prices)
    (box,) = [next(_box(on_sqlite, tmp_path, PriceBook({"pack": plan}, made.subscriptions)))]

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
