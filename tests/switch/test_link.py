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

from appliance.errors import SwitchGone, SwitchRefused, SwitchTimeout
from appliance.switch import link
from appliance.switch.client import Client
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


def test_replies_go_to_their_commands_in_order(linked: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = linked
    asked = [client.ask(f"api status {index}") for index in range(5)]
    switch.commands(5)
    for index in range(5):
        switch.api(str(index))
    assert [reply.wait(1).body for reply in asked] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_late_reply_is_not_the_next_commands(linked: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = linked
    with pytest.raises(SwitchTimeout, match="api slow"):
        client.send("api slow", 0.05)
    switch.command()
    fast = later(lambda: client.send("api fast").body)
    switch.command()
    switch.api("of the slow one")
    gevent.sleep(0.05)
    assert not fast.ready()
    switch.api("of the fast one")
    assert outcome(fast) == b"of the fast one"


@pytest.mark.parametrize("said", ["-ERR no such channel\n", "-USAGE: a b\n"])
def test_an_error_is_raised(linked: tuple[Client, ScriptedSwitch], said: str) -> None:
    client, switch = linked
    asked = client.ask("api uuid_kill x")
    switch.command()
    switch.api(said)
    with pytest.raises(SwitchRefused, match="uuid_kill"):
        asked.wait(1)


def test_greenlets_that_send_at_once_get_their_own_answers(linked: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = linked
    long = "x" * 300_000  # more than a socket's buffer holds: sendall gives way in its midst
    answers = [gevent.spawn(client.send, f"api {n} {long}", 10) for n in range(8)]

    def serve() -> None:
        for _ in answers:
            _, number, rest = switch.command(10).split(" ", 2)
            assert rest == long
            switch.api(number)

    gevent.spawn(serve).get(timeout=20)
    assert [answer.get(timeout=2).body for answer in answers] == [str(n).encode() for n in range(8)]


def test_a_switch_that_reads_nothing_is_given_up(
    linked: tuple[Client, ScriptedSwitch], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = linked
    monkeypatch.setattr(link, "SEND_TIMEOUT_S", 0.1)
    with pytest.raises(SwitchGone, match="Timeout"):
        for _ in range(1000):
            client.ask("api " + "x" * 100_000)


def test_a_callers_own_timeout_is_its_own(linked: tuple[Client, ScriptedSwitch]) -> None:
    client, _ = linked
    waits: list[Callable[[], object]] = [
        lambda: client.send("api status"),
        lambda: client.ask("api " + "x" * 10_000_000),
    ]
    for wait in waits:
        mine = gevent.Timeout(0.05)
        with pytest.raises(gevent.Timeout) as fired, mine:
            wait()
        assert fired.value is mine
    # The last one was broken off in its midst: what came behind it would be read as its rest.
    assert isinstance(client.ended, SwitchGone)


# -- the end ---------------------------------------------------------------------------------------------------


def waiters(client: Client) -> list[gevent.Greenlet[..., object]]:
    """Several at once that wait for a reply."""
    return [later(lambda: client.send("api status", 5)) for _ in range(3)]


@pytest.mark.parametrize(
    "last_words",
    [
        b"",
        b"Content-Type: text/eve",
        b"Content-Length: 100\nContent-Type: text/event-plain\n\nabc",
        b"Content-Type: api/response\nContent-Length: 10000000\n\nabc",
        b"Content-Length: many\n\n",
        b"\x00\xff" * 300_000,
        OK * 50,
        b"Content-Type: text/rude-rejection\nContent-Length: 0\n\n",
    ],
    ids=["eof", "in a head", "in a body", "in a big body", "bad length", "noise", "unasked", "rude"],
)
def test_the_end_wakes_every_waiter(linked: tuple[Client, ScriptedSwitch], last_words: bytes) -> None:
    client, switch = linked
    waiting = waiters(client)
    began = time.process_time()
    switch.commands(3)
    gevent.spawn(switch.say, last_words)
    gevent.sleep(0.05)
    with contextlib.suppress(OSError):  # the client has closed by itself
        switch.sock.shutdown(socket.SHUT_WR)
    found = [outcome(one) for one in waiting]
    # Of the many "+OK" the first ones were replies to what was asked.
    assert all(isinstance(one, Frame if last_words.startswith(OK) else SwitchGone) for one in found), found
    assert isinstance(client.ended, SwitchGone)
    with pytest.raises(SwitchGone):
        client.send("api status")
    assert time.process_time() - began < 1, "something spins"


def test_stopping_wakes_every_waiter(linked: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = linked
    waiting = waiters(client)
    client.stop()
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
