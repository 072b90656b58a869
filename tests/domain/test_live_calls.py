"""Calls as they are now, told from the switch's legs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.live.calls import Leg, LiveCall, Stage, calls_of, followed, sorted_legs

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FACTS = {"number": "4008001234", "account": "east", "trunk": "t", "caller": "13912345678", "caller_kind": "mobile"}


def caller(uuid: str = "c", seconds: float = 60, **more: object) -> Leg:
    facts = {**FACTS, **more.pop("facts", {})}  # type: ignore[dict-item]
    return Leg(uuid, True, NOW - seconds * SECOND, facts=facts, **more)  # type: ignore[arg-type]


def line(name: str, uuid: str = "", call: str = "c", seconds: float = 5, **more: object) -> Leg:
    facts = {**FACTS, "line": name, **more.pop("facts", {})}  # type: ignore[dict-item]
    return Leg(uuid or f"leg-{name}", False, NOW - seconds * SECOND, call_uuid=call, facts=facts, **more)  # type: ignore[arg-type]


def told(*legs: Leg) -> list[LiveCall]:
    return calls_of(*sorted_legs(legs))


@pytest.mark.parametrize(
    ("facts", "application", "stage", "where"),
    [
        ({}, "", Stage.ARRIVED, ""),
        ({"taken": "yes"}, "", Stage.ARRIVED, ""),
        ({"taken": "black-listed"}, "playback", Stage.REFUSED, ""),
        ({"taken": "out-of-hours", "node": "closed", "flow": "night@1"}, "playback", Stage.FLOW, "closed"),
        ({"taken": "yes", "node": "welcome"}, "play_and_get_digits", Stage.FLOW, "welcome"),
        ({"node": "voice"}, "record", Stage.MESSAGE, "voice"),
        ({"node": "wait", "queue": "hotline@1764229000123"}, "playback", Stage.QUEUE, "wait"),
        ({"node": "mark", "queue": "hotline@1764229000123", "talked": "yes"}, "playback", Stage.FLOW, "mark"),
        ({"node": "wait", "queue": "nonsense"}, "playback", Stage.FLOW, "wait"),
    ],
)
def test_where_a_call_stands_without_a_line(
    facts: dict[str, str], application: str, stage: Stage, where: str
) -> None:
    (call,) = told(caller(application=application, facts=facts))
    assert (call.stage, call.node, call.lines, call.recorded) == (stage, where, (), False)


def test_who_waits_does_so_since_he_came() -> None:
    (call,) = told(caller(facts={"queue": "hotline@1764229000123"}))
    assert (call.queue, call.since) == ("hotline", datetime(2025, 11, 27, 7, 36, 40, 123000, tzinfo=UTC))


def test_lines_ring_until_one_is_joined() -> None:
    ringing = [line("b", seconds=4), line("a", seconds=6)]
    (call,) = told(caller(facts={"recording": "r.wav"}), *ringing)
    assert (call.stage, call.lines, call.since, call.recorded) == (
        Stage.RINGING,
        ("a", "b"),
        NOW - 6 * SECOND,
        False,
    )
    joined = line("a", peer="c", joined_at=NOW - SECOND)
    (call,) = told(
        caller(peer="leg-a", joined_at=NOW - SECOND, facts={"recording": "r.wav"}), joined, line("b", seconds=4)
    )
    assert (call.stage, call.lines, call.since, call.recorded) == (Stage.TALKING, ("a",), NOW - SECOND, True)


def test_a_colleague_who_is_consulted_belongs_to_the_call() -> None:
    first = line("a", peer="c", joined_at=NOW)
    colleague = line("b", call="leg-a")
    _, lines = sorted_legs([caller(peer="leg-a", joined_at=NOW), first, colleague])
    assert {leg.line: leg.call for leg in lines} == {"a": "c", "b": "c"}
    # As the switch names it once its talk is over: itself; the line's own note remains.
    _, lines = sorted_legs([caller(), line("a", call="leg-a", facts={"call": "c"})])
    assert lines[0].call == "c"


def test_a_line_whose_caller_is_gone_belongs_to_nobody() -> None:
    _, lines = sorted_legs([line("a", call="gone"), line("b", uuid="x", call="y"), line("c", uuid="y", call="x")])
    assert [leg.call for leg in lines] == ["", "", ""]
    assert told(line("a", call="gone")) == []


def test_whom_we_call_for_a_number_is_a_caller_too() -> None:
    called = Leg("back", False, NOW, call_uuid="back", facts=FACTS)
    probe = Leg("probe", False, NOW)
    assert [call.uuid for call in told(called, probe)] == ["back"]


def test_the_oldest_call_comes_first_and_nothing_is_made_up() -> None:
    stranger = Leg("s", True, NOW - 90 * SECOND)
    found = told(caller("b", 10), stranger, caller("a", 10))
    assert [call.uuid for call in found] == ["s", "a", "b"]
    assert (found[0].account, found[0].number, found[0].caller_kind) == ("", "", "unknown")


def test_since_when_is_followed_from_look_to_look() -> None:
    menu = told(caller(facts={"node": "welcome"}))
    assert followed(menu, None, NOW)["c"].since is None, "nobody looked before"
    first = followed(menu, {}, NOW)
    assert first["c"].since == NOW - 60 * SECOND, "it has come since the last look"
    same = followed(menu, first, NOW + SECOND)
    assert same["c"].since == NOW - 60 * SECOND
    moved = followed(told(caller(facts={"node": "sales"})), same, NOW + 2 * SECOND)
    assert moved["c"].since == NOW + 2 * SECOND
    talks = told(caller(peer="leg-a", joined_at=NOW), line("a", peer="c", joined_at=NOW))
    assert followed(talks, moved, NOW + 3 * SECOND)["c"].since == NOW, "what the switch says goes before"
