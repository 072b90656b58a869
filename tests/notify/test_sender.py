"""The sender: what is due goes out, in order, as often as it must, and no hook waits for another."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.domain.hook import Hook, HookKind, Message
from appliance.domain.retry import GAPS
from appliance.notify.known import KnownHooks
from appliance.notify.record import Recorder
from appliance.notify.sender import Sender
from appliance.notify.serve import serve
from appliance.notify.verdict import Verdict, delivered, refused
from appliance.store import schema
from appliance.store.hooks import forget_notifications
from appliance.store.journal_file import JournalFile
from appliance.store.models import Notification
from appliance.store.outbox import JournalOutbox, kept
from appliance.store.outbox_sending import SendingOutbox, revive
from appliance.store.unit import Store
from tests.site.hooked import KEY, SITE
from tests.site.ruled import put

START = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOOKS = {
    "a": Hook("a", "demo", HookKind.WEBHOOK, "http://a/"),
    "b": Hook("b", "demo", HookKind.WEBHOOK, "http://b/"),
    "robot": Hook("robot", "demo", HookKind.WECOM, "http://c/", per_minute=20),
}


class World:
    """An outbox, a sender on it, receivers that are a script, and a clock."""

    def __init__(self, file: Path, executor: ThreadPoolExecutor) -> None:
        self.file = file
        self.now = START
        self.journal = JournalFile(file)
        self.outbox = JournalOutbox(self.journal)
        self.hooks: dict[str, Hook] | None = dict(HOOKS)
        self.asked: list[tuple[str, str, int]] = []
        #: Hook → what becomes of a message; others take it.
        self.verdicts: dict[str, Callable[[Message], Verdict]] = {}
        self.sending = SendingOutbox(self.journal, "one")
        self.sender = Sender(
            self.sending,
            lambda: self.hooks,
            self.deliver,
            executor,
            lambda: self.now,
            random.Random(1),
            lambda seconds: None,
        )

    def deliver(self, hook: Hook, message: Message, tries: int) -> Verdict:
        self.asked.append((hook.id, message.id, tries))
        return self.verdicts.get(hook.id, lambda message: delivered("ok"))(message)

    def put(self, name: str, hook: str = "a", after: timedelta = timedelta()) -> None:
        self.outbox.put(Message(name, "demo", hook, f"text of {name}", "uuid", self.now + after))

    def step(self) -> None:
        """What is due now goes out and ends."""
        self.sender.step(0.0)
        self.sender.finish()

    def states(self) -> dict[str, str]:
        ended = {
            one.message.id: f"{'sent' if one.sent else 'dead'}: {one.said}" for one in kept(self.file, ended=True)
        }
        return ended | {one.message.id: f"waits: {one.said}" for one in kept(self.file, ended=False)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ThreadPoolExecutor(8) as executor:
        made = World(tmp_path / "journal.db", executor)
        with closing(made.journal):
            yield made


def test_what_is_handed_over_is_sent_once(world: World) -> None:
    world.put("1")
    for _ in range(3):
        world.step()
    assert world.asked == [("a", "1", 1)] and world.states() == {"1": "sent: ok"}


def test_messages_of_a_hook_go_one_by_one_in_their_order(world: World) -> None:
    for name in ("3", "1", "2"):
        world.put(name, after=int(name) * SECOND)
    world.now += 5 * SECOND
    for count in (1, 2, 3):
        world.step()
        assert len(world.asked) == count
    assert [name for _, name, _ in world.asked] == ["1", "2", "3"]


def test_a_hook_that_fails_holds_its_own_messages_and_no_others(world: World) -> None:
    world.verdicts["a"] = lambda message: refused("HTTP 500")
    for name in ("a1", "a2", "b1", "b2"):
        world.put(name, name[0])
    for _ in range(4):
        world.step()
    assert sorted(world.asked) == [("a", "a1", 1), ("b", "b1", 1), ("b", "b2", 1)]
    assert world.states() == {"a1": "waits: HTTP 500", "a2": "waits: ", "b1": "sent: ok", "b2": "sent: ok"}


def test_ten_retries_with_growing_gaps_then_a_dead_letter_and_the_next(world: World) -> None:
    world.verdicts["a"] = lambda message: refused("down") if message.id == "1" else delivered()
    world.put("1")
    world.put("2", after=SECOND)
    times = []
    while world.states()["1"].startswith("waits"):
        waiting = next(one for one in kept(world.file, ended=False) if one.message.id == "1")
        if times:
            world.now = waiting.due_at - SECOND
            world.step()
        assert len(world.asked) == len(times), "not before it is due"
        world.now = max(world.now, waiting.due_at)
        world.step()
        times.append(world.now)
        assert len(world.asked) == len(times) < 20
    mine = [tries for _, name, tries in world.asked if name == "1"]
    assert mine == list(range(1, 12)), "the first try and ten more"
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(gaps) == 10 and gaps == sorted(gaps)
    for gap, plain in zip(gaps, GAPS, strict=True):
        assert plain <= gap <= plain * 1.2
    assert world.states()["1"] == "dead: down"
    world.step()
    assert world.states()["2"].startswith("sent")


def test_what_will_never_be_taken_is_given_up_at_once(world: World) -> None:
    world.verdicts["a"] = lambda message: refused("no keyword", final=True)
    world.put("1")
    with capture_logs() as logs:
        world.step()
    assert world.states() == {"1": "dead: no keyword"}
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["message given up"]


def test_who_asks_for_a_rest_gets_it(world: World) -> None:
    world.verdicts["a"] = lambda message: refused("too fast", 10 * MINUTE)
    world.put("1")
    world.step()
    world.now += 10 * MINUTE - SECOND
    world.step()
    assert len(world.asked) == 1
    world.now += SECOND
    world.step()
    assert len(world.asked) == 2


def test_behind_a_receiver_that_is_down_for_days_nothing_piles_up(world: World) -> None:
    world.verdicts["a"] = lambda message: refused("down")
    for number in range(20):
        world.put(f"{number:02}", after=number * SECOND)
    world.now += 25 * HOUR
    for _ in range(20):
        world.step()
    assert [tries for _, _, tries in world.asked] == [1] * 20
    assert set(world.states().values()) == {"dead: down"}


def test_a_robot_gets_no_more_than_it_takes_a_minute(world: World) -> None:
    for number in range(30):
        world.put(f"{number:02}", "robot", after=number * timedelta(milliseconds=1))
    world.now += SECOND
    sent_at = []
    while len(sent_at) < 30:
        before = len(world.asked)
        world.step()
        sent_at += [world.now] * (len(world.asked) - before)
        world.now += timedelta(seconds=0.5)
    for first in sent_at:
        assert sum(first <= at < first + MINUTE for at in sent_at) <= 20
    assert sent_at[-1] - sent_at[0] <= 29 * 3 * SECOND + 15 * SECOND, "and not much less"


def test_the_pace_is_kept_by_a_sender_that_was_started_again(world: World, tmp_path: Path) -> None:
    world.put("1", "robot")
    world.put("2", "robot", after=timedelta(milliseconds=1))
    world.now += SECOND
    world.step()
    with ThreadPoolExecutor(1) as executor, closing(JournalFile(world.file)) as journal:
        again = World(tmp_path / "unused.db", executor)
        again.sender._outbox = SendingOutbox(journal, "other")
        again.now = world.now + 2 * SECOND
        again.step()
        assert again.asked == []
        again.now = world.now + 3 * SECOND
        again.step()
        assert again.asked == [("robot", "2", 1)]
        again.journal.close()


def test_a_hook_that_is_not_there_yet_is_waited_for(world: World) -> None:
    world.put("1", "new")
    world.step()
    assert world.states() == {"1": "waits: there is no hook new"} and world.asked == []
    assert world.hooks is not None
    world.hooks["new"] = HOOKS["a"]
    world.now += 12 * SECOND
    world.step()
    assert world.states() == {"1": "sent: ok"}


def test_nothing_is_tried_while_no_hooks_are_known(world: World) -> None:
    world.hooks = None
    world.put("1")
    world.step()
    assert world.states() == {"1": "waits: "}
    world.hooks = dict(HOOKS)
    world.step()
    assert world.states() == {"1": "sent: ok"}


def test_a_fault_of_ours_is_tried_again_and_stops_nobody(world: World) -> None:
    def fails(message: Message) -> Verdict:
        raise ZeroDivisionError

    world.verdicts["a"] = fails
    world.put("1")
    world.put("2", "b")
    with capture_logs():
        world.step()
    assert world.states() == {"1": "waits: a fault of the appliance: ZeroDivisionError", "2": "sent: ok"}


def test_a_slow_hook_does_not_hold_the_others(world: World) -> None:
    goes_on = threading.Event()

    def slow(message: Message) -> Verdict:
        goes_on.wait(20)
        return delivered("late")

    world.verdicts["a"] = slow
    world.put("1")
    world.put("2")
    world.put("b1", "b")
    world.put("b2", "b", SECOND)
    world.now += SECOND
    for _ in range(40):
        world.sender.step(0.05)
        if len(world.asked) == 3:
            break
    assert (
        world.states() == {"1": "waits: ", "2": "waits: ", "b1": "sent: ok", "b2": "sent: ok"}
        or len(world.asked) == 3
    )
    goes_on.set()
    world.sender.finish()
    assert world.states()["1"] == "sent: late" and world.states()["2"] == "waits: "


def test_a_clock_that_was_set_back_holds_nothing(world: World) -> None:
    world.verdicts["robot"] = lambda message: refused("down")
    world.put("1", "robot")
    world.step()
    world.now -= 10 * HOUR
    world.verdicts.clear()
    world.step()
    assert world.states() == {"1": "sent: ok"}


# With the database


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
