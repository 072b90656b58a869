"""Calls as text: each line of ``tests/scenarios/calls.txt`` is carried out by the call steps on a scripted leg."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.calls.answer import take
from appliance.calls.desk import Desk
from appliance.domain.flow import Flow, parse
from appliance.domain.outcome import Disposition
from appliance.domain.routing import Line, NumberRoute, RecordPolicy, RoutingTable, Trunk
from tests.contract.fake import INVITE, FakeLeg

TABLE_FILE = Path(__file__).resolve().parent.parent / "scenarios" / "calls.txt"
COLUMNS = ("name", "called", "caller", "lines", "did", "outcome", "cause")


def flow(name: str, nodes: dict[str, dict[str, object]]) -> Flow:
    built, faults = parse(name, 1, {"start": "menu", "nodes": nodes})
    assert built is not None, faults
    return built


MAIN = flow(
    "main",
    {
        "menu": {
            "type": "menu",
            "prompt": "main",
            "keys": {"1": "sales", "2": "service", "3": "news"},
            "silence": "bye",
            "wrong": "lost",
            "wrong_prompt": "wrong-key",
            "silence_prompt": "no-key",
        },
        "news": {"type": "play", "prompt": "news", "next": "menu"},
        "sales": {"type": "ring", "lines": ["a", "b"], "failed": "sorry"},
        "service": {"type": "ring", "lines": ["b"]},
        "sorry": {"type": "hangup", "prompt": "sorry", "cause": "USER_BUSY"},
        "bye": {"type": "hangup", "prompt": "bye"},
        "lost": {"type": "hangup", "prompt": "lost"},
    },
)
ONCE = flow(
    "once",
    {
        "menu": {
            "type": "menu",
            "prompt": "once",
            "keys": {"1": "sales"},
            "silence": "bye",
            "wrong": "bye",
            "attempts": 1,
        },
        "sales": {"type": "ring", "lines": ["a"]},
        "bye": {"type": "hangup"},
    },
)
TABLE = RoutingTable(
    revision=1,
    trunks=(Trunk("t", ("127.0.0.1",), "127.0.0.1:5090", landing={"02161234567": "4008001234"}),),
    lines={
        name: Line(name, "demo", number, "t") for name, number in {"a": "02160000001", "b": "02160000002"}.items()
    },
    numbers={
        "4008001234": NumberRoute("4008001234", "demo", MAIN),
        "4008005678": NumberRoute("4008005678", "demo", lines=("a", "b")),
        "4008009999": NumberRoute("4008009999", "demo", ONCE, record=RecordPolicy.OFF),
        "4008000000": NumberRoute("4008000000", "demo", lines=("a",), in_service=False),
    },
)
DESK = Desk(
    routing=lambda: TABLE,
    find_prompt=lambda account, name: Path(f"/prompts/{name}.wav"),
    now=lambda: datetime(2026, 11, 22, 16, 30, tzinfo=UTC),
)


@dataclass(frozen=True)
class Scenario:
    name: str
    called: str
    caller: str
    lines: str
    did: str
    outcome: str
    cause: str


def scenarios() -> list[Scenario]:
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in TABLE_FILE.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert tuple(rows[0]) == COLUMNS
    return [Scenario(*row) for row in rows[1:]]


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda one: one.name.replace(" ", "-"))
def test_scenario(scenario: Scenario) -> None:
    called, _, address = scenario.called.partition(" from ")
    presses, _, gone_at = scenario.caller.partition("gone ")
    leg = FakeLeg(
        replace(INVITE, request_user=called, to_user=called, address=address or "127.0.0.1"),
        presses=["" if key == "-" else key for key in presses.split()],
        lines={line: Disposition(how) for line, how in re.findall(r"(\w+)=([\w-]+)", scenario.lines)},
        gone_at=gone_at,
    )
    take(leg, DESK)
    did = [" ".join(step if step[0] != "hang_up" else step[:1]).replace(".wav", "") for step in leg.did]
    assert ", ".join(did) == scenario.did
    # What the call's record says: told to the switch before the step it speaks of; a talk is the switch's own word.
    assert ("answered" if leg.joined else leg.told["outcome"]) == scenario.outcome
    assert ("NORMAL_CLEARING" if leg.joined else leg.ended_with or "") == scenario.cause


def test_names_are_unique() -> None:
    names = [one.name for one in scenarios()]
    assert len(set(names)) == len(names) >= 30


def test_a_call_that_comes_back_goes_on_at_its_node() -> None:
    """Its handlers died in the second menu round: neither notice nor menu is begun anew from the start."""
    leg = FakeLeg(notes={"flow": "main@1", "node": "service", "keys": "menu=2", "notice": "played"})
    take(leg, DESK)
    assert leg.did == [("answer",), ("connect", "b")] and leg.joined
    assert leg.told["keys"] == "menu=2"


def test_a_call_that_comes_back_to_another_version_begins_anew() -> None:
    leg = FakeLeg(notes={"flow": "main@0", "node": "service"}, presses=["1"])
    take(leg, DESK)
    assert leg.did[1] == ("collect", "main.wav")


def test_the_recording_lies_below_the_day_of_shanghai() -> None:
    leg = FakeLeg(presses=["1"])
    take(leg, DESK)
    assert leg.recorded_to == [f"2026/11/23/{leg.uuid}.wav"]
    assert leg.told["recording"] == leg.recorded_to[0]


def test_a_missing_prompt_does_not_end_the_call() -> None:
    leg = FakeLeg(presses=["3", "1"], missing={"news.wav", "record-notice.wav"})
    take(leg, DESK)
    assert leg.joined


def test_a_prompt_nobody_has_is_passed_over() -> None:
    leg = FakeLeg(presses=["3", "1"])
    take(leg, replace(DESK, find_prompt=lambda account, name: None))
    assert leg.joined
    assert ("collect",) in leg.did


def test_a_line_whose_trunk_is_gone_is_passed_over() -> None:
    table = replace(TABLE, lines={**TABLE.lines, "a": replace(TABLE.lines["a"], trunk="gone")})
    leg = FakeLeg(presses=["1"])
    take(leg, replace(DESK, routing=lambda: table))
    assert [step for step in leg.did if step[0] == "connect"] == [("connect", "b")]
