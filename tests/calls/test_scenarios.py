"""Calls as text: each line of ``tests/scenarios/calls.txt`` is carried out by the call steps on a scripted leg."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.bootstrap import SCRIPTS_DIR
from appliance.calls.answer import take
from appliance.domain.outcome import Disposition
from appliance.domain.queue import Left, Stay
from appliance.domain.refusal import ENDINGS
from appliance.switch.leg import Digits, NoInput
from tests.calls.scenarios import Clock, Scenario, World, chains, desk, leg_of, table
from tests.contract.fake import FakeLeg


@pytest.mark.parametrize("chain", chains(), ids=lambda chain: chain[0].name.replace(" ", "-"))
def test_scenario(chain: list[Scenario]) -> None:
    world = World()
    for at, row in enumerate(chain):
        leg = world.leg(row, at)
        take(leg, world.desk)
        assert did(leg) == row.did, row.name
        # What the call's record says: told to the switch before the step it speaks of; a talk is the switch's own
        # word.
        assert ("answered" if leg.joined else leg.told["outcome"]) == row.outcome, row.name
        assert ("NORMAL_CLEARING" if leg.joined else leg.ended_with or "") == row.cause, row.name
        assert leg.told.get("because", "") == row.because, row.name
        assert world.stays(leg) == row.stays, row.name
        world.over(leg)


def call_to(number: str) -> Scenario:
    """A call at an ordinary time, from an ordinary caller."""
    return Scenario("", number, *[""] * 8)


def did(leg: FakeLeg) -> str:
    """The verbs in order, as the table has them; counting is not among them, nor are the further keys of a number
    that is asked for key by key."""
    asked_on = ("collect",) if ("hide_keys",) in leg.did else ()
    steps = [step for step in leg.did if step[0] not in ("hold", "let_go", "hide_keys") and step != asked_on]
    return ", ".join(" ".join(step if step[0] != "hang_up" else step[:1]).replace(".wav", "") for step in steps)


def test_names_are_unique_and_there_are_enough() -> None:
    names = [row.name for chain in chains() for row in chain]
    assert len(set(names)) == len(names)
    assert len(names) >= 120


def test_a_call_that_comes_back_goes_on_at_its_node() -> None:
    """Its handlers died in the second menu round: neither notice nor menu is begun anew from the start."""
    notes = {"taken": "yes", "flow": "main@1", "node": "service", "keys": "menu=2", "notice": "played"}
    leg = FakeLeg(notes=notes)
    take(leg, desk())
    assert leg.did == [("answer",), ("connect", "b")] and leg.joined
    assert leg.told["keys"] == "menu=2"


def test_a_call_that_comes_back_to_another_version_begins_anew() -> None:
    leg = FakeLeg(notes={"taken": "yes", "flow": "main@0", "node": "service"}, presses=["1"])
    take(leg, desk())
    assert leg.did[1] == ("collect", "main.wav")


def test_a_call_that_comes_back_is_not_judged_again() -> None:
    """It was let in before the office closed, and counts once."""
    clock = Clock()
    clock.now = clock.now.replace(hour=23)
    tools = desk(clock)
    row = call_to("4008000025")
    leg = leg_of(row)
    leg.note(taken="yes")
    take(leg, tools)
    assert leg.joined == "a"
    assert tools.journal.admitted_since("4008000025", clock.now.replace(hour=1)) == 0


def test_a_refused_call_that_comes_back_is_refused_the_same_way() -> None:
    row = call_to("4008000025")
    leg = leg_of(row)
    leg.note(taken="out-of-hours", because="schedule=office")
    take(leg, desk())
    assert did(leg) == "early_media, play out-of-hours, hang_up"
    assert leg.told["outcome"] == "refused:out-of-hours" and leg.told["because"] == "schedule=office"


def test_a_call_that_comes_back_to_the_overflow_goes_on_in_it() -> None:
    row = call_to("4008000008")
    leg = leg_of(row)
    leg.note(taken="yes", flow="duty@1", node="ring")
    take(leg, desk())
    assert did(leg) == "answer, connect c"


def test_the_recording_lies_below_the_day_of_shanghai() -> None:
    clock = Clock()
    clock.now = clock.now.replace(hour=0, minute=30)
    leg = FakeLeg(presses=["1"])
    take(leg, desk(clock))
    assert leg.recorded_to == [f"2026/11/25/{leg.uuid}.wav"]
    assert leg.told["recording"] == leg.recorded_to[0]


def test_a_missing_prompt_does_not_end_the_call() -> None:
    leg = FakeLeg(presses=["3", "1"], missing={"news.wav", "record-notice.wav"})
    take(leg, desk())
    assert leg.joined


def test_a_prompt_nobody_has_is_passed_over() -> None:
    leg = FakeLeg(presses=["3", "1"])
    take(leg, desk(find_prompt=lambda account, name: None))
    assert leg.joined
    assert ("collect",) in leg.did


def test_a_line_whose_trunk_is_gone_is_passed_over() -> None:
    known = table()
    changed = replace(known, lines={**known.lines, "a": replace(known.lines["a"], trunk="gone")})
    leg = FakeLeg(presses=["1"])
    take(leg, desk(routing=lambda: changed))
    assert [step for step in leg.did if step[0] == "connect"] == [("connect", "b")]


def test_a_refused_call_is_let_go_before_its_announcement() -> None:
    """It must not keep out others while it plays."""
    row = call_to("4008000020")
    leg = leg_of(replace(row, lines="@number=2"))
    take(leg, desk())
    verbs = [step[0] for step in leg.did]
    assert verbs == ["hold", "let_go", "early_media", "play", "hang_up"]
    assert not leg.held


def test_ring_all_tells_what_became_of_each() -> None:
    leg = leg_of(call_to("4008000003"))
    leg.lines = dict.fromkeys(("a", "b", "late"), Disposition.BUSY)
    take(leg, desk())
    assert leg.told["tried"] == "a=busy;b=busy;late=busy"


def test_prompts_of_every_refusal_are_there() -> None:
    """Each refusal's announcement, and the words it says, are in the default set."""
    folder = SCRIPTS_DIR / "prompts" / "zh"
    words = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
    prompts = {ending.prompt for ending in ENDINGS.values() if ending.prompt} | {"password", "password-again"}
    assert {name for name in prompts if (folder / f"{name}.wav").is_file()} == prompts
    assert prompts <= set(words) and prompts <= set(words["pinyin"])


