"""The inbound side: greeting and password, questions, events, and coming back after the switch was away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.queue import Queue
from structlog.testing import capture_logs

from appliance.errors import SwitchGone, SwitchRefused, SwitchTimeout, UnsafeArgument
from appliance.switch import client as client_module
from appliance.switch.client import Client, stay_connected
from appliance.switch.wire import Headers
from tests.switch.scripted_switch import OK, ScriptedSwitch, event

GREETING = b"Content-Type: auth/request\n\n"
ACCEPTED = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
INVALID = b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n"


class Listening:
    """The switch's event socket: each connection is greeted and asked for its password."""

    def __init__(self, port: int = 0) -> None:
        self.ends: list[ScriptedSwitch] = []
        self.open(port)

    def open(self, port: int) -> None:
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]

    def take(self, *after_password: bytes, greeting: bytes = GREETING) -> ScriptedSwitch:
        """One connection."""
        sock, _ = self.listener.accept()
        switch = ScriptedSwitch(sock)
        self.ends.append(switch)
        switch.say(greeting)
        if after_password:
            assert switch.command() == "auth secret"
            switch.say(*after_password)
        return switch

    def close(self) -> None:
        for switch in self.ends:
            switch.sock.close()
        self.listener.close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    far = Listening()
    yield far
    far.close()


@pytest.fixture
def up(listening: Listening) -> Iterator[tuple[Client, ScriptedSwitch]]:
    """A client that is connected, and the switch's end."""
    taking = gevent.spawn(listening.take, ACCEPTED)
    with Client("127.0.0.1", listening.port, "secret", 1.0) as client:
        yield client, taking.get(timeout=1)


