"""One connection: replies in order, ends by their id, and every wait ends when the connection does."""

from __future__ import annotations

import contextlib
import gc
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent import socket

from appliance.errors import CallerGone, SwitchError, SwitchGone, SwitchRefused, SwitchTimeout, UnsafeArgument
from appliance.switch import link
from appliance.switch.session import Session
from appliance.switch.wire import Frame
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
    pair,
    uuid_in,
)


@pytest.fixture
def ends() -> Iterator[tuple[Session, ScriptedSwitch]]:
    """A session that is not connected yet, and the switch's end of it."""
    near, far = pair()
    session = Session(("127.0.0.1", 1), near)
    yield session, ScriptedSwitch(far)
    session.stop()
    far.close()


@pytest.fixture
def call(ends: tuple[Session, ScriptedSwitch]) -> tuple[Session, ScriptedSwitch]:
    """A session with a call."""
    session, switch = ends
    handing = gevent.spawn(switch.hand_over)
    session.connect()
    handing.get(timeout=2)
    # The first end that is waited for has to be subscribed to; that is not what the tests below are about.
    running = gevent.spawn(session.run, [("set", "a=1")], 2)
    switch.subscribed()
    switch.say(OK, complete(uuid_in(switch.command())))
    running.get(timeout=2)
    return session, switch


def later(act: Callable[[], object]) -> gevent.Greenlet[..., object]:
    """Run a wait in a greenlet, and let it begin."""
    greenlet = gevent.spawn(act)
    gevent.sleep(0.02)
    return greenlet


def outcome(greenlet: gevent.Greenlet[..., object]) -> object:
    """What a greenlet returned, or the error it raised."""
    greenlet.join(timeout=2)
    assert greenlet.ready(), "it still waits"
    return greenlet.exception or greenlet.value


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
        running = later(lambda limit=limit: session.run([("playback", "/x.wav")], limit))
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


# -- replies ---------------------------------------------------------------------------------------------------


def test_replies_go_to_their_commands_in_order(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    asked = [session.ask(f"api status {index}") for index in range(5)]
    switch.commands(5)
    for index in range(5):
        switch.api(str(index))
    assert [reply.wait(1).body for reply in asked] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_late_reply_is_not_the_next_commands(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    with pytest.raises(SwitchTimeout, match="api slow"):
        session.send("api slow", 0.05)
    switch.command()
    fast = later(lambda: session.send("api fast").body)
    switch.command()
    switch.api("of the slow one")
    gevent.sleep(0.05)
    assert not fast.ready()
    switch.api("of the fast one")
    assert outcome(fast) == b"of the fast one"


@pytest.mark.parametrize("said", ["-ERR no such channel\n", "-USAGE: a b\n"])
def test_an_error_is_raised(call: tuple[Session, ScriptedSwitch], said: str) -> None:
    session, switch = call
    asked = session.ask("api uuid_kill x")
    switch.command()
    switch.api(said)
    with pytest.raises(SwitchRefused, match="uuid_kill"):
        asked.wait(1)


def test_greenlets_that_send_at_once_get_their_own_answers(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    long = "x" * 300_000  # more than a socket's buffer holds: sendall gives way in its midst
    answers = [gevent.spawn(lambda n=n: session.send(f"api {n} {long}", 10).body) for n in range(8)]

    def serve() -> None:
        for _ in answers:
            _, number, rest = switch.command(10).split(" ", 2)
            assert rest == long
            switch.api(number)

    gevent.spawn(serve).get(timeout=20)
    assert [answer.get(timeout=2) for answer in answers] == [str(n).encode() for n in range(8)]


def test_a_switch_that_reads_nothing_is_given_up(
    call: tuple[Session, ScriptedSwitch], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = call
    monkeypatch.setattr(link, "SEND_TIMEOUT_S", 0.1)
    with pytest.raises(SwitchGone, match="read nothing"):
        for _ in range(1000):
            session.post([("api " + "x" * 100_000, None)])


# -- the end ---------------------------------------------------------------------------------------------------


def waiters(session: Session) -> list[gevent.Greenlet[..., object]]:
    """Everybody who can wait: for a reply, for an end, for the hang-up."""
    return [
        later(lambda: session.send("api status", 5)),
        later(lambda: session.run([("playback", "/x.wav")], 5)),
        later(lambda: session.run([("bridge", "x")], 5)),
    ]


@pytest.mark.parametrize(
    ("last_words", "kind"),
    [
        (b"", SwitchGone),
        (b"Content-Type: text/eve", SwitchGone),
        (b"Content-Length: 100\nContent-Type: text/event-plain\n\nabc", SwitchGone),
        (b"Content-Type: api/response\nContent-Length: 10000000\n\nabc", SwitchGone),
        (b"Content-Length: many\n\n", SwitchGone),
        (b"\x00\xff" * 300_000, SwitchGone),
        (OK * 50, SwitchGone),
        (DISCONNECT, CallerGone),
        (b"Content-Type: text/rude-rejection\nContent-Length: 0\n\n", SwitchGone),
    ],
    ids=["eof", "in a head", "in a body", "in a big body", "bad length", "noise", "unasked", "notice", "rude"],
)
def test_the_end_wakes_every_waiter(
    call: tuple[Session, ScriptedSwitch], last_words: bytes, kind: type[SwitchError]
) -> None:
    session, switch = call
    waiting = waiters(session)
    began = time.process_time()
    switch.commands(4)
    gevent.spawn(switch.say, last_words)
    gevent.sleep(0.05)
    with contextlib.suppress(OSError):  # the session has closed by itself
        switch.sock.shutdown(socket.SHUT_WR)
    found = [outcome(one) for one in waiting]
    # Of the many "+OK" the first was a reply to what was asked.
    assert all(isinstance(one, kind | Frame) for one in found), found
    assert isinstance(found[-1], kind)
    with pytest.raises(kind):
        session.send("api status")
    with pytest.raises(kind):
        session.run([("playback", "/x.wav")], 1)
    assert time.process_time() - began < 1, "something spins"


def test_stopping_wakes_every_waiter(call: tuple[Session, ScriptedSwitch]) -> None:
    session, switch = call
    waiting = waiters(session)
    session.stop()
    assert all(isinstance(outcome(one), SwitchGone) for one in waiting)
    assert switch.closed()


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


def test_nothing_is_left_of_sessions() -> None:
    """No greenlet, no descriptor, and no session waits for the collection of garbage."""
    gc.collect()
    gc.disable()
    try:
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        known = []
        for how in range(40):
            near, far = pair()
            session = Session(("127.0.0.1", 1), near)
            switch = ScriptedSwitch(far)
            handing = gevent.spawn(switch.hand_over)
            session.connect()
            handing.get()
            if how % 2:
                switch.say(DISCONNECT)
                gevent.sleep(0.001)
            session.stop()
            far.close()
            known.append(weakref.ref(session))
            del session, near, far, switch, handing
        gevent.sleep(0.01)
        assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
        assert [one for one in known if one() is not None] == []
    finally:
        gc.enable()
    left = [one for one in gc.get_objects() if isinstance(one, gevent.Greenlet) and not one.dead]
    assert left == []
