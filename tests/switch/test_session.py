"""A call's session: what is sent, whose answer is whose, and how it ends."""

from __future__ import annotations

import time

import gevent
import pytest
from gevent import socket

from appliance.errors import CallerGone, RuleError, SwitchError, SwitchGone, SwitchTimeout, UnsafeArgument
from appliance.switch import session as session_module
from appliance.switch.session import Application, Session, message
from tests.switch.scripted_switch import (
    CHANNEL,
    DISCONNECT,
    OK,
    UUID,
    ScriptedSwitch,
    applications,
    block,
    event,
    later,
    outcome,
    value,
)

Ends = tuple[Session, ScriptedSwitch]
PLAY: list[Application] = [("playback", "/x.wav")]


def test_a_call_is_taken_over(call: Ends) -> None:
    session, _ = call
    assert session.uuid == UUID
    assert session.data.get(b"variable_sip_req_user") == "4008001234"


def test_there_is_no_data_before(ends: Ends) -> None:
    with pytest.raises(SwitchError, match="not connected"):
        _ = ends[0].data


def test_a_unique_id_that_is_a_callers_text_is_refused(ends: Ends) -> None:
    session, switch = ends
    switch.say(block({**CHANNEL, "Unique-ID": "x\n\napi system id"}))
    with pytest.raises(UnsafeArgument):
        session.connect()


# -- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([("answer", "")], "sendmsg\ncall-command:execute\nexecute-app-name:answer\n\n"),
        (PLAY, "sendmsg\ncall-command:execute\nexecute-app-name:playback\nexecute-app-arg:/x.wav\n\n"),
        (
            [("set", "gw_facts=" + "x" * 40)],
            "sendmsg\ncall-command:execute\nexecute-app-name:set\ncontent-type:text/plain\ncontent-length:49\n\n"
            "gw_facts=" + "x" * 40,
        ),
        (
            [("set", "city=" + "上海" * 12)],
            "sendmsg\ncall-command:execute\nexecute-app-name:set\nexecute-app-arg:city=" + "上海" * 12 + "\n\n",
        ),
        (
            [("answer", ""), ("multiset", "^^|a=1|b=;!"), ("playback", "/" + "y" * 20)],
            "sendmsg\ncall-command:execute\nexecute-app-name:execute_extension\ncontent-type:text/plain\n"
            "content-length:71\n\n'm:~:answer~multiset:^^|a=1|b=;!~playback:/yyyyyyyyyyyyyyyyyyyy' inline",
        ),
    ],
    ids=["bare", "short", "long", "short in letters", "several"],
)
def test_a_message(given: list[Application], sent: str) -> None:
    assert message(given) == sent
    assert applications(sent.removesuffix("\n\n")) == given


@pytest.mark.parametrize("bad", ["a'b", "a\\b", "${x}", 'a"b'])
def test_what_would_end_an_inline_extension_is_not_sent(bad: str) -> None:
    with pytest.raises(UnsafeArgument):
        message([("answer", ""), ("set", f"x={bad}")])


def test_no_delimiter_is_left_to_an_argument() -> None:
    with pytest.raises(UnsafeArgument):
        message([("answer", ""), ("set", "x=|~!&\x1e")])


# -- answers -------------------------------------------------------------------------------------------------------


def test_an_application_is_carried_out_and_a_variable_read(call: Ends) -> None:
    session, switch = call
    running = later(lambda: session.run([("set", "a=1"), *PLAY], "current_application_response", 2))
    assert switch.asked() == ([("set", "a=1"), ("playback", "/x.wav")], "current_application_response")
    switch.say(OK)
    gevent.sleep(0.05)
    assert not running.ready()
    switch.say(value("FILE PLAYED"))
    assert outcome(running) == "FILE PLAYED"


def test_a_variable_that_is_not_set_is_empty(call: Ends) -> None:
    session, switch = call
    running = later(lambda: session.run(PLAY, "collected", 2))
    switch.asked()
    switch.say(OK, value(""))
    assert outcome(running) == ""


def test_a_name_that_is_none_is_not_asked_for(call: Ends) -> None:
    session, _ = call
    with pytest.raises(UnsafeArgument):
        session.run(PLAY, "x\n\nexit", 1)
    assert session.ended is None


