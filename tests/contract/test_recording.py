"""``connect`` with a recording: both voices apart, the talk and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from appliance.errors import CallerGone
from appliance.switch.leg import Disposition
from appliance.testphone.tones import Samples, purity
from tests.contract.worlds import SwitchWorld
from tests.support.audio import dominant_hz, read_wav


def _only(voice: Samples, hz: int, *, not_at: int) -> None:
    """A channel holds one voice. By its spectrum, not by its windows: a busy machine loses packets."""
    assert abs(dominant_hz(voice) - hz) <= 2
    assert purity(voice, not_at) < 0.02


async def test_caller_left_line_right_as_long_as_the_talk(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.call.say(1200)
    name = f"2026/11/22/{leg.uuid}.wav"
    assert (await leg.connect(real.line("answers"), name)).disposition is Disposition.ANSWERED
    recording = read_wav(real.around.recordings / name)  # whole when the verb returns
    assert recording.right is not None and recording.rate == 8000
    assert 1.6 < recording.seconds < 2.5
    _only(recording.left, 1200, not_at=900)
    _only(recording.right, 900, not_at=1200)


async def test_a_line_that_failed_leaves_no_recording(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.call.say(1200)
    name = f"failed/{leg.uuid}.wav"
    for line in ("busy", "no-answer"):
        await leg.connect(real.line(line), name)
        assert not (real.around.recordings / name).exists()
    await leg.connect(real.line("answers"), name)
    assert 1.6 < read_wav(real.around.recordings / name).seconds < 2.5


async def test_a_full_line_leaves_no_recording(real: SwitchWorld) -> None:
    first, one = await real.answered()
    talk = asyncio.create_task(first.connect(real.line("stays")))
    await real.rung()
    second, _ = await real.answered()
    name = f"full/{second.uuid}.wav"
    assert (await second.connect(real.line("stays"), name)).disposition is Disposition.FULL
    assert not (real.around.recordings / name).exists()
    await one.call.hangup()
    with pytest.raises(CallerGone):
        await talk


async def test_a_caller_who_hangs_up_leaves_a_whole_recording(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    name = f"gone/{leg.uuid}.wav"
    talk = asyncio.create_task(leg.connect(real.line("stays"), name))
    await caller.call.hears(900)
    await asyncio.sleep(1)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await talk
    await real.cdr(leg.uuid)
    recording = read_wav(real.around.recordings / name)
    assert recording.right is not None
    assert 0.9 < recording.seconds < 2.2
    _only(recording.right, 900, not_at=1200)


async def test_a_call_that_is_not_answered_yet(real: SwitchWorld) -> None:
    leg, caller = await real.call()
    name = f"early/{leg.uuid}.wav"
    assert (await leg.connect(real.line("answers"), name)).disposition is Disposition.ANSWERED
    assert caller.call.answered_at is not None
    assert 1.6 < read_wav(real.around.recordings / name).seconds < 2.5


async def test_a_second_talk_goes_behind_the_first(real: SwitchWorld) -> None:
    """Whoever is rung in between: lines that do not answer take nothing of what is there."""
    leg, caller = await real.answered()
    caller.call.say(1200)
    name = f"twice/{leg.uuid}.wav"
    await leg.connect(real.line("answers"), name)
    first = read_wav(real.around.recordings / name).seconds
    for line in ("busy", "no-answer"):
        await leg.connect(real.line(line), name)
        assert read_wav(real.around.recordings / name).seconds == first
    await leg.connect(real.line("answers"), name)
    both = read_wav(real.around.recordings / name)
    assert both.right is not None and first + 1.6 < both.seconds < first + 2.5
    _only(both.left, 1200, not_at=900)
    _only(both.right, 900, not_at=1200)
