"""``wait``, and ``connect`` with music: what a caller of a busy line hears, and what ends it."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.domain.outcome import Disposition
from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch.leg import Digits, NoInput, Played
from appliance.testphone.tones import purity
from tests.contract.worlds import PhoneCaller, SwitchWorld, World
from tests.support.audio import assert_no_tone, dominant_hz, longest_silence, read_wav, segments

#: The ringing tone, of which a second is heard in five.
RINGING_HZ = 450


async def test_it_is_over_with_its_sounds(world: World) -> None:
    leg, _ = await world.answered()
    assert await leg.wait([world.prompt("short"), world.prompt("short")]) == NoInput()


async def test_a_key_ends_it_and_is_given(world: World) -> None:
    leg, caller = await world.answered()
    for key in "1*#":
        caller.will_press(key, after=0.4)
        assert await leg.wait([world.prompt("menu"), world.prompt("short")], "1*#") == Digits(key)


async def test_another_key_does_not(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("5", after=0.3)
    assert await leg.wait([world.prompt("short"), world.prompt("short")], "12") == NoInput()


async def test_no_key_does_where_none_may(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("*", after=0.3)
    assert await leg.wait([world.prompt("short"), world.prompt("short")]) == NoInput()


async def test_an_earlier_key_is_not_given_again(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("2", after=0.3)
    assert await leg.wait([world.prompt("menu")], "2") == Digits("2")
    assert await leg.wait([world.prompt("short")], "2") == NoInput()


async def test_a_caller_who_hangs_up(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_hang_up(after=0.3)
    with pytest.raises(CallerGone):
        await leg.wait([world.prompt("menu")], "1")
    with pytest.raises(CallerGone):
        await leg.wait([world.prompt("menu")], "1")


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ([], "1"),
        (["short"] * 101, "1"),
        (["short"], "A"),
        (["short"], "1,2"),
        (["short"], "any"),
        (["short", "a!b"], "1"),
        (["short", "${system id}"], ""),
    ],
)
async def test_what_is_no_wait_is_not_sent(world: World, names: list[str], keys: str) -> None:
    leg, _ = await world.answered()
    with pytest.raises(UnsafeArgument):
        await leg.wait([world.prompt(name) for name in names], keys)
    assert await leg.wait([world.prompt("short")], keys="1") == NoInput()


async def test_music_that_is_no_file_of_ours_is_not_sent(world: World) -> None:
    leg, _ = await world.answered()
    with pytest.raises(UnsafeArgument):
        await leg.connect(world.line("busy"), music=world.prompt("${system id}"))
    assert (await leg.connect(world.line("busy"), music=world.prompt("short"))).disposition is Disposition.BUSY


async def test_the_sounds_are_heard_in_order_without_a_gap(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.wait([real.prompt(name) for name in ("first", "second", "absent", "first")])
    await leg.do("pause", seconds=0.3)
    heard = caller.call.heard
    one, another = segments(heard, 500, gap_s=0.1), segments(heard, 800, gap_s=0.1)
    assert (len(one), len(another)) == (2, 1), "each once, the one that is missing passed over"
    assert [0.9 < end - start < 1.1 for start, end in (*one, *another)] == [True] * 3
    assert one[0][1] < another[0][0] + 0.05 and another[0][1] < one[1][0] + 0.05
    assert longest_silence(heard, one[0][0] + 0.05, one[1][1] - 0.05) <= 0.06


async def test_a_hundred_sounds(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.wait([real.prompt("absent")] * 99 + [real.prompt("short")])
    await leg.do("pause", seconds=0.3)
    assert len(segments(caller.call.heard, 600, gap_s=0.1)) == 1


async def test_a_key_ends_all_of_it(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.will_press("1", after=0.5)
    began = time.monotonic()
    assert await leg.wait([real.prompt("menu"), real.prompt("second")], "1") == Digits("1")
    assert time.monotonic() - began < 1.9, "the first of them goes on for two seconds"
    await leg.do("pause", seconds=0.5)
    assert not segments(caller.call.heard, 800)


async def test_what_cannot_be_played_is_not_over_at_once(real: SwitchWorld) -> None:
    """Whoever waits in a loop would keep the switch busy."""
    leg, _ = await real.answered()
    began = time.monotonic()
    assert await leg.wait([real.prompt("absent")] * 2, "1") == NoInput()
    assert time.monotonic() - began > 0.4


async def test_a_wake_ends_it(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    waiting = asyncio.create_task(leg.wait([real.prompt("menu"), real.prompt("second")], "1"))
    await caller.call.hears(700)
    assert real.wake(leg.uuid) == "+OK"
    woken = time.monotonic()
    assert await waiting == NoInput()
    assert time.monotonic() - woken < 1.2, "there were more than two seconds to come"
    await leg.do("pause", seconds=0.5)
    assert not segments(caller.call.heard, 800), "with all that stood behind it"
    caller.will_press("1", after=0.4)
    began = time.monotonic()
    assert await leg.play(real.prompt("menu")) is Played.WHOLE
    assert time.monotonic() - began > 1.8, "nothing of the wait is left"


async def test_a_wake_before_it_is_lost(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    assert real.wake(leg.uuid) == "+OK"
    assert await leg.wait([real.prompt("first")]) == NoInput()
    await leg.do("pause", seconds=0.3)
    assert sum(end - start for start, end in segments(caller.call.heard, 500)) > 0.8


async def test_a_wake_ends_a_prompt_but_no_asking(real: SwitchWorld) -> None:
    """Therefore only who waits is to be woken. Whoever is asked has the whole time for an answer in any case."""
    leg, caller = await real.answered()
    began = time.monotonic()
    playing = asyncio.create_task(leg.play(real.prompt("menu")))
    await caller.call.hears(700)
    real.wake(leg.uuid)
    assert await playing is Played.WHOLE
    assert time.monotonic() - began < 1.9, "the prompt goes on for two seconds"
    asking = asyncio.create_task(leg.collect(None, 2))
    await asyncio.sleep(0.4)
    real.wake(leg.uuid)
    caller.will_press("6", after=0.6)
    assert await asking == Digits("6")


async def test_nobody_is_woken_who_is_not_there(real: SwitchWorld) -> None:
    assert "-ERR No such channel!" in real.wake("7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4")


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


async def test_a_later_prompt_is_as_it_ever_was(real: SwitchWorld) -> None:
    """No key of the wait ends it; ``*`` does, as without any wait."""
    leg, caller = await real.answered()
    caller.will_press("1", after=0.3)
    assert await leg.wait([real.prompt("menu")], "1") == Digits("1")
    caller.will_press("1", after=0.4)
    began = time.monotonic()
    assert await leg.play(real.prompt("menu")) is Played.WHOLE
    assert time.monotonic() - began > 1.8
    await leg.wait([real.prompt("short")])
    caller.will_press("*", after=0.4)
    began = time.monotonic()
    assert await leg.play(real.prompt("menu")) is Played.WHOLE
    assert time.monotonic() - began < 1.9, "the prompt goes on for two seconds"


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
