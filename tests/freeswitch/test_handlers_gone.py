"""The handlers are away, die, or hang at each stage of a call. Nobody waits in silence for more than 3 s."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.freeswitch.scripted import LINE, Handlers, Leg, ring
from tests.support.audio import longest_silence
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch

APOLOGY_S = 6.7


async def play(leg: Leg) -> None:
    """A handler that answers and plays ten seconds of 400 Hz."""
    await leg.take()
    await leg.execute("answer")
    await leg.execute("playback", "tone_stream://%(10000,0,400)")
    await leg.execute("hangup", "NORMAL_CLEARING")


async def say_and_hang_up(leg: Leg) -> None:
    """A handler that plays half a second of 900 Hz and ends the call."""
    await leg.take()
    await leg.execute("playback", "tone_stream://%(500,0,900)")
    await leg.execute("hangup", "NORMAL_CLEARING")


@asynccontextmanager
async def calling(switch: FreeSwitch) -> AsyncIterator[OutgoingCall]:
    async with Phone() as caller:
        yield await caller.dial("4008001234", switch.sip_address)


def publish(switch: FreeSwitch, line: Phone) -> None:
    """A routing snapshot in which ``line`` is the first line of 4008001234."""
    first = {
        "id": LINE,
        "dial": f"sofia/gateway400/02160000001@127.0.0.1:{line.port}",
        "ring_seconds": 25,
        "max_calls": 1,
    }
    content = {"version": 1, "numbers": {"4008001234": {"account": "demo", "first_line": first}}, "landing": {}}
    switch.settings.snapshot_file.write_text(json.dumps(content), encoding="utf-8")


async def test_nobody_listens(switch: FreeSwitch) -> None:
    began = time.monotonic()
    async with calling(switch) as call:
        await call.early_media(2.0)
        end = await call.ended(20.0)
    # Unanswered, so free for both; music, then the apology.
    assert (end.status, end.cause) == (503, 41)
    assert call.answered_at is None
    assert 3.5 + APOLOGY_S < end.at - began < 8.0 + APOLOGY_S
    assert longest_silence(call.heard) < 1.5
    record = next(iter(switch.cdrs(1).values()))
    assert record["hangup_cause"] == "NORMAL_TEMPORARY_FAILURE"
    assert record["gw_outcome"] == "failed:handlers"
    assert record["gw_losses"] == "x"


async def test_handlers_come_back_within_three_seconds(switch: FreeSwitch) -> None:
    async with calling(switch) as call:
        await asyncio.sleep(3.0)
        async with Handlers(switch, say_and_hang_up) as handlers:
            await call.ended()
    data = handlers.legs[0].data
    assert data["variable_gw_losses"] == "x"
    # What was dialled is no longer the destination, only the request's.
    assert data["variable_sip_req_user"] == "4008001234"
    assert data["Caller-Destination-Number"].startswith("handlers-try-")


@pytest.mark.parametrize("until", ["accept", "connect"])
async def test_a_handler_that_dies_before_it_takes_the_call(switch: FreeSwitch, until: str) -> None:
    async def die_twice(leg: Leg) -> None:
        if len(handlers.legs) > 2:
            await say_and_hang_up(leg)
        elif until == "connect":
            await leg.connect()

    async with calling(switch) as call, Handlers(switch, die_twice) as handlers:
        await call.hears(900, 15.0)
        await call.ended()
    # Noticed as it happens, not by the watch.
    assert len(handlers.legs) == 3
    assert "variable_gw_late" not in handlers.legs[-1].data


@pytest.mark.parametrize("after", ["accept", "connect"])
async def test_a_handler_that_hangs_before_it_takes_the_call(switch: FreeSwitch, after: str) -> None:
    async def hang(leg: Leg) -> None:
        if after == "connect":
            await leg.connect()
        await asyncio.sleep(30.0)

    async with calling(switch) as call, Handlers(switch, hang) as handlers:
        began = time.monotonic()
        await call.early_media(15.0)
        assert 1.5 < time.monotonic() - began < 8.0
        end = await call.ended(30.0)
        # Slow handlers do not get the call again: that would only make them slower.
        assert len(handlers.legs) == 1
    assert (end.status, end.cause) == (503, 41)
    record = next(iter(switch.cdrs(1).values()))
    assert (record["gw_late"], record["gw_outcome"]) == ("true", "failed:handlers")


async def test_a_handler_that_is_slow_but_takes_the_call(switch: FreeSwitch) -> None:
    async def take_slowly(leg: Leg) -> None:
        await asyncio.sleep(1.0)
        await say_and_hang_up(leg)

    async with calling(switch) as call, Handlers(switch, take_slowly) as handlers:
        await call.hears(900)
        await call.ended()
    assert len(handlers.legs) == 1
    assert "variable_gw_late" not in handlers.legs[0].data


async def test_a_handler_that_wakes_too_late_does_no_harm(switch: FreeSwitch) -> None:
    """It learns that it is late, and neither its end nor its death ends the talk that the fallback began."""

    async def wake_late(leg: Leg) -> None:
        await awake.wait()
        await leg.connect()

    awake = asyncio.Event()
    async with Phone(on_invite=LineScript.answer(0.1, say=700, hang_up_after=6.0)) as line, calling(switch) as call:
        publish(switch, line)
        async with Handlers(switch, wake_late) as handlers:
            await call.hears(700, 10.0)
            awake.set()
            await asyncio.sleep(1.0)
            assert handlers.legs[0].data["variable_gw_late"] == "true"
        gone = time.monotonic()
        end = await call.ended()
        assert end.cause == 16
        assert end.at - gone > 2.0
        assert longest_silence(call.heard) < 1.0


async def test_a_handler_that_dies_while_the_call_is_parked(switch: FreeSwitch) -> None:
    async def answer(leg: Leg) -> None:
        await leg.take()
        await leg.execute("answer")
        await leg.until_gone()

    async with calling(switch) as call, Handlers(switch, answer) as first:
        await call.answered()
        await first.die()
        began = time.monotonic()
        async with Handlers(switch, say_and_hang_up):
            await call.hears(900, 8.0)
            assert time.monotonic() - began < 8.0
            await call.ended()


async def test_a_handler_that_dies_in_a_prompt(switch: FreeSwitch) -> None:
    async with calling(switch) as call, Handlers(switch, play) as first:
        await call.hears(400)
        await first.die()
        began = time.monotonic()
        async with Handlers(switch, say_and_hang_up):
            await call.hears(900)
            # At once, not when the ten seconds are over.
            assert time.monotonic() - began < 8.0
            await call.ended()
    assert longest_silence(call.heard) < 3.0


async def test_handlers_that_die_of_a_call_do_not_get_it_for_ever(switch: FreeSwitch) -> None:
    async def die_of_it(leg: Leg) -> None:
        await leg.take()
        await leg.execute("pre_answer")  # no answer: the greatest length of this switch's calls is short

    async with calling(switch) as call, Handlers(switch, die_of_it) as handlers:
        await call.ended(30.0)
    assert longest_silence(call.heard) < 3.0
    record = next(iter(switch.cdrs(1).values()))
    assert record["gw_outcome"] == "failed:handlers"
    assert (len(handlers.legs), record["gw_losses"]) == (4, "xxx"), record.get("gw_late")


async def test_a_talk_outlives_the_handlers(switch: FreeSwitch) -> None:
    async with Phone(on_invite=LineScript.answer(0.1, say=700, hang_up_after=4.0)) as line, calling(switch) as call:
        async with Handlers(switch, ring(line)) as handlers:
            await call.hears(700)
            assert switch.api(f"limit_usage hash line {LINE}") == "1"
            await handlers.die()
            died = time.monotonic()
        end = await call.ended()
        assert end.at - died > 2.5
        assert end.cause == 16
    assert switch.api(f"limit_usage hash line {LINE}") == "0"
    records = switch.cdrs(2)
    caller = next(record for name, record in records.items() if name.startswith("a_"))
    assert (caller["gw_joined"], caller["hangup_cause"]) == ("true", "NORMAL_CLEARING")


async def test_a_line_that_answers_after_the_handlers_died(switch: FreeSwitch) -> None:
    async with Phone(on_invite=LineScript.answer(2.0, say=700, hang_up_after=1.0)) as line, calling(switch) as call:
        async with Handlers(switch, ring(line)) as handlers:
            await call.hears(450)
            await handlers.die()
        await call.hears(700)
        assert (await call.ended()).cause == 16
    assert switch.api(f"limit_usage hash line {LINE}") == "0"


async def test_a_line_that_refuses_after_the_handlers_died(switch: FreeSwitch) -> None:
    async with Phone(on_invite=LineScript.reject(2.0, 486)) as line, calling(switch) as call:
        async with Handlers(switch, ring(line)) as handlers:
            await call.hears(450)
            await handlers.die()
        end = await call.ended(25.0)
    # Our own cause, not the line's 486.
    assert (end.status, end.cause) == (503, 41)
    assert switch.api(f"limit_usage hash line {LINE}") == "0"


async def test_the_watch_may_hand_a_call_over(switch: FreeSwitch) -> None:
    """What the appliance does with a parked call that nobody owns: ``uuid_transfer``."""

    async def hang_or_say(leg: Leg) -> None:
        if len(handlers.legs) > 1:
            await say_and_hang_up(leg)
        await leg.take()
        await leg.execute("answer")
        await asyncio.sleep(30.0)

    async with calling(switch) as call, Handlers(switch, hang_or_say) as handlers:
        await call.answered()
        uuid = handlers.legs[0].uuid
        assert switch.api(f"uuid_transfer {uuid} handlers-gone XML gateway").startswith("+OK")
        await call.hears(900)
        await call.ended()
