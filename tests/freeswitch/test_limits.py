"""A call ends by itself when its caller or its line is gone, and when it has lasted long enough."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.freeswitch.conftest import MAX_CALL_S, MEDIA_TIMEOUT_S
from tests.freeswitch.scripted import Handlers, Leg, Script, ring
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch

SLACK_S = 2.0


def executing(*applications: str) -> Script:
    """A handler that has these executed one after the other; the last one may take long."""

    async def script(leg: Leg) -> None:
        await leg.connect()
        for application in applications:
            name, _, argument = application.partition(" ")
            await leg.execute(name, argument, 60.0)
        await leg.until_gone(60.0)

    return script


TONE = "playback tone_stream://%(60000,0,400)"
KEYS = "play_and_get_digits 1 1 9 60000 # tone_stream://%(200,0,400) silence_stream://100 got [0-9]"


async def ended_after(switch: FreeSwitch, timeout_s: float) -> float:
    """Wait until no leg is left; return the seconds it took."""
    began = time.monotonic()
    while switch.channels():
        assert time.monotonic() - began < timeout_s, switch.api("show channels")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def vanish(call: OutgoingCall) -> None:
    await asyncio.sleep(0.5)
    call.vanish()


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        (executing("answer", TONE), True),
        (executing("answer", KEYS), True),
        (executing("pre_answer", TONE), False),
    ],
    ids=["prompt", "digits", "early-media"],
)
async def test_a_caller_who_vanishes(switch: FreeSwitch, script: Script, answers: bool) -> None:
    async with Phone() as caller, Handlers(switch, script):
        call = await caller.dial("4008001234", switch.sip_address)
        await (call.answered() if answers else call.early_media())
        await vanish(call)
        assert MEDIA_TIMEOUT_S - 0.5 < await ended_after(switch, 15.0) < MEDIA_TIMEOUT_S + SLACK_S
    assert next(iter(switch.cdrs(1).values()))["hangup_cause"] == "MEDIA_TIMEOUT"


async def test_a_caller_who_vanishes_in_a_talk(switch: FreeSwitch) -> None:
    async with Phone(on_invite=LineScript.answer(0.1, say=700)) as line, Phone() as caller:
        async with Handlers(switch, ring(line)):
            call = await caller.dial("4008001234", switch.sip_address)
            await call.hears(700)
            await vanish(call)
            assert MEDIA_TIMEOUT_S - 0.5 < await ended_after(switch, 15.0) < MEDIA_TIMEOUT_S + SLACK_S
        assert (await line.calls[0].ended()).by == "them"
    causes = {name[:2]: record["hangup_cause"] for name, record in switch.cdrs(2).items()}
    assert causes["a_"] == "MEDIA_TIMEOUT"


async def test_a_caller_who_vanishes_while_a_line_rings(switch: FreeSwitch) -> None:
    async with (
        Phone(on_invite=LineScript.no_answer()) as line,
        Phone() as caller,
        Handlers(switch, ring(line, answer=True)),
    ):
        call = await caller.dial("4008001234", switch.sip_address)
        await call.hears(450)
        await vanish(call)
        assert MEDIA_TIMEOUT_S - 0.5 < await ended_after(switch, 15.0) < MEDIA_TIMEOUT_S + SLACK_S


async def test_a_line_that_vanishes_in_a_talk(switch: FreeSwitch) -> None:
    async with (
        Phone(on_invite=LineScript.vanishes(1.0, say=700)) as line,
        Phone() as caller,
        Handlers(switch, ring(line)),
    ):
        call = await caller.dial("4008001234", switch.sip_address)
        await call.hears(700)
        end = await call.ended(15.0)
    assert end.by == "them"
    causes = [record["hangup_cause"] for name, record in switch.cdrs(2).items() if not name.startswith("a_")]
    assert causes == ["MEDIA_TIMEOUT"]


LIMIT = ("sched_hangup", f"+{MAX_CALL_S} ALLOTTED_TIMEOUT")


async def test_the_maximum_duration_ends_a_talk(switch: FreeSwitch) -> None:
    """As the fallback sets it: it counts from then, whether the call is answered or not."""

    async def script(leg: Leg) -> None:
        await leg.connect()
        began.append(asyncio.get_running_loop().time())
        await leg.execute(*LIMIT)
        await leg.execute(
            "bridge", f"[leg_timeout=20]sofia/gateway400/02160000001@127.0.0.1:{line.port}", timeout=60.0
        )

    began: list[float] = []
    async with (
        Phone(on_invite=LineScript.answer(1.0, say=700)) as line,
        Phone() as caller,
        Handlers(switch, script),
    ):
        call = await caller.dial("4008001234", switch.sip_address)
        await call.answered()
        await call.ended(30.0)
        lasted = asyncio.get_running_loop().time() - began[0]
    # The scheduler counts whole seconds and looks every half (switch_scheduler_task_thread).
    assert MAX_CALL_S - 1.5 < lasted < MAX_CALL_S + 1.5
    causes = {name[:2]: record["hangup_cause"] for name, record in switch.cdrs(2).items()}
    assert causes["a_"] == "ALLOTTED_TIMEOUT"


async def test_the_maximum_duration_holds_for_a_call_that_was_answered(switch: FreeSwitch) -> None:
    """Whoever has the call then: the limit is the channel's."""

    async def script(leg: Leg) -> None:
        await leg.connect()
        if len(handlers.legs) == 1:
            await leg.execute("answer")
            began.append(asyncio.get_running_loop().time())
            await leg.execute(*LIMIT)
            await asyncio.sleep(1.0)
        else:
            await leg.execute("playback", "tone_stream://%(60000,0,900)", timeout=60.0)

    began: list[float] = []
    async with Phone() as caller, Handlers(switch, script) as handlers:
        call = await caller.dial("4008001234", switch.sip_address)
        await call.hears(900)
        await call.ended(30.0)
        assert MAX_CALL_S - 1.5 < asyncio.get_running_loop().time() - began[0] < MAX_CALL_S + 1.5
