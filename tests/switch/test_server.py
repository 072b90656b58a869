"""The outbound socket's server: calls in, counts, failures, the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import gevent
import pytest
from gevent import socket
from structlog.testing import capture_logs
from structlog.typing import EventDict

from appliance.switch import link
from appliance.switch.esl_leg import Folders
from appliance.switch.leg import Leg
from appliance.switch.server import LegServer
from tests.switch.scripted_switch import DISCONNECT, OK, ScriptedSwitch, applications, value

FOLDERS = Folders((Path("/srv/prompts"),), Path("/srv/recordings"))
HELLO = Path("/srv/prompts/hello.wav")


def play(leg: Leg) -> None:
    """A handler of one verb."""
    leg.play(HELLO)


Connect = Callable[[LegServer], ScriptedSwitch]


@contextmanager
def serving(handler: Callable[[Leg], None]) -> Iterator[LegServer]:
    """A server; what is left at the end is broken off."""
    server = LegServer(("127.0.0.1", 0), handler, FOLDERS)
    server.start()
    try:
        yield server
    finally:
        server.stop(0.1)


@pytest.fixture
def connected() -> Iterator[Connect]:
    """Has the switch connect; closes its end after the test."""
    ends: list[ScriptedSwitch] = []

    def connect(server: LegServer) -> ScriptedSwitch:
        ends.append(ScriptedSwitch(socket.create_connection(("127.0.0.1", server.port))))
        return ends[-1]

    yield connect
    for end in ends:
        end.sock.close()


@pytest.fixture
def handed_over(connected: Connect) -> Connect:
    """Has the switch connect and hand a call over."""

    def hand_over(server: LegServer) -> ScriptedSwitch:
        switch = connected(server)
        switch.hand_over()
        return switch

    return hand_over


def logged() -> AbstractContextManager[list[EventDict]]:
    return capture_logs()


def counts(server: LegServer) -> tuple[int, int, int]:
    gevent.sleep(0.02)
    return server.counts.in_progress, server.counts.total, server.counts.failed


def test_a_call_from_beginning_to_end(handed_over: Connect) -> None:
    def handler(leg: Leg) -> None:
        leg.play(HELLO)
        leg.hang_up("NORMAL_CLEARING")

    with serving(handler) as server:
        assert counts(server) == (0, 0, 0)
        switch = handed_over(server)
        assert counts(server) == (1, 1, 0)
        switch.asked()
        switch.say(OK, value("FILE PLAYED"))
        assert applications(switch.command())[-1] == ("hangup", "NORMAL_CLEARING")
        switch.say(OK, DISCONNECT)
        assert switch.closed()
        assert counts(server) == (0, 1, 0)


def test_calls_do_not_wait_for_one_another(connected: Connect, handed_over: Connect) -> None:
    with serving(lambda leg: leg.hang_up("NORMAL_CLEARING")) as server:
        silent = [connected(server) for _ in range(5)]
        began = time.monotonic()
        handed_over(server)
        assert time.monotonic() - began < 2
        assert counts(server)[:2] == (6, 6)
        assert len(silent) == 5


def test_a_caller_who_hangs_up_is_no_failure(handed_over: Connect) -> None:
    with serving(play) as server, logged() as log:
        switch = handed_over(server)
        switch.asked()
        switch.say(OK, DISCONNECT)
        assert switch.closed()
        assert counts(server) == (0, 1, 0)
    assert log == []


def test_a_handler_that_fails_lets_go_of_the_call(handed_over: Connect) -> None:
    """No ``hangup``: the dialplan goes on by itself as soon as the connection is closed."""

    def handler(leg: Leg) -> None:
        leg.play(HELLO)
        raise RuntimeError("of the handler")

    with serving(handler) as server, logged() as log:
        switch = handed_over(server)
        switch.asked()
        switch.say(OK, value("FILE PLAYED"))
        assert switch.closed()
        assert counts(server) == (0, 1, 1)
    assert [entry["event"] for entry in log] == ["call handler failed"]
    assert log[0]["exc_info"] and log[0]["call"]


def test_a_handler_that_returns_has_the_call_hung_up(handed_over: Connect) -> None:
    with serving(lambda leg: None) as server:
        switch = handed_over(server)
        assert applications(switch.command())[-1] == ("hangup", "NORMAL_CLEARING")
        switch.say(OK, DISCONNECT)
        assert switch.closed()
        assert counts(server) == (0, 1, 0)


def test_a_switch_that_breaks_off_is_logged(handed_over: Connect) -> None:
    with serving(play) as server, logged() as log:
        switch = handed_over(server)
        switch.asked()
        switch.sock.shutdown(socket.SHUT_WR)
        assert switch.closed()
        assert counts(server) == (0, 1, 1)
    assert [entry["event"] for entry in log] == ["switch gone"]


def test_who_connects_and_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch, connected: Connect) -> None:
    monkeypatch.setattr("appliance.switch.session.Session.connect.__defaults__", (0.1,))
    assert link.REPLY_TIMEOUT_S == 5.0
    with serving(lambda leg: None) as server, logged() as log:
        switch = connected(server)
        assert switch.closed()
        assert counts(server) == (0, 1, 1)
    assert len(log) == 1


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" * 1000, b"\n" * 5000])
def test_who_is_no_switch_does_no_harm(noise: bytes, connected: Connect) -> None:
    with serving(lambda leg: None) as server, logged():
        switch = connected(server)
        switch.say(noise)
        switch.sock.shutdown(socket.SHUT_WR)
        assert switch.closed()
        assert counts(server) == (0, 1, 1)


def test_stopping_lets_calls_end(connected: Connect, handed_over: Connect) -> None:
    with serving(play) as server:
        switch = handed_over(server)
        switch.asked()
        stopping = gevent.spawn(server.stop, 5.0)
        gevent.sleep(0.1)
        assert not stopping.ready()
        with pytest.raises(OSError):
            connected(server)
        switch.say(OK, value("FILE PLAYED"))
        assert applications(switch.command())[-1] == ("hangup", "NORMAL_CLEARING")
        switch.say(OK, DISCONNECT)
        stopping.get(timeout=10)
        assert counts(server) == (0, 1, 0)


def test_stopping_breaks_calls_off_in_the_end(handed_over: Connect) -> None:
    with serving(play) as server, logged() as log:
        switch = handed_over(server)
        switch.asked()
        began = time.monotonic()
        server.stop(0.2)
        assert 0.15 < time.monotonic() - began < 10
        assert switch.closed()
        assert counts(server) == (0, 1, 0)
    assert [entry["event"] for entry in log] == ["calls broken off"]


def test_stopping_takes_the_calls_that_wait(connected: Connect) -> None:
    """A call that the switch has connected already is not refused."""
    server = LegServer(("127.0.0.1", 0), lambda leg: None, FOLDERS)
    switch = connected(server)  # nothing accepts yet
    stopping = gevent.spawn(server.stop, 2.0)
    switch.hand_over()
    switch.command()
    switch.say(OK, DISCONNECT)
    stopping.get(timeout=2)
    assert counts(server) == (0, 1, 0)


def test_a_new_server_beside_the_old_one(handed_over: Connect) -> None:
    old = LegServer(("127.0.0.1", 0), lambda leg: None, FOLDERS, reuse_port=True)
    old.start()
    new = LegServer(("127.0.0.1", old.port), lambda leg: None, FOLDERS, reuse_port=True)
    new.start()
    old.stop(0.1)
    try:
        for _ in range(5):
            switch = handed_over(new)
            switch.say(DISCONNECT)
        assert counts(new)[1] == 5
    finally:
        new.stop(0.1)


def test_an_address_that_is_taken() -> None:
    with serving(lambda leg: None) as server, pytest.raises(OSError):
        LegServer(("127.0.0.1", server.port), lambda leg: None, FOLDERS)
