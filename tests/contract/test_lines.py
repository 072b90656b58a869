"""``connect``: ringing a line, what became of it, what the line sees, its slots."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch.leg import Disposition
from tests.contract.worlds import SwitchWorld, World
from tests.support.audio import segments


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("answers", Disposition.ANSWERED),
        ("busy", Disposition.BUSY),
        ("no-answer", Disposition.NO_ANSWER),
        ("rejects", Disposition.REJECTED),
        ("not-existing", Disposition.NOT_EXISTING),
        ("unavailable", Disposition.UNREACHABLE),
    ],
)
async def test_what_became_of_the_line(world: World, line: str, expected: Disposition) -> None:
    leg, _ = await world.answered()
    tried = await leg.connect(world.line(line))
    assert (tried.line, tried.disposition) == (line, expected)
    assert tried.cause
    notes = await leg.notes()
    assert (notes["line"], notes["tried"]) == (line, f"{line}={expected}")
    await leg.hang_up()


async def test_lines_one_after_the_other(world: World) -> None:
    leg, _ = await world.answered()
    for line in ("busy", "rejects", "answers"):
        await leg.connect(world.line(line))
    assert (await leg.notes())["tried"] == "busy=busy;rejects=rejected;answers=answered"
    await leg.hang_up()
    assert (await world.cdr(leg.uuid))["gw_tried"] == "busy=busy;rejects=rejected;answers=answered"


async def test_a_line_before_the_answer_answers_the_call(real: SwitchWorld) -> None:
    leg, caller = await real.call()
    ringing = asyncio.create_task(leg.connect(real.line("answers")))
    await caller.call.answered()
    assert (await ringing).disposition is Disposition.ANSWERED


async def test_a_caller_who_hangs_up_is_gone(world: World) -> None:
    leg, caller = await world.answered()
    caller.will_hang_up(after=0.5)
    with pytest.raises(CallerGone):
        await leg.connect(world.line("no-answer"))


async def test_a_caller_who_hangs_up_in_the_talk_is_gone(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    talk = asyncio.create_task(leg.connect(real.line("stays")))
    line = await real.rung()
    await caller.call.hears(900)
    began = time.monotonic()
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await talk
    assert time.monotonic() - began < 4
    await line.ended()
    assert real.in_use("stays") == 0


async def test_targets_that_must_not_be_sent(world: World) -> None:
    leg, _ = await world.answered()
    for changed in (
        {"number": "1000,sofia/gateway400/2000@127.0.0.1:5060"},
        {"number": "${system id}"},
        {"proxy": "127.0.0.1:5060 hangup"},
        {"proxy": "evil|error/USER_BUSY:1"},
        {"line": "a b"},
        {"line": ""},
        {"caller_number": "1000]{x=y}"},
        {"diversion": "1000>,x=y"},
        {"ring_seconds": 0},
        {"max_calls": -1},
    ):
        with pytest.raises(UnsafeArgument):
            await leg.connect(world.line("busy", **changed))
    for path in ("../x.wav", "/etc/x.wav", "a b.wav", "a/${x}.wav", "{b=c}.wav", "|sh.wav"):
        with pytest.raises(UnsafeArgument):
            await leg.connect(world.line("busy"), path)
    assert (await leg.connect(world.line("busy"))).disposition is Disposition.BUSY


async def test_nobody_at_the_lines_address(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    began = time.monotonic()
    tried = await leg.connect(real.line("answers", proxy="127.0.0.1:9"))
    assert tried.disposition is Disposition.UNREACHABLE
    assert time.monotonic() - began < 4


async def test_a_line_whose_calls_are_not_counted_is_never_full(real: SwitchWorld) -> None:
    first, one = await real.answered()
    talk = asyncio.create_task(first.connect(real.line("stays", max_calls=0)))
    await real.rung()
    assert real.in_use("stays") == 0
    second, two = await real.answered()
    assert (await second.connect(real.line("busy", max_calls=0))).disposition is Disposition.BUSY
    also = asyncio.create_task(second.connect(real.line("stays", max_calls=0)))
    await real.rung()
    for caller, joined in ((one, talk), (two, also)):
        await caller.call.hangup()
        with pytest.raises(CallerGone):
            await joined


async def test_a_full_line_is_not_rung_and_a_free_one_is(real: SwitchWorld) -> None:
    first, one = await real.answered()
    talk = asyncio.create_task(first.connect(real.line("stays")))
    await real.rung()
    assert real.in_use("stays") == 1
    second, _ = await real.answered()
    tried = await second.connect(real.line("stays"))
    assert (tried.disposition, tried.cause) == (Disposition.FULL, "LINE_FULL")
    assert len(real.line_phone.calls) == 1
    await one.call.hangup()
    with pytest.raises(CallerGone):
        await talk
    again = asyncio.create_task(second.connect(real.line("stays")))
    line = await real.rung()
    await asyncio.sleep(0.3)
    await line.hangup()
    assert (await again).disposition is Disposition.ANSWERED


@pytest.mark.parametrize("line", ["busy", "no-answer", "answers"])
async def test_the_slot_is_free_right_after(real: SwitchWorld, line: str) -> None:
    leg, _ = await real.answered()
    await leg.connect(real.line(line))
    assert real.in_use(line) == 0


async def test_two_calls_on_a_line_of_two(real: SwitchWorld) -> None:
    legs = [(await real.answered())[0] for _ in range(2)]
    target = real.line("answers", max_calls=2)
    tried = await asyncio.gather(*(leg.connect(target) for leg in legs))
    assert [one.disposition for one in tried] == [Disposition.ANSWERED] * 2


async def test_what_the_line_is_shown(real: SwitchWorld) -> None:
    leg, _ = await real.answered(display="张三".encode("gbk"), headers={"X-Secret": "1"})
    await leg.connect(real.line("answers", diversion="4008001234"))
    line = await real.rung()
    assert (line.caller, line.display) == ("02160001111", b"02160001111")
    diversion = line.request.need("Diversion")
    assert diversion.startswith(b"<sip:4008001234@")
    assert line.request.get("X-Secret") is None
    assert b"13800138000" not in line.request.encode()


async def test_a_withheld_number(real: SwitchWorld) -> None:
    leg, _ = await real.answered(display="Caller")
    await leg.connect(real.line("answers", caller_number=""))
    line = await real.rung()
    assert line.caller == "anonymous"
    assert line.request.get("Privacy") == b"id"
    assert b"Caller" not in line.request.encode()
    assert line.request.get("Diversion") is None


async def test_the_caller_hears_ringback_and_then_the_line(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.connect(real.line("no-answer"))
    heard = sum(end - start for start, end in segments(caller.call.heard, 450))
    assert 0.6 < heard < 1.4, "one second of 450 Hz, then silence"
    await leg.connect(real.line("answers"))
    assert sum(end - start for start, end in segments(caller.call.heard, 900)) > 1


async def test_a_talk_is_the_calls_end(real: SwitchWorld) -> None:
    """Unless it is to go on: the switch itself ends it, with the line's cause, handlers or not."""
    leg, caller = await real.answered()
    await leg.note(outcome="abandoned:ringing")
    with pytest.raises(CallerGone):
        await leg.connect(real.line("answers", trunk="carrier"), go_on=False)
    end = await caller.call.ended()
    assert (end.by, end.cause) == ("them", 16)
    variables = await real.cdr(leg.uuid)
    assert variables["gw_line"] == "answers" and variables["last_bridge_to"]
    assert "gw_outward" not in variables
    # The carrier bills the line's leg, and by its trunk.
    line = await real.cdr(variables["last_bridge_to"], of_line=True)
    assert line["gw_outward"] == "carrier" and line["sip_to_user"]
    assert real.in_use("answers") == 0


@pytest.mark.parametrize("line", ["busy", "no-answer", "not-existing"])
async def test_without_a_talk_the_call_goes_on(real: SwitchWorld, line: str) -> None:
    leg, caller = await real.answered()
    assert (await leg.connect(real.line(line), go_on=False)).disposition is not Disposition.ANSWERED
    await leg.play(real.prompt("short"))
    assert segments(caller.call.heard, 600)


async def test_the_leg_goes_on_after_a_talk(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    await leg.connect(real.line("answers"))
    await leg.play(real.prompt("short"))
    assert segments(caller.call.heard, 600)
