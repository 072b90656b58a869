"""``limit``: the switch ends a call by itself, and both sides hear it coming."""

from __future__ import annotations

import asyncio

import pytest

from appliance.domain.credit import OUT_OF_MONEY_CAUSE
from appliance.domain.duration import TimeLimit
from appliance.errors import CallerGone
from appliance.switch.leg import Disposition
from appliance.testphone.tones import Samples, purity
from tests.contract.worlds import SwitchWorld, World
from tests.support.audio import read_wav

#: A warning that is half of what is heard meanwhile.
_HEARD = 0.15
_WINDOW = 4000


def _loudest(heard: Samples, hz: int) -> float:
    """The largest part that a tone has in half a second."""
    steps = range(0, max(len(heard) - _WINDOW, 1), _WINDOW // 4)
    return max(purity(heard[start : start + _WINDOW], hz) for start in steps)


async def test_it_is_taken_by_every_leg(world: World) -> None:
    leg, _ = await world.call()
    await leg.limit(TimeLimit(300, True, 60), world.prompt("first"))
    await leg.limit(TimeLimit(300, False), None)
    await leg.hang_up()


async def test_from_the_first_talk_on_through_all_of_them(real: SwitchWorld) -> None:
    """Two seconds with one line and the rest with another; the menu before them does not count. The handlers die in
    the second talk: the limit is the switch's."""
    leg, caller = await real.answered()
    caller.call.say(1200)
    await leg.limit(TimeLimit(9, False, 3), real.prompt("first"))
    await leg.collect(None, 1.5)
    assert (await leg.connect(real.line("answers"))).disposition is Disposition.ANSWERED
    first = await real.rung()
    name = f"limit/{leg.uuid}.wav"
    talk = asyncio.create_task(leg.connect(real.line("stays"), name))
    line = await real.rung()
    await line.hears(1200)
    # The first talk's orders hold; a second one has none of its own.
    assert "_undef_" in real.around.api(f"uuid_getvar {leg.uuid} api_before_bridge_0")
    await leg.do("die")
    talk.cancel()
    end = await caller.call.ended(15)
    assert end.by == "them"
    await line.ended(5)
    record = await real.cdr(leg.uuid)
    assert record["hangup_cause"] == OUT_OF_MONEY_CAUSE
    assert _loudest(caller.call.heard, 500) > _HEARD and _loudest(line.heard, 500) > _HEARD
    assert _loudest(first.heard, 500) < _HEARD / 3
    # Neither side is interrupted, and the recording has both.
    recording = read_wav(real.around.recordings / name)
    assert recording.right is not None
    middle = slice(-12000, -4000)
    assert purity(recording.left[middle], 1200) > _HEARD
    assert purity(recording.right[middle], 900) > _HEARD


@pytest.mark.parametrize(("answered", "seconds"), [("before", 11), ("after", 4)])
async def test_from_the_answer_on(real: SwitchWorld, answered: str, seconds: int) -> None:
    """``before``: as the call back of a line, which is answered when it comes."""
    leg, caller = await (real.answered() if answered == "before" else real.call())
    if answered == "before":
        await leg.do("stumble")
        # Nothing may be asked of it any more: the next handler has the same leg, perhaps by now.
        leg = await real.stage.next_leg()
        # The line was told for whom, and has pressed 1: that counts.
        await leg.do("pause", seconds=4.0)
    await leg.limit(TimeLimit(seconds, True), None)
    await leg.answer()
    with pytest.raises(CallerGone):
        await leg.collect(None, 30)
    assert (await caller.call.ended(5)).by == "them"
    record = await real.cdr(leg.uuid)
    assert record["hangup_cause"] == OUT_OF_MONEY_CAUSE
    # A limit that began only when it was told would be over at fifteen seconds.
    assert int(record["billmsec"]) < 14_000
