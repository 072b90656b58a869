"""Nodes of a flow in a call, on the scripted leg: what the caller hears, where it leads, what the record says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from appliance.calls.answer import take
from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow import Flow, parse
from appliance.domain.lists import NumberList
from appliance.domain.outcome import Disposition
from appliance.domain.routing import RoutingTable
from tests.calls.scenarios import Board, Clock, desk, table
from tests.contract.fake import INVITE, FakeLeg

NUMBER = "4008009999"
BYE = {"type": "hangup", "prompt": "bye"}


def flow(name: str, start: str, **nodes: dict[str, Any]) -> Flow:
    made, faults = parse(name, 1, {"start": start, "nodes": nodes})
    assert made is not None, faults
    return made


def site(*flows: Flow, retired: Flow | None = None) -> RoutingTable:
    """The scenarios' site, where the number leads to the first of the flows."""
    known = table()
    route = replace(known.numbers[NUMBER], flow=flows[0])
    return replace(
        known,
        numbers={NUMBER: route},
        flows={("demo", one.name): one for one in flows},
        retired={("demo", retired.label): retired} if retired else {},
        lists={
            name: NumberList(name, account, frozenset({"138*"}))
            for name, account in (("vip", "demo"), ("shops", "small"))
        },
    )


def call(known: RoutingTable, at: str = "11-25 10:00", caller: str = "13800138000", **script: Any) -> FakeLeg:
    """A call to the number, carried out."""
    clock = Clock()
    clock.now = datetime.strptime(f"2026-{at}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
    invite = replace(INVITE, request_user=NUMBER, to_user=NUMBER, caller_number=caller)
    leg = FakeLeg(invite, **script)
    take(leg, replace(desk(clock, Board()), routing=lambda: known))
    return leg


def did(leg: FakeLeg) -> list[str]:
    return [" ".join(step).replace(".wav", "") for step in leg.did if step[0] not in ("hold", "let_go")]


ASKS = flow(
    "asks",
    "id",
    id={
        "type": "collect",
        "prompt": "password",
        "variable": "customer",
        "least": 4,
        "most": 6,
        "attempts": 2,
        "next": "told",
        "silence": "bye",
        "wrong": "lost",
        "wrong_prompt": "wrong-key",
        "silence_prompt": "no-key",
    },
    told={"type": "say", "what": "digits", "value": "{customer}", "next": "which"},
    which={"type": "switch", "variable": "customer", "cases": {"1234": "news", "88*": "vip"}, "other": "bye"},
    vip={"type": "set", "variable": "greeting", "value": "{caller}/{customer}", "next": "news"},
    news={"type": "play", "prompt": "news", "next": "bye"},
    lost={"type": "hangup", "prompt": "lost"},
    bye=BYE,
)


@pytest.mark.parametrize(
    ("presses", "heard", "way", "keys"),
    [
        (["1234"], ["collect password", "news", "bye"], "id=next;told=next;which=cases.1234;news=next", "id=1234"),
        (
            ["8812"],
            ["collect password", "news", "bye"],
            None,
            "id=8812",
        ),
        (["7", "", ""], ["collect password", "wrong-key", "collect password", "bye"], "id=silence", ""),
        (["", "1234567"], ["collect password", "no-key", "collect password", "bye"], None, "id=123456"),
        (["12*4", "12"], ["collect password", "wrong-key", "collect password", "lost"], "id=wrong", ""),
    ],
)
def test_a_number_is_collected_said_and_decided_by(
    presses: list[str], heard: list[str], way: str | None, keys: str
) -> None:
    leg = call(site(ASKS), presses=presses)
    if presses == ["8812"]:
        assert leg.told["vars"] == "customer=8812;greeting=13800138000~2F8812"
    steps = [step.removeprefix("play ") for step in did(leg)[1:-1]]
    assert [step for step in steps if not step.startswith(("n-", "/")) and "-" not in step[:2]] == heard
    assert way is None or leg.told["way"] == way
    assert leg.told.get("keys", "") == keys
    assert leg.told["outcome"] == "ended:menu"


def test_said_now() -> None:
    """14:05 is 下午两点零五分; the date by its digits."""
    known = flow(
        "clock",
        "time",
        time={"type": "say", "what": "time", "next": "date"},
        date={"type": "say", "what": "date", "next": "many"},
        many={"type": "say", "what": "number", "value": "10203", "next": "bye"},
        bye={"type": "hangup"},
    )
    steps = did(call(site(known), at="11-05 14:05"))[1:-1]
    said = [name for step in steps for name in step.removeprefix("play ").split("+")]
    assert said == [
        *("t-pm", "n-2-liang", "t-hour", "n-0", "n-5", "t-minute"),
        *("n-2", "n-0", "n-2", "n-6", "t-year", "n-10", "n-1", "t-month", "n-5", "t-day"),
        *("n-1", "n-10000", "n-0", "n-2", "n-100", "n-0", "n-3"),
    ]


@pytest.mark.parametrize(
    ("at", "caller", "way"),
    [
        ("11-25 10:00", "13800138000", "hours=open;vip=yes"),
        ("11-25 10:00", "02161234567", "hours=open;vip=no;where=cases.上海"),
        ("11-25 10:00", "13911138000", "hours=open;vip=no;where=other"),
        ("11-25 12:30", "13800138000", "hours=closed"),
        ("10-01 10:00", "13800138000", "hours=holiday"),
        ("11-25 10:00", "+14155550100", "hours=open;vip=no;where=cases.境外"),
        ("11-25 10:00", "", "hours=open;vip=no;where=other"),
    ],
)
def test_it_decides_by_hours_list_and_region(at: str, caller: str, way: str) -> None:
    known = flow(
        "decides",
        "hours",
        hours={"type": "hours", "schedule": "office", "open": "vip", "closed": "bye", "holiday": "bye"},
        vip={"type": "vip", "list": "vip", "yes": "bye", "no": "where"},
        where={"type": "region", "cases": {"上海": "bye", "境外": "bye"}, "other": "bye"},
        bye=BYE,
    )
    assert call(site(known), at=at, caller=caller).told["way"] == way


def test_a_list_of_another_account_means_nobody_and_a_schedule_that_is_gone_is_open() -> None:
    known = flow(
        "decides",
        "hours",
        hours={"type": "hours", "schedule": "gone", "open": "vip", "closed": "bye"},
        vip={"type": "vip", "list": "shops", "yes": "bye", "no": "bye"},
        bye=BYE,
    )
    assert call(site(known)).told["way"] == "hours=open;vip=no"


MAIN = flow(
    "main",
    "in",
    **{"in": {"type": "flow", "flow": "help", "next": "ring"}},
    ring={"type": "ring", "lines": ["a"], "failed": "bye"},
    bye=BYE,
)
HELP = flow(
    "help",
    "ask",
    ask={"type": "menu", "prompt": "main", "keys": {"1": "back", "2": "news"}, "silence": "bye", "wrong": "bye"},
    news={"type": "play", "prompt": "news", "next": "ask"},
    back={"type": "return"},
    bye=BYE,
)


def test_another_flow_is_entered_and_left() -> None:
    leg = call(site(MAIN, HELP), presses=["2", "1"])
    assert did(leg) == ["answer", "collect main", "play news", "collect main", "connect a"]
    assert leg.told["flow"] == "main@1", "the record says the call's own flow"
    assert leg.told["keys"] == "in>help@1:ask=2;in>help@1:ask=1"
    assert leg.told["way"] == (
        "in=enter;in>help@1:ask=keys.2;in>help@1:news=next;in>help@1:ask=keys.1;in>help@1:back=return"
    )


def test_a_flow_that_is_gone_is_passed_over() -> None:
    assert did(call(site(MAIN))) == ["answer", "connect a"]


def test_a_flow_that_returns_to_nowhere_ends_the_call() -> None:
    leg = call(site(flow("main", "back", back={"type": "return"})))
    assert did(leg) == ["answer", "hang_up NORMAL_CLEARING"] and leg.told["outcome"] == "ended:menu"


def test_a_call_that_lost_its_handlers_goes_on_in_the_versions_that_it_was_in() -> None:
    newer = replace(HELP, version=2, nodes={"ask": HELP.nodes["bye"]}, start="ask")
    notes = {"flow": "main@1", "node": "in>help@1:ask", "taken": "yes", "vars": "x=1"}
    leg = call(site(MAIN, newer, retired=HELP), presses=["1"], notes=notes)
    assert did(leg) == ["answer", "collect main", "connect a"]
    gone = call(site(MAIN, newer), presses=["1"], notes=notes)
    assert did(gone) == ["answer", "play bye", "hang_up NORMAL_CLEARING"], "from the start, where it is gone"


SURVEY = {
    "rate": {"type": "survey", "prompt": "survey", "marks": "123", "thanks": "survey-thanks", "attempts": 2},
}


@pytest.mark.parametrize(
    ("presses", "after", "mark"),
    [
        (["2"], ["collect survey", "play survey-thanks"], "2"),
        (["9", "3"], ["collect survey", "collect survey", "play survey-thanks"], "3"),
        ([], ["collect survey", "collect survey"], None),
    ],
)
def test_a_mark_after_the_talk(presses: list[str], after: list[str], mark: str | None) -> None:
    known = flow("rated", "ring", ring={"type": "ring", "lines": ["a", "b"], "after": "rate"}, **SURVEY)
    leg = call(site(known), presses=presses, lines={"a": Disposition.BUSY})
    assert did(leg) == ["answer", "connect a", "connect b", *after, "hang_up NORMAL_CLEARING"]
    assert leg.told.get("mark") == mark
    assert leg.told["outcome"] == "answered" and leg.told["way"] == "ring=after;rate=next"


def test_a_mark_after_a_queue_and_no_line_any_more() -> None:
    known = flow(
        "rated",
        "wait",
        wait={"type": "queue", "queue": "quiet", "after": "rate"},
        rate={**SURVEY["rate"], "next": "again"},
        again={"type": "ring", "lines": ["a"], "failed": "bye"},
        bye=BYE,
    )
    leg = call(site(known), presses=["1"])
    assert [step for step in did(leg) if not step.startswith("wait")] == [
        "answer",
        "connect a",
        "collect survey",
        "play survey-thanks",
        "play bye",
        "hang_up NORMAL_CLEARING",
    ]
    assert leg.told["outcome"] == "answered" and leg.told["queue"], "his stay ended when the line took him"


def test_who_hangs_up_in_the_survey_was_answered() -> None:
    known = flow("rated", "ring", ring={"type": "ring", "lines": ["a"], "after": "rate"}, **SURVEY)
    assert call(site(known), gone_at="collect").told["outcome"] == "answered"


def test_a_prompt_that_must_be_heard_to_its_end() -> None:
    menu = {
        "type": "menu",
        "prompt": "main",
        "keys": {"1": "bye"},
        "silence": "bye",
        "wrong": "bye",
        "barge_in": False,
    }
    leg = call(site(flow("slow", "menu", menu=menu, bye=BYE)), presses=["1"])
    assert did(leg)[:3] == ["answer", "play main", "collect"]


def test_flows_that_enter_one_another_have_an_end() -> None:
    """None is published so; yet a call must not go round for ever."""
    one = flow("one", "in", **{"in": {"type": "flow", "flow": "two", "next": "bye"}}, bye=BYE)
    two = flow("two", "in", **{"in": {"type": "flow", "flow": "one", "next": "bye"}}, bye=BYE)
    assert did(call(site(one, two)))[-1] == "hang_up NORMAL_CLEARING"