def test_a_question_and_its_answer(up: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = up
    asking = gevent.spawn(client.api, "limit_usage hash line a")
    assert switch.command() == "api limit_usage hash line a"
    switch.api("3")
    assert asking.get(timeout=1) == "3"


def test_an_answer_in_chinese(up: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = up
    asking = gevent.spawn(client.api, "show channels as json")
    switch.command()
    switch.api('{"name":"张"}\n\n{}')
    assert asking.get(timeout=1) == '{"name":"张"}\n\n{}'


def test_a_refusal(up: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = up
    asking = gevent.spawn(client.api, "uuid_kill x")
    switch.command()
    switch.api("-ERR No such channel!\n")
    with pytest.raises(SwitchRefused, match="No such channel"):
        asking.get(timeout=1)


def test_no_answer_in_time(up: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = up
    with pytest.raises(SwitchTimeout, match="slow"):
        client.api("slow", timeout_s=0.05)
    switch.command()
    switch.api("late")
    asking = gevent.spawn(client.api, "fast")
    switch.command()
    switch.api("in time")
    assert asking.get(timeout=1) == "in time"


@pytest.mark.parametrize("command", ["status\n\napi fsctl shutdown", "", "expand ${x}"])
def test_what_must_not_be_sent(up: tuple[Client, ScriptedSwitch], command: str) -> None:
    with pytest.raises(UnsafeArgument):
        up[0].api(command)


def test_the_switch_goes_away(up: tuple[Client, ScriptedSwitch]) -> None:
    client, switch = up
    asking = gevent.spawn(client.api, "status")
    switch.command()
    switch.sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(SwitchGone):
        asking.get(timeout=1)
    assert client.closed.wait(1)
    with pytest.raises(SwitchGone):
        client.api("status")


def test_a_wrong_password(listening: Listening) -> None:
    gevent.spawn(listening.take, INVALID)
    with pytest.raises(SwitchRefused) as refused:
        Client("127.0.0.1", listening.port, "secret", 1.0).connect()
    assert "secret" not in str(refused.value)


def test_a_password_that_cannot_be_sent(listening: Listening) -> None:
    gevent.spawn(listening.take)
    with pytest.raises(UnsafeArgument) as refused:
        Client("127.0.0.1", listening.port, "secret\n\napi x", 1.0).connect()
    assert "secret" not in str(refused.value)


def test_no_greeting(listening: Listening) -> None:
    gevent.spawn(listening.take, greeting=b"")
    with pytest.raises(SwitchTimeout, match="greeting"):
        Client("127.0.0.1", listening.port, "secret", 0.1).connect()


def test_an_address_that_is_refused(listening: Listening) -> None:
    rude = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    gevent.spawn(listening.take, greeting=rude)
    with pytest.raises(SwitchGone, match="refuses"):
        Client("127.0.0.1", listening.port, "secret", 1.0).connect()


def test_nobody_listens(listening: Listening) -> None:
    listening.close()
    with pytest.raises(SwitchGone):
        Client("127.0.0.1", listening.port, "secret", 1.0).connect()


def subscribed(client: Client, switch: ScriptedSwitch, take: Callable[[Headers], None]) -> list[str]:
    """Subscribe; what was sent."""
    asking = gevent.spawn(client.subscribe, ["CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE"], take, {"Unique-ID": "x"})
    sent = []
    for _ in range(2):
        sent.append(switch.command())
        switch.say(OK)
    asking.get(timeout=1)
    return sent


def test_events_are_told(up: tuple[Client, ScriptedSwitch]) -> None:
    told: Queue[Headers] = Queue()
    client, switch = up
    assert subscribed(client, switch, told.put_nowait) == [
        "filter Unique-ID x",
        "event plain CHANNEL_ANSWER CHANNEL_HANGUP_COMPLETE",
    ]
    switch.say(event({"Event-Name": "CHANNEL_ANSWER", "Unique-ID": "x"}), event({"Event-Name": "B"}))
    assert told.get(timeout=1).get(b"Event-Name") == "CHANNEL_ANSWER"
    assert told.get(timeout=1).get(b"Event-Name") == "B"


def test_a_subscriber_that_fails_does_no_harm(up: tuple[Client, ScriptedSwitch]) -> None:
    def fail(_: Headers) -> None:
        raise RuntimeError("of the subscriber")

    client, switch = up
    subscribed(client, switch, fail)
    with capture_logs() as log:
        switch.say(event({"Event-Name": "CHANNEL_ANSWER"}))
        asking = gevent.spawn(client.api, "status")
        switch.command()
        switch.api("up")
        assert asking.get(timeout=1) == "up"
    assert [entry["event"] for entry in log] == ["subscriber failed"]


def test_it_comes_back(listening: Listening) -> None:
    """The switch restarts: away for a while, then there again."""
    until = Event()
    came: Queue[Client] = Queue()

    def make() -> Client:
        return Client("127.0.0.1", listening.port, "secret", 0.5)

    staying = gevent.spawn(stay_connected, make, came.put, until, (0.05, 0.1))
    with capture_logs() as log:
        for _ in range(3):
            switch = listening.take(ACCEPTED)
            client = came.get(timeout=1)
            asking = gevent.spawn(client.api, "status")
            switch.command()
            switch.api("up")
            assert asking.get(timeout=1) == "up"
            listening.close()
            gevent.sleep(0.25)
            listening.open(listening.port)
        until.set()
        staying.get(timeout=1)
    words = [entry["event"] for entry in log]
    assert words.count("event socket up") == 3
    assert words.count("event socket closed") == 3


def test_its_end_closes_the_connection(listening: Listening) -> None:
    until = Event()
    came: Queue[Client] = Queue()
    staying = gevent.spawn(
        stay_connected, lambda: Client("127.0.0.1", listening.port, "secret", 0.5), came.put, until
    )
    switch = listening.take(ACCEPTED)
    came.get(timeout=1)
    until.set()
    staying.get(timeout=1)
    assert switch.closed()


def test_what_fails_on_the_way_up_is_tried_again(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    until = Event()
    tries: list[Client] = []

    def fail(client: Client) -> None:
        tries.append(client)
        if len(tries) == 3:
            until.set()
            return
        raise [SwitchRefused("of the test"), RuntimeError("of the test")][len(tries) % 2]

    began = time.monotonic()
    staying = gevent.spawn(
        stay_connected, lambda: Client("127.0.0.1", listening.port, "secret", 0.5), fail, until, (0.1, 0.2)
    )
    with capture_logs():
        for _ in range(3):
            listening.take(ACCEPTED)
        staying.get(timeout=2)
    assert time.monotonic() - began > 0.28
    assert client_module.GOOD_AFTER_S > 1
