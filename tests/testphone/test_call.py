"""Two phones call each other: signals, sound, keys, the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from appliance.testphone import CallFailed, CallOver, LineScript, NoTelephoneEvent, Phone, PhoneTimeout
from appliance.testphone.tones import tone
from tests.support.audio import (
    assert_no_tone,
    assert_silent,
    assert_tone,
    longest_silence,
    segments,
    write_wav,
)


@pytest.fixture
async def caller() -> AsyncIterator[Phone]:
    async with Phone(t1=0.1) as phone:
        yield phone


@pytest.fixture
async def line() -> AsyncIterator[Phone]:
    async with Phone(on_invite=LineScript.answer(0.1)) as phone:
        yield phone


async def test_a_whole_call(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.answer(0.2, say=600)
    call = await caller.dial("4008001234", line.address)
    await call.ringing()
    assert call.answered_at is None
    await call.answered()
    assert call.rang_at is not None and call.answered_at is not None
    assert 0.15 < call.answered_at - call.rang_at < 2
    call.say(440)
    leg = await line.incoming()
    assert (leg.caller, leg.called) == ("13800138000", "4008001234")
    await leg.hears(440)
    await call.hears(600)
    await call.press("1*#D")
    await leg.hears_keys("1*#D")
    await leg.press("0", ms=200)
    await call.hears_keys("0")
    await call.hangup()
    assert (await leg.ended()).by == "them"
    assert (await call.ended()).by == "us"
    assert_tone(call.heard, 600, 0.1, 0.4)
    assert_no_tone(call.heard, 440, 0.0, len(call.heard) / 8000)
    assert segments(leg.heard, 440)
    assert len(call.heard_at) > 10 and call.heard_at == sorted(call.heard_at)


async def test_keys_are_whole_telephone_events(caller: Phone, line: Phone) -> None:
    call = await caller.dial("1", line.address)
    await call.answered()
    await call.press("5", ms=120)
    leg = await line.incoming()
    await asyncio.sleep(0.05)
    (key,) = leg.dtmf_heard
    assert (key.key, key.ms, key.how, key.marked) == ("5", 120, "rfc4733", True)
    assert (key.packets, key.ends) == (8, 3)  # 20 to 100 ms, then the end three times


async def test_no_telephone_event_offered(caller: Phone, line: Phone) -> None:
    call = await caller.dial("1", line.address, dtmf_payload=None)
    await call.answered()
    with pytest.raises(NoTelephoneEvent):
        await call.press("1")


async def test_other_payload_type_and_codec(caller: Phone, line: Phone) -> None:
    call = await caller.dial("1", line.address, codecs=("PCMU",), dtmf_payload=96)
    await call.answered()
    call.say(500)
    leg = await line.incoming()
    await leg.hears(500)
    await leg.press("7")
    await call.hears_keys("7")
    await call.press("8")
    await leg.hears_keys("8")
    assert leg.media.remote is not None and leg.media.remote.dtmf == 96
    assert leg.media.mouth is not None and leg.media.mouth.codec.name == "PCMU"


async def test_sound_once_hush_and_wav(caller: Phone, line: Phone, tmp_path: Path) -> None:
    write_wav(tmp_path / "prompt.wav", tone(800, 0.3, rate=16000), 16000)
    call = await caller.dial("1", line.address)
    await call.answered()
    call.say(tone(500, 0.3))
    leg = await line.incoming()
    await asyncio.sleep(0.5)
    call.say(tmp_path / "prompt.wav")
    await asyncio.sleep(0.4)
    call.say(tone(300, 0.1), loop=True)
    await leg.hears(300, seconds=0.3)
    call.hush()
    await asyncio.sleep(0.3)
    heard = leg.heard
    once, wav = segments(heard, 500), segments(heard, 800)
    assert 0.2 < _length(once) < 0.35 and 0.2 < _length(wav) < 0.35
    assert longest_silence(heard, once[-1][1], wav[0][0]) > 0.1
    end = len(heard) / 8000
    assert_silent(heard, end - 0.15, end - 0.05)


async def test_silence_is_sent_all_the_time(caller: Phone, line: Phone) -> None:
    call = await caller.dial("1", line.address)
    await call.answered()
    await asyncio.sleep(0.6)
    heard_at = list(call.heard_at)
    assert 25 <= len(heard_at) <= 35  # 50 packets a second
    assert max(b - a for a, b in pairwise(heard_at)) < 0.2
    assert_silent(call.heard, 0.0, 0.5)


async def test_early_media_then_answer(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.early_media(450, after=0.5, say=600)
    call = await caller.dial("1", line.address)
    await call.early_media()
    assert call.answered_at is None
    await call.hears(450)
    await call.answered()
    await call.hears(600)
    early = segments(call.heard, 450)
    assert early[0][0] < 0.1 and 0.35 < _length(early) < 0.65
    assert call.statuses == [100, 183, 200]


async def test_early_media_then_refusal(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.early_media(450, after=0.4, status=480)
    call = await caller.dial("1", line.address)
    with pytest.raises(CallFailed) as failed:
        await call.answered()
    assert failed.value.status == 480
    assert segments(call.heard, 450)


async def test_cancel_while_ringing(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.no_answer()
    call = await caller.dial("1", line.address)
    await call.ringing()
    await call.hangup(reason='SIP;cause=487;text="ORIGINATOR_CANCEL"')
    assert (call.end is not None) and (call.end.by, call.end.status) == ("us", 487)
    (leg,) = line.calls
    ended = await leg.ended()
    assert (ended.by, ended.header) == ("them", 'SIP;cause=487;text="ORIGINATOR_CANCEL"')
    assert leg.cancelled


async def test_line_hangs_up_with_a_reason(caller: Phone, line: Phone) -> None:
    line.on_invite = None
    call = await caller.dial("1", line.address)
    leg = await line.incoming()
    await call.ringing()
    leg.answer(700)
    await call.hears(700)
    await leg.hangup(reason='Q.850;cause=17;text="USER_BUSY"')
    ended = await call.ended()
    assert (ended.by, ended.cause, ended.header) == ("them", 17, 'Q.850;cause=17;text="USER_BUSY"')
    assert line.calls == [leg]


async def test_script_presses_and_hangs_up(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.answer(0.1, press="1", press_after=0.1, hang_up_after=0.6)
    call = await caller.dial("1", line.address)
    await call.hears_keys("1")
    ended = await call.ended()
    assert call.answered_at is not None
    assert 0.5 < ended.at - call.answered_at < 2.5


async def test_vanished_line_answers_nothing(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.vanishes(0.3, say=600)
    call = await caller.dial("1", line.address)
    await call.hears(600)
    await asyncio.sleep(0.5)
    assert call.end is None
    assert call.heard_at[-1] < call.now - 0.2
    with pytest.raises(PhoneTimeout):
        await call.hangup(0.1)


async def test_dead_line_says_nothing(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.nothing()
    call = await caller.dial("1", line.address)
    with pytest.raises(PhoneTimeout):
        await call.ringing(0.2)
    assert call.statuses == []
    assert line.calls[0].vanished
    call.vanish()


async def test_slow_line(caller: Phone, line: Phone) -> None:
    line.on_invite = LineScript.slow(0.4)
    begun = time.monotonic()
    call = await caller.dial("1", line.address)
    await call.answered()
    assert 0.4 < time.monotonic() - begun < 10
    sent = [one for one in caller.endpoint.trace if one.data.startswith(b"INVITE")]
    assert len(sent) > 1 and len(line.calls) == 1  # the repeated INVITE is no second call


async def test_info_keys(caller: Phone, line: Phone) -> None:
    call = await caller.dial("1", line.address)
    await call.answered()
    assert await call.press_info("9") == 200
    assert await call.press_info("", body=b"Signal=\xff\x00broken") == 200
    leg = await line.incoming()
    assert leg.keys_heard == "9"
    assert leg.dtmf_heard[0].how == "info"
    assert [info.body for info in leg.infos] == [b"Signal=9\r\nDuration=160\r\n", b"Signal=\xff\x00broken"]


@pytest.mark.parametrize(
    "display", ["张三丰".encode("gbk"), "许\\".encode("gbk"), b"\xff\xfe<>;=,", b'a"b', b"x" * 300]
)
async def test_display_bytes_arrive_as_they_are(caller: Phone, line: Phone, display: bytes) -> None:
    call = await caller.dial("1", line.address, display=display)
    await call.answered()
    leg = await line.incoming()
    assert leg.display == display
    assert b'From: "' + display + b'" <sip:13800138000@' in line.endpoint.trace[0].data
    await call.hangup()


async def test_headers_to_and_raw_invite(caller: Phone, line: Phone) -> None:
    call = await caller.dial(
        "95001",
        line.address,
        to_user="4008001234",
        from_uri="tel:+8613800138000",
        headers=[("Diversion", "<sip:4001@a>"), ("Diversion", b"<sip:\xd6\xd0@b>"), ("X-Test", b"\xff")],
        raw_invite=lambda data: data.replace(b"X-Test", b"X-Other"),
    )
    await call.answered()
    leg = await line.incoming()
    assert leg.request.all("diversion") == [b"<sip:4001@a>", b"<sip:\xd6\xd0@b>"]
    assert leg.request.get("X-Other") == b"\xff"
    assert b"sip:4008001234@" in leg.request.need("To")
    assert (leg.called, leg.caller) == ("95001", "+8613800138000")


async def test_what_comes_too_late_is_refused(caller: Phone, line: Phone) -> None:
    call = await caller.dial("1", line.address)
    await call.answered()
    await call.hangup()
    for late in (call.press("1"), call.press_info("1"), call.hears(440), call.pause(1.0)):
        with pytest.raises(CallOver):
            await late
    with pytest.raises(CallOver):
        line.calls[0].answer()
    await call.hangup()  # twice is once


async def test_script_for_each_call(caller: Phone, line: Phone) -> None:
    line.on_invite = lambda leg: LineScript.busy() if leg.called == "1" else LineScript.answer()
    with pytest.raises(CallFailed):
        await (await caller.dial("1", line.address)).answered()
    await (await caller.dial("2", line.address)).answered()
    assert [leg.called for leg in line.calls] == ["1", "2"]


async def test_leaving_the_context_hangs_up(line: Phone) -> None:
    async with Phone() as caller:
        call = await caller.dial("1", line.address)
        await call.answered()
        leg = await line.incoming()
    assert (await leg.ended(1.0)).by == "them"
    assert call.end is not None


async def test_a_fault_in_a_script_is_raised() -> None:
    def broken(_: object) -> LineScript:
        raise KeyError("script")

    with pytest.raises(KeyError, match="script"):
        async with Phone() as caller, Phone(on_invite=broken) as line:
            call = await caller.dial("1", line.address)
            await line.incoming()
            await asyncio.sleep(0.05)
            call.vanish()


def _length(found: list[tuple[float, float]]) -> float:
    """How long in all: a stalled machine may tear a sound in two."""
    return sum(end - start for start, end in found)
