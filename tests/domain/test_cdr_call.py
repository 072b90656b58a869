"""A call from its legs (``domain.cdr_call``): its talk, its outcome, its stays in queues."""

from __future__ import annotations

import doctest
from datetime import timedelta
from typing import Any

import pytest

from appliance.domain import cdr_call
from appliance.domain.cdr import Leg, Role, read_leg
from appliance.domain.cdr_call import CallFacts, derive_call, stays
from appliance.domain.queue import Left
from tests.domain.legs import CALLER, START, a_call, at, caller_variables, line_variables, without_handlers


def test_doctests() -> None:
    assert doctest.testmod(cdr_call).failed == 0


def test_a_call_with_both_legs() -> None:
    assert a_call(line_variables()) == CallFacts(
        uuid=CALLER,
        account_id="east",
        number="4008001234",
        trunk_id="telecom",
        caller="13800138000",
        caller_kind="mobile",
        caller_name="",
        started_at=START,
        answered_at=START + timedelta(seconds=1),
        joined_at=START + timedelta(seconds=10),
        ended_at=START + timedelta(seconds=40),
        bill_ms=39_000,
        bridged_ms=20_000,
        line_id="second",
        flow="main@3",
        keys="welcome=1;sales=2",
        way="welcome=keys.1;help>more@2:sales=after",
        mark="5",
        tried="first=busy;second=answered",
        outcome="answered",
        because="",
        hangup_cause="NORMAL_CLEARING",
        talks="second=20000",
        sip_status=200,
        recording="2026/11/22/call.wav",
    )


def test_the_talk_lasts_to_the_callers_end_while_the_lines_leg_is_not_there() -> None:
    assert a_call().bridged_ms == 30_000


def test_the_talk_ends_with_the_earlier_end() -> None:
    assert a_call(line_variables(end_uepoch=at(41))).bridged_ms == 30_000


def test_only_the_leg_that_was_joined_counts() -> None:
    lost = line_variables(uuid="cccc", end_uepoch=at(12), answer_uepoch=at(9))
    assert a_call(lost).bridged_ms == 30_000
    assert a_call(lost, line_variables()).bridged_ms == 20_000


def test_without_a_name_the_last_joined_leg_counts() -> None:
    first = line_variables(uuid="first", bridge_uepoch=at(10), end_uepoch=at(12))
    last = line_variables(uuid="last", bridge_uepoch=at(20), answer_uepoch=at(19), end_uepoch=at(25))
    found = a_call(last, first, bridge_uuid=None, bridge_uepoch=at(20))
    assert (found.joined_at, found.bridged_ms) == (START + timedelta(seconds=10), 7_000)
    assert found.line_id == last["gw_line"]


def test_the_bridge_may_stand_on_the_lines_leg_alone() -> None:
    found = a_call(line_variables(), bridge_uepoch="0")
    assert (found.joined_at, found.bridged_ms) == (START + timedelta(seconds=10), 20_000)


def test_a_line_that_answered_and_was_never_joined_is_no_talk() -> None:
    changes = without_handlers(gw_recording="a.wav")
    found = a_call(line_variables(bridge_uepoch="0"), **changes)
    assert (found.joined_at, found.bridged_ms, found.recording) == (None, 0, "")


def test_where_nobody_talked_nothing_was_left_unrecorded() -> None:
    assert a_call(**without_handlers(gw_unrecorded="off", bridge_uepoch="0")).unrecorded == ""


def test_an_unanswered_call_has_nothing_to_bill() -> None:
    found = a_call(**without_handlers(answer_uepoch="0"))
    assert (found.answered_at, found.bill_ms, found.bridged_ms) == (None, 0, 0)


