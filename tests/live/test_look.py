"""One look at the switch: few questions, and whatever it says is read with care."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from appliance.errors import SwitchError, SwitchGone, SwitchRefused
from appliance.live.look import Look, read_rows

FACTS = "number=4008001234&account=east&node=welcome&caller=13912345678"


class FakeAnswer:
    def __init__(self, said: str | SwitchError) -> None:
        self._said = said

    def wait(self) -> str:
        if isinstance(self._said, SwitchError):
            raise self._said
        return self._said


class FakeSwitch:
    """Legs by UUID, and their variables."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.variables: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.list: str | None = None

    def ask(self, command: str) -> FakeAnswer:
        self.asked.append(command)
        if command == "show detailed_calls as json":
            found = {"row_count": len(self.rows), "rows": self.rows} if self.rows else {"row_count": 0}
            return FakeAnswer(json.dumps(found) if self.list is None else self.list)
        _, uuid, name = command.split()
        if uuid not in self.variables:
            return FakeAnswer(SwitchRefused("-ERR No such channel!"))
        return FakeAnswer(self.variables[uuid].get(name, "_undef_"))

    def getvars(self) -> list[str]:
        found, self.asked = [one for one in self.asked if "getvar" in one], []
        return found


def row(uuid: str, direction: str = "inbound", **more: str) -> dict[str, str]:
    return {
        "uuid": uuid,
        "direction": direction,
        "created_epoch": "1795600800",
        "name": "sofia/x/1@10.0.0.1:5060",
        **more,
    }


@pytest.fixture
def switch() -> FakeSwitch:
    made = FakeSwitch()
    made.rows = [row("a-1", application="playback", application_data="x"), row("b-1", "outbound", call_uuid="a-1")]
    made.variables = {"a-1": {"gw_facts": FACTS}, "b-1": {"gw_facts": FACTS, "gw_line": "desk", "gw_call": "a-1"}}
    return made


def test_a_look_tells_of_every_leg(switch: FakeSwitch) -> None:
    caller, line = Look(switch).legs()
    assert (caller.uuid, caller.inbound, caller.application) == ("a-1", True, "playback")
    assert caller.created_at == datetime.fromtimestamp(1795600800, UTC)
    assert caller.facts == {"number": "4008001234", "account": "east", "node": "welcome", "caller": "13912345678"}
    assert (line.inbound, line.call_uuid, line.proxy) == (False, "a-1", "10.0.0.1:5060")
    assert (line.facts["line"], line.facts["call"], line.facts["account"]) == ("desk", "a-1", "east")


def test_a_pair_is_two_legs_that_are_joined(switch: FakeSwitch) -> None:
    line = {f"b_{name}": value for name, value in row("b-1", "outbound", call_uuid="a-1").items()}
    switch.rows = [row("a-1") | line | {"call_created_epoch": "1795600803"}]
    caller, joined = Look(switch).legs()
    assert (caller.peer, joined.peer) == ("b-1", "a-1")
    assert caller.joined_at == joined.joined_at == datetime.fromtimestamp(1795600803, UTC)


def test_only_what_has_moved_is_asked_for_again(switch: FakeSwitch) -> None:
    look = Look(switch)
    look.legs()
    assert len(switch.getvars()) == 4
    switch.variables["a-1"]["gw_facts"] = FACTS.replace("welcome", "sales")
    switch.rows[0]["application_data"] = "y"
    assert look.legs()[0].facts["node"] == "sales"
    assert switch.getvars() == ["uuid_getvar a-1 gw_facts"], "a line's leg has its facts from its beginning"


def test_what_does_not_move_is_read_again_in_turns() -> None:
    switch = FakeSwitch()
    switch.rows = [row(f"a-{n}") for n in range(60)]
    switch.variables = {f"a-{n}": {"gw_facts": FACTS} for n in range(60)}
    look = Look(switch)
    look.legs()
    assert len(switch.getvars()) == 60
    again = set()
    for _ in range(3):
        look.legs()
        asked = switch.getvars()
        assert len(asked) == 25
        again |= set(asked)
    assert len(again) == 60, "every one of them, after some looks"


def test_a_leg_that_ends_in_between_is_none(switch: FakeSwitch) -> None:
    del switch.variables["b-1"]
    look = Look(switch)
    assert [leg.uuid for leg in look.legs()] == ["a-1"]
    switch.rows = []
    assert look.legs() == []
    switch.getvars()
    switch.rows = [row("a-1")]
    look.legs()
    assert len(switch.getvars()) == 1, "what has gone is forgotten"


def test_a_caller_cannot_make_facts_up(switch: FakeSwitch) -> None:
    """Whatever a caller's name holds, it is a column of the list, and no fact."""
    switch.rows[0] |= {"cid_name": '","gw_facts":"number=1', "application_data": "x\n-ERR"}
    assert Look(switch).legs()[0].facts["number"] == "4008001234"


@pytest.mark.parametrize(
    "bad",
    [
        {"uuid": ""},
        {"uuid": "a 1"},
        {"uuid": "a\n\nexit"},
        {"created_epoch": "0"},
        {"created_epoch": "-5"},
        {"created_epoch": "9" * 40},
        {"created_epoch": "٣"},
    ],
)
def test_a_row_that_is_no_leg_is_passed_over(bad: dict[str, str]) -> None:
    listed = json.dumps({"rows": [row("good"), row("bad") | bad]})
    assert [one.uuid for one in read_rows(listed)] == ["good"]


@pytest.mark.parametrize("said", ["", "-ERR", "[1]", "null", "no"])
def test_what_is_no_list_is_a_fault_of_the_switch(switch: FakeSwitch, said: str) -> None:
    switch.list = said
    with pytest.raises(SwitchError, match="no list of calls"):
        Look(switch).legs()


def test_a_switch_that_goes_away_in_the_midst_says_so(switch: FakeSwitch) -> None:
    def gone(command: str) -> FakeAnswer:
        return FakeAnswer(SwitchGone("closed")) if "getvar" in command else FakeSwitch.ask(switch, command)

    look = Look(switch)
    switch.ask = gone  # type: ignore[method-assign]
    with pytest.raises(SwitchGone):
        look.legs()
