"""``wait``: sounds in order until they are over, a key, or a wake."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.domain.outcome import Disposition
from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch.leg import Digits, NoInput, Played
from tests.contract.worlds import SwitchWorld, World
from tests.support.audio import longest_silence, segments


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
    assert await leg.play(real.prompt("long")) is Played.WHOLE
    assert time.monotonic() - began < 5.0, "the prompt goes on for six seconds"
