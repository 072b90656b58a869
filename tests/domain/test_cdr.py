"""Legs and calls from CDR variables: what is kept, cleaned, refused and told from what is there."""

from __future__ import annotations

import doctest
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.domain import cdr, cdr_call
from appliance.domain.cdr import KEPT, Leg, Rejected, Role, clean, packed, read_leg, unpacked
from appliance.domain.cdr_call import CallFacts, derive_call, stays
from appliance.domain.queue import Left

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CALLER, LINE = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def at(seconds: float) -> str:
    """``START`` and so many seconds, as the switch writes it."""
    return str(int((START + timedelta(seconds=seconds)).timestamp() * 1_000_000))


def caller_variables(**changes: Any) -> dict[str, Any]:
    """A caller's leg: answered after 1 s, bridged after 10 s, ended after 40 s."""
    found = {
        "uuid": CALLER,
        "call_uuid": CALLER,
        "start_uepoch": at(0),
        "answer_uepoch": at(1),
        "bridge_uepoch": at(10),
        "end_uepoch": at(40),
        "hangup_cause": "NORMAL_CLEARING",
        "sip_term_status": "200",
        "sip_from_user": "013800138000",
        "sip_req_user": "4008001234",
        "bridge_uuid": LINE,
        "gw_number": "4008001234",
        "gw_account": "east",
        "gw_trunk": "telecom",
        "gw_caller": "13800138000",
        "gw_caller_kind": "mobile",
        "gw_flow": "main@3",
        "gw_keys": "welcome=1;sales=2",
        "gw_way": "welcome=keys.1;help>more@2:sales=after",
        "gw_mark": "5",
        "gw_tried": "first=busy;second=answered",
        "gw_line": "second",
        "gw_recording": "2026/11/22/call.wav",
        "gw_outcome": "answered",
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def line_variables(**changes: Any) -> dict[str, Any]:
    """A line's leg: rung after 5 s, answered and bridged after 10 s, ended after 30 s."""
    found = {
        "uuid": LINE,
        "originator": CALLER,
        "start_uepoch": at(5),
        "answer_uepoch": at(10),
        "bridge_uepoch": at(10),
        "end_uepoch": at(30),
        "hangup_cause": "NORMAL_CLEARING",
        "gw_line": "second",
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def a_leg(variables: dict[str, Any], role: Role) -> Leg:
    leg = read_leg(variables, role)
    assert isinstance(leg, Leg), leg
    return leg


def a_call(*lines: dict[str, Any], home: str = "", **changes: Any) -> CallFacts:
    caller = a_leg(caller_variables(**changes), Role.CALLER)
    return derive_call(caller, [a_leg(line, Role.LINE) for line in lines], home)


def without_handlers(**changes: Any) -> dict[str, Any]:
    """What the caller's leg lacks when the handlers never saw it, and no line was joined."""
    notes = {name: None for name in caller_variables() if name.startswith("gw_")}
    return notes | {"bridge_uepoch": "0", "bridge_uuid": None, **changes}


def test_doctests() -> None:
    assert doctest.testmod(cdr).failed == 0 and doctest.testmod(cdr_call).failed == 0


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


def test_a_leg_is_read_again_from_its_facts() -> None:
    leg = a_leg(caller_variables(), Role.CALLER)
    assert read_leg(leg.facts, Role.CALLER) == leg


# ---- the talk


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


# ---- the outcome


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


# ---- what the handlers did not note


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


# ---- hostile values


@pytest.mark.parametrize(
    ("name", "value", "field", "kept"),
    [
        ("gw_account", "../x", "account_id", None),
        ("gw_account", "a" * 41, "account_id", None),
        ("gw_trunk", "tele\ncom", "trunk_id", ""),
        ("gw_caller", "138%0A0013", "caller", "13800138000"),
        ("gw_caller_kind", "free", "caller_kind", "mobile"),
        ("gw_line", ["second"], "line_id", "from-the-leg"),
        ("gw_number", "4008001234;x", "number", "4008001234"),
        ("gw_number", 4008001234, "number", "4008001234"),
        ("gw_number", True, "number", "4008001234"),
        ("gw_keys", "a=1;;b;=;c=;d=2", "keys", "a=1;d=2"),
        ("gw_keys", ";".join(f"{n:03}=1" for n in range(200)), "keys", ";".join(f"{n:03}=1" for n in range(83))),
        ("gw_way", "a=1;;b;=;c=;d=2", "way", "a=1;d=2"),
        ("gw_way", "a=keys.1=2;b=next", "way", "b=next"),
        ("gw_way", ";".join(f"{n:03}=1" for n in range(200)), "way", ";".join(f"{n:03}=1" for n in range(150))),
        ("gw_way", ["a=1"], "way", ""),
        ("gw_mark", "*", "mark", "*"),
        ("gw_mark", "", "mark", ""),
        ("gw_mark", "55", "mark", ""),
        ("gw_mark", "a", "mark", ""),
        ("gw_mark", "５", "mark", ""),
        ("gw_mark", "5\n", "mark", "5"),
        ("gw_mark", 5, "mark", "5"),
        ("gw_mark", ["5"], "mark", ""),
        ("gw_flow", "x" * 2000, "flow", "x" * 60),
        ("gw_recording", "/etc/passwd", "recording", ""),
        ("gw_recording", "../../secret.wav", "recording", ""),
        ("gw_recording", "a/../b.wav", "recording", ""),
        ("gw_recording", "a//b.wav", "recording", ""),
        ("gw_recording", "a/.hidden.wav", "recording", ""),
        ("gw_recording", "a" * 197 + ".wav", "recording", ""),
        ("gw_recording", "2026/11/22/a b.wav", "recording", ""),
        (
            "gw_messages",
            "messages/a-m1.wav;../b.wav;;messages/a-m2.wav",
            "messages",
            "messages/a-m1.wav;messages/a-m2.wav",
        ),
        (
            "gw_messages",
            ";".join(f"m/{n}.wav" for n in range(99)),
            "messages",
            ";".join(f"m/{n}.wav" for n in range(20)),
        ),
        ("gw_notice", "record-notice", "notice", "record-notice"),
        ("gw_notice", "<b>", "notice", ""),
        ("gw_unrecorded", "no-room", "unrecorded", "no-room"),
        ("gw_unrecorded", "whim", "unrecorded", ""),
        ("sip_term_status", "999", "sip_status", None),
        ("sip_term_status", "٢٠٠", "sip_status", None),
        ("sip_term_status", {"a": 1}, "sip_status", None),
        ("hangup_cause", "normal'; --", "hangup_cause", ""),
        ("sip_from_display", "王\x00\u2028小明\ud800", "caller_name", "王 小明"),
        ("sip_from_display", "%0Agw_number=4009999999", "caller_name", "gw_number=4009999999"),
        ("sip_from_display", "张" * 5000, "caller_name", "张" * 200),
        ("sip_from_display", 10**400, "caller_name", ""),
    ],
)
def test_a_hostile_value_is_cleaned_or_left_out(name: str, value: Any, field: str, kept: Any) -> None:
    assert getattr(a_call(line_variables(gw_line="from-the-leg"), **{name: value}), field) == kept


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uuid": None}, "uuid"),
        ({"uuid": "a/b"}, "uuid"),
        ({"uuid": "x" * 65}, "uuid"),
        ({"start_uepoch": None}, "start_uepoch: missing"),
        ({"start_uepoch": "0"}, "start_uepoch: missing"),
        ({"end_uepoch": None}, "end_uepoch: missing"),
        ({"end_uepoch": "-5"}, "end_uepoch: not a time"),
        ({"answer_uepoch": ""}, "answer_uepoch: not a time"),
        ({"answer_uepoch": 1.5}, "answer_uepoch: not a time: 'float'"),
        ({"answer_uepoch": False}, "answer_uepoch: not a time: 'bool'"),
        ({"answer_uepoch": "1" * 17}, "answer_uepoch: not a time"),
        ({"answer_uepoch": "１７９５３４７４０６７７５８２２"}, "answer_uepoch: not a time"),
        ({"answer_uepoch": "1"}, "answer_uepoch: not in 2000 to 2099"),
        ({"end_uepoch": "4102444800000000"}, "end_uepoch: not in 2000 to 2099"),
        ({"end_uepoch": at(-3)}, "end_uepoch: before its start"),
        ({"end_uepoch": at(7 * 86_400 + 1)}, "end_uepoch: 7 days after its start"),
        ({"answer_uepoch": at(43)}, "answer_uepoch: not between"),
        ({"bridge_uepoch": at(-3)}, "bridge_uepoch: not between"),
    ],
)
def test_what_a_bill_hangs_on_is_refused(changes: dict[str, Any], reason: str) -> None:
    found = read_leg(caller_variables(**changes), Role.CALLER)
    assert isinstance(found, Rejected) and found.reason.startswith(reason)