def test_every_way_to_leave_a_queue_is_told() -> None:
    """All but "lost", which needs handlers that are gone."""
    ways = {
        stay.partition("=")[2].partition(":")[0]
        for chain in chains()
        for row in chain
        for stay in row.stays.split()
    }
    assert ways == set(Left) - {Left.LOST}


@pytest.mark.parametrize("number", ["4008000053", "4008000056"])
def test_a_queue_that_is_gone_has_nobody(number: str) -> None:
    """The site's check refuses it; somebody may have taken it out of the database."""
    known = table()
    world = World()
    tools = replace(world.desk, routing=lambda: replace(known, queues={}))
    leg = leg_of(replace(call_to(number), lines="a=busy"))
    take(leg, tools)
    if number == "4008000053":
        assert did(leg) == "answer, play all-lines-busy, hang_up" and leg.told["outcome"] == "failed:queue-nobody"
    else:
        assert leg.joined == "c"
    assert world.stays(leg) == ""


def test_a_queue_of_another_account_is_none() -> None:
    known = table()
    another = replace(known.queues["quiet"], account="small")
    leg = leg_of(call_to("4008000053"))
    take(leg, desk(routing=lambda: replace(known, queues={"quiet": another})))
    assert did(leg) == "answer, play all-lines-busy, hang_up"