def test_milliseconds_are_the_switchs_own() -> None:
    # Its billmsec is the difference of whole milliseconds (switch_channel_set_timestamps), not of microseconds.
    answer, end = 1_795_347_406_775_822, 1_795_347_408_955_817
    found = a_call(start_uepoch=str(answer), answer_uepoch=str(answer), end_uepoch=str(end), bridge_uepoch="0")
    assert found.bill_ms == 2180


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        # The caller hung up in the talk: the handlers' last note was made before the line rang.
        ({"gw_outcome": "abandoned:ringing"}, "answered"),
        ({"gw_outcome": None}, "answered"),
        (without_handlers(last_bridge_to="line-leg"), "answered"),
        (without_handlers(gw_outcome="refused:out-of-service"), "refused:out-of-service"),
        (without_handlers(gw_outcome="ended:menu"), "ended:menu"),
        (without_handlers(gw_outcome="abandoned:menu"), "abandoned:menu"),
        (without_handlers(gw_outcome="abnormal"), "failed:normal-clearing"),
        (without_handlers(gw_outcome="refused:" + "x" * 60), "failed:normal-clearing"),
        (without_handlers(gw_outcome="<b>"), "failed:normal-clearing"),
        (without_handlers(sip_hangup_disposition="recv_bye"), "abandoned:menu"),
        (without_handlers(sip_hangup_disposition="recv_bye", answer_uepoch="0"), "abandoned:start"),
        (without_handlers(sip_hangup_disposition="recv_cancel", gw_line="a"), "abandoned:ringing"),
        (without_handlers(hangup_cause="ORIGINATOR_CANCEL", gw_tried="a=busy"), "abandoned:ringing"),
        (without_handlers(hangup_cause="NORMAL_TEMPORARY_FAILURE"), "failed:normal-temporary-failure"),
        (without_handlers(hangup_cause="A" * 60), "failed:" + "a" * 53),
        (without_handlers(hangup_cause=None), "failed:unknown"),
    ],
)
def test_the_outcome(changes: dict[str, Any], outcome: str) -> None:
    assert a_call(**changes).outcome == outcome


def test_a_rung_line_tells_that_the_caller_left_while_it_rang() -> None:
    rung = line_variables(answer_uepoch="0", bridge_uepoch="0")
    assert a_call(rung, **without_handlers(sip_hangup_disposition="recv_bye")).outcome == "abandoned:ringing"


def test_a_call_that_the_handlers_never_saw() -> None:
    found = a_call(line_variables(), **without_handlers())
    assert (found.number, found.account_id, found.caller, found.caller_kind, found.line_id) == (
        "4008001234",
        None,
        "13800138000",
        "mobile",
        "second",
    )


@pytest.mark.parametrize(
    ("request_user", "to_user", "number"),
    [("02161234567", "+864008001234", "4008001234"), ("02161234567", "s", ""), ("4006001234", None, "4006001234")],
)
def test_the_number_that_was_dialled(request_user: str, to_user: str | None, number: str) -> None:
    assert a_call(**without_handlers(sip_req_user=request_user, sip_to_user=to_user)).number == number


def test_a_caller_without_an_area_code() -> None:
    found = a_call(home="021", **without_handlers(sip_from_user="61234567"))
    assert (found.caller, found.caller_kind) == ("02161234567", "fixed")


@pytest.mark.parametrize(
    ("how", "noted", "left"),
    [
        ("recv_bye", "abandoned:queue", Left.ABANDONED),
        ("recv_cancel", "abandoned:queue", Left.ABANDONED),
        ("send_bye", "failed:handlers", Left.LOST),
        # He hung up, but his place was gone before that.
        ("recv_bye", "abandoned:fallback", Left.LOST),
    ],
)
def test_the_stay_that_lasted_to_the_end(how: str, noted: str, left: Left) -> None:
    began = int((START + timedelta(seconds=2)).timestamp() * 1000)
    changes = {"bridge_uepoch": "0", "bridge_uuid": None, "sip_hangup_disposition": how, "gw_outcome": noted}
    leg = read_leg(
        caller_variables(**changes, gw_queued=f"first@{began}+1500=key", gw_queue=f"second@{began}"), Role.CALLER
    )
    assert isinstance(leg, Leg)
    found = stays(leg, derive_call(leg))
    assert [(stay.queue, stay.left, stay.waited) for stay in found] == [
        ("first", Left.KEY, timedelta(seconds=1.5)),
        ("second", left, timedelta(seconds=38)),
    ]


