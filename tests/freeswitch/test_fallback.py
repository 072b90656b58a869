"""``freeswitch-scripts/fallback.py``: what it reads out of a snapshot, and what it does with a call."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from appliance.site.switchconf import SCRIPTS
from appliance.testphone import LineScript, Phone
from tests.freeswitch.conftest import MAX_CALL_S
from tests.support.audio import segments
from tests.support.freeswitch_server import FreeSwitch

NUMBER = "4008001234"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fallback", SCRIPTS / "fallback.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fallback = load()


def snapshot(port: int = 5090, **line: Any) -> dict[str, Any]:
    """The routing of one number with one line; ``line`` changes the line."""
    first = {
        "id": "sales-1",
        "dial": f"sofia/gateway400/02160000001@127.0.0.1:{port}",
        "ring_seconds": 25,
        "max_calls": 1,
    }
    entry = {"account": "demo", "called_from_landing": ["02161234567"], "first_line": first | line}
    return {"version": 1, "numbers": {NUMBER: entry}, "landing": {"02161234567": NUMBER}}


class Session:
    """A channel on which nothing rings. ``variables`` may be looked at; ``done`` is what was executed."""

    def __init__(self, file: Path, bridged: str = "", **variables: str) -> None:
        self.variables = {"gw_snapshot": str(file), "gw_apology": "/apology.wav", **variables}
        self.bridged = bridged
        self.done: list[tuple[str, str]] = []
        self.cause = ""

    def execute(self, application: str, argument: str = "") -> None:
        self.done.append((application, argument))
        if application in ("limit_execute", "bridge") and self.bridged:
            self.variables["originate_disposition"] = self.bridged

    def getVariable(self, name: str) -> str | None:
        return self.variables.get(name)

    def setVariable(self, name: str, value: str) -> None:
        self.variables[name] = value

    def ready(self) -> bool:
        return not self.cause

    def hangup(self, cause: str = "") -> None:
        self.cause = cause


def run(file: Path, content: Any, bridged: str = "", **variables: str) -> Session:
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    session = Session(file, bridged, **variables)
    fallback.handler(session, "")
    return session


@pytest.mark.parametrize(
    "variables",
    [
        {"sip_req_user": NUMBER},
        {"sip_req_user": f"{NUMBER};phone-context=+86"},
        {"sip_req_user": "02161234567"},
        {"sip_req_user": "+862161234567"},
        {"sip_req_user": "862161234567"},
        {"sip_req_user": "00862161234567"},
        {"sip_req_user": "+864008001234"},
        {"gw_facts": f"number={NUMBER}&keys=a%3D1", "sip_req_user": "110"},
    ],
)
def test_the_number_is_found(tmp_path: Path, variables: dict[str, str]) -> None:
    session = run(tmp_path / "s", snapshot(), "SUCCESS", **variables)
    rung = (
        "{ignore_early_media=true,originate_timeout=27}[leg_timeout=25]sofia/gateway400/02160000001@127.0.0.1:5090"
    )
    ring = f"hash line sales-1 1 bridge {rung}"
    assert session.done == [("limit_execute", ring)]
    assert session.cause == "NORMAL_CLEARING"
    facts = {
        name: session.variables[name] for name in ("gw_number", "gw_account", "gw_line", "gw_outcome", "gw_tried")
    }
    assert facts == {
        "gw_number": NUMBER,
        "gw_account": "demo",
        "gw_line": "sales-1",
        "gw_outcome": "answered",
        "gw_tried": "sales-1=SUCCESS",
    }


@pytest.mark.parametrize(
    "called", ["4008009999", "110", "", "4008001234x;y", "４００８００１２３４", "4" * 40, "${x}"]
)
def test_an_unknown_number_is_an_apology(tmp_path: Path, called: str) -> None:
    session = run(tmp_path / "s", snapshot(), sip_req_user=called)
    assert session.done == [("playback", "/apology.wav")]
    assert session.cause == "NORMAL_TEMPORARY_FAILURE"
    assert session.variables["gw_outcome"] == "failed:handlers"
    assert "gw_number" not in session.variables


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "null",
        '"4008001234"',
        "[" * 100_000,
        {"version": 2, "numbers": snapshot()["numbers"]},
        {"version": 1},
        {"version": 1, "numbers": [], "landing": 7},
        {"version": 1, "numbers": {NUMBER: None}},
        {"version": 1, "numbers": {NUMBER: {"first_line": "sales-1"}}},
        {"version": 1, "numbers": {}, "landing": {NUMBER: ["x"]}},
        {"version": 1, "numbers": {}, "landing": {NUMBER: "110"}},
    ],
)
def test_a_broken_snapshot_is_an_apology(tmp_path: Path, broken: Any) -> None:
    assert run(tmp_path / "s", broken, sip_req_user=NUMBER).done == [("playback", "/apology.wav")]


def test_no_snapshot_at_all_is_an_apology(tmp_path: Path) -> None:
    for session in (Session(tmp_path / "absent"), Session(tmp_path), Session(Path())):
        fallback.handler(session, "")
        assert session.done == [("playback", "/apology.wav")]


@pytest.mark.parametrize(
    "line",
    [
        {"id": "a b"},
        {"id": "a\n"},
        {"id": "${system id}"},
        {"id": ""},
        {"id": 7},
        {"dial": "sofia/gateway400/0216@127.0.0.1:5090,user/x"},
        {"dial": "sofia/gateway400/0216@127.0.0.1:5090|x"},
        {"dial": "{a=b}sofia/gateway400/0216@127.0.0.1"},
        {"dial": "sofia/gateway400/0216@[::1]x"},
        {"dial": "sofia/external/0216@127.0.0.1"},
        {"dial": "sofia/gateway400/${x}@127.0.0.1"},
        {"dial": "sofia/gateway400/0216@127.0.0.1 x"},
        {"dial": "sofia/gateway400/0216@127.0.0.1:5090\n"},
        {"dial": "sofia/gateway400/０２１６@127.0.0.1"},
        {"dial": "loopback/0216"},
        {"dial": None},
        {"ring_seconds": 0},
        {"ring_seconds": 601},
        {"ring_seconds": "25"},
        {"ring_seconds": 25.0},
        {"ring_seconds": True},
        {"max_calls": -1},
        {"max_calls": 10000},
        {"max_calls": True},
        {"max_calls": "1 echo"},
    ],
)
def test_a_line_that_is_not_safe_is_not_rung(tmp_path: Path, line: dict[str, Any]) -> None:
    assert run(tmp_path / "s", snapshot(**line), sip_req_user=NUMBER).done == [("playback", "/apology.wav")]


@pytest.mark.parametrize(
    ("caller", "shown"),
    [("13800138000", "13800138000"), ("+8613800138000",) * 2, ("x\r\ny", "anonymous"), ("${x}", "anonymous")],
)
def test_the_line_sees_a_number_or_nothing(tmp_path: Path, caller: str, shown: str) -> None:
    passes = snapshot(caller_id="pass")
    session = run(tmp_path / "s", passes, "SUCCESS", sip_req_user=NUMBER, sip_from_user=caller)
    assert session.variables["effective_caller_id_number"] == shown
    assert session.variables["effective_caller_id_name"] == shown


@pytest.mark.parametrize(
    ("caller", "line", "shown"),
    [
        ("13800138000", {"caller_id": "trunk", "caller_number": "02160000000"}, "02160000000"),
        ("4008005678", {"caller_id": "pass", "caller_number": "02160000000"}, "02160000000"),
        ("+864008005678", {"caller_id": "pass", "caller_number": ""}, "anonymous"),
        ("13800138000", {"caller_id": "trunk", "caller_number": "4008001234"}, "anonymous"),
        # What is not of this form shows nothing that it might not.
        ("13800138000", {"caller_id": "trunk", "caller_number": "${x}"}, "anonymous"),
        ("13800138000", {"caller_id": ["pass"], "caller_number": 2160000000}, "anonymous"),
        ("13800138000", {}, "anonymous"),
    ],
)
def test_the_line_sees_what_its_trunk_may_show(
    tmp_path: Path, caller: str, line: dict[str, Any], shown: str
) -> None:
    session = run(tmp_path / "s", snapshot(**line), "SUCCESS", sip_req_user=NUMBER, sip_from_user=caller)
    assert session.variables["effective_caller_id_number"] == shown
    assert session.variables["effective_caller_id_name"] == shown


def test_a_line_whose_calls_are_not_counted_holds_no_slot(tmp_path: Path) -> None:
    session = run(tmp_path / "s", snapshot(max_calls=0), "SUCCESS", sip_req_user=NUMBER)
    rung = (
        "{ignore_early_media=true,originate_timeout=27}[leg_timeout=25]sofia/gateway400/02160000001@127.0.0.1:5090"
    )
    assert session.done == [("bridge", rung)]
    assert session.variables["gw_outcome"] == "answered"


def test_a_call_that_the_rules_had_refused_is_not_connected(tmp_path: Path) -> None:
    session = run(tmp_path / "s", snapshot(), "SUCCESS", sip_req_user=NUMBER, gw_facts="taken=black-listed")
    assert session.done == [] and session.cause == "CALL_REJECTED"


def test_a_refused_call_that_a_flow_had_taken_hears_the_apology(tmp_path: Path) -> None:
    facts = "taken=out-of-hours&flow=duty%401"
    session = run(tmp_path / "s", snapshot(), "SUCCESS", sip_req_user=NUMBER, gw_facts=facts)
    assert session.done == [("playback", "/apology.wav")]


def test_a_line_without_a_free_slot_is_noted_after_the_others(tmp_path: Path) -> None:
    session = run(tmp_path / "s", snapshot(), sip_req_user=NUMBER, gw_facts="tried=sales-2%3Dbusy!26x")
    assert session.variables["gw_tried"] == "sales-2=busy&x;sales-1=LINE_FULL"
    assert [application for application, _ in session.done] == ["limit_execute", "playback"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [("7200", [("sched_hangup", "+7200 ALLOTTED_TIMEOUT")]), ("", []), ("1 x", []), ("${x}", [])],
)
def test_how_long_a_call_may_be(tmp_path: Path, seconds: str, said: list[tuple[str, str]]) -> None:
    session = run(tmp_path / "s", snapshot(), sip_req_user=NUMBER, gw_max_call_s=seconds)
    assert [done for done in session.done if done[0] == "sched_hangup"] == said


@pytest.mark.freeswitch
class TestOnFreeSwitch:
    """The same script in FreeSWITCH's embedded Python, with nobody listening for calls."""

    async def test_the_first_line_is_rung(self, switch: FreeSwitch) -> None:
        async with Phone(on_invite=LineScript.answer(0.5, say=700, hang_up_after=1.0)) as line, Phone() as caller:
            publish(switch, snapshot(line.port, caller_id="pass"))
            call = await caller.dial("02161234567", switch.sip_address)
            await call.hears(450, 8.0)
            await call.hears(700)
            assert switch.api("limit_usage hash line sales-1") == "1"
            assert (await call.ended()).cause == 16
        assert line.calls[0].caller == "13800138000"
        records = switch.cdrs(2)
        record = next(found for name, found in records.items() if name.startswith("a_"))
        assert record["gw_outcome"] == "answered" and record["last_bridge_to"]
        assert record["gw_fallback"] == "yes"
        rung = next(found for name, found in records.items() if not name.startswith("a_"))
        assert (rung["gw_number"], rung["gw_account"], rung["gw_line"]) == (NUMBER, "demo", "sales-1")

    async def test_the_maximum_duration(self, switch: FreeSwitch) -> None:
        """It counts from where the fallback got the call; nor does the line's early media go through."""
        script = LineScript.early_media(800, after=2.0, say=700)
        async with Phone(on_invite=script) as line, Phone() as caller:
            publish(switch, snapshot(line.port))
            call = await caller.dial(NUMBER, switch.sip_address)
            await call.answered()
            end = await call.ended(30.0)
        assert segments(call.heard, 800) == []
        assert call.answered_at is not None
        # The line rang for two seconds.
        assert MAX_CALL_S - 3.5 < end.at - call.answered_at < MAX_CALL_S - 0.5
        record = next(found for name, found in switch.cdrs(2).items() if name.startswith("a_"))
        assert (record["gw_outcome"], record["hangup_cause"]) == ("answered", "ALLOTTED_TIMEOUT")

    async def test_calls_do_not_wait_for_one_another(self, switch: FreeSwitch) -> None:
        """The interpreter is free while a call is in a bridge (Session::begin_allow_threads)."""
        async with Phone(on_invite=LineScript.answer(0.1, say=700)) as line, Phone() as caller:
            publish(switch, snapshot(line.port, max_calls=2))
            calls = [await caller.dial(NUMBER, switch.sip_address) for _ in range(3)]
            refused = await first_ended(calls)
            talking = [call for call in calls if call is not refused]
            for call in talking:
                await call.hears(700)
                await call.hangup()
        assert refused.end is not None
        assert (refused.end.status, refused.end.cause) == (503, 41)

    @pytest.mark.parametrize("script", [LineScript.busy, LineScript.not_found])
    async def test_a_line_that_cannot_be_had_is_an_apology(
        self, switch: FreeSwitch, script: Callable[[], LineScript]
    ) -> None:
        async with Phone(on_invite=script()) as line, Phone() as caller:
            publish(switch, snapshot(line.port))
            call = await caller.dial(NUMBER, switch.sip_address)
            end = await call.ended(25.0)
        assert (end.status, end.cause) == (503, 41)
        assert call.answered_at is None

    async def test_a_caller_who_gives_up(self, switch: FreeSwitch) -> None:
        async with Phone(on_invite=LineScript.no_answer()) as line, Phone() as caller:
            publish(switch, snapshot(line.port))
            call = await caller.dial(NUMBER, switch.sip_address)
            rung = await line.incoming(10.0)
            await asyncio.sleep(0.3)
            await call.hangup()
            await rung.ended()
        record = next(found for name, found in switch.cdrs(2).items() if name.startswith("a_"))
        assert record["gw_outcome"] == "abandoned:fallback"


def publish(switch: FreeSwitch, content: dict[str, Any]) -> None:
    switch.settings.snapshot_file.write_text(json.dumps(content), encoding="utf-8")


async def first_ended(calls: list[Any]) -> Any:
    async with asyncio.timeout(30.0):
        while True:
            for call in calls:
                if call.end is not None:
                    return call
            await asyncio.sleep(0.05)
