"""What is said over the music of a wait: without a gap, and a key is heard meanwhile."""

from __future__ import annotations

import asyncio
import time

from appliance.switch.leg import Digits, NoInput
from tests.contract.worlds import SwitchWorld
from tests.support.audio import longest_silence, segments


async def test_something_is_said_over_the_music_without_a_gap(real: SwitchWorld) -> None:
    """And the music goes on beneath: it is over when it would have been."""
    leg, caller = await real.answered()
    began = time.monotonic()
    waiting = asyncio.create_task(leg.wait([real.prompt("menu")] * 2, "1"))
    await caller.call.hears(700)
    second = real.prompt("second")
    assert real.say_over(leg.uuid, second) == "+OK Success"
    assert "-ERR" in real.say_over(leg.uuid, second), "it is heard already"
    assert await waiting == NoInput()
    assert 3.9 < time.monotonic() - began < 5.5
    heard = caller.call.heard
    (said,) = segments(heard, 800, gap_s=0.1)
    before, after = segments(heard, 700, gap_s=0.1)
    assert 0.9 < said[1] - said[0] < 1.1
    # The frame in which it ends is filled up, and one more is silent (``write_displace_callback``).
    assert longest_silence(heard, before[0] + 0.05, after[1] - 0.05) <= 0.06
    assert "-ERR" in real.say_over(leg.uuid, second, "stop"), "it is over"


async def test_what_is_said_over_is_ended(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    waiting = asyncio.create_task(leg.wait([real.prompt("menu")] * 2, "1"))
    await caller.call.hears(700)
    real.say_over(leg.uuid, real.prompt("long"))
    await caller.call.hears(800)
    assert real.say_over(leg.uuid, real.prompt("long"), "stop") == "+OK Success"
    real.wake(leg.uuid)
    await waiting
    (said,) = segments(caller.call.heard, 800, gap_s=0.1)
    assert said[1] - said[0] < 5.0


async def test_a_key_is_heard_while_something_is_said_over(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    waiting = asyncio.create_task(leg.wait([real.prompt("menu")] * 2, "1"))
    await caller.call.hears(700)
    real.say_over(leg.uuid, real.prompt("second"))
    await caller.call.hears(800)
    caller.will_press("1", after=0.1)
    assert await waiting == Digits("1")


async def test_nothing_is_said_over_to_nobody(real: SwitchWorld) -> None:
    assert "-ERR" in real.say_over("7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4", real.prompt("first"))
    leg, _ = await real.answered()
    assert "-ERR" in real.say_over(leg.uuid, real.prompt("absent"))
