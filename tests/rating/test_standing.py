"""Money between ledger and calls: what is held, when it is free again, who is told (``rating.standing``,
``calls.funds``)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.calls.funds import Funds, Grant
from appliance.domain.affordable import Limit
from appliance.domain.credit import Unfunded
from appliance.domain.refusal import Refusal
from appliance.errors import StoreError
from appliance.store import outbox
from appliance.store.begun import BegunCalls
from appliance.store.credit import Credit
from appliance.store.credit_terms import suspend
from appliance.store.journal import Started
from appliance.store.models import Account, Call, SiteState
from appliance.store.unit import Store
from tests.rating.booked import NUMBER, pack, rate
from tests.rating.prepaid import MAX_CALL_S, YUAN, Box, Boxes
from tests.rating.stored import NOW
from tests.rating.test_again import publish


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


def test_the_same_on_each_database(store: Store, boxes: Boxes) -> None:
    box = boxes(store, pack(included=10))
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


def test_an_account_with_short_calls_is_held_for_what_begins_while_its_caller_waits(box: Box) -> None:
    box.terms(longest_call_seconds=5)
    box.top_up(1000)
    publish(box.store, 6000 * YUAN, box.now + timedelta(seconds=MAX_CALL_S - 1))
    box.terms(longest_call_seconds=5)
    box.standings.look()
    assert box.hold("a") == Grant(Limit(5, 500 * YUAN), 60)
