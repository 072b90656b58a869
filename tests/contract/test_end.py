"""``note`` and ``hang_up``: what stays of a call, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine

import pytest

from appliance.errors import CallerGone, UnsafeArgument
from appliance.testphone import CallFailed
from tests.contract.worlds import SwitchWorld, World


async def test_notes_are_in_the_cdr(world: World) -> None:
    leg, _ = await world.answered()
    await leg.note(number="4008001234", keys="main=1;sales=2", odd="a|b~c!d@e&f,(g)")
    await leg.note(outcome="abandoned:menu")
    await leg.play(world.prompt("short"))
    await leg.note(outcome="answered", city="上海")
    await leg.hang_up()
    record = await world.cdr(leg.uuid)
    expected = {
        "gw_number": "4008001234",
        "gw_keys": "main=1;sales=2",
        "gw_odd": "a|b~c!d@e&f,(g)",
        "gw_outcome": "answered",
        "gw_city": "上海",
    }
    assert {name: record[name] for name in expected} == expected


async def test_notes_are_seen_at_once(world: World) -> None:
    leg, _ = await world.call()
    await leg.note(node="main")
    assert (await leg.notes())["node"] == "main"


@pytest.mark.parametrize(
    "fact", ["a\nb", "a\rb", "a\x00b", "${x}", "$x", "a'b", "a\\b", "a\u2028b", "a\u0085b", " a", "a ", "x" * 9000]
)
async def test_notes_that_must_not_be_sent(world: World, fact: str) -> None:
    leg, _ = await world.call()
    with pytest.raises(UnsafeArgument):
        await leg.note(fact=fact)
    with pytest.raises(UnsafeArgument):
        await leg.note(**{"a b": "c"})
    assert "fact" not in await leg.notes()
    await leg.hang_up()


async def test_a_call_that_ended_is_gone(world: World) -> None:
    leg, _ = await world.answered()
    await leg.hang_up()
    for verb in (leg.answer(), leg.play(world.prompt("short")), leg.collect(None, 1), leg.hang_up()):
        with pytest.raises(CallerGone):
            await verb


async def test_causes_that_must_not_be_sent(world: World) -> None:
    leg, _ = await world.call()
    for cause in ("", "normal", "A\nB", "USER_BUSY x"):
        with pytest.raises(UnsafeArgument):
            await leg.hang_up(cause)
    await leg.hang_up("USER_BUSY")


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        ("USER_BUSY", 486),
        ("CALL_REJECTED", 603),
        ("UNALLOCATED_NUMBER", 404),
        ("NORMAL_TEMPORARY_FAILURE", 503),
        ("NO_ANSWER", 480),
    ],
)
async def test_a_cause_becomes_a_status(real: SwitchWorld, cause: str, status: int) -> None:
    leg, caller = await real.call()
    await leg.hang_up(cause)
    with pytest.raises(CallFailed) as failed:
        await caller.call.answered()
    assert failed.value.status == status


async def test_hang_up_after_the_answer(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.hang_up("NORMAL_CLEARING")
    end = await caller.call.ended()
    assert (end.by, end.cause) == ("them", 16)


@pytest.mark.parametrize("verb", ["play", "collect", "connect"])
async def test_a_caller_who_hangs_up_is_noticed_within_a_second(real: SwitchWorld, verb: str) -> None:
    leg, caller = await real.answered()
    verbs: dict[str, Callable[[], Coroutine[None, None, object]]] = {
        "play": lambda: leg.play(real.prompt("menu")),
        "collect": lambda: leg.collect(None, 5),
        "connect": lambda: leg.connect(real.line("no-answer")),
    }
    task = asyncio.create_task(verbs[verb]())
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await task
    assert time.monotonic() - began < 4


async def test_a_caller_who_hangs_up_between_verbs(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await caller.call.hangup()
    await asyncio.sleep(0.3)
    with pytest.raises(CallerGone):
        await leg.play(real.prompt("short"))


async def test_a_caller_who_gives_up_before_the_answer(real: SwitchWorld) -> None:
    leg, caller = await real.call()
    await leg.early_media()
    task = asyncio.create_task(leg.play(real.prompt("menu")))
    await asyncio.sleep(0.5)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await task


async def test_a_handler_that_fails_gets_the_call_again(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.note(node="main")
    await leg.play(real.prompt("short"))
    await leg.do("stumble")
    again = await real.stage.next_leg()
    assert again.uuid == leg.uuid
    assert again.notes_at_start["node"] == "main"
    await again.play(real.prompt("short"))
    assert caller.call.end is None


async def test_a_handler_that_returns_ends_the_call(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.do("leave")
    assert (await caller.call.ended()).cause == 16
