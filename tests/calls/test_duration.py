"""Calls that reach their maximum duration."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from appliance.calls.duration import LOOK_EVERY_S, DurationLimit
from appliance.errors import SwitchGone, SwitchRefused

NOW = 1_800_000_000


class Switch:
    """What the switch lists, and what it was told."""

    def __init__(self, *ages: int, answer: str | None = None) -> None:
        rows = [
            {"uuid": f"{direction}-{age}", "direction": direction, "created_epoch": str(NOW - age)}
            for age in ages
            for direction in ("inbound", "outbound")
        ]
        self.answer = json.dumps({"row_count": len(rows), "rows": rows}) if answer is None else answer
        self.told: list[str] = []
        self.away = False

    def api(self, command: str) -> str:
        if command == "show channels as json":
            return self.answer
        self.told.append(command)
        if "-7201 " in command:
            raise SwitchRefused("-ERR No such channel!")
        return "+OK"

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Callable[[str], str]]:
        if self.away:
            raise SwitchGone("nobody listens")
        yield self.api


def look(switch: Switch) -> DurationLimit:
    calls = DurationLimit(switch, lambda: datetime.fromtimestamp(NOW, UTC), 7200)
    calls.look()
    return calls


def test_each_call_ends_at_its_own_moment() -> None:
    switch = Switch(0, 7200 - LOOK_EVERY_S, 7199, 7201, 9999)
    look(switch)
    assert switch.told == [
        f"sched_hangup +{LOOK_EVERY_S} inbound-{7200 - LOOK_EVERY_S} ALLOTTED_TIMEOUT",
        "sched_hangup +1 inbound-7199 ALLOTTED_TIMEOUT",
        "sched_hangup +0 inbound-7201 ALLOTTED_TIMEOUT",
        "sched_hangup +0 inbound-9999 ALLOTTED_TIMEOUT",
    ]


@pytest.mark.parametrize("answer", ['{"row_count": 0}', '{"row_count": 1, "rows": [{"direction": "inbound"}]}'])
def test_nothing_to_end(answer: str) -> None:
    switch = Switch(answer=answer)
    look(switch)
    assert switch.told == []


def test_a_strange_uuid_becomes_no_command() -> None:
    switch = Switch(9999)
    switch.answer = switch.answer.replace("inbound-9999", "a b\\nc")
    with capture_logs() as logs:
        look(switch)
    assert switch.told == []
    assert [entry["event"] for entry in logs] == ["no UUID of the switch"]


def test_a_switch_that_is_away_is_said_once() -> None:
    switch = Switch(9999)
    switch.away = True
    with capture_logs() as logs:
        calls = look(switch)
        calls.look()
        switch.away = False
        calls.look()
    assert len(switch.told) == 1
    assert [entry["event"] for entry in logs] == [
        "call durations not looked at",
        "call reaches its maximum duration",
    ]


def test_a_consultation_ends_with_its_caller() -> None:
    """He is there, has hung up, or left nothing at all."""

    class Consulting(Switch):
        role = "_undef_"

        def api(self, command: str) -> str:
            answer = super().api(command)
            if command.startswith("uuid_getvar"):
                if not self.role:
                    raise SwitchRefused("-ERR No such channel!")
                return self.role
            return answer

    row = {"uuid": "a", "application": "att_xfer", "application_data": "[gw_call=0b-1c]sofia/gateway400/1@h"}
    asked = "uuid_getvar 0b-1c last_bridge_role"
    for role, ends in (("_undef_", []), ("originator", [1]), ("", [1])):
        switch = Consulting(answer=json.dumps({"row_count": 1, "rows": [row]}))
        switch.role = role
        look(switch)
        assert switch.told == [asked] + ["hupall NORMAL_CLEARING gw_call 0b-1c" for _ in ends]
