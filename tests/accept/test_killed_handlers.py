"""SIGKILL of the call handlers at every stage of a call, on FreeSWITCH: nobody waits in silence, no talk is
broken off, no slot of a line stays taken. Systemd's part (start it again) is played by the supervisor.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box, site_text
from tests.support.audio import Samples, longest_silence, loud_segments, segments
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(1200)]

ROUNDS = int(os.environ.get("ACCEPT_ROUNDS", "20"))
SILENCE_S = 3.0
#: What handlers that live but do nothing may cost (docs/switch-contract.md); half a second more until it is seen.
STANDSTILL_S = 4.0
#: Longer than ringback's period of 5 s, so that its second tone comes after the handlers' death.
RINGS_S = 6.5


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    folder: Path = tmp_path_factory.mktemp("killed")
    lines = site_text(1, 2).replace(':1"', ':@A@"').replace(':2"', ':@B@"')
    site = lines.replace("ring_seconds: 3", "ring_seconds: 10")
    with live_box(folder, "freeswitch", site=site, keep_up=True) as running:
        yield running


def kill(box: LiveBox) -> None:
    os.kill(box.parts.pid("handlers"), signal.SIGKILL)


async def back(box: LiveBox) -> None:
    """Wait until the handlers that were started again listen."""
    for _ in range(200):
        await asyncio.sleep(0.05)
        try:
            _, writer = await asyncio.open_connection(box.settings.handlers_host, box.settings.handlers_port)
        except OSError:
            continue
        writer.close()
        return
    raise AssertionError("the handlers did not come back")


async def freed(box: LiveBox) -> None:
    """Slots are free within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if box.usage("first") == box.usage("second") == 0:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"slots taken: {box.usage('first')}, {box.usage('second')}")


def longest(call: OutgoingCall) -> float:
    """The longest silence from the first early media, or else the answer, on."""
    return longest_silence(call.heard)


def first_sound(call: OutgoingCall, since: float) -> float:
    """Seconds from ``since`` (``time.monotonic``) until the caller heard anything at all."""
    zero = time.monotonic() - call.now
    start, _ = loud_segments(call.heard)[0]
    return zero + start - since


def assert_ringback(heard: Samples, tones: int) -> None:
    """One second of 450 Hz each five seconds, begun so often; silence is only what its pauses are."""
    found = segments(heard, 450)
    assert len(found) == tones, found
    first, last = found[0][0], found[-1][1]
    for at, (start, end) in enumerate(found):
        assert abs(start - first - 5 * at) < 0.15 and abs(end - start - 1) < 0.15, found
    # Before and after it anything else than its pause of four seconds is held to the common limit.
    assert longest_silence(heard, 0, first + 0.1) < SILENCE_S
    assert longest_silence(heard, last - 0.1) < SILENCE_S


async def in_prompt(box: LiveBox, phone: Phone) -> OutgoingCall:
    call = await phone.dial(NUMBER, box.sip)
    await call.answered(10)
    await call.hears(1750, 5)
    return call


async def collecting(box: LiveBox, phone: Phone) -> OutgoingCall:
    call = await in_prompt(box, phone)
    await asyncio.sleep(1.2)  # the prompt lasts one second
    return call


async def ringing(box: LiveBox, phone: Phone) -> OutgoingCall:
    call = await in_prompt(box, phone)
    await call.press("7")
    await call.hears(450, 5)
    return call


@pytest.mark.parametrize("stage", [in_prompt, collecting])
async def test_in_the_menu(box: LiveBox, stage: Callable[[LiveBox, Phone], Awaitable[OutgoingCall]]) -> None:
    """The caller is taken back to the menu, presses a key and is joined."""
    for _ in range(ROUNDS):
        answers = LineScript.answer(0.1, say=900.0)
        async with Phone() as phone, Phone(port=box.port_a, on_invite=answers):
            call = await stage(box, phone)
            kill(box)
            killed_at = call.now
            await back(box)
            while call.now < killed_at + 1:
                await asyncio.sleep(0.05)
            await call.hears(1750, 8)  # the menu again
            await call.press("7")
            await call.hears(900, 8)
            await call.hangup()
            assert longest(call) < SILENCE_S
        await freed(box)


