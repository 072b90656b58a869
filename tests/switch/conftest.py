"""A session with a scripted switch at its other end."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from appliance.switch.session import Session
from tests.switch.scripted_switch import OK, ScriptedSwitch, complete, pair, uuid_in


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
