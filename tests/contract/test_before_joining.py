"""What a line hears and has to press before it is joined; codecs; a trunk's own reading of causes."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.domain.outcome import Disposition
from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch import dialling
from tests.contract import remote
from tests.contract.worlds import SwitchWorld, World

#: The prompt ``menu``: 700 Hz, two seconds.
MENU_HZ = 700


async def test_a_line_that_presses_1_is_joined(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    target = real.line("presses-1", confirm=True, whisper=real.prompt("menu"))
    talk = asyncio.create_task(leg.connect(target))
    line = await real.rung()
    await line.hears(MENU_HZ)
    # Until then the caller hears it ring on, and not whoever answered.
    await caller.call.hears(450)
    await caller.call.hears(900)
    assert (await talk).disposition is Disposition.ANSWERED


@pytest.mark.parametrize("does", [pytest.param("stays", marks=pytest.mark.accept), "presses-5"])
async def test_a_line_that_does_not_press_1_rang_in_vain(
    real: SwitchWorld, does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An assistant answered, say: it is left again, and the slot is free."""
    leg, _ = await real.answered()
    began = time.monotonic()
    tried = await leg.connect(real.line(does, confirm=True, whisper=real.prompt("short")))
    assert tried.disposition is Disposition.NO_ANSWER
    assert dialling.CONFIRM_S - 1 < time.monotonic() - began < dialling.CONFIRM_S + 3
    assert (await real.line_phone.calls[0].ended()).by == "them"
    assert real.in_use(does) == 0


@pytest.mark.accept
@pytest.mark.timeout(240)
async def test_a_minute_is_over_before_it_has_pressed_1(real: SwitchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mobile that rings for long is not thrown off in the prompt: left to itself a switch ends all ringing after
    60 s (``SWITCH_DEFAULT_TIMEOUT``)."""
    monkeypatch.setattr(remote, "_PATIENCE_S", 120.0)
    leg, _ = await real.answered()
    began = time.monotonic()
    tried = await leg.connect(real.line("late", ring_seconds=60, confirm=True))
    assert tried.disposition is Disposition.ANSWERED
    assert time.monotonic() - began > 64
    # And one that nobody answers rings for as long as its line says.
    began = time.monotonic()
    assert (await leg.connect(real.line("no-answer", ring_seconds=66))).disposition is Disposition.NO_ANSWER
    assert time.monotonic() - began > 65


async def test_without_a_prompt_the_key_is_waited_for_in_silence(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    assert (await leg.connect(real.line("presses-1", confirm=True))).disposition is Disposition.ANSWERED


async def test_a_caller_who_hangs_up_while_the_line_is_asked(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    talk = asyncio.create_task(leg.connect(real.line("stays", confirm=True, whisper=real.prompt("menu"))))
    line = await real.rung()
    await line.hears(MENU_HZ)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await talk
    assert (await line.ended()).by == "them"
    assert real.in_use("stays") == 0


async def test_a_whisper_is_for_the_line_alone(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    talk = asyncio.create_task(leg.connect(real.line("stays", whisper=real.prompt("menu"))))
    line = await real.rung()
    await line.hears(MENU_HZ)
    await caller.call.hears(900)
    assert line.now > 2.0, "the whisper is played to its end"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await caller.call.hears(MENU_HZ)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await talk


async def test_a_whisper_that_is_missing_is_passed_over(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    talk = asyncio.create_task(leg.connect(real.line("stays", whisper=real.prompt("absent"))))
    await caller.call.hears(900)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await talk


async def test_of_two_lines_the_first_that_presses_1_is_joined(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    targets = [real.line("stays", confirm=True), real.line("presses-1", confirm=True)]
    talk = asyncio.create_task(leg.connect_any(targets))
    await caller.call.hears(900)
    assert (real.in_use("stays"), real.in_use("presses-1")) == (0, 1)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await talk


@pytest.mark.parametrize(("codecs", "first"), [(("PCMU", "PCMA"), "0 8"), (("PCMA", "PCMU"), "8")])
async def test_the_codecs_that_a_line_is_offered(real: SwitchWorld, codecs: tuple[str, ...], first: str) -> None:
    leg, _ = await real.answered()
    await leg.connect(real.line("busy", codecs=codecs))
    offer = real.line_phone.calls[0].request.body.decode()
    audio = next(line for line in offer.splitlines() if line.startswith("m=audio"))
    assert f" RTP/AVP {first}" in audio


async def test_a_trunk_may_read_causes_its_own_way(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    own = {"480": Disposition.OFF, "USER_BUSY": Disposition.REJECTED, "404": Disposition.BUSY}
    read = [(await leg.connect(real.line(does, causes=own))).disposition for does in ("unavailable", "busy")]
    assert read == [Disposition.OFF, Disposition.REJECTED]
    # A line that gives no answer at all is not read by the answer of the one before.
    assert (await leg.connect(real.line("no-answer", causes=own))).disposition is Disposition.NO_ANSWER
    assert (await leg.connect(real.line("not-existing", causes=own))).disposition is Disposition.BUSY
    assert (await leg.connect(real.line("unavailable"))).disposition is Disposition.UNREACHABLE


async def test_a_codec_that_is_no_name_is_refused(world: World) -> None:
    leg, _ = await world.answered()
    with pytest.raises(UnsafeArgument):
        await leg.connect(world.line("busy", codecs=("PCMA,x=1",)))
