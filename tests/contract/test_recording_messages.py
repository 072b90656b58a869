"""``record``: what the caller says, until a key, a silence, the limit or his end."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from appliance.errors import CallerGone, UnsafeArgument
from appliance.media.encode import encode
from appliance.media.listen import Decoded
from appliance.switch.leg import Played, Recorded
from appliance.testphone.tones import purity
from tests.contract.worlds import FakeWorld, SwitchWorld
from tests.support.audio import dominant_hz, read_wav


async def test_until_a_key(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    name = f"messages/{leg.uuid}-m1.wav"
    caller.call.say(600)
    told = asyncio.create_task(leg.record(name))
    await begins(real.around.recordings / name)
    caller.will_press("5", 0.3)  # not asked for
    caller.will_press("#", 1.2)
    said = await told
    assert said is not None and said.key == "#" and said.seconds > 0.6
    sound = read_wav(real.around.recordings / name)  # whole when the verb returns
    assert sound.right is None and sound.rate == 8000 and abs(sound.seconds - said.seconds) < 0.1
    assert abs(dominant_hz(sound.left) - 600) <= 2 and purity(sound.left, 600) > 0.8
    # The key is gone with it, and ends nothing that comes after.
    began = time.monotonic()
    caller.will_press("#", 0.1)
    assert await leg.play(real.prompt("short")) is Played.WHOLE
    assert time.monotonic() - began > 0.5


async def test_until_he_says_nothing_any_more(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.call.say(600)
    name = f"messages/{leg.uuid}-m1.wav"
    told = asyncio.create_task(leg.record(name, silence_s=1))
    await begins(real.around.recordings / name)
    await asyncio.sleep(1.0)
    caller.call.say(None)
    said = await told
    assert said is not None and not said.key and said.seconds > 0.5


@pytest.mark.accept
async def test_until_the_limit(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    caller.call.say(600)
    said = await leg.record("messages/limit.wav", max_s=1)
    # FreeSWITCH counts whole seconds of the clock: up to one more than was asked for.
    assert said is not None and not said.key and 0.5 < said.seconds < 3.2


@pytest.mark.accept
async def test_who_says_nothing_has_left_nothing(real: SwitchWorld) -> None:
    leg, _ = await real.answered()
    assert await leg.record("messages/nothing.wav", silence_s=1) is None


async def test_what_he_has_said_is_kept_when_he_hangs_up(real: SwitchWorld) -> None:
    leg, caller = await real.answered()
    name = f"messages/{leg.uuid}-m1.wav"
    caller.call.say(600)
    await leg.note(messages=name)
    told = asyncio.create_task(leg.record(name))
    await begins(real.around.recordings / name)
    await asyncio.sleep(1.0)
    await caller.call.hangup()
    with pytest.raises(CallerGone):
        await told
    record = await real.cdr(leg.uuid)
    assert record["gw_messages"] == name
    sound = read_wav(real.around.recordings / name)
    assert sound.seconds > 0.4 and abs(dominant_hz(sound.left) - 600) <= 2


async def begins(recording: Path) -> None:
    """Wait until there is a file of it."""
    async with asyncio.timeout(10):
        while not recording.exists():
            await asyncio.sleep(0.02)


@pytest.mark.accept
async def test_a_message_from_the_prompt_to_the_thanks(real: SwitchWorld, tmp_path: Path) -> None:
    """The call step on a real leg, and what is kept of it."""
    leg, caller = await real.call()
    told = asyncio.create_task(leg.do("take_message", prompt="short", max_s=10, prompts=str(real.around.prompts)))
    await caller.call.answered()
    await caller.call.hears(600)
    await asyncio.sleep(1.0)
    caller.call.say(800)
    caller.will_press("#", 2.5)
    assert await told == "left"
    await leg.hang_up()
    record = await real.cdr(leg.uuid)
    name = record["gw_messages"]
    assert (name, record["gw_outcome"]) == (f"messages/{leg.uuid}-m1.wav", "ended:message")
    encoded = tmp_path / "message.opus"
    sound = encode(real.around.recordings / name, encoded, "opus")
    assert sound.channels == 1 and sound.voiced_s > 1.0
    with closing(Decoded(encoded.open("rb"))) as decoded:
        (tmp_path / "heard.wav").write_bytes(b"".join(decoded.part(0, decoded.size)))
    heard = read_wav(tmp_path / "heard.wav")
    assert abs(dominant_hz(heard.left) - 800) <= 2 and abs(heard.seconds - sound.seconds) < 0.05


async def test_nothing_that_is_not_plain_is_sent() -> None:
    leg, _ = await FakeWorld().answered()
    for to, more in [
        ("../out.wav", {}),
        ("/etc/passwd", {}),
        ("messages/a b.wav", {}),
        ("messages/${x}.wav", {}),
        ("messages/a.wav", {"max_s": 0}),
        ("messages/a.wav", {"silence_s": 61}),
        ("messages/a.wav", {"keys": "A"}),
    ]:
        with pytest.raises(UnsafeArgument):
            await leg.record(to, **more)
    await leg.hang_up()


async def test_the_fake_says_what_it_is_told() -> None:
    leg, _ = await FakeWorld().answered()
    leg.leg.says = [Recorded(3.0, "#")]
    assert await leg.record("messages/a.wav") == Recorded(3.0, "#")
    assert await leg.record("messages/b.wav") is None
    assert leg.leg.recorded_to == ["messages/a.wav"]