def test_times_of_a_race_are_moved_into_the_leg() -> None:
    leg = a_leg(caller_variables(end_uepoch=at(-1), answer_uepoch=at(1), bridge_uepoch=at(-2)), Role.CALLER)
    assert leg.started_at == leg.answered_at == leg.bridged_at == leg.ended_at == START


@pytest.mark.parametrize("name", ["originator", "originating_leg_uuid", "signal_bond", "call_uuid"])
def test_a_lines_leg_names_its_call(name: str) -> None:
    # At the end of a talk the switch gives the leg its own name as call_uuid.
    variables = {"call_uuid": LINE} | line_variables(originator=None) | {name: CALLER}
    assert a_leg(variables, Role.LINE).call_uuid == CALLER


def test_a_lines_leg_that_names_no_call_is_refused() -> None:
    found = read_leg(line_variables(originator="../x", call_uuid=LINE), Role.LINE)
    assert found == Rejected("originator: a line's leg that names no call")


def test_only_known_variables_are_kept_and_not_without_end() -> None:
    many = {f"gw_note_{n}": "x" for n in range(500)}
    leg = a_leg({"sip_h_X-Secret": "1", "gw_Bad": "1", **many, **caller_variables()}, Role.CALLER)
    assert len([name for name in leg.facts if name.startswith("gw_")]) == 64
    assert {name for name in leg.facts if not name.startswith("gw_")} <= KEPT


values = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.just(at(7)),
)


# How long a busy machine takes to make the texts is not what is tested.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(st.sampled_from([*sorted(KEPT), "gw_keys", "gw_tried", "gw_way", "gw_mark", "gw_x"]), values)
)
def test_nothing_makes_it_crash_and_all_fits_the_columns(changes: dict[str, Any]) -> None:
    caller = read_leg(caller_variables() | changes, Role.CALLER)
    line = read_leg(line_variables() | changes, Role.LINE)
    if isinstance(caller, Rejected):
        return
    found = derive_call(caller, [line] if isinstance(line, Leg) else [])
    limits = {"uuid": 64, "account_id": 40, "number": 30, "trunk_id": 40, "caller": 30, "caller_kind": 10}
    limits |= {"caller_name": 200, "line_id": 40, "flow": 60, "keys": 500, "tried": 500, "outcome": 60}
    limits |= {"hangup_cause": 60, "recording": 200, "talks": 500, "way": 900, "mark": 1}
    for name, limit in limits.items():
        text = getattr(found, name) or ""
        assert len(text) <= limit
        assert not any(unicodedata.category(each) in {"Cc", "Cs"} for each in text)
    assert 0 <= found.bill_ms < 2**31 and 0 <= found.bridged_ms < 2**31
    assert read_leg(caller.facts, Role.CALLER) == caller


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True), st.text(min_size=1), max_size=20))
def test_packed_facts_come_out_as_they_went_in(facts: dict[str, str]) -> None:
    legible = {name: text.encode("utf-8", "replace").decode() for name, text in facts.items()}
    assert unpacked(packed(legible)) == {f"gw_{name}": text for name, text in legible.items()}


def test_packed_facts_are_read_as_if_each_stood_alone() -> None:
    """What stands alone as well is the fallback's, and newer."""
    text = packed({"number": "4008001234", "account": "east", "outcome": "abandoned:menu", "keys": "a=1;b=2"})
    found = a_call(gw_number=None, gw_keys=None, gw_outcome="failed:handlers", gw_facts=text)
    assert (found.number, found.account_id, found.keys) == ("4008001234", "east", "a=1;b=2")
    leg = read_leg(caller_variables() | {"gw_outcome": "failed:handlers", "gw_facts": text}, Role.CALLER)
    assert isinstance(leg, Leg) and leg.facts["gw_outcome"] == "failed:handlers"
    assert "gw_facts" not in leg.facts


@pytest.mark.parametrize("text", ["%", "=&=&&", "a" * 5000, "&".join("a=1" for _ in range(1000)), "a=%FF%00"])
def test_packed_facts_that_cannot_be_read_are_none(text: str) -> None:
    assert a_call(gw_facts=text).number == "4008001234"


@given(st.text(), st.integers(0, 50))
def test_cleaning_twice_is_cleaning_once(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once and len(once) <= limit


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
