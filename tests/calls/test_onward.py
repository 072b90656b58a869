"""Callers whom a line's side has sent on, and those whose talk is over in which another line was consulted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.domain.flow import Flow
from appliance.domain.outcome import Disposition
from appliance.domain.routing import RoutingTable
from tests.calls.test_flow_nodes import BYE, NUMBER, call, did, flow, site
from tests.contract.fake import FakeLeg

RATED = flow(
    "rated",
    "ring",
    ring={"type": "ring", "lines": ["a"], "failed": "bye", "after": "rate"},
    rate={"type": "survey", "prompt": "survey", "next": "bye"},
    bye=BYE,
)
PLAIN = flow("plain", "ring", ring={"type": "ring", "lines": ["a"], "failed": "bye"}, bye=BYE)
#: As a call carries them that talks with its first line.
TALKS = {"taken": "yes", "number": NUMBER, "account": "demo", "line": "a"}


def come_back(known: RoutingTable, at: Flow, lines: dict[str, Disposition] | None = None, **notes: str) -> FakeLeg:
    stands = {"flow": at.label, "node": "ring"}
    script: dict[str, Any] = {"notes": TALKS | stands | notes, "lines": lines or {}, "presses": ["4"]}
    return call(known, **script)


def test_a_survey_comes_after_the_second_talk() -> None:
    leg = come_back(site(RATED), RATED, transfer="b")
    rated = ["connect b", "answer", "collect survey", "play bye", "hang_up NORMAL_CLEARING"]
    assert did(leg) == rated
    assert (leg.told["outcome"], leg.told["mark"], leg.told["way"]) == ("answered", "4", "ring=after;rate=next")
    assert leg.told["onward"] == ""


def test_without_a_survey_the_call_ends_with_the_second_talk() -> None:
    leg = come_back(site(PLAIN), PLAIN, transfer="b")
    assert did(leg) == ["connect b"] and leg.joined == "b"


def test_whom_nobody_takes_comes_back_to_the_first_and_then_overflows() -> None:
    busy = {"b": Disposition.BUSY, "a": Disposition.NO_ANSWER}
    leg = come_back(site(RATED), RATED, busy, transfer="b")
    assert did(leg)[:2] == ["connect b", "connect a"]
    assert did(leg)[-2:] == ["play all-lines-busy", "hang_up NO_ANSWER"]
    known = site(RATED)
    route = replace(known.numbers[NUMBER], overflow=flow("over", "bye", bye=BYE))
    leg = come_back(replace(known, numbers={NUMBER: route}), RATED, busy, transfer="b")
    assert did(leg)[-2:] == ["play bye", "hang_up NORMAL_CLEARING"]
    assert leg.told["onward"] == ""


def test_handlers_that_died_while_the_second_line_rang() -> None:
    """The switch has taken "transfer" away, and "line" names the one that rang; both are known all the same."""
    leg = come_back(site(RATED), RATED, {"b": Disposition.BUSY}, onward="b>a", line="b")
    assert did(leg)[:2] == ["connect b", "connect a"]
    assert leg.told["outcome"] == "answered"


def test_a_line_of_another_account_is_not_rung() -> None:
    known = site(PLAIN)
    lines = dict(known.lines) | {"b": replace(known.lines["b"], account="small")}
    leg = come_back(replace(known, lines=lines), PLAIN, transfer="b")
    assert did(leg) == ["connect a"]


def test_who_comes_back_from_a_consulted_talk() -> None:
    leg = come_back(site(RATED), RATED, after="yes")
    assert did(leg)[:2] == ["answer", "collect survey"]
    assert (leg.told["outcome"], leg.told["mark"]) == ("answered", "4")
    assert did(come_back(site(PLAIN), PLAIN, after="yes")) == ["hang_up NORMAL_CLEARING"]
    # A number without a flow, and a flow that is gone.
    assert did(come_back(site(PLAIN), PLAIN, after="yes", flow="", node="")) == ["hang_up NORMAL_CLEARING"]
    assert did(come_back(site(PLAIN), RATED, after="yes")) == ["hang_up NORMAL_CLEARING"]


def test_who_was_sent_on_in_vain_has_the_record_of_his_first_talk() -> None:
    """A line that never talked to him says nothing of what is recorded, nor is there a file of its own."""
    known = site(PLAIN)
    lines = dict(known.lines) | {"b": replace(known.lines["b"], record="off")}
    lines["a"] = replace(known.lines["a"], record="all")
    busy = {"b": Disposition.BUSY, "a": Disposition.BUSY}
    known = replace(known, lines=lines)
    leg = come_back(known, PLAIN, busy, transfer="b", recorded="yes", recording="2026/11/22/x.wav")
    assert (leg.told["recording"], leg.told.get("unrecorded", "")) == ("2026/11/22/x.wav", "")
    leg = come_back(known, PLAIN, busy, transfer="b", unrecorded="share")
    assert (leg.told["recording"], leg.told["unrecorded"]) == ("", "share")
