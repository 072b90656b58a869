"""The sender: as often as it must, as often as a receiver takes it, and no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from structlog.testing import capture_logs

from appliance.domain.hook import Message
from appliance.domain.retry import GAPS
from appliance.notify.verdict import Verdict, delivered, refused
from appliance.store.journal_file import JournalFile
from appliance.store.outbox import kept
from appliance.store.outbox_sending import SendingOutbox
from tests.notify.outbox_world import HOUR, MINUTE, SECOND, World


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


def test_a_fault_of_ours_is_tried_again_and_stops_nobody(world: World) -> None:
    def fails(message: Message) -> Verdict:
        raise ZeroDivisionError

    world.verdicts["a"] = fails
    world.put("1")
    world.put("2", "b")
    with capture_logs():
        world.step()
    assert world.states() == {"1": "waits: a fault of the appliance: ZeroDivisionError", "2": "sent: ok"}
