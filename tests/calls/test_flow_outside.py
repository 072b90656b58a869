"""Nodes that lead out of the call: extensions, messages left, messages sent, look-ups; on the scripted leg."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.calls.answer import take
from appliance.domain.flow import values as variables
from appliance.domain.hook import Message
from appliance.domain.lookup import Failed, Why
from appliance.domain.outcome import Disposition
from appliance.domain.recording import MOST_MESSAGES
from appliance.switch.leg import Recorded
from tests.calls.scenarios import Board, Clock, desk
from tests.calls.test_flow_nodes import BYE, NUMBER, did, flow, site
from tests.contract.fake import INVITE, FakeLeg
from tests.support.outside import FakeLookup


class Box:
    """An ``Outbox`` that a test looks into."""

    def __init__(self) -> None:
        self.put_in: list[Message] = []

    def put(self, message: Message) -> None:
        self.put_in.append(message)


def call(known: Any, lookup: FakeLookup | None = None, has_room: bool = True, **script: Any) -> tuple[FakeLeg, Box]:
    box = Box()
    leg = FakeLeg(replace(INVITE, request_user=NUMBER, to_user=NUMBER), **script)
    tools = replace(
        desk(Clock(), Board()),
        routing=lambda: known,
        outbox=box,
        lookup=lookup or FakeLookup(),
        has_room=lambda: has_room,
    )
    take(leg, tools)
    return leg, box


DIALS = flow(
    "dials",
    "dial",
    dial={
        "type": "dial",
        "prompt": "main",
        "silence": "bye",
        "wrong": "lost",
        "failed": "sorry",
        "attempts": 2,
        "wrong_prompt": "wrong-key",
    },
    lost={"type": "hangup", "prompt": "lost"},
    sorry={"type": "hangup", "prompt": "sorry"},
    bye=BYE,
)


@pytest.mark.parametrize(
    ("presses", "ends", "steps", "keys", "way"),
    [
        (["801"], {}, ["collect main", "connect a"], "dial=801", None),
        (["899", "801"], {}, ["collect main", "play wrong-key", "collect main", "connect a"], "dial=801", None),
        (
            ["801"],
            {"a": Disposition.BUSY},
            ["collect main", "connect a", "play sorry", "hang_up NORMAL_CLEARING"],
            "dial=801",
            "dial=failed",
        ),
        # The extension of another account's line is nobody's.
        (
            ["809", "809"],
            {},
            ["collect main", "play wrong-key", "collect main", "play lost", "hang_up NORMAL_CLEARING"],
            None,
            "dial=wrong",
        ),
        ([], {}, ["collect main", "collect main", "play bye", "hang_up NORMAL_CLEARING"], None, "dial=silence"),
    ],
)
def test_an_extension_is_dialled(
    presses: list[str], ends: dict[str, Disposition], steps: list[str], keys: str | None, way: str | None
) -> None:
    known = site(DIALS)
    lines = dict(known.lines)
    lines["a"], lines["s"] = replace(lines["a"], extension="801"), replace(lines["s"], extension="809")
    leg, _ = call(replace(known, lines=lines), presses=presses, lines=ends)
    assert did(leg) == ["answer", *steps]
    assert (leg.told.get("keys"), leg.told.get("way")) == (keys, way)


def voicemail(**fields: str) -> Any:
    nodes = {"sorry": {"type": "play", "prompt": "sorry", "next": "bye"}} if "failed" in fields else {}
    return flow("mail", "mail", mail={"type": "voicemail", "next": "bye", **fields}, **nodes, bye=BYE)


def test_a_message_is_left() -> None:
    leg, _ = call(site(voicemail()), says=[Recorded(7.0)])
    assert leg.told["outcome"] == "ended:message" and leg.told["messages"].startswith("messages/")
    assert leg.told["way"] == "mail=next"
    assert [step[0] for step in leg.did if step[0] == "record"] == ["record"]


@pytest.mark.parametrize("says", [[], [Recorded(0.3)]])
def test_no_message_is_left(says: list[Recorded]) -> None:
    leg, _ = call(site(voicemail(failed="sorry")), says=says)
    assert leg.told["way"] == "mail=failed;sorry=next" and not leg.told["messages"]
    without, _ = call(site(voicemail()), says=says)
    assert without.told["way"] == "mail=next"


def test_no_room_for_a_message() -> None:
    leg, _ = call(site(voicemail(failed="sorry")), has_room=False)
    assert did(leg) == ["answer", "play sorry", "play bye", "hang_up NORMAL_CLEARING"]
    assert leg.told["outcome"] == "ended:menu"


SENDS = flow(
    "sends",
    "tell",
    tell={
        "type": "message",
        "hook": "robot",
        "text": "{caller} 来电 {number}",
        "to": "{caller}",
        "next": "menu",
    },
    menu={"type": "menu", "prompt": "main", "keys": {"1": "tell"}, "silence": "bye", "wrong": "bye", "attempts": 1},
    bye=BYE,
)


def test_a_message_is_sent_each_time_and_under_an_id_of_its_own() -> None:
    leg, box = call(site(SENDS), presses=["1"])
    assert [message.id for message in box.put_in] == [f"{leg.uuid}:tell", f"{leg.uuid}:tell#1"]
    (first, _) = box.put_in
    assert (first.account, first.hook, first.to) == ("demo", "robot", "13800138000")
    assert first.text == f"13800138000 来电 {NUMBER}" and first.call == leg.uuid


def test_who_comes_back_from_dead_handlers_sends_it_under_the_same_id() -> None:
    notes = {"flow": "sends@1", "node": "tell", "taken": "yes"}
    leg, box = call(site(SENDS), notes=notes)
    assert [message.id for message in box.put_in] == [f"{leg.uuid}:tell"]


ASKS = flow(
    "asks",
    "crm",
    crm={
        "type": "lookup",
        "url": "http://crm.example/c?n={caller}&k={kind}",
        "values": {"level": "customer.level", "name": "customer.name"},
        "found": "by",
        "missing": "new",
        "failed": "bye",
    },
    by={"type": "switch", "variable": "level", "cases": {"gold": "gold"}, "other": "bye"},
    gold={"type": "hangup", "prompt": "hello"},
    new={"type": "hangup", "prompt": "news"},
    bye=BYE,
)
URL = "http://crm.example/c?n=13800138000&k=mobile"


@pytest.mark.parametrize(
    ("answer", "way", "heard"),
    [
        ((200, {"customer": {"level": "gold", "name": "a&b"}}), "crm=found;by=cases.gold", "hello"),
        ((200, {"customer": {"name": "x"}}), "crm=found;by=other", "bye"),
        ((404, {}), "crm=missing", "news"),
        ((500, {}), "crm=failed", "bye"),
        (Failed(Why.TIMEOUT), "crm=failed", "bye"),
    ],
)
def test_another_system_is_asked(answer: Any, way: str, heard: str) -> None:
    lookup = FakeLookup({URL: answer})
    leg, _ = call(site(ASKS), lookup)
    assert leg.told["way"] == way and did(leg)[-2] == f"play {heard}"
    (asked,) = lookup.asked
    assert (asked.account, asked.timeout_s, asked.method, asked.body) == ("demo", 3.0, "GET", "")
    if heard == "hello":
        assert leg.told["vars"] == "level=gold;name=a~26b"


def test_what_is_nowhere_is_as_a_failure_where_there_is_no_exit_for_it() -> None:
    node = {"type": "lookup", "url": "http://crm.example/", "method": "POST", "found": "bye", "failed": "bye"}
    asks = flow("asks", "crm", crm={**node, "body": '{"n": "{caller}", "x": {}}'}, bye=BYE)
    lookup = FakeLookup({"http://crm.example/": (404, {})})
    leg, _ = call(site(asks), lookup)
    assert leg.told["way"] == "crm=failed"
    assert lookup.asked[0].body == '{"n": "13800138000", "x": {}}'


def test_a_call_whose_values_are_as_long_as_they_may_be_goes_on() -> None:
    nodes: dict[str, Any] = {
        f"set{n}": {"type": "set", "variable": f"v{n}", "value": "深圳" * 100, "next": f"set{n + 1}"}
        for n in range(35)
    }
    leg, _ = call(site(flow("long", "set0", **nodes, set35=BYE)))
    kept = variables.read(leg.told["vars"])
    assert leg.told["way"] and kept == {f"v{n}": "深圳" * 100 for n in range(30)}


def test_who_leaves_message_after_message_is_heard_no_more_at_last() -> None:
    before = ";".join(f"messages/7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4-m{n + 1}.wav" for n in range(MOST_MESSAGES))
    leg, _ = call(site(voicemail()), says=[Recorded(7.0)], notes={"messages": before})
    assert not any(step[0] == "record" for step in leg.did) and leg.told["messages"] == before
