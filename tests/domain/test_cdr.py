"""Legs from CDR variables (``domain.cdr``): what is kept, cleaned and refused."""

from __future__ import annotations

import doctest
import re
import unicodedata
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.domain import cdr
from appliance.domain.cdr import KEPT, Leg, Rejected, Role, clean, packed, read_leg, unpacked
from appliance.domain.cdr_call import derive_call
from appliance.domain.recording import MOST_MESSAGES
from tests.domain.legs import CALLER, LINE, START, a_call, a_leg, at, caller_variables, line_variables


def test_doctests() -> None:
    assert doctest.testmod(cdr).failed == 0


def test_a_leg_is_read_again_from_its_facts() -> None:
    leg = a_leg(caller_variables(), Role.CALLER)
    assert read_leg(leg.facts, Role.CALLER) == leg


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
            ";".join(f"m/{n}.wav" for n in range(MOST_MESSAGES)),
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


@pytest.mark.parametrize(("length", "kept"), [(256, 1), (257, 0), (24_000, 0)])
def test_no_long_fact_is_remembered(length: int, kept: int) -> None:
    """Thousands of flows' variables would hold a hundred megabytes."""
    cdr._short_quoted.cache_clear()
    text = "&" * length
    assert unpacked(packed({"": text}))["gw_"] == text
    assert cdr._short_quoted.cache_info().currsize == 1 + kept


def in_an_event(value: str) -> str:
    """A variable's value as an event has it (``switch_url_encode``: ``%XX`` in capitals stays), decoded once."""
    unsafe = '\r\n #%&+:;<=>?@[\\]^`{|}"'
    sent = re.sub(
        r"%(?![0-9A-F]{2})|[^ -~]|[" + re.escape(unsafe.replace("%", "")) + "]",
        lambda one: "".join(f"%{byte:02X}" for byte in one[0].encode()),
        value,
    )
    return unquote(sent)


@pytest.mark.parametrize(
    "facts",
    [
        {"way": "hours=A&B;menu=1", "because": "locked_until=2026-11-22T12:00:00+08:00", "line": "sales"},
        {"vars": "a%26=%2B&b=100%25", "mark": "!26 hot! 50%41", "city": "上海&苏州"},
    ],
)
def test_facts_read_from_an_event_are_those_of_the_record(facts: dict[str, str]) -> None:
    """Handlers that take a call over read them decoded once more than the collector does."""
    expected = {f"gw_{name}": text for name, text in facts.items()}
    assert unpacked(packed(facts)) == expected
    assert unpacked(in_an_event(packed(facts))) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_fact_survives_an_event(text: str) -> None:
    assert unpacked(in_an_event(packed({"way": text, "line": "a"}))) == {"gw_way": text, "gw_line": "a"}


def test_facts_of_older_records_are_read() -> None:
    assert unpacked("way=A%26B%21&because=12%2B08&mark=100%25+%2121") == {
        "gw_way": "A&B!",
        "gw_because": "12+08",
        "gw_mark": "100% !21",
    }
