"""A call's session: its applications, known by their ids, and its end."""

from __future__ import annotations

from functools import partial

import gevent
import pytest

from appliance.errors import CallerGone, SwitchError, SwitchGone, SwitchTimeout, UnsafeArgument
from appliance.switch.session import Session
from tests.switch.scripted_switch import (
    CHANNEL,
    DISCONNECT,
    OK,
    UUID,
    ScriptedSwitch,
    application,
    block,
    complete,
    event,
    later,
    outcome,
    uuid_in,
)


def test_a_call_is_taken_over(call: tuple[Session, ScriptedSwitch]) -> None:
    session, _ = call
    assert session.uuid == UUID
    assert session.data.get(b"variable_sip_req_user") == "4008001234"


def test_a_unique_id_that_is_a_callers_text_is_refused(ends: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = ends
    switch.say(block({**CHANNEL, "Unique-ID": "x\n\napi system id"}))
    gevent.spawn(switch.command)
    with pytest.raises((UnsafeArgument, SwitchGone)):
        session.connect()


def test_an_end_is_known_by_its_id(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    running = later(lambda: session.run([("set", "a=1"), ("playback", "/x.wav")], 2).get(b"variable_n"))
    first, second = switch.commands(2)
    assert application(first) == ("set", "a=1") and "Event-UUID" not in first
    assert application(second) == ("playback", "/x.wav")
    switch.say(OK, OK, complete("another"), complete("x", n="wrong"), complete(uuid_in(second), n="right"))
    assert outcome(running) == "right"


def test_only_ends_that_are_waited_for_are_asked_for(ends: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = ends
    handing = gevent.spawn(switch.hand_over)
    session.connect()
    handing.get(timeout=2)
    session.start([("set", "a=1")])
    later(lambda: session.run([("playback", "/x.wav")], 2))
    _, *subscription, command = switch.commands(4)
    assert subscription == [
        f"filter Application-UUID {uuid_in(command)}",
        "event plain CHANNEL_EXECUTE_COMPLETE",
    ]


@pytest.mark.parametrize("refused", [0, 1])
def test_a_subscription_that_is_refused_ends_the_call(ends: tuple[Session, ScriptedSwitch], refused: int) -> None:
    session, switch = ends
    handing = gevent.spawn(switch.hand_over)
    session.connect()
    handing.get(timeout=2)
    running = later(lambda: session.run([("playback", "/x.wav")], 2))
    switch.commands(3)
    answers = [OK, OK]
    answers[refused] = b"Content-Type: command/reply\nReply-Text: -ERR no keywords supplied\n\n"
    switch.say(*answers)
    assert isinstance(outcome(running), SwitchGone)


def test_an_id_is_used_again_only_when_its_end_has_come(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    seen = []
    for limit in (2, 0.05, 2):
        running = later(partial(session.run, [("playback", "/x.wav")], limit))
        command = switch.command()
        if command.startswith("filter Application-UUID "):
            switch.say(OK)
            command = switch.command()
        seen.append(uuid_in(command))
        switch.say(OK, *([complete(seen[-1])] if limit == 2 else []))
        outcome(running)
    assert seen[0] == seen[1] != seen[2]


def test_two_that_wait_at_once_have_ids_of_their_own(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    first = later(lambda: session.run([("playback", "/1.wav")], 2).get(b"variable_n"))
    second = later(lambda: session.run([("playback", "/2.wav")], 2).get(b"variable_n"))
    one, _, two = switch.commands(3)
    switch.say(OK, OK, OK, complete(uuid_in(two), n="2"), complete(uuid_in(one), n="1"))
    assert (outcome(first), outcome(second)) == ("1", "2")


def test_an_end_after_the_hang_up_is_the_callers(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    running = later(lambda: session.run([("playback", "/x.wav")], 2))
    frame = event({"Answer-State": "hangup", "Application-UUID": uuid_in(switch.command())})
    switch.say(OK, frame)
    assert isinstance(outcome(running), CallerGone)
    assert session.ended is None


def test_a_refused_application_raises_at_once(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    running = later(lambda: session.run([("playback", "/x.wav")], 2))
    switch.command()
    switch.say(b"Content-Type: command/reply\nReply-Text: -ERR memory error\n\n")
    error = outcome(running)
    assert isinstance(error, SwitchError) and "memory error" in str(error)


def test_an_application_without_end_is_given_up(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    with pytest.raises(SwitchTimeout, match="playback"):
        session.run([("playback", "/x.wav")], 0.05)
    switch.say(OK, complete(uuid_in(switch.command())))
    gevent.sleep(0.02)
    assert session.ended is None


def test_bytes_that_are_no_utf8_do_no_harm(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    running = later(lambda: session.run([("playback", "/x.wav")], 2).get(b"variable_name"))
    body = b"Answer-State: answered\nvariable_name: " + "张".encode("gbk") + b"\nApplication-UUID: "
    body += uuid_in(switch.command()).encode() + b"\n\n"
    switch.say(OK, b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body) + body)
    assert outcome(running) == "张"


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_frames_that_come_in_pieces(call: tuple[Session, ScriptedSwitch], step: int) -> None:
    session, switch = call
    running = later(lambda: session.run([("playback", "/x.wav")], 5).get(b"variable_n"))
    data = OK + complete("other") + complete(uuid_in(switch.command()), n="1")
    for at in range(0, len(data), step):
        switch.say(data[at : at + step])
        gevent.sleep(0)
    assert outcome(running) == "1"


@pytest.mark.parametrize("verb", ["answer", "park", "playback", "bridge", "say", "play_and_get_digits"])
def test_verbs_of_greenswitch_are_shut(call: tuple[Session, ScriptedSwitch], verb: str) -> None:
    session, _ = call
    arguments = ["x"] if verb in ("playback", "bridge") else []
    with pytest.raises(NotImplementedError):
        getattr(session, verb)(*arguments)


def test_hanging_up_waits_for_the_end(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    hanging = later(lambda: session.hangup("USER_BUSY"))
    assert switch.command() == "sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY"
    switch.say(OK)
    gevent.sleep(0.05)
    assert not hanging.ready()
    switch.say(DISCONNECT)
    assert outcome(hanging) is None
    with pytest.raises(CallerGone):
        session.hangup()


def test_hanging_up_without_an_end(call: tuple[Session, ScriptedSwitch]) -> None:
    session, _ = call
    with pytest.raises(SwitchTimeout):
        session.hangup(timeout_s=0.05)
