"""The sender and the database: whose hooks it follows, and which keeps what became of messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.domain.hook import Message
from appliance.notify.known import KnownHooks
from appliance.notify.record import Recorder
from appliance.notify.serve import serve
from appliance.notify.verdict import Verdict, delivered, refused
from appliance.store import schema
from appliance.store.hooks import forget_notifications
from appliance.store.journal_file import JournalFile
from appliance.store.models import Notification
from appliance.store.outbox_sending import SendingOutbox, revive
from appliance.store.unit import Store
from tests.notify.outbox_world import HOUR, MINUTE, SECOND, START, World
from tests.site.hooked import KEY, SITE
from tests.site.ruled import put


def rows(store: Store) -> list[tuple[str, bool, int, str]]:
    with store.reading() as session:
        found = session.query(Notification).order_by(Notification.id).all()
        return [(one.id, one.sent, one.tries, one.said) for one in found]


def recorder(world: World, store: Store) -> Recorder:
    return Recorder(world.sending, store, timedelta(days=30), lambda: world.now)


def test_what_became_of_messages_is_stored_and_forgotten_after_its_time(world: World, store: Store) -> None:
    world.verdicts["b"] = lambda message: refused("no", final=True)
    world.put("1")
    world.put("2", "b")
    with capture_logs():
        world.step()
    keeps = recorder(world, store)
    keeps.step()
    assert rows(store) == [("1", True, 1, "ok"), ("2", False, 1, "no")]
    with store.reading() as session:
        one = session.get(Notification, "2")
        assert one is not None
        assert (one.account_id, one.hook_id, one.call_uuid, one.text) == ("demo", "b", "uuid", "text of 2")
        assert (one.made_at, one.ended_at) == (START, START)
    world.now += timedelta(days=30) + MINUTE
    world.put("3")
    world.step()
    keeps.step()
    assert [row[0] for row in rows(store)] == ["3"]
    assert list(world.states()) == ["3"]
    with store.work() as session:
        assert forget_notifications(session, world.now + HOUR) == 1
    assert len(rows(store)) == 1, "that was rolled back"


def test_whatever_a_message_is_the_database_takes_it(world: World, store: Store) -> None:
    long = "\x00\ud800长" * 2000
    world.outbox.put(Message(long, long, long, long, long, world.now, long))
    world.put("2", "b", SECOND)
    world.now += 25 * HOUR
    with capture_logs():
        world.step()
    recorder(world, store).step()
    assert {sent for _, sent, _, _ in rows(store)} == {True, False}


def test_a_dead_letter_that_is_sent_after_all_is_one_row(world: World, store: Store) -> None:
    world.verdicts["a"] = lambda message: refused("no", final=True)
    world.put("1")
    with capture_logs():
        world.step()
    keeps = recorder(world, store)
    keeps.step()
    revive(world.journal, world.now)
    world.verdicts.clear()
    world.now += MINUTE
    world.step()
    keeps.step()
    assert rows(store) == [("1", True, 1, "ok")]


@pytest.fixture
def no_store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/none.db") as made:
        yield made


def test_a_database_that_is_away_is_told_later(world: World, no_store: Store, tmp_path: Path) -> None:
    world.put("1")
    world.step()
    keeps = recorder(world, no_store)
    with capture_logs() as logs:
        keeps.step()
        keeps.step()
        schema.upgrade(f"sqlite:///{tmp_path}/none.db")
        keeps.step()
    assert [entry["event"] for entry in logs] == [
        "what became of messages is not stored",
        "what became of messages is stored again",
    ]
    assert rows(no_store) == [("1", True, 1, "ok")]


def test_hooks_are_followed_and_remembered_for_a_start_without_database(
    world: World, store: Store, no_store: Store
) -> None:
    known = KnownHooks(store, world.sending)
    assert known() is None and not known.looked.is_set()
    known.refresh()
    assert known() == {} and known.looked.is_set()
    put(store, SITE)
    known.refresh()
    before = known()
    assert before is not None and before["group"].token == KEY
    again = KnownHooks(no_store, world.sending)
    with capture_logs() as logs:
        again.refresh()
        again.refresh()
    assert again() == before and [entry["event"] for entry in logs] == [
        "database away, messages go to the hooks known last"
    ]
    put(store, "version: 1\n", prune=True)
    known.refresh()
    assert known() == {}


def test_a_first_start_without_database_sends_nothing(world: World, no_store: Store, tmp_path: Path) -> None:
    known = KnownHooks(no_store, world.sending)
    with capture_logs() as logs:
        known.refresh()
        assert known() is None and known.looked.is_set()
        schema.upgrade(f"sqlite:///{tmp_path}/none.db")
        known.refresh()
    assert known() == {} and logs[-1]["event"] == "database back"


def test_serving_ends_what_is_under_way_and_survives_faults(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, took = threading.Event(), threading.Event()
    put(store, SITE)

    def last(message: Message) -> Verdict:
        stop.set()
        took.wait(10)
        return delivered("at the end")

    world.verdicts["group"] = last
    world.put("1", "group")
    with closing(JournalFile(world.file)) as journal:
        told = SendingOutbox(journal, "one")
        known, keeps = KnownHooks(store, told), Recorder(told, store, timedelta(days=30), lambda: world.now)
        calls: list[int] = []
        heads = world.sending.heads

        def fails_once() -> object:
            calls.append(1)
            if len(calls) == 1:
                raise ZeroDivisionError
            return heads()

        monkeypatch.setattr(world.sending, "heads", fails_once)
        monkeypatch.setattr(world.sender, "_hooks", known)
        threading.Timer(0.5, took.set).start()
        with capture_logs() as logs:
            serve(world.sender, known, keeps, stop)
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["work of the sender failed"]
    assert world.states() == {"1": "sent: at the end"}
