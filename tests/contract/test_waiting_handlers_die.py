"""Handlers that die while a caller waits: his music goes on, and he comes back to others."""

from __future__ import annotations

import asyncio
import time

from tests.contract.worlds import SwitchWorld
from tests.support.audio import longest_silence, segments


async def test_it_goes_on_without_its_handlers_and_the_call_comes_back(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    waiting = asyncio.create_task(leg.wait([real.prompt("first"), real.prompt("second")], "1"))
    await caller.call.hears(500)
    await leg.do("die")
    again = await real.stage.next_leg()
    for hz in (500, 800):
        assert sum(end - start for start, end in segments(caller.call.heard, hz)) > 0.8
    assert again.uuid == leg.uuid
    caller.will_press("1", after=0.4)
    began = time.monotonic()
    await again.play(real.prompt("menu"))
    assert time.monotonic() - began > 1.8, "no key of the lost wait ends it"
    waiting.cancel()


async def test_a_wake_brings_a_lost_call_back_at_once(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    waiting = asyncio.create_task(leg.wait([real.prompt("menu")] * 20))
    await caller.call.hears(700)
    await leg.do("die")
    await real.stage.wait_left(leg.uuid)
    real.wake(leg.uuid)
    again = await real.stage.next_leg(1.0)
    assert (again.uuid, again.notes_at_start["losses"]) == (leg.uuid, "x")
    waiting.cancel()


async def test_who_has_waited_long_has_lost_nobody(real: SwitchWorld) -> None:
    """Of handlers that die and come back a caller who waits through it all is not sent to the fallback."""
    leg, caller = await real.answered()
    lost = asyncio.create_task(leg.play(real.prompt("menu")))
    await caller.call.hears(700)
    await leg.do("die")
    again = await real.stage.next_leg()
    lost.cancel()
    assert again.notes_at_start["losses"] == "x"
    await again.wait([real.prompt("menu"), real.prompt("first"), real.prompt("short")])
    assert "losses" not in await again.notes()
    lost = asyncio.create_task(again.play(real.prompt("menu")))
    await asyncio.sleep(0.3)
    await again.do("die")
    last = await real.stage.next_leg()
    assert last.notes_at_start["losses"] == "x"
    lost.cancel()


async def test_handlers_that_die_while_he_waits_do_not_count(real: SwitchWorld) -> None:
    """However often it happens, the call is not sent to the fallback: nothing of it was being done."""
    leg, caller = await real.answered()
    for count in range(6):
        waiting = asyncio.create_task(leg.wait([real.prompt("menu")] * 20))
        # Long enough for the music to begin, too short for a loss to be forgiven.
        await asyncio.sleep(0.5)
        await leg.do("die")
        await real.stage.wait_left(leg.uuid)
        waiting.cancel()
        real.wake(leg.uuid)
        leg = await real.stage.next_leg()
        assert leg.notes_at_start["losses"] == "x", f"death {count + 1}"
    # A bound on a busy machine; `make accept` measures it (tests/accept/test_queue.py).
    assert longest_silence(caller.call.heard[8000:]) < 3.0


async def test_handlers_that_die_after_he_waited_do(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    for losses in ("x", "xx"):
        await leg.wait([real.prompt("short")])
        playing = asyncio.create_task(leg.play(real.prompt("short")))
        await asyncio.sleep(0.3)
        await leg.do("die")
        await real.stage.wait_left(leg.uuid)
        playing.cancel()
        leg = await real.stage.next_leg(6.0)
        assert leg.notes_at_start["losses"] == losses