def test_a_queue_that_goes_while_he_waits_has_nobody() -> None:
    """By the table that he came with he waits on; none of its lines is there any more."""
    world = World()
    known = [table()]
    world.desk = desk(world.clock, world.board, routing=lambda: known[0])
    world.board.full = {"a", "b"}
    leg = leg_of(call_to("4008000053"))

    def on_wait() -> None:
        world.clock.now += timedelta(seconds=10)
        known[0] = replace(known[0], queues={}, lines={})

    leg.on_wait = on_wait
    take(leg, world.desk)
    assert did(leg) == "answer, wait hold-music, play all-lines-busy, hang_up"
    assert world.stays(leg) == "quiet=nobody:10"


def test_a_line_that_was_taken_a_moment_before_does_not_rest() -> None:
    """The switch counted it as free, and another call was quicker: he rings it again at once when it is free."""
    world = World()
    leg = world.leg(replace(call_to("4008000059"), lines=""))
    leg.lines = {"a": Disposition.FULL}
    goes_on = leg.on_wait
    assert goes_on is not None

    def on_wait() -> None:
        leg.lines = {}
        goes_on()

    leg.on_wait = on_wait
    take(leg, world.desk)
    assert did(leg) == "answer, connect a, wait hold-music, connect a"
    assert leg.told["tried"] == "a=full" and world.stays(leg) == "short=answered:1"


def test_who_comes_back_from_dead_handlers_keeps_his_place() -> None:
    """By the time that he came; he hears music first, and is asked for no notice again."""
    world = World()
    row = replace(call_to("4008000050"), lines="a=full b=full @told=1")
    leg = world.leg(row)
    came = Stay("told", world.clock.now - timedelta(seconds=40))
    leg.note(taken="yes", flow="told@1", node="wait", queue=str(came), notice="played")
    take(leg, world.desk)
    assert did(leg) == "answer, wait hold-music, play queue-timeout, hang_up"
    assert world.stays(leg) == "told=timeout:50"


def test_who_comes_back_is_not_turned_away_by_a_queue_that_is_full() -> None:
    world = World()
    leg = world.leg(replace(call_to("4008000059"), lines="a=full:1 @short=2"))
    came = Stay("short", world.clock.now - timedelta(seconds=5))
    leg.note(taken="yes", flow="short@1", node="wait", queue=str(came))
    take(leg, world.desk)
    assert did(leg).startswith("answer, wait hold-music") and leg.joined == "a"


def test_who_comes_back_too_late_leaves_by_timeout() -> None:
    world = World()
    leg = world.leg(replace(call_to("4008000054"), lines="a=full"))
    came = Stay("short", world.clock.now - timedelta(seconds=80))
    leg.note(taken="yes", flow="exits@1", node="wait", queue=str(came))
    take(leg, world.desk)
    assert did(leg) == "answer, play sorry, hang_up" and world.stays(leg) == "short=timeout:80"


@pytest.mark.parametrize(
    "missing", [{"hold-music"}, {"queue-busy", "n-1"}, {"hold-music", "queue-busy", "queue-place"}]
)
def test_a_queue_without_its_prompts_still_serves(missing: set[str]) -> None:
    world = World()
    world.desk = desk(
        world.clock,
        world.board,
        find_prompt=lambda account, name: None if name in missing else Path(f"/prompts/{name}.wav"),
    )
    world.board.full = {"a", "b"}
    leg = leg_of(call_to("4008000050"))
    collect = leg.collect

    def pass_on() -> None:
        world.clock.now += timedelta(seconds=10)
        if world.clock.now.second >= 20:
            world.board.full = set()
        world.desk.dispatcher.look()

    def silence(prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        heard = collect(prompt, timeout_s, at_most)
        pass_on()
        return heard

    leg.on_wait = pass_on
    leg.collect = silence  # type: ignore[method-assign]
    take(leg, world.desk)
    assert leg.joined == "a"
    assert not missing & {
        name for step in leg.did if step[0] == "wait" for name in step[1].replace(".wav", "").split("+")
    }
