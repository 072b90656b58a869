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
from tests.support.audio import longest_silence, segments
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch

APOLOGY_S = 6.7
LATE_S = 0.2
"""What a loaded machine's late packets may cost of a tone."""


async def play(leg: Leg) -> None:
    """A handler that answers and plays ten seconds of 400 Hz."""
    await leg.connect()
    await leg.execute("answer")
    await leg.execute("playback", "tone_stream://%(10000,0,400)")
    await leg.execute("hangup", "NORMAL_CLEARING")


async def say_and_hang_up(leg: Leg) -> None:
    """A handler that plays half a second of 900 Hz and ends the call."""
    await leg.connect()
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

    async with Handlers(switch, die_twice) as handlers, calling(switch) as call:
        await call.hears(900, 15.0)
        await call.ended()
    assert len(handlers.legs) == 3


@pytest.mark.parametrize("after", ["accept", "connect"])
async def test_a_handler_that_hangs_until_it_is_killed(switch: FreeSwitch, after: str) -> None:
    """The switch waits; whoever supervises the handlers kills them, and the call goes on as it happens."""

    async def hang(leg: Leg) -> None:
        if after == "connect":
            await leg.connect()
        await asyncio.sleep(30.0)

    async with Handlers(switch, hang) as first, calling(switch) as call:
        await asyncio.sleep(3.0)
        assert call.early_at is None  # neither music nor the fallback
        assert len(first.legs) == 1
        await first.die()
        began = time.monotonic()
        async with Handlers(switch, say_and_hang_up) as second:
            await call.hears(900)
            assert time.monotonic() - began < 3.5
            await call.ended()
    assert second.legs[0].data["variable_gw_losses"] == "x"


async def test_a_handler_that_is_slow_but_takes_the_call(switch: FreeSwitch) -> None:
    async def take_slowly(leg: Leg) -> None:
        await asyncio.sleep(1.0)
        await say_and_hang_up(leg)

    async with Handlers(switch, take_slowly) as handlers, calling(switch) as call:
        await call.hears(900)
        await call.ended()
    assert len(handlers.legs) == 1


async def test_a_handler_that_dies_in_a_prompt(switch: FreeSwitch) -> None:
    """The caller hears the prompt to its end, unbroken, and then the next handler."""
    async with Handlers(switch, play) as first, calling(switch) as call:
        await call.hears(400)
        await first.die()
        began = time.monotonic()
        async with Handlers(switch, say_and_hang_up):
            await call.hears(900, 15.0)
            assert 7.0 < time.monotonic() - began < 14.0
            await call.ended()
    assert longest_silence(call.heard) < 3.0
    ((start, end),) = segments(call.heard, 400, gap_s=LATE_S)
    assert end - start > 9.5


async def test_handlers_that_die_of_a_call_do_not_get_it_for_ever(switch: FreeSwitch) -> None:
    async def die_of_it(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("pre_answer")  # no answer: the greatest length of this switch's calls is short

    async with Handlers(switch, die_of_it) as handlers, calling(switch) as call:
        await call.ended(30.0)
    assert longest_silence(call.heard) < 3.0
    record = next(iter(switch.cdrs(1).values()))
    assert record["gw_outcome"] == "failed:handlers"
    assert (len(handlers.legs), record["gw_losses"]) == (4, "xxx")


@pytest.mark.parametrize("hang_up_after", [True, False])
async def test_a_talk_outlives_the_handlers(switch: FreeSwitch, hang_up_after: bool) -> None:
    """Whether the switch ends the call with the talk or the dialplan does: nobody is put back into a menu."""
    async with (
        Phone(on_invite=LineScript.answer(0.1, say=700, hang_up_after=4.0)) as line,
        Handlers(switch, ring(line, hang_up_after=hang_up_after)) as handlers,
        calling(switch) as call,
    ):
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
    assert caller["last_bridge_to"] and caller["hangup_cause"] == "NORMAL_CLEARING"
    # Who ended it: the bridge itself, or the dialplan behind the socket.
    assert caller["current_application"] == ("bridge" if hang_up_after else "hangup")
    assert len(handlers.legs) == 1


async def test_a_line_that_answers_after_the_handlers_died(switch: FreeSwitch) -> None:
    async with (
        Phone(on_invite=LineScript.answer(6.5, say=700, hang_up_after=1.0)) as line,
        Handlers(switch, ring(line)) as handlers,
        calling(switch) as call,
    ):
        await call.hears(450)
        await handlers.die()
        await call.hears(700, 10.0)
        assert (await call.ended()).cause == 16
    # It rang on: one second of ringback each five, once before the handlers died and once after.
    heard = segments(call.heard, 450, gap_s=LATE_S)
    assert [start < 1.5 or 4.0 < start < 6.5 for start, _ in heard] == [True, True], heard
    assert len(line.calls) == len(handlers.legs) == 1
    assert switch.api(f"limit_usage hash line {LINE}") == "0"


async def test_a_line_that_refuses_after_the_handlers_died(switch: FreeSwitch) -> None:
    async with (
        Phone(on_invite=LineScript.reject(2.0, 486)) as line,
        Handlers(switch, ring(line)) as handlers,
        calling(switch) as call,
    ):
        await call.hears(450)
        await handlers.die()
        end = await call.ended(25.0)
    # Our own cause, not the line's 486.
    assert (end.status, end.cause) == (503, 41)
    assert switch.api(f"limit_usage hash line {LINE}") == "0"


async def test_a_line_that_refuses_leads_to_the_next_handlers(switch: FreeSwitch) -> None:
    async with (
        Phone(on_invite=LineScript.reject(2.0, 486)) as line,
        Handlers(switch, ring(line)) as handlers,
        calling(switch) as call,
    ):
        await call.hears(450)
        await handlers.die()
        async with Handlers(switch, say_and_hang_up) as second:
            await call.hears(900)
            await call.ended()
    assert second.legs[0].data["variable_gw_losses"] == "x"
    assert second.legs[0].data["variable_originate_disposition"] == "USER_BUSY"
    assert len(line.calls) == 1


async def test_a_talk_that_the_fallback_began_ends_the_call(switch: FreeSwitch) -> None:
    """Also where the handlers that died had meant to go on after a talk."""

    async def die_of_it(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("set", "hangup_after_bridge=false")

    async with (
        Phone(on_invite=LineScript.answer(0.1, say=700, hang_up_after=1.0)) as line,
        Handlers(switch, die_of_it) as handlers,
        calling(switch) as call,
    ):
        publish(switch, line)
        await call.hears(700, 15.0)
        assert (await call.ended()).cause == 16
    assert len(handlers.legs) == 4
    record = next(record for name, record in switch.cdrs(2).items() if name.startswith("a_"))
    assert (record["gw_outcome"], record["hangup_cause"]) == ("answered", "NORMAL_CLEARING")
    assert switch.api(f"limit_usage hash line {LINE}") == "0"
