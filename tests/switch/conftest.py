"""A session, and a client, with a scripted switch at the other end."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from appliance.switch.client import Client
from appliance.switch.session import Session
from tests.switch.scripted_switch import ScriptedSwitch, pair


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
    return session, switch


@pytest.fixture
def linked() -> Iterator[tuple[Client, ScriptedSwitch]]:
    """A client that has shown its password."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = Client(*listener.getsockname(), "secret")
        connecting = gevent.spawn(client.connect)
        switch = ScriptedSwitch(listener.accept()[0])
        switch.say(b"Content-Type: auth/request\n\n")
        assert switch.command() == "auth secret"
        switch.say(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
        connecting.get(timeout=2)
    yield client, switch
    client.stop()
    switch.sock.close()
