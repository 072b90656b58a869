"""The handlers' end of the socket closes in the midst of a verb: what the switch does with the call by itself.

The socket of one call is closed without a word, as the kernel does with all of them when the process dies.
"""

from __future__ import annotations

import asyncio
import time

from appliance.domain.flow import values as variables
from appliance.switch.leg import Digits
from tests.contract.worlds import SwitchWorld
from tests.support.audio import read_wav, segments


async def test_a_prompt_goes_on_and_then_the_call_comes_back(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.note(node="main")
    playing = asyncio.create_task(leg.play(real.prompt("menu")))
    await caller.call.hears(700)
    await leg.do("die")
    again = await real.stage.next_leg()
    whole = sum(end - start for start, end in segments(caller.call.heard, 700))
    assert whole > 1.8, "the caller hears all of the two seconds"
    assert (again.uuid, again.notes_at_start["node"]) == (leg.uuid, "main")
    await again.play(real.prompt("short"))
    await again.hang_up()
    playing.cancel()


async def test_as_many_variables_as_a_flow_keeps_come_back_whole(real: SwitchWorld) -> None:
    known = {f"name{n}": "深圳市南山区科技园" * 22 + "&;" for n in range(30)}
    leg, _ = await real.answered()
    await leg.note(vars=variables.written(known), node="main")
    await leg.play(real.prompt("short"))
    await leg.do("die")
    again = await real.stage.next_leg()
    assert variables.read(again.notes_at_start["vars"]) == known and again.notes_at_start["node"] == "main"
    await again.hang_up()


async def test_a_caller_who_is_asked_is_not_left_in_silence(real: SwitchWorld) -> None:
    """However long the menu would wait: the switch is asked in pieces, and sees the death at the end of one."""
    leg, caller = await real.answered()
    collecting = asyncio.create_task(leg.collect(None, 20))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await leg.do("die")
    again = await real.stage.next_leg()
    assert time.monotonic() - began < 3.0
    caller.will_press("4", after=0.5)
    assert await again.collect(None, 3) == Digits("4")
    collecting.cancel()


async def test_a_talk_goes_on(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    name = f"died/{leg.uuid}.wav"
    talk = asyncio.create_task(leg.connect(real.line("stays"), name))
    line = await real.rung()
    await caller.call.hears(900)
    await leg.do("die")
    await real.stage.wait_left(leg.uuid)
    await asyncio.sleep(0.5)
    await caller.call.hears(900)
    caller.call.say(1200)
    await line.hears(1200)
    assert real.in_use("stays") == 1
    await line.hangup()
    end = await caller.call.ended()
    assert (end.by, end.cause) == ("them", 16)
    assert real.in_use("stays") == 0
    variables = await real.cdr(leg.uuid)
    assert variables["gw_line"] == "stays" and variables["last_bridge_to"]
    assert read_wav(real.around.recordings / name).seconds > 1.0
    talk.cancel()


async def test_a_line_that_rings_is_still_joined(real: SwitchWorld) -> None:
    """The switch holds on to what it was told: the caller is not worse off than in the talk."""
    leg, caller = await real.answered()
    ringing = asyncio.create_task(leg.connect(real.line("answers", ring_seconds=5)))
    line = await real.rung()
    await leg.do("die")
    await caller.call.hears(900)
    await line.ended()
    end = await caller.call.ended()
    assert (end.by, end.cause) == ("them", 16)
    ringing.cancel()


async def test_a_line_that_does_not_answer_gives_the_call_back(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    ringing = asyncio.create_task(leg.connect(real.line("no-answer")))
    await real.rung()
    await leg.do("die")
    again = await real.stage.next_leg(8)
    assert again.uuid == leg.uuid
    await again.play(real.prompt("short"))
    assert real.in_use("no-answer") == 0
    assert caller.call.end is None
    ringing.cancel()


async def test_a_call_that_comes_back_is_still_counted(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    assert await leg.hold("number", "4008001234") == 1
    playing = asyncio.create_task(leg.play(real.prompt("menu")))
    await caller.call.hears(700)
    await leg.do("die")
    again = await real.stage.next_leg()
    assert real.in_use("4008001234", "number") == 1
    assert await again.hold("number", "4008001234") == 1
    await again.hang_up()
    await asyncio.sleep(0.3)
    assert real.in_use("4008001234", "number") == 0
    playing.cancel()
