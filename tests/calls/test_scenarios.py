"""Calls as text: each line of ``tests/scenarios/calls.txt`` is carried out by the call steps on a scripted leg."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from appliance.bootstrap import SCRIPTS_DIR
from appliance.calls.answer import take
from appliance.domain.outcome import Disposition
from appliance.domain.refusal import ENDINGS
from tests.calls.scenarios import Clock, Scenario, chains, desk, leg_of, remember_talk, table
from tests.contract.fake import FakeLeg


@pytest.mark.parametrize("chain", chains(), ids=lambda chain: chain[0].name.replace(" ", "-"))
def test_scenario(chain: list[Scenario]) -> None:
    clock = Clock()
    tools = desk(clock)
    for at, row in enumerate(chain):
        clock.now = row.moment
        leg = leg_of(row, at)
        take(leg, tools)
        assert did(leg) == row.did, row.name
        # What the call's record says: told to the switch before the step it speaks of; a talk is the switch's own
        # word.
        assert ("answered" if leg.joined else leg.told["outcome"]) == row.outcome, row.name
        assert ("NORMAL_CLEARING" if leg.joined else leg.ended_with or "") == row.cause, row.name
        assert leg.told.get("because", "") == row.because, row.name
        if leg.joined:
            remember_talk(tools.journal, leg, clock.now)


def call_to(number: str) -> Scenario:
    """A call at an ordinary time, from an ordinary caller."""
    return Scenario("", number, *[""] * 8)


def did(leg: FakeLeg) -> str:
    """The verbs in order, as the table has them; counting is not among them."""
    steps = [step for step in leg.did if step[0] not in ("hold", "let_go")]
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