def test_answers_belong_to_their_questions(call: Ends) -> None:
    session, switch = call
    for number in "123":
        running = later(lambda: session.run(PLAY, "n", 2))
        switch.asked()
        switch.say(OK, value(number))
        assert outcome(running) == number


def test_a_refused_application_ends_the_session(call: Ends) -> None:
    session, switch = call
    running = later(lambda: session.run(PLAY, "n", 2))
    switch.asked()
    switch.say(b"Content-Type: command/reply\nReply-Text: -ERR memory error\n\n", value("x"))
    error = outcome(running)
    assert isinstance(error, SwitchGone) and "memory error" in str(error)
    assert switch.closed()


def test_an_application_without_end_is_given_up(call: Ends) -> None:
    """And the connection with it: the late answer would be taken for the next one's."""
    session, switch = call
    with pytest.raises(SwitchTimeout):
        session.run(PLAY, "n", 0.05)
    assert switch.closed()
    with pytest.raises(SwitchTimeout):
        session.run(PLAY, "n", 1)


def test_bytes_that_are_no_utf8_do_no_harm(call: Ends) -> None:
    session, switch = call
    running = later(lambda: session.run(PLAY, "n", 2))
    switch.asked()
    switch.say(OK, b"Content-Type: command/reply\nReply-Text: " + "张".encode("gbk") + b"\n\n")
    assert outcome(running) == "张"


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_frames_that_come_in_pieces(call: Ends, step: int) -> None:
    session, switch = call
    running = later(lambda: session.run(PLAY, "n", 5))
    switch.asked()
    data = OK + event({"Event-Name": "NOT_ASKED_FOR"}) + value("1")
    for at in range(0, len(data), step):
        switch.say(data[at : at + step])
        gevent.sleep(0)
    assert outcome(running) == "1"


# -- the end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_words", "kind"),
    [
        (b"", SwitchGone),
        (OK, SwitchGone),
        (b"Content-Type: text/eve", SwitchGone),
        (b"Content-Length: 100\nContent-Type: text/event-plain\n\nabc", SwitchGone),
        (b"Content-Length: many\n\n", SwitchError),
        (b"\x00\xff" * 300_000, SwitchError),
        (DISCONNECT, CallerGone),
        (OK + DISCONNECT, CallerGone),
    ],
    ids=["eof", "half", "in a head", "in a body", "bad length", "noise", "notice", "after the application"],
)
def test_the_end_wakes_the_waiter(call: Ends, last_words: bytes, kind: type[SwitchError]) -> None:
    session, switch = call
    running = later(lambda: session.run(PLAY, "n", 5))
    switch.asked()
    began = time.process_time()
    gevent.spawn(switch.say, last_words)
    gevent.sleep(0.05)
    if not running.ready():
        switch.sock.shutdown(socket.SHUT_WR)
    assert isinstance(outcome(running), kind)
    with pytest.raises(kind):
        session.run(PLAY, "n", 1)
    with pytest.raises(kind):
        session.check()
    assert time.process_time() - began < 1, "something spins"


def test_a_switch_that_reads_nothing_is_given_up(call: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    session, _ = call
    monkeypatch.setattr(session_module, "SEND_TIMEOUT_S", 0.1)
    with pytest.raises(SwitchTimeout, match="does not read"):
        session.run([("set", "x=" + "y" * 20_000_000)], "n", 5)


def test_hanging_up_waits_for_the_end(call: Ends) -> None:
    session, switch = call
    hanging = later(lambda: session.hangup("USER_BUSY", [("set", "a=1")]))
    assert applications(switch.command()) == [("set", "a=1"), ("hangup", "USER_BUSY")]
    switch.say(OK)
    gevent.sleep(0.05)
    assert not hanging.ready()
    switch.say(DISCONNECT)
    assert outcome(hanging) is None
    with pytest.raises(CallerGone):
        session.hangup("USER_BUSY")


def test_hanging_up_without_an_end(call: Ends) -> None:
    session, _ = call
    with pytest.raises(SwitchTimeout):
        session.hangup("USER_BUSY", timeout_s=0.05)


@pytest.mark.parametrize("verb", ["answer", "park", "playback", "bridge", "say", "play_and_get_digits"])
def test_verbs_of_greenswitch_are_shut(call: Ends, verb: str) -> None:
    session, _ = call
    arguments = ["x"] if verb in ("playback", "bridge") else []
    with pytest.raises(RuleError):
        getattr(session, verb)(*arguments)
