"""What of several talks of one call is recorded, a line's side having sent the caller on or consulted another line;
on FreeSWITCH, the only switch that has keys in a talk."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import soundfile

from appliance.store.queries.call_views import CallRow
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.e2e.talks import TWO_LINES, Talking, talk, tone_somewhere
from tests.support.freeswitch import require_freeswitch

pytestmark = pytest.mark.freeswitch

CALLERS = itertools.count(1)
SITE = f"""{TWO_LINES}  - id: private
    account: acme
    number: "02160000003"
    kind: landline
    trunk: to-b
    extension: "803"
    record: "off"
numbers:
  - {{number: "{NUMBER}", account: acme, lines: [first], record_notice: false}}
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    with live_box(tmp_path_factory.mktemp("talks"), "freeswitch", site=SITE, media_timeout_s=5) as running:
        yield running


@pytest.fixture
async def talking(box: LiveBox) -> AsyncIterator[Talking]:
    async with talk(box, f"137{next(CALLERS):08}", "first", "second", "private") as made:
        await asyncio.sleep(1.0)
        yield made


async def asks_for(talking: Talking, key: str, extension: str) -> None:
    await talking.first.press(key)
    await asyncio.sleep(0.5)
    await talking.first.press(f"{extension}#")


async def whole(talking: Talking, legs: int) -> CallRow:
    """The stored call with all of its legs."""
    async with asyncio.timeout(10):
        while True:
            stored = await asyncio.to_thread(talking.box.stored_of, talking.caller.caller, 10.0)
            if len(stored.legs) == legs:
                return stored.row
            await asyncio.sleep(0.1)


async def recorded(talking: Talking) -> tuple[str, np.ndarray]:
    """Why the last talk is not recorded, and what is."""
    stored = await asyncio.to_thread(talking.box.stored_of, talking.caller.caller, 10.0)
    audio, _ = soundfile.read(talking.box.settings.recordings_dir / stored.row.recording)
    return stored.unrecorded, audio


async def test_a_talk_is_kept_when_the_line_that_he_is_sent_on_to_is_busy(talking: Talking) -> None:
    await asks_for(talking, "*2", "802")
    (await talking.second.incoming(8)).reject(486)
    (await talking.first_phone.incoming(8)).reject(486)
    await talking.caller.ended(8)
    unrecorded, audio = await recorded(talking)
    assert unrecorded == "" and tone_somewhere(audio[:, 1], 900) and len(audio) > 8000


async def test_who_is_sent_on_to_a_line_that_is_not_recorded(talking: Talking) -> None:
    await asks_for(talking, "*2", "803")
    other = await talking.second.incoming(8)
    other.answer()
    other.say(700, loop=True)
    await talking.caller.hears(700)
    await asyncio.sleep(1.0)
    await talking.caller.hangup()
    unrecorded, audio = await recorded(talking)
    assert unrecorded == "off"
    assert tone_somewhere(audio[:, 1], 900) and not tone_somewhere(audio[:, 1], 700)


async def test_a_line_that_is_consulted_and_not_recorded(talking: Talking) -> None:
    await asks_for(talking, "*3", "803")
    other = await talking.second.incoming(8)
    other.answer()
    other.say(700, loop=True)
    await talking.first.hears(700)
    await talking.first.hangup()
    await talking.caller.hears(700)
    await asyncio.sleep(1.0)
    await talking.caller.hangup()
    unrecorded, audio = await recorded(talking)
    assert unrecorded == "off"
    assert tone_somewhere(audio[:, 1], 900) and not tone_somewhere(audio[:, 1], 700)


@pytest.mark.accept
@pytest.mark.parametrize("returns", [True, False])
async def test_a_line_that_was_consulted_in_vain(talking: Talking, returns: bool) -> None:
    """Recorded again behind it, whether it answered or not."""
    await asks_for(talking, "*3", "803")
    other = await talking.second.incoming(8)
    if returns:
        other.answer()
        other.say(700, loop=True)
        await talking.first.hears(700)
        await talking.first.press("#")
    else:
        other.reject(486)
    talking.first.say(1100, loop=True)
    await talking.caller.hears(1100)
    await asyncio.sleep(1.5)
    await talking.caller.hangup()
    unrecorded, audio = await recorded(talking)
    assert unrecorded == ""
    assert tone_somewhere(audio[:, 1], 900) and tone_somewhere(audio[:, 1], 1100)
    assert not tone_somewhere(audio[:, 1], 700)


@pytest.mark.accept
@pytest.mark.parametrize("step", ["keys the extension", "rings", "speaks"])
async def test_who_asks_another_line_is_left_by_his_caller(talking: Talking, step: str) -> None:
    """All ends within a second of his hanging up, and nobody is said to have talked but the line that did."""
    await talking.first.press("*3")
    await asyncio.sleep(0.5)
    if step != "keys the extension":
        await talking.first.press("802#")
        other = await talking.second.incoming(8)
        if step == "speaks":
            other.answer()
            other.say(700, loop=True)
            await talking.first.hears(700)
    left_at = datetime.now(UTC)
    await talking.caller.hangup()
    await talking.first.ended(3)
    if step != "keys the extension":
        await other.ended(3)
    call = await whole(talking, 2 if step == "keys the extension" else 3)
    assert call.ended_at - left_at < timedelta(seconds=1.5)
    ((line, lasted_ms),) = call.talks
    assert line == "first" and abs(lasted_ms - call.bridged_ms) < 50


@pytest.mark.accept
async def test_a_consulted_line_takes_the_caller_over(talking: Talking) -> None:
    """What the first talked before it asked is part of their time together."""
    await asks_for(talking, "*3", "802")
    other = await talking.second.incoming(8)
    other.answer()
    other.say(700, loop=True)
    await talking.first.hears(700)
    await talking.first.hangup()
    await talking.caller.hears(700)
    await asyncio.sleep(1.0)
    await talking.caller.hangup()
    call = await whole(talking, 3)
    assert [line for line, _ in call.talks] == ["first", "second"]
    assert call.answered_at is not None
    assert abs(call.bridged_ms - (call.ended_at - call.answered_at).total_seconds() * 1000) < 300
