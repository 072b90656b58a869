"""``play`` and ``collect``: prompts, keys and silence."""

from __future__ import annotations

import time

import pytest

from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch.leg import Digits, NoInput, Played
from tests.contract.worlds import SwitchWorld, World
from tests.support.audio import assert_no_tone, segments


async def test_a_prompt_is_played_to_its_end(world: World) -> None:
    leg, _ = await world.answered()
    assert await leg.play(world.prompt("short")) is Played.WHOLE


async def test_a_prompt_that_is_not_there_is_missing(world: World) -> None:
    leg, _ = await world.answered()
    assert await leg.play(world.prompt("absent")) is Played.MISSING
    assert await leg.play(world.prompt("short")) is Played.WHOLE


async def test_a_key_is_an_answer(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("5", after=0.5)
    assert await leg.collect(world.prompt("menu"), 2) == Digits("5")


async def test_hash_and_star_are_answers_where_one_key_is_asked_for(world: World) -> None:
    leg, caller = await world.answered()
    for key in "#*":
        caller.will_press(key, after=0.3)
        assert await leg.collect(world.prompt("menu"), 2) == Digits(key)


async def test_silence_is_no_input(world: World) -> None:
    leg, _ = await world.answered()
    assert await leg.collect(world.prompt("short"), 1) == NoInput()


async def test_an_earlier_answer_is_not_taken_for_silence(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("7", after=0.3)
    assert await leg.collect(world.prompt("menu"), 1) == Digits("7")
    assert await leg.collect(world.prompt("short"), 1) == NoInput()


async def test_several_keys(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("4821", after=0.3)
    assert await leg.collect(world.prompt("menu"), 2, at_most=4) == Digits("4821")


async def test_hash_ends_several_keys(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("48#", after=0.3)
    assert await leg.collect(world.prompt("menu"), 2, at_most=6) == Digits("48")


async def test_keys_without_a_prompt(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("9", after=0.5)
    assert await leg.collect(None, 2) == Digits("9")


async def test_a_hash_right_behind_a_whole_number_belongs_to_it(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.will_press("1234#", after=0.4)
    assert await leg.collect(real.prompt("short"), 3, 4) == Digits("1234")
    caller.will_press("7", after=0.6)
    assert await leg.collect(None, 3) == Digits("7")


async def test_keys_while_the_prompt_is_missing(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_press("3", after=0.7)
    assert await leg.collect(world.prompt("absent"), 2) == Digits("3")


async def test_a_caller_who_hangs_up(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_hang_up(after=0.3)
    with pytest.raises(CallerGone):
        await leg.play(world.prompt("menu"))
    with pytest.raises(CallerGone):
        await leg.collect(world.prompt("menu"), 1)


async def test_what_is_no_prompt_of_ours_is_not_sent(world: World) -> None:
    leg, _ = await world.answered()
    folder = world.prompt("short").parent
    for name in ("a b.wav", "${system id}.wav", "../../etc/passwd", "a'b.wav", "{a=b}x.wav"):
        with pytest.raises(UnsafeArgument):
            await leg.play(folder / name)
    assert await leg.play(world.prompt("short")) is Played.WHOLE


async def test_the_prompt_is_heard(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.play(real.prompt("short"))
    await leg.do("pause", seconds=0.3)
    heard = segments(caller.call.heard, 600)
    assert len(heard) == 1
    start, end = heard[0]
    assert 0.5 < end - start < 0.7


async def test_a_key_stops_the_prompt(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    began = time.monotonic()
    caller.will_press("5", after=0.6)
    assert await leg.collect(real.prompt("menu"), 5) == Digits("5")
    assert time.monotonic() - began < 1.9, "the prompt of two seconds went on, or the key was waited out"
    await leg.do("pause", seconds=0.5)
    until = caller.call.now
    assert_no_tone(caller.call.heard, 700, until - 0.35, until - 0.1)


async def test_silence_is_waited_for_from_the_prompts_end(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    began = time.monotonic()
    assert await leg.collect(real.prompt("short"), 1.5) == NoInput()
    assert 1.9 < time.monotonic() - began < 3.5, "0.6 s of prompt, 1.5 s of waiting; twice that is 4.2"


async def test_a_key_by_sip_info(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.will_press_info("6", after=0.5)
    assert await leg.collect(real.prompt("menu"), 2) == Digits("6")


async def test_an_announcement_as_early_media(real: SwitchWorld) -> None:
    leg, caller = await real.call()
    await leg.early_media()
    await leg.play(real.prompt("short"))
    assert caller.call.answered_at is None
    assert segments(caller.call.heard, 600)


async def test_hidden_keys_are_not_in_the_record(real: SwitchWorld) -> None:
    """Asked for one by one, no more than the last of them is left of what was collected."""
    leg, caller = await real.answered()
    await leg.hide_keys()
    caller.will_press("48155", after=0.3)
    keyed = ""
    while isinstance(answer := await leg.collect(None, 1.5), Digits):
        keyed += answer.keys
    await leg.hang_up()
    record = await real.cdr(leg.uuid)
    assert keyed == "48155" and record["digits_dialed"] in ("XXXXX", "none")
    assert not any("48" in str(value) for name, value in record.items() if "digit" in name or "collect" in name)
