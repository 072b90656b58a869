"""``connect`` with several lines, and the counts that calls are limited by."""

from __future__ import annotations

import asyncio

import pytest

from appliance.domain.outcome import Disposition
from appliance.errors import CallerGone, UnsafeArgument
from tests.contract.worlds import SwitchWorld, World


async def test_the_first_that_answers_is_joined_and_the_others_are_free(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    rung = asyncio.create_task(leg.connect_any([real.line("no-answer", ring_seconds=20), real.line("stays")]))
    await caller.call.hears(900)
    await asyncio.sleep(0.2)
    assert (real.in_use("no-answer"), real.in_use("stays")) == (0, 1)
    gone = next(call for call in real.line_phone.calls if call.called.endswith("3"))
    assert (await gone.ended(5.0)).by == "them"
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await rung
    await asyncio.sleep(0.2)
    assert (real.in_use("no-answer"), real.in_use("stays")) == (0, 0)
    record = await real.cdr(leg.uuid)
    assert "gw_line" not in record
    assert "last_bridge_to" in record


async def test_after_a_talk_only_the_line_that_was_joined_has_answered(world: World) -> None:
    leg, _ = await world.answered()
    lines = [world.line("busy"), world.line("no-answer", ring_seconds=20), world.line("answers")]
    tried = await leg.connect_any(lines, go_on=True)
    assert [(one.line, one.disposition) for one in tried] == [("answers", Disposition.ANSWERED)]
    assert (await leg.notes())["tried"] == "answers=answered"


async def test_none_of_several_answers(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    tried = await leg.connect_any([real.line("busy"), real.line("no-answer")])
    assert [(one.line, one.disposition) for one in tried] == [
        ("busy", Disposition.BUSY),
        ("no-answer", Disposition.NO_ANSWER),
    ]
    assert len(real.line_phone.calls) == 2
    assert (real.in_use("busy"), real.in_use("no-answer")) == (0, 0)


async def test_a_full_one_of_several_is_not_rung(real: SwitchWorld) -> None:
    first, one = await real.answered()
    talk = asyncio.create_task(first.connect(real.line("stays")))
    await real.rung()
    second, _ = await real.answered()
    tried = await second.connect_any([real.line("stays"), real.line("busy")])
    assert [(each.line, each.disposition) for each in tried] == [
        ("stays", Disposition.FULL),
        ("busy", Disposition.BUSY),
    ]
    assert len(real.line_phone.calls) == 2
    tried = await second.connect_any([real.line("stays"), real.line("stays", line="stays")])
    assert {each.disposition for each in tried} == {Disposition.FULL}
    assert len(real.line_phone.calls) == 2
    await one.call.hangup()
    with pytest.raises(CallerGone):
        await talk


async def test_calls_that_ring_all_at_once_never_exceed_a_line(real: SwitchWorld) -> None:
    """Whoever looks first sees both free: the line's own leg decides."""
    calls = [await real.answered() for _ in range(4)]
    targets = [real.line("stays"), real.line("answers")]
    rung = [asyncio.create_task(leg.connect_any(targets)) for leg, _ in calls]
    await asyncio.sleep(1.0)
    assert real.in_use("stays") <= 1 and real.in_use("answers") <= 1
    talking = [call for call in real.line_phone.calls if call.answered_at is not None and call.end is None]
    assert len(talking) <= 2
    for _, caller in calls:
        await caller.call.hangup()
    await asyncio.gather(*rung, return_exceptions=True)
    await asyncio.sleep(0.3)
    assert (real.in_use("stays"), real.in_use("answers")) == (0, 0)


async def test_a_trunks_channels_are_held_by_the_lines_legs(real: SwitchWorld) -> None:
    limited = {"trunk": "carrier", "trunk_max_calls": 1}
    first, one = await real.answered()
    talk = asyncio.create_task(first.connect(real.line("stays", **limited)))
    await real.rung()
    assert real.in_use("carrier", "trunk") == 1
    second, _ = await real.answered()
    tried = await second.connect(real.line("answers", **limited))
    assert (tried.disposition, tried.cause) == (Disposition.UNREACHABLE, "NORMAL_CIRCUIT_CONGESTION")
    assert len(real.line_phone.calls) == 1
    await one.call.hangup()
    with pytest.raises(CallerGone):
        await talk
    await asyncio.sleep(0.2)
    assert real.in_use("carrier", "trunk") == 0
    assert (await second.connect(real.line("answers", **limited))).disposition is Disposition.ANSWERED


async def test_a_call_is_counted_until_it_ends_or_is_let_go(real: SwitchWorld) -> None:
    first, one = await real.call()
    assert await first.hold("number", "4008001234") == 1
    assert await first.hold("number", "4008001234") == 1
    second, _ = await real.call()
    assert await second.hold("number", "4008001234") == 2
    await second.let_go("number", "4008001234")
    assert real.in_use("4008001234", "number") == 1
    assert await second.hold("number", "4008001234") == 2
    await one.call.hangup()
    await asyncio.sleep(0.3)
    assert real.in_use("4008001234", "number") == 1
    await second.hang_up("CALL_REJECTED")
    await asyncio.sleep(0.3)
    assert real.in_use("4008001234", "number") == 0


@pytest.mark.parametrize(("realm", "name"), [("num ber", "a"), ("number", "a b"), ("number", "${system id}")])
async def test_a_place_that_is_no_name_is_refused(world: World, realm: str, name: str) -> None:
    leg, _ = await world.answered()
    with pytest.raises(UnsafeArgument):
        await leg.hold(realm, name)
    assert await leg.hold("number", "4008001234") == 1