async def test_while_a_line_rings(box: LiveBox) -> None:
    """The line goes on ringing, answers, and is joined."""
    for _ in range(ROUNDS):
        answers = LineScript.answer(RINGS_S, say=900.0)
        async with Phone() as phone, Phone(port=box.port_a, on_invite=answers):
            call = await ringing(box, phone)
            kill(box)
            await call.hears(900, RINGS_S + 2)
            await asyncio.sleep(0.5)
            await call.hangup()
            assert call.end is not None and call.end.by == "us"
            assert_ringback(call.heard, tones=2)
        await back(box)
        await freed(box)


async def test_in_a_talk(box: LiveBox) -> None:
    """The talk lives on, and after it the call ends; nobody is put back into the menu."""
    for _ in range(ROUNDS):
        answers = LineScript.answer(0.1, say=900.0, hang_up_after=3.0)
        async with Phone() as phone, Phone(port=box.port_a, on_invite=answers) as line:
            call = await in_prompt(box, phone)
            await call.press("7")
            await call.hears(900, 8)
            leg = await line.incoming(1)
            kill(box)
            call.say(600.0)
            await leg.hears(600, 3)
            end = await call.ended(8)
            assert end.by == "them"
            assert leg.since_answer > 2.8
            assert longest(call) < SILENCE_S
        await back(box)
        await freed(box)


async def test_accepted_and_dead_before_connect(box: LiveBox) -> None:
    """The kernel has taken the switch's connection, nobody has read it."""
    for _ in range(ROUNDS):
        answers = LineScript.answer(0.1, say=900.0)
        async with Phone() as phone, Phone(port=box.port_a, on_invite=answers):
            os.kill(box.parts.pid("handlers"), signal.SIGSTOP)
            dialled_at = time.monotonic()
            call = await phone.dial(NUMBER, box.sip)
            await asyncio.sleep(0.5)
            kill(box)
            killed_at = time.monotonic()
            await call.answered(10)
            assert time.monotonic() - killed_at < 4.5
            await call.hears(1750, 5)
            await call.press("7")
            await call.hears(900, 8)
            await call.hangup()
            assert first_sound(call, dialled_at) < SILENCE_S
            assert longest(call) < SILENCE_S
        await freed(box)


async def test_handlers_at_a_standstill(box: LiveBox) -> None:
    """They live, but do nothing any more: the supervisor misses their signs of life, and the call goes on."""
    answers = LineScript.answer(0.1, say=900.0)
    async with Phone() as phone, Phone(port=box.port_a, on_invite=answers):
        stopped = box.parts.pid("handlers")
        os.kill(stopped, signal.SIGSTOP)
        dialled_at = time.monotonic()
        call = await phone.dial(NUMBER, box.sip)
        await call.answered(20)
        await call.hears(1750, 5)
        assert box.parts.pid("handlers") != stopped
        await call.press("7")
        await call.hears(900, 8)
        await call.hangup()
        assert first_sound(call, dialled_at) < STANDSTILL_S + 0.5
        assert longest(call) < SILENCE_S
    await freed(box)


async def test_handlers_that_stay_dead(tmp_path: Path) -> None:
    """Without handlers the fallback rings the number's first line."""
    with live_box(tmp_path, "freeswitch", keep_up=False, dies=["handlers"]) as box:
        kill(box)
        answers = LineScript.answer(0.1, say=900.0)
        async with Phone() as phone, Phone(port=box.port_a, on_invite=answers) as line:
            dialled_at = time.monotonic()
            call = await phone.dial(NUMBER, box.sip)
            leg = await line.incoming(30)
            assert leg.called == "02160000001"
            await call.hears(900, 8)
            await call.hangup()
            assert first_sound(call, dialled_at) < SILENCE_S
            assert longest(call) < SILENCE_S
