"""What a flow calls secret, on the scripted leg: the call goes by it, and nothing that is kept of it has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.answer import take
from appliance.domain.flow import Flow, parse
from tests.calls.scenarios import Board, Clock, desk
from tests.calls.test_flow_nodes import BYE, NUMBER, call, did, flow, site
from tests.contract.fake import INVITE, FakeLeg
from tests.support.outside import FakeLookup

PIN = "471108"
#: Keyed one by one; a pause ends it.
KEYED = [*PIN, ""]
CRM = "https://crm.example/"
LOOKUP = {"type": "lookup", "url": f"{CRM}{{twice}}", "values": {"name": "name"}}
DOUBLE = {"type": "set", "variable": "twice", "value": "{pin}-{pin}", "next": "news"}
ASK = {
    "type": "collect",
    "prompt": "password",
    "variable": "pin",
    "secret": True,
    "attempts": 1,
    "next": "double",
    "silence": "double",
    "wrong": "bye",
}


def asks(**nodes: dict[str, Any]) -> Flow:
    made: dict[str, dict[str, Any]] = {
        "ask": ASK,
        "double": DOUBLE,
        "news": {"type": "play", "prompt": "news", "next": "look"},
        "look": {**LOOKUP, "found": "which", "failed": "bye"},
        "which": {"type": "switch", "variable": "pin", "cases": {PIN: "tell", "47*": "bye"}, "other": "bye"},
        "tell": {
            "type": "message",
            "hook": "crm",
            "text": "{name} keyed {pin}, {twice}",
            "to": "{pin}",
            "next": "bye",
        },
        "bye": BYE,
    }
    return flow("asks", "ask", **made | nodes)


def carried_out(of: Flow, leg: FakeLeg) -> tuple[FakeLeg, list[str], list[str]]:
    """The leg; what other systems were asked; what stands in the outbox."""
    lookup = FakeLookup({f"{CRM}{what}": (200, {"name": "Li"}) for what in (f"{PIN}-{PIN}", "-", "")})
    tools = desk(Clock(), Board(), lookup=lookup, routing=lambda: site(of))
    take(leg, tools)
    kept = [str(row) for row in tools.journal.file.look("SELECT * FROM outbox", ())]
    return leg, [request.url for request in lookup.asked], kept


def leg(presses: list[str], **notes: str) -> FakeLeg:
    return FakeLeg(replace(INVITE, request_user=NUMBER, to_user=NUMBER), presses=presses, notes=notes)


def test_the_call_goes_by_it_and_its_record_does_not_have_it() -> None:
    made, asked, kept = carried_out(asks(), leg(KEYED))
    assert asked == [f"{CRM}{PIN}-{PIN}"], "the other system is told, for that it was asked for"
    assert made.told["way"] == "ask=next;double=next;news=next;look=found;which=cases.*;tell=next"
    assert (made.told["keys"], made.told["hidden"]) == ("ask=******", "pin=ask;twice=ask")
    assert len(kept) == 1 and "Li keyed ******, *************" in kept[0]
    assert not any(PIN in text for text in [*made.told.values(), *kept])
    assert made.did.index(("hide_keys",)) < made.did.index(("collect", "password.wav"))


def test_a_variable_that_gets_something_else_is_secret_no_more() -> None:
    again = {"type": "set", "variable": "pin", "value": "gold", "next": "news"}
    twice = {"type": "set", "variable": "twice", "value": "{pin}", "next": "bye"}
    made, _, _ = carried_out(flow("asks", "ask", ask=ASK, double=again, news=twice, bye=BYE), leg(KEYED))
    assert made.told["vars"] == "pin=gold;twice=gold" and made.told["hidden"] == ""
    plain = {**ASK, "secret": False, "next": "secretly", "silence": "bye"}
    secretly = {**ASK, "next": "bye", "silence": "bye"}
    made, _, _ = carried_out(flow("asks", "ask", ask=plain, secretly=secretly, bye=BYE), leg(["1234", *KEYED]))
    assert made.told["vars"] == "" and made.told["hidden"] == "pin=secretly"


def test_it_is_asked_for_again_when_the_handlers_that_knew_it_are_gone() -> None:
    """It is nowhere but in their memory. Where it is not wanted the call goes on as if nothing had been."""
    stands = {"taken": "yes", "flow": "asks@1", "node": "news", "hidden": "pin=ask;twice=ask", "keys": "ask=******"}
    made, asked, _ = carried_out(asks(), leg(KEYED, **stands))
    assert did(made)[1:4] == ["play news", "hide_keys", "collect password"]
    assert asked == [f"{CRM}{PIN}-{PIN}"]
    assert made.told["outcome"] == "ended:menu" and made.told["way"].startswith("news=next;ask=next;double=next")


def test_who_is_asked_again_and_keys_nothing_goes_on_without_it() -> None:
    stands = {"taken": "yes", "flow": "asks@1", "node": "look", "hidden": "pin=ask;twice=ask"}
    made, asked, _ = carried_out(asks(), leg([""], **stands))
    assert [step for step in did(made) if step.startswith("collect")] == ["collect password"]
    assert asked == [f"{CRM}-"]
    assert made.told["way"] == "ask=silence;double=next;news=next;look=found;which=other"


@pytest.mark.parametrize("hidden", ["twice=gone", "twice=ask;;x", "twice", "=ask"])
def test_a_place_that_is_not_there_any_more_is_not_gone_back_to(hidden: str) -> None:
    made, asked, _ = carried_out(asks(), leg([], taken="yes", flow="asks@1", node="look", hidden=hidden))
    assert asked in ([CRM], [f"{CRM}-"])
    assert made.ended_with == "NORMAL_CLEARING"


def test_a_number_is_asked_for_secretly_as_often_as_openly() -> None:
    node = {
        **ASK,
        "attempts": 2,
        "least": 4,
        "most": 6,
        "wrong_prompt": "wrong-key",
        "next": "bye",
        "silence": "bye",
    }
    made = call(site(flow("asks", "ask", ask=node, bye=BYE)), presses=["1", "2", "#", *PIN, "9"])
    heard = [step for step in did(made) if step not in ("collect", "hide_keys")]
    assert heard[1:4] == ["collect password", "play wrong-key", "collect password"]
    assert made.told["keys"] == "ask=******", "the seventh key is not one of its digits"


def test_what_a_graph_says_is_secret_is_a_flag() -> None:
    _, faults = parse(
        "asks", 1, {"start": "ask", "nodes": {"ask": {**ASK, "secret": "yes"}, "double": BYE, "bye": BYE}}
    )
    assert [(fault.node, fault.field) for fault in faults] == [("ask", "secret")]


@pytest.mark.parametrize(("value", "secret"), [("{pin}", True), ("{twice}", True), ("4711", False)])
def test_what_is_said_of_a_secret_is_not_kept(value: str, secret: bool) -> None:
    say = {"type": "say", "what": "digits", "value": value, "next": "bye"}
    of = flow("says", "ask", ask=ASK, double={**DOUBLE, "next": "say"}, say=say, bye=BYE)
    said: dict[str, int] = {"kept": 0, "once": 0}

    def together(prompts: Sequence[Path]) -> list[Path]:
        said["kept"] += 1
        return list(prompts)

    @contextmanager
    def once(prompts: Sequence[Path]) -> Iterator[list[Path]]:
        said["once"] += 1
        yield list(prompts)

    leg = FakeLeg(replace(INVITE, request_user=NUMBER, to_user=NUMBER), presses=list(KEYED))
    take(leg, replace(desk(Clock(), Board()), routing=lambda: site(of), together=together, once=once))
    assert said == {"kept": not secret, "once": secret}
