"""A leg with a scripted switch at the other end, and what its verbs send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from appliance.domain.cdr import unpacked
from appliance.switch.esl_leg import EslLeg, Folders
from appliance.switch.leg import Target
from appliance.switch.session import Session
from tests.switch.scripted_switch import CHANNEL, OK, ScriptedSwitch, pair, value

FOLDERS = Folders((Path("/srv/prompts"), Path("/srv/built-in")), Path("/srv/recordings"))
HELLO = Path("/srv/prompts/hello.wav")
SONGS = [HELLO, Path("/srv/built-in/song.wav")]
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
def call() -> Iterator[Ends]:
    """A leg that has not sent anything yet."""
    yield from made(CHANNEL)


def run(
    call: Ends, verb: Callable[[EslLeg], object], answer: str = ""
) -> tuple[list[tuple[str, str]], str, object]:
    """Carry a verb out: applications sent, variable asked for, and what came of the answer."""
    leg, switch = call
    doing = gevent.spawn(verb, leg)
    sent, asked = switch.asked()
    switch.say(OK, value(answer))
    return sent, asked, doing.get(timeout=2)


def settings(argument: str) -> dict[str, str]:
    """What a ``multiset`` sets."""
    return dict(one.split("=", 1) for one in argument[3:].split(argument[2]))


def facts(argument: str) -> dict[str, str]:
    """The facts that a ``multiset`` sets."""
    return unpacked(settings(argument).get("gw_facts", ""))
