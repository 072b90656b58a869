"""Verbs as commands: what is sent, in how many writes, and what is read from the answers."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import gevent
import pytest

from appliance.errors import CallerGone, SwitchGone, UnsafeArgument
from appliance.switch import messages
from appliance.switch.esl_leg import EslLeg
from appliance.switch.leg import Digits, Disposition, Played, Tried
from tests.switch.legs import HELLO, SONGS, TARGET, Ends, call, facts, made, run, settings
from tests.switch.scripted_switch import (
    CHANNEL,
    DISCONNECT,
    OK,
    UUID,
    answer,
    applications,
    value,
)

__all__ = ["call"]
#: The name that a line's leg gets where several ring.
LEG = "origination_uuid=([0-9a-f-]{36}),"


def test_facts_of_the_call(call: Ends) -> None:
    leg, _ = call
    assert leg.uuid == UUID
    assert (leg.invite.address, leg.invite.port, leg.invite.request_user) == ("127.0.0.1", 5070, "4008001234")
    assert dict(leg.notes) == {"losses": "x", "node": "main", "keys": "main=1"}
    with pytest.raises(TypeError):
        leg.notes["x"] = "y"  # type: ignore[index]


def test_notes_go_with_the_next_verb_in_one_variable(call: Ends) -> None:
    leg, _ = call
    leg.note(number="4008001234", keys="a=1;b=2")
    leg.note(keys="a=1;b=3", node="")
    assert dict(leg.notes) == {"losses": "x", "node": "", "number": "4008001234", "keys": "a=1;b=3"}
    sent, _, _ = run(call, lambda leg: leg.play(HELLO))
    assert [name for name, _ in sent] == ["multiset", "playback"]
    # With what earlier handlers had noted, without what the dialplan notes for itself.
    assert facts(sent[0][1]) == {"gw_number": "4008001234", "gw_keys": "a=1;b=3"}
    assert [name for name, _ in run(call, lambda leg: leg.play(HELLO))[0]] == ["playback"]


def test_answering_goes_with_the_next_verb(call: Ends) -> None:
    leg, _ = call
    leg.early_media()
    leg.answer()
    leg.note(node="menu")
    sent, _, _ = run(call, lambda leg: leg.play(HELLO))
    assert [name for name, _ in sent] == ["multiset", "pre_answer", "answer", "playback"]


@pytest.mark.parametrize(
    ("response", "played"),
    [("FILE PLAYED", Played.WHOLE), ("FILE NOT FOUND", Played.MISSING), ("PLAYBACK ERROR", Played.MISSING)],
)
def test_playing(call: Ends, response: str, played: Played) -> None:
    sent, asked, found = run(call, lambda leg: leg.play(HELLO), response)
    assert sent[-1] == ("playback", "/srv/prompts/hello.wav")
    assert (asked, found) == ("current_application_response", played)


def test_collecting_one_key(call: Ends) -> None:
    sent, asked, answer = run(call, lambda leg: leg.collect(HELLO, 2), "#")
    expected = "1 1 1 2000 none /srv/prompts/hello.wav silence_stream://20 collected [0-9*#]+ 2000"
    assert sent[-1] == ("play_and_get_digits", expected)
    assert (asked, answer) == ("collected", Digits("#"))


def test_collecting_several_keys(call: Ends) -> None:
    sent, _, answer = run(call, lambda leg: leg.collect(None, 2.5, 6), "4821")
    expected = "1 6 1 2500 # silence_stream://20 silence_stream://20 collected [0-9*#]+ 2000"
    assert sent[-1] == ("play_and_get_digits", expected)
    assert answer == Digits("4821")


def test_connecting_without_a_recording(call: Ends) -> None:
    sent, asked, tried = run(call, lambda leg: leg.connect([TARGET], None, go_on=True), "USER_BUSY")
    assert [name for name, _ in sent] == ["multiset", "limit_execute"]
    variables = settings(sent[0][1])
    assert variables["originate_disposition"] == "LINE_FULL"
    assert variables["hangup_after_bridge"] == "false"
    assert facts(sent[0][1])["gw_line"] == "a"
    assert sent[1][1] == (
        "hash line a 2 bridge {ignore_early_media=true,originate_timeout=85}"
        "[leg_timeout=25,origination_caller_id_number=4008001234,origination_caller_id_name=4008001234]sofia/gateway400/02151860000@127.0.0.1:5080"
    )
    assert (asked, tried) == ("originate_disposition", [Tried("a", Disposition.BUSY, "USER_BUSY")])


def test_a_line_whose_calls_are_not_counted_holds_no_slot(call: Ends) -> None:
    uncounted = replace(TARGET, max_calls=0)
    sent, _, tried = run(call, lambda leg: leg.connect([uncounted], None, go_on=False), "USER_BUSY")
    assert [name for name, _ in sent] == ["multiset", "bridge"]
    assert "originate_disposition" not in settings(sent[0][1])
    assert tried == [Tried("a", Disposition.BUSY, "USER_BUSY")]


def test_a_talk_that_is_the_calls_end(call: Ends) -> None:
    """It is unless somebody says otherwise, and that is said only then."""
    said = []
    for go_on in (False, True, True, False, False):
        sent, _, _ = run(call, lambda leg, go_on=go_on: leg.connect([TARGET], None, go_on=go_on), "USER_BUSY")
        said.append(settings(sent[0][1]).get("hangup_after_bridge"))
    assert said == [None, "false", None, "true", None]


def test_music_instead_of_the_ringing_tone(call: Ends) -> None:
    """Said only where it changes, and taken away again."""
    said = []
    for music in (None, SONGS[0], SONGS[0], SONGS[1], None, None):
        ringing = partial(EslLeg.connect, targets=[TARGET], record_to=None, go_on=False, music=music)
        sent, _, _ = run(call, ringing, "USER_BUSY")
        said.append(settings(sent[0][1]).get("transfer_ringback"))
    assert said == [None, str(SONGS[0]), None, str(SONGS[1]), "", None]


def test_music_that_dead_handlers_have_left_is_taken_away() -> None:
    for taken_up in made({**CHANNEL, "variable_transfer_ringback": str(HELLO)}):
        sent, _, _ = run(taken_up, lambda leg: leg.connect([TARGET], None, go_on=False), "USER_BUSY")
        assert settings(sent[0][1])["transfer_ringback"] == ""


def test_connecting_with_a_recording(call: Ends) -> None:
    leg, _ = call
    leg.note(tried="z=busy")
    record_to = "2026/11/22/x.wav"
    sent, _, tried = run(call, lambda leg: leg.connect([TARGET], record_to, go_on=True), "SUCCESS")
    assert [name for name, _ in sent] == ["multiset", "record_session", "limit_execute", "stop_record_session"]
    assert sent[1][1] == sent[3][1] == "/srv/recordings/2026/11/22/x.wav"
    assert tried == [Tried("a", Disposition.ANSWERED, "SUCCESS")]
    assert (leg.notes["line"], leg.notes["tried"]) == ("a", "z=busy;a=answered")
    sent, _, _ = run(call, lambda leg: leg.play(HELLO))
    assert facts(sent[0][1])["gw_tried"] == "z=busy;a=answered"


def test_several_lines_ring_at_once(call: Ends) -> None:
    """Full ones are asked for first and left out; slots are the lines' legs' own."""
    leg, switch = call
    other = replace(TARGET, line="b", max_calls=1, trunk="carrier", trunk_max_calls=30)
    free = replace(TARGET, line="c", max_calls=0)
    doing = gevent.spawn(leg.connect, [TARGET, other, free], None, go_on=False)
    assert switch.read_all(b"hash line b\n\n") == b"api limit_usage hash line a\n\napi limit_usage hash line b\n\n"
    switch.say(answer("2"), answer("0"))
    sent, _ = switch.asked()
    assert [name for name, _ in sent] == ["multiset", "bridge"]
    assert len(set(re.findall(LEG, sent[1][1]))) == 2
    shown = "origination_caller_id_number=4008001234,origination_caller_id_name=4008001234"
    assert re.sub(LEG, "", sent[1][1]) == (
        f"{{ignore_early_media=true,originate_timeout=85}}"
        f"[leg_timeout=25,{shown},gw_line=b,gw_outward=carrier,limit_ignore_transfer=true,"
        "execute_on_originate_0=limit hash line b 1 !NO_PICKUP,"
        "execute_on_originate_1=limit hash trunk carrier 30 !NORMAL_CIRCUIT_CONGESTION]"
        f"sofia/gateway400/02151860000@127.0.0.1:5080,[leg_timeout=25,{shown},gw_line=c]"
        "sofia/gateway400/02151860000@127.0.0.1:5080"
    )
    switch.say(OK, value("USER_BUSY"))
    assert switch.command() == "getvar originate_causes"
    switch.say(value("ARRAY::7f3e;NO_ANSWER|:0b1c;USER_BUSY"))
    assert doing.get(timeout=2) == [
        Tried("a", Disposition.FULL, "LINE_FULL"),
        Tried("b", Disposition.NO_ANSWER, "NO_ANSWER"),
        Tried("c", Disposition.BUSY, "USER_BUSY"),
    ]
    assert leg.notes["tried"] == "a=full;b=no-answer;c=busy"
    assert leg.notes["line"] == ""


def test_of_several_lines_none_is_free(call: Ends) -> None:
    leg, switch = call
    doing = gevent.spawn(leg.connect, [TARGET, replace(TARGET, line="b")], None, go_on=False)
    switch.read_all(b"hash line b\n\n")
    switch.say(answer("2"), answer("9"))
    assert [one.disposition for one in doing.get(timeout=2)] == [Disposition.FULL, Disposition.FULL]


def test_a_count_that_is_none_ends_the_call(call: Ends) -> None:
    leg, switch = call
    doing = gevent.spawn(leg.connect, [TARGET, replace(TARGET, line="b")], None, go_on=False)
    switch.read_all(b"hash line b\n\n")
    switch.say(answer("-ERR no"), answer("0"))
    with pytest.raises(SwitchGone):
        doing.get(timeout=2)


def test_counting_a_call(call: Ends) -> None:
    sent, asked, count = run(call, lambda leg: leg.hold("number", "4008001234"), "3")
    assert (sent[-1], asked, count) == (("limit", "hash number 4008001234"), "limit_usage", 3)
    leg, switch = call
    doing = gevent.spawn(leg.let_go, "number", "4008001234")
    assert (
        switch.read_all(b"4008001234\n\n") == f"api uuid_limit_release {UUID} hash number 4008001234\n\n".encode()
    )
    switch.say(answer("+OK"))
    doing.get(timeout=2)


@pytest.mark.parametrize(
    ("cause", "disposition"),
    [
        ("LINE_FULL", Disposition.FULL),
        ("NO_PICKUP", Disposition.FULL),
        ("ALLOTTED_TIMEOUT", Disposition.NO_ANSWER),
        ("NO_ANSWER", Disposition.NO_ANSWER),
        ("CALL_REJECTED", Disposition.REJECTED),
        ("UNALLOCATED_NUMBER", Disposition.NOT_EXISTING),
        ("RECOVERY_ON_TIMER_EXPIRE", Disposition.UNREACHABLE),
        ("NORMAL_TEMPORARY_FAILURE", Disposition.UNREACHABLE),
        ("failure", Disposition.UNREACHABLE),
        ("", Disposition.UNREACHABLE),
    ],
)
def test_causes(call: Ends, cause: str, disposition: Disposition) -> None:
    _, _, tried = run(call, lambda leg: leg.connect([TARGET], None, go_on=False), cause)
    assert tried == [Tried("a", disposition, cause)]


def test_hanging_up_takes_the_notes_along(call: Ends) -> None:
    leg, switch = call
    leg.note(outcome="ended:menu")
    hanging = gevent.spawn(leg.hang_up, "NORMAL_CLEARING")
    multiset, hangup = applications(switch.command())
    assert facts(multiset[1])["gw_outcome"] == "ended:menu"
    assert hangup == ("hangup", "NORMAL_CLEARING")
    switch.say(OK, DISCONNECT)
    hanging.get(timeout=2)
    for verb in (leg.answer, lambda: leg.play(HELLO), lambda: leg.connect([TARGET], None, go_on=False)):
        with pytest.raises(CallerGone):
            verb()


def test_nothing_is_sent_of_what_is_unsafe(call: Ends) -> None:
    leg, _ = call
    for verb in (
        lambda: leg.play(Path("/etc/passwd")),
        lambda: leg.play(Path("/srv/recordings/x.wav")),
        lambda: leg.collect(Path("/srv/prompts/a b.wav"), 5),
        lambda: leg.collect(HELLO, 0),
        lambda: leg.collect(HELLO, 5, 1000),
        lambda: leg.connect([TARGET], "../x.wav", go_on=False),
        lambda: leg.connect([TARGET], "/etc/x.wav", go_on=False),
        lambda: leg.hang_up("x"),
        lambda: leg.note(x="${y}"),
        lambda: leg.connect([], None, go_on=False),
        lambda: leg.wait([], "1"),
        lambda: leg.wait([HELLO] * 101, "1"),
        lambda: leg.wait([HELLO], "none"),
        lambda: leg.wait([Path("/srv/prompts/a!b.wav")], "1"),
        lambda: leg.connect([TARGET], None, go_on=False, music=Path("/etc/x.wav")),
        lambda: leg.hold("a b", "c"),
        lambda: leg.let_go("a", "b c"),
    ):
        with pytest.raises(UnsafeArgument):
            verb()
    sent, _, _ = run(call, lambda leg: leg.play(HELLO))
    assert [name for name, _ in sent] == ["playback"]


def test_a_second_talk_is_recorded_behind_the_first(call: Ends) -> None:
    record_to = "2026/11/22/x.wav"
    connect = partial(EslLeg.connect, targets=[TARGET], record_to=record_to, go_on=True)
    sent, _, _ = run(call, connect, "USER_BUSY")
    assert "RECORD_APPEND" not in settings(sent[0][1]) and "recorded" not in call[0].notes
    run(call, connect, "SUCCESS")
    sent, _, _ = run(call, connect, "USER_BUSY")
    assert settings(sent[0][1])["RECORD_APPEND"] == "true"


@pytest.mark.parametrize("talked", [True, False])
def test_a_message_behind_a_talk_is_written_anew(call: Ends, talked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "folder_is_there", lambda file: True)
    if talked:
        for _ in range(2):
            run(call, partial(EslLeg.connect, targets=[TARGET], record_to="a/x.wav", go_on=True), "SUCCESS")
    recording = gevent.spawn(call[0].record, "messages/x-m1.wav", 60, 5, "#")
    sent, _ = call[1].asked()
    recording.kill()
    assert settings(sent[0][1]).get("RECORD_APPEND") == ("" if talked else None)
    assert [name for name, _ in sent] == ["multiset", "record", "multiset"]


def test_what_a_lines_side_notes_of_the_recording_goes_among_the_facts() -> None:
    for taken_up in made({**CHANNEL, "variable_gw_unrecorded": "off", "variable_gw_recorded": "yes"}):
        assert taken_up[0].notes["unrecorded"] == "off"
        sent, _, _ = run(taken_up, lambda leg: leg.play(HELLO))
        assert settings(sent[0][1])["gw_unrecorded"] == ""
        assert facts(sent[0][1])["gw_unrecorded"] == "off"


@pytest.mark.parametrize("known", [True, False])
def test_of_several_lines_only_the_one_that_was_joined_is_noted(call: Ends, known: bool) -> None:
    """The other lost the race, and did not answer."""
    leg, switch = call
    lines = [replace(TARGET, line=name, max_calls=0) for name in ("a", "b")]
    doing = gevent.spawn(leg.connect, lines, None, go_on=True)
    sent, _ = switch.asked()
    legs = re.findall(LEG, sent[1][1])
    switch.say(OK, value("SUCCESS"))
    assert switch.command() == "getvar last_bridge_to"
    switch.say(value(legs[1] if known else "0b1c"))
    line = "b" if known else "a"
    assert doing.get(timeout=2) == [Tried(line, Disposition.ANSWERED, "SUCCESS")]
    assert leg.notes["tried"] == f"{line}=answered"