@pytest.mark.parametrize(
    ("noted", "left"),
    [
        ({}, Left.ANSWERED),
        ({"gw_fallback": "yes"}, Left.LOST),
        # It was killed before it could note more, or is of an older version.
        ({"gw_outcome": "abandoned:fallback"}, Left.LOST),
    ],
)
def test_whom_the_fallback_joined_no_line_of_the_queue_has_served(noted: dict[str, str], left: Left) -> None:
    began = int((START + timedelta(seconds=2)).timestamp() * 1000)
    leg = read_leg(caller_variables(gw_queue=f"second@{began}", **noted), Role.CALLER)
    assert isinstance(leg, Leg)
    call = derive_call(leg)
    assert call.joined_at is not None and call.outcome == "answered"
    (stay,) = stays(leg, call)
    assert (stay.left, stay.waited) == (left, call.joined_at - START - timedelta(seconds=2))


def test_a_call_back_begins_with_the_lines_leg() -> None:
    """Its first leg is the line's, and the one it rang is his; no name is what we have shown to the line."""
    begin = 1_764_036_000_000_000
    rung = read_leg(
        {
            "uuid": "line-leg",
            "direction": "outbound",
            "start_uepoch": str(begin),
            "answer_uepoch": str(begin + 4_000_000),
            "bridge_uepoch": str(begin + 9_000_000),
            "end_uepoch": str(begin + 29_000_000),
            "last_bridge_to": "his-leg",
            "bridge_uuid": "his-leg",
            "hangup_cause": "NORMAL_CLEARING",
            "caller_id_name": "02180000000",
            "gw_line": "a",
            "gw_facts": "number=4008001234&account=demo&caller=13800138000&caller_kind=mobile&callback=first-call"
            "&line=a&trunk=t&tried=a%3Danswered&outcome=abandoned%3Acallback",
        },
        Role.CALLER,
    )
    his = read_leg(
        {
            "uuid": "his-leg",
            "originator": "line-leg",
            "direction": "outbound",
            "start_uepoch": str(begin + 5_000_000),
            "answer_uepoch": str(begin + 7_000_000),
            "bridge_uepoch": str(begin + 9_000_000),
            "end_uepoch": str(begin + 29_000_000),
            "hangup_cause": "NORMAL_CLEARING",
            "gw_line": "a",
        },
        Role.LINE,
    )
    assert isinstance(rung, Leg) and isinstance(his, Leg) and his.call_uuid == "line-leg"
    call = derive_call(rung, [his])
    assert (call.callback_id, call.caller, call.caller_name, call.line_id) == ("first-call", "13800138000", "", "a")
    assert (call.outcome, call.tried, call.bridged_ms, call.bill_ms) == ("answered", "a=answered", 20_000, 25_000)
    assert stays(rung, call) == []


@pytest.mark.parametrize(
    ("cause", "limit", "told"),
    [
        ("FACILITY_NOT_SUBSCRIBED", "300@answer", "OUT_OF_MONEY"),
        # A carrier's own word, or a call that ended otherwise before its limit.
        ("FACILITY_NOT_SUBSCRIBED", "", "FACILITY_NOT_SUBSCRIBED"),
        ("NORMAL_CLEARING", "300@answer", "NORMAL_CLEARING"),
    ],
)
def test_a_call_that_ran_out_of_money_is_told_by_a_word_of_its_own(cause: str, limit: str, told: str) -> None:
    leg = read_leg(caller_variables(hangup_cause=cause, gw_limit=limit), Role.CALLER)
    assert isinstance(leg, Leg)
    call = derive_call(leg)
    assert (call.outcome, call.hangup_cause) == ("answered", told)
