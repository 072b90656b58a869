"""What a caller hears while lines ring for him: music where there is some, else the tone."""

from __future__ import annotations

import asyncio

import pytest

from appliance.domain.outcome import Disposition
from appliance.errors import CallerGone
from appliance.testphone.tones import purity
from tests.contract.worlds import PhoneCaller, SwitchWorld
from tests.support.audio import assert_no_tone, dominant_hz, longest_silence, read_wav, segments

#: The ringing tone, of which a second is heard in five.
RINGING_HZ = 450


def _heard(caller: PhoneCaller, hz: int, since: float) -> float:
    """Seconds of a tone."""
    return sum(end - max(start, since) for start, end in segments(caller.call.heard, hz) if end > since)


async def test_music_while_a_line_rings_and_afterwards_the_tone(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    began = caller.call.now
    assert (await leg.connect(real.line("no-answer"), music=real.prompt("short"))).line == "no-answer"
    assert _heard(caller, 600, began) > 1.4, "the 0.6 s again and again"
    assert _heard(caller, RINGING_HZ, began) == 0
    began = caller.call.now
    await leg.connect(real.line("no-answer"), music=real.prompt("second"))
    assert _heard(caller, 800, began) > 1.4
    began = caller.call.now
    await leg.connect(real.line("no-answer"))
    assert 0.8 < _heard(caller, RINGING_HZ, began) < 1.2
    assert _heard(caller, 800, began) < 0.1


async def test_music_before_a_line_is_found(real: SwitchWorld) -> None:
    """A mobile may take seconds until it rings; who waits to music hears no silence meanwhile."""
    leg, caller = await real.answered()
    await leg.wait([real.prompt("short")])
    began = caller.call.now
    assert (await leg.connect(real.line("silent"), music=real.prompt("second"))).line == "silent"
    assert _heard(caller, 800, began) > 1.2
    # Without music it would be all of the second and a half.
    assert longest_silence(caller.call.heard, began - 0.5, began + 1.5) < 1.0


async def test_music_while_several_ring(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    began = caller.call.now
    name = f"several/{leg.uuid}.wav"
    lines = [real.line("no-answer"), real.line("rejects")]
    tried = await leg.connect_any(lines, name, music=real.prompt("short"))
    assert [one.disposition for one in tried] == [Disposition.NO_ANSWER, Disposition.REJECTED]
    assert _heard(caller, 600, began) > 1.4
    assert not (real.around.recordings / name).exists()


async def test_the_talk_ends_the_music_and_the_recording_has_none(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    name = f"music/{leg.uuid}.wav"
    tried = await leg.connect(real.line("slow", ring_seconds=5), name, music=real.prompt("short"))
    assert tried.disposition is Disposition.ANSWERED
    heard = caller.call.heard
    assert _heard(caller, 600, 0) > 0.7
    (start, end), *_ = segments(heard, 900, gap_s=0.1)
    assert end - start > 1.0
    assert_no_tone(heard, 600, start + 0.1, end)
    recording = read_wav(real.around.recordings / name)
    assert recording.right is not None
    assert abs(dominant_hz(recording.right) - 900) <= 2
    assert purity(recording.right, 600) < 0.02


async def test_music_and_a_full_line(real: SwitchWorld) -> None:
    first, one = await real.answered()
    talk = asyncio.create_task(first.connect(real.line("stays")))
    await real.rung()
    second, _ = await real.answered()
    assert (await second.connect(real.line("stays"), music=real.prompt("short"))).disposition is Disposition.FULL
    await one.call.hangup()
    with pytest.raises(CallerGone):
        await talk


async def test_who_is_not_answered_yet_hears_the_tone(real: SwitchWorld) -> None:
    """FreeSWITCH knows it for a call that it has answered only."""
    leg, caller = await real.call()
    await leg.connect(real.line("no-answer"), music=real.prompt("short"))
    assert _heard(caller, RINGING_HZ, 0) > 0.8
    assert not segments(caller.call.heard, 600)


async def test_music_that_is_missing_keeps_no_line_from_ringing(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    tried = await leg.connect(real.line("answers"), music=real.prompt("absent"))
    assert tried.disposition is Disposition.ANSWERED


async def test_music_that_dead_handlers_left_behind_is_taken_away(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    lost = asyncio.create_task(leg.connect(real.line("no-answer"), music=real.prompt("short")))
    await caller.call.hears(600)
    await leg.do("die")
    again = await real.stage.next_leg()
    began = caller.call.now
    await again.connect(real.line("no-answer"))
    assert _heard(caller, RINGING_HZ, began) > 0.8
    assert _heard(caller, 600, began) < 0.1
    lost.cancel()
