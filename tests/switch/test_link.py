"""One connection: replies in order, and every wait ends when the connection does."""

from __future__ import annotations

import contextlib
import gc
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest
from gevent import socket

from appliance.errors import CallerGone, SwitchError, SwitchGone, SwitchRefused, SwitchTimeout
from appliance.switch import link
from appliance.switch.session import Session
from appliance.switch.wire import Frame
from tests.switch.scripted_switch import (
    DISCONNECT,
    OK,
    ScriptedSwitch,
    later,
    outcome,
    pair,
)

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
    answers = [gevent.spawn(session.send, f"api {n} {long}", 10) for n in range(8)]

    def serve() -> None:
        for _ in answers:
            _, number, rest = switch.command(10).split(" ", 2)
            assert rest == long
            switch.api(number)

    gevent.spawn(serve).get(timeout=20)
    assert [answer.get(timeout=2).body for answer in answers] == [str(n).encode() for n in range(8)]


def test_a_switch_that_reads_nothing_is_given_up(
    call: tuple[Session, ScriptedSwitch], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = call
    monkeypatch.setattr(link, "SEND_TIMEOUT_S", 0.1)
    with pytest.raises(SwitchGone, match="Timeout"):
        for _ in range(1000):
            session.post([("api " + "x" * 100_000, None)])


def test_a_callers_own_timeout_is_its_own(call: tuple[Session, ScriptedSwitch]) -> None:
    session, _ = call
    waits: list[Callable[[], object]] = [
        lambda: session.send("api status"),
        lambda: session.run([("playback", "/x.wav")], 5),
        lambda: session.post([("api " + "x" * 10_000_000, None)]),
    ]
    for wait in waits:
        mine = gevent.Timeout(0.05)
        with pytest.raises(gevent.Timeout) as fired, mine:
            wait()
        assert fired.value is mine
    # The last one was broken off in its midst: what came behind it would be read as its rest.
    assert isinstance(session.ended, SwitchGone)


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
