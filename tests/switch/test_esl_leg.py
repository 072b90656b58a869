"""Verbs as commands: what is sent, in how many writes, and what is read from the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch.esl_leg import EslLeg, Folders
from appliance.switch.leg import Digits, Disposition, NoInput, Played, Target, Tried
from appliance.switch.session import Session
from tests.switch.scripted_switch import (
    CHANNEL,
    DISCONNECT,
    OK,
    UUID,
    ScriptedSwitch,
    application,
    complete,
    event,
    pair,
    uuid_in,
)

FOLDERS = Folders((Path("/srv/prompts"), Path("/srv/built-in")), Path("/srv/recordings"))
HELLO = Path("/srv/prompts/hello.wav")
TARGET = Target("a", "02151860000", "127.0.0.1:5080", 25, 2, "4008001234")

Ends = tuple[EslLeg, ScriptedSwitch]


def made(channel: dict[str, str]) -> Iterator[Ends]:
    near, far = pair()
    session, switch = Session(("127.0.0.1", 1), near), ScriptedSwitch(far)
    handing = gevent.spawn(switch.hand_over, channel)
    session.connect()
    handing.get(timeout=2)
    yield EslLeg(session, FOLDERS), switch
    session.stop()
    far.close()


@pytest.fixture
def new() -> Iterator[Ends]:
    """A leg whose first command is still to be read."""
    yield from made(CHANNEL)


@pytest.fixture
def call(new: Ends) -> Ends:
    """A leg at work."""
    leg, switch = new
    assert application(switch.command()) == ("sched_cancel", "17")
    playing = gevent.spawn(leg.play, HELLO)
    switch.say(OK)
    switch.subscribed()
    switch.say(OK, complete(uuid_in(switch.command())))
    playing.get(timeout=2)
    return leg, switch


def run(call: Ends, verb: Callable[[EslLeg], object], **variables: str) -> tuple[list[tuple[str, str]], object]:
    """Carry a verb out whose last application ends with these variables: what was sent, what came of it."""
    leg, switch = call
    doing = gevent.spawn(verb, leg)
    sent: list[str] = []
    while not sent or "Event-UUID" not in sent[-1]:
        sent.append(switch.command())
    switch.say(OK * len(sent), complete(uuid_in(sent[-1]), application(sent[-1])[0], **variables))
    return [application(one) for one in sent], doing.get(timeout=2)


def settings(argument: str) -> dict[str, str]:
    """What a ``multiset`` sets."""
    return dict(one.split("=", 1) for one in argument[3:].split(argument[2]))


def test_without_a_task_of_the_dialplan_every_task_is_cancelled() -> None:
    channel = {name: value for name, value in CHANNEL.items() if name != "variable_last_sched_id"}
    for _, switch in made(channel):
        assert application(switch.command()) == ("sched_cancel", "")


def test_facts_of_the_call(new: Ends) -> None:
    leg, _ = new
    assert leg.uuid == UUID
    assert (leg.invite.address, leg.invite.port, leg.invite.request_user) == ("127.0.0.1", 5070, "4008001234")
    assert dict(leg.notes) == {"started": "1"}
    with pytest.raises(TypeError):
        leg.notes["x"] = "y"  # type: ignore[index]


def test_notes_go_with_the_next_verb_in_one_multiset(call: Ends) -> None:
    leg, _ = call
    leg.note(number="4008001234", keys="a=1;b=2")
    leg.note(keys="a=1;b=3")
    assert dict(leg.notes) == {"started": "1", "number": "4008001234", "keys": "a=1;b=3"}
    sent, _ = run(call, lambda leg: leg.play(HELLO))
    assert [name for name, _ in sent] == ["multiset", "playback"]
    assert settings(sent[0][1]) == {"gw_number": "4008001234", "gw_keys": "a=1;b=3"}
    assert [name for name, _ in run(call, lambda leg: leg.play(HELLO))[0]] == ["playback"]


def test_answering_is_not_waited_for(call: Ends) -> None:
    leg, switch = call
    leg.note(node="main")
    leg.answer()
    assert [application(one)[0] for one in switch.commands(2)] == ["multiset", "answer"]
    leg.early_media()
    assert application(switch.command()) == ("pre_answer", "")


@pytest.mark.parametrize(
    ("response", "played"),
    [("FILE PLAYED", Played.WHOLE), ("FILE NOT FOUND", Played.MISSING), ("PLAYBACK ERROR", Played.MISSING)],
)
def test_playing(call: Ends, response: str, played: Played) -> None:
    leg, switch = call
    doing = gevent.spawn(leg.play, HELLO)
    command = switch.command()
    assert application(command) == ("playback", "/srv/prompts/hello.wav")
    ended = {"Answer-State": "early", "Application-Response": response, "Application-UUID": uuid_in(command)}
    switch.say(OK, event(ended))
    assert doing.get(timeout=2) is played


def test_collecting_one_key(call: Ends) -> None:
    sent, answer = run(call, lambda leg: leg.collect(HELLO, 5), collected_1="#")
    assert sent == [
        ("multiset", "^^;collected_1="),
        (
            "play_and_get_digits",
            "1 1 1 5000 none /srv/prompts/hello.wav silence_stream://20 collected_1 [0-9*#]+ 3000",
        ),
    ]
    assert answer == Digits("#")


def test_collecting_several_keys_by_a_name_of_its_own(call: Ends) -> None:
    run(call, lambda leg: leg.collect(HELLO, 5), collected_1="1")
    sent, answer = run(call, lambda leg: leg.collect(None, 2.5, 6), collected_1="1", collected_2="4821")
    expected = "1 6 1 2500 # silence_stream://20 silence_stream://20 collected_2 [0-9*#]+ 2500"
    assert sent[1] == ("play_and_get_digits", expected)
    assert answer == Digits("4821")


def test_a_prompt_that_cannot_be_played_is_waited_out_in_silence(call: Ends) -> None:
    leg, switch = call
    doing = gevent.spawn(leg.collect, HELLO, 1.0)
    files = []
    for late in (0.0, 1.0):
        _, command = switch.commands(2)
        files.append(application(command)[1].split(" ")[5])
        gevent.sleep(late)
        switch.say(OK, OK, complete(uuid_in(command)))
    assert doing.get(timeout=2) == NoInput()
    assert files == ["/srv/prompts/hello.wav", "silence_stream://20"]


def test_keys_that_are_none_are_no_input(call: Ends) -> None:
    _, answer = run(call, lambda leg: leg.collect(HELLO, 5), collected_1_invalid="A")
    assert answer == NoInput()


def test_connecting_without_a_recording(call: Ends) -> None:
    sent, tried = run(call, lambda leg: leg.connect(TARGET, None), originate_disposition="USER_BUSY")
    assert [name for name, _ in sent] == ["multiset", "limit_execute", "multiset"]
    assert settings(sent[0][1]) == {
        "gw_line": "a",
        "effective_caller_id_number": "4008001234",
        "effective_caller_id_name": "4008001234",
        "originate_disposition": "LINE_FULL",
        "ignore_early_media": "true",
        "ringback": "%(1000,4000,450)",
        "socket_resume": "false",
    }
    assert sent[1][1] == "hash line a 2 bridge [leg_timeout=25]sofia/gateway400/02151860000@127.0.0.1:5080"
    assert settings(sent[2][1]) == {"socket_resume": "true"}
    assert tried == Tried("a", Disposition.BUSY, "USER_BUSY")


def test_connecting_with_a_recording(call: Ends) -> None:
    leg, _ = call
    leg.note(tried="z=busy")
    record_to = "2026/11/22/x.wav"
    sent, tried = run(call, lambda leg: leg.connect(TARGET, record_to), originate_disposition="SUCCESS")
    assert [name for name, _ in sent] == [
        "multiset",
        "record_session",
        "limit_execute",
        "multiset",
        "stop_record_session",
    ]
    assert settings(sent[0][1])["RECORD_STEREO"] == settings(sent[0][1])["RECORD_BRIDGE_REQ"] == "true"
    assert sent[1][1] == sent[4][1] == "/srv/recordings/2026/11/22/x.wav"
    assert tried == Tried("a", Disposition.ANSWERED, "SUCCESS")
    assert (leg.notes["line"], leg.notes["tried"]) == ("a", "z=busy;a=answered")
    sent, _ = run(call, lambda leg: leg.play(HELLO))
    assert settings(sent[0][1]) == {"gw_tried": "z=busy;a=answered"}


@pytest.mark.parametrize(
    ("cause", "disposition"),
    [
        ("LINE_FULL", Disposition.FULL),
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
    _, tried = run(call, lambda leg: leg.connect(TARGET, None), originate_disposition=cause)
    assert tried == Tried("a", disposition, cause)


def test_hanging_up_takes_the_notes_along(call: Ends) -> None:
    leg, switch = call
    leg.note(outcome="answered")
    hanging = gevent.spawn(leg.hang_up, "NORMAL_CLEARING")
    multiset, hangup = switch.commands(2)
    assert application(multiset) == ("multiset", "^^;gw_outcome=answered")
    assert hangup.endswith("hangup-cause: NORMAL_CLEARING")
    switch.say(OK, OK, DISCONNECT)
    hanging.get(timeout=2)
    for verb in (leg.answer, lambda: leg.play(HELLO), lambda: leg.connect(TARGET, None)):
        with pytest.raises(CallerGone):
            verb()


def test_nothing_is_sent_of_what_is_unsafe(call: Ends) -> None:
    leg, switch = call
    for verb in (
        lambda: leg.play(Path("/etc/passwd")),
        lambda: leg.play(Path("/srv/recordings/x.wav")),
        lambda: leg.collect(Path("/srv/prompts/a b.wav"), 5),
        lambda: leg.collect(HELLO, 0),
        lambda: leg.collect(HELLO, 5, 1000),
        lambda: leg.connect(TARGET, "../x.wav"),
        lambda: leg.connect(TARGET, "/etc/x.wav"),
        lambda: leg.hang_up("x"),
        lambda: leg.note(x="${y}"),
    ):
        with pytest.raises(UnsafeArgument):
            verb()
    leg.answer()
    assert application(switch.command()) == ("answer", "")
