"""Calls that the switch took with it: what is made of what is known, and when one counts as gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.cdr import Leg, Role, packed, read_leg
from appliance.domain.cdr_call import CallFacts
from appliance.domain.lost import Begun, Missing, Sound, closed, joined, recording_of, stays_lost, there
from appliance.domain.queue import Left, Stay

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
BARE = Begun("c1", AT, AT, "4008001234", "demo", "carrier", "13800138000")
FACTS = {
    "number": "4008001234",
    "account": "demo",
    "caller_kind": "mobile",
    "flow": "front@3",
    "keys": "main=1",
    "line": "sales-1",
    "outcome": "abandoned:ringing",
    "recording": "2026/11/25/c1.wav",
}


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def with_facts(**more: str) -> Begun:
    return replace(BARE, facts=packed(FACTS | more))


def record(begun: Begun, sound: Sound | None = None, lines: tuple[Leg, ...] = ()) -> CallFacts:
    found = closed(begun, lines, sound)
    assert found is not None
    return found


def test_of_a_bare_start_only_the_start_is_known() -> None:
    call = record(BARE)
    assert (call.number, call.account_id, call.trunk_id, call.caller) == (
        "4008001234",
        "demo",
        "carrier",
        "13800138000",
    )
    assert (call.outcome, call.caller_kind, call.hangup_cause) == ("abnormal", "mobile", "")
    assert (call.started_at, call.answered_at, call.joined_at, call.ended_at) == (AT, None, None, AT)
    assert (call.bill_ms, call.bridged_ms, call.recording) == (0, 0, "")
    assert stays_lost(BARE, call) == []


def test_who_was_in_a_flow_was_answered_when_it_was_decided() -> None:
    call = record(replace(with_facts(), decided_at=after(4), noted_at=after(9)))
    assert (call.answered_at, call.ended_at, call.bill_ms) == (after(4), after(9), 5000)
    assert (call.keys, call.flow, call.joined_at, call.recording) == ("main=1", "front@3", None, "")


def test_a_talk_by_the_switchs_word() -> None:
    begun = replace(with_facts(), joined_at=after(7), seen_at=after(30), noted_at=after(20))
    call = record(begun)
    assert (call.outcome, call.joined_at, call.ended_at) == ("abnormal", after(7), after(30))
    assert (call.bridged_ms, call.line_id, call.tried) == (23_000, "sales-1", "sales-1=answered")
    assert call.recording == recording_of(begun) == "2026/11/25/c1.wav"


def test_a_talk_by_its_recording() -> None:
    """The switch died before anybody had asked it."""
    call = record(with_facts(), Sound(after(20), timedelta(seconds=8)))
    assert (call.joined_at, call.ended_at, call.bridged_ms) == (after(12), after(20), 8000)
    empty = record(with_facts(), Sound(after(20), timedelta()))
    assert (empty.joined_at, empty.ended_at) == (None, AT), "the file was begun before a line rang"


def test_a_call_back_is_answered_as_it_begins() -> None:
    """By the line; it has no start but this, and its facts say the rest."""
    facts = {
        "number": "4008001234",
        "account": "demo",
        "trunk": "carrier",
        "caller": "13800138000",
        "caller_kind": "mobile",
        "line": "sales-1",
        "callback": "7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4",
    }
    alone = Begun("l1", AT, AT, "", "", "", "", facts=packed(facts), noted_at=after(3), joined_at=after(5))
    call = record(replace(alone, seen_at=after(9)))
    assert (call.number, call.account_id, call.trunk_id, call.caller) == tuple(list(facts.values())[:4])
    assert (call.caller_kind, call.callback_id, call.line_id) == ("mobile", facts["callback"], "sales-1")
    assert (call.answered_at, call.joined_at, call.bill_ms, call.bridged_ms) == (AT, after(5), 9000, 4000)
    assert call.outcome == "abnormal"


def test_a_joined_call_without_a_flow_was_answered_by_the_line() -> None:
    call = record(replace(BARE, joined_at=after(6), seen_at=after(16)))
    assert (call.answered_at, call.bill_ms) == (after(6), 10_000)
    # The switch tells whole seconds.
    assert record(replace(BARE, joined_at=after(-0.5))).joined_at == AT


def test_legs_of_lines_that_left_a_cdr_count() -> None:
    leg = read_leg(
        {
            "uuid": "l1",
            "originator": "c1",
            "gw_line": "sales-2",
            "start_uepoch": str(int(after(1).timestamp() * 1e6)),
            "answer_uepoch": str(int(after(2).timestamp() * 1e6)),
            "bridge_uepoch": str(int(after(2).timestamp() * 1e6)),
            "end_uepoch": str(int(after(5).timestamp() * 1e6)),
        },
        Role.LINE,
    )
    assert isinstance(leg, Leg)
    call = record(replace(with_facts(), seen_at=after(9)), lines=(leg,))
    assert (call.line_id, call.joined_at, call.bridged_ms) == ("sales-2", after(2), 3000)


def test_a_refused_call_keeps_its_reason() -> None:
    refused = replace(BARE, refusal="black-list", facts=packed({"because": "list=pests"}))
    assert record(refused).because == "black-list list=pests"
    assert record(replace(BARE, refusal="black-list")).because == "black-list"


def test_times_that_are_no_calls() -> None:
    assert closed(replace(BARE, began_at=datetime(1999, 1, 1, tzinfo=UTC)), (), None) is None
    assert closed(replace(BARE, uuid="no uuid"), (), None) is None
    # A clock that was set ahead for years while the call went on.
    assert record(replace(BARE, seen_at=after(86400 * 900))).ended_at == after(7 * 86400)


def test_a_recordings_name_leads_nowhere_else() -> None:
    assert recording_of(with_facts(recording="../../etc/passwd.wav")) == ""
    assert recording_of(BARE) == ""


def test_who_waited_is_lost_once() -> None:
    place = str(Stay("desk", after(2)))
    begun = replace(with_facts(queue=place), noted_at=after(12))
    assert stays_lost(begun, record(begun)) == [Stay("desk", after(2), timedelta(seconds=10), Left.LOST)]
    talked = replace(begun, joined_at=after(5))
    assert stays_lost(talked, record(talked)) == [Stay("desk", after(2), timedelta(seconds=3), Left.ANSWERED)]
    # Facts were not noted yet, but he was written into the queue.
    young = replace(BARE, queue=Stay("desk", after(1)), seen_at=after(3))
    assert stays_lost(young, record(young)) == [Stay("desk", after(1), timedelta(seconds=2), Left.LOST)]
    # He has left it, and its list has not been told.
    left = replace(with_facts(queued=f"{place}+4000=key"), queue=Stay("desk", after(2)))
    assert stays_lost(left, record(left)) == [Stay("desk", after(2), timedelta(seconds=4), Left.KEY)]


@given(
    st.lists(st.sampled_from([None, "queue", "queued"]), max_size=4),
    st.floats(0, 100),
    st.one_of(st.none(), st.floats(0, 100)),
)
def test_every_stay_has_one_end_and_the_times_are_in_order(
    held: list[str | None], seen: float, joined_s: float | None
) -> None:
    facts = {"queue": str(Stay("desk", after(1)))} if "queue" in held else {}
    if "queued" in held:
        facts["queued"] = f"{Stay('other', AT)}+500=timeout"
    joined_at = None if joined_s is None else after(joined_s)
    begun = replace(with_facts(**facts), seen_at=after(seen), joined_at=joined_at)
    call = record(begun)
    assert call.started_at <= (call.joined_at or AT) <= call.ended_at and call.outcome == "abnormal"
    assert call.bill_ms >= call.bridged_ms >= 0
    stays = stays_lost(begun, call)
    assert len(stays) == len(facts) and all(stay.left is not None for stay in stays)


def test_what_the_switch_lists() -> None:
    assert there([{"uuid": "a"}, {"uuid": ""}, {}]) == {"a"}
    rows = [
        {"uuid": "a", "b_uuid": "b", "call_created_epoch": "1795600800"},
        {"uuid": "c", "b_uuid": "", "call_created_epoch": ""},
        {"uuid": "d", "call_created_epoch": "99999999999"},
        {"b_uuid": "e", "call_created_epoch": "1795600801"},
    ]
    assert joined(rows) == {"a": AT, "b": AT, "e": after(1)}


def test_missing_counts_from_the_first_look_that_misses_it() -> None:
    missing = Missing(10)
    assert missing.look(["a", "b"], {"b"}, 100) == []
    assert missing.look(["a", "b"], {"b"}, 109.9) == []
    assert missing.look(["a", "b"], {"b"}, 110) == ["a"]
    assert missing.look(["a", "b"], {"a", "b"}, 111) == [], "the list lagged behind"
    assert missing.look(["a", "b"], set(), 112) == []
    missing.is_back("b")
    missing.is_back("unknown")
    assert missing.look(["a", "b"], set(), 122) == ["a"]


@given(st.lists(st.tuples(st.floats(0, 30), st.sets(st.sampled_from("abc")))))
def test_a_call_that_is_there_is_never_missing(looks: list[tuple[float, set[str]]]) -> None:
    missing, now = Missing(20), 0.0
    last_there = dict.fromkeys("abc", 0.0)
    for pause, alive in looks:
        now += pause
        found = missing.look("abc", alive, now)
        assert not alive & set(found)
        last_there |= dict.fromkeys(alive, now)
        assert all(now - last_there[uuid] >= 20 for uuid in found)
