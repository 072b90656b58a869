"""Calls as a caller meets them: dialled with a SIP phone, listened to, and read back from the store."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from appliance.store.queries.call_views import CallDetail
from appliance.testphone import CallFailed, IncomingCall, LineScript, OutgoingCall, Phone
from tests.e2e.live import LANDING, NUMBER, LiveBox
from tests.support.audio import assert_no_tone, assert_tone

_callers = (f"1390000{n:04d}" for n in itertools.count(1))


@dataclass
class Desk:
    """A caller's phone and the phones of both lines."""

    caller: Phone
    first: Phone
    second: Phone


@asynccontextmanager
async def phones(box: LiveBox, first: LineScript, second: LineScript | None = None) -> AsyncIterator[Desk]:
    async with (
        Phone() as caller,
        Phone(port=box.port_a, on_invite=first) as a,
        Phone(port=box.port_b, on_invite=second or LineScript.busy()) as b,
    ):
        yield Desk(caller, a, b)


async def stored(box: LiveBox, caller: str) -> CallDetail:
    """The stored call of a caller."""

    return await asyncio.to_thread(box.stored_of, caller)


async def menu(call: OutgoingCall) -> None:
    """Wait for the menu's tone."""
    await call.answered(10)
    await call.hears(1750, 5)


async def through_the_menu(desk: Desk, box: LiveBox, caller: str) -> tuple[OutgoingCall, IncomingCall]:
    """Dial, and press the key that rings the first line: the caller's end and the line's."""
    call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
    await menu(call)
    await call.press("7")
    return call, await desk.first.incoming(5)


async def test_a_call_from_end_to_end(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.answer(0.3, say=900.0)) as desk:
        call, leg = await through_the_menu(desk, box, caller)
        assert leg.called == "02160000001"
        assert leg.caller == caller  # this trunk passes the caller's own number
        call.say(600.0)
        await call.hears(900)
        await leg.hears(600)
        await asyncio.sleep(2)
        await call.hangup()
        await leg.ended(5)
    one = await stored(box, caller)
    assert (one.row.number, one.row.line_id, one.row.outcome) == (NUMBER, "first", "answered")
    assert one.row.keys == (("ask", "7"),)
    assert [(tried.line_id, tried.disposition) for tried in one.tried] == [("first", "answered")]
    assert 2000 <= one.row.bridged_ms <= 4500
    assert one.row.bill_ms >= one.row.bridged_ms + 400
    assert one.charge is not None
    # Metered from the line's answer, six seconds first, 0.6 yuan a minute.
    assert (one.charge.metered_seconds, one.charge.amount) == (-(-one.row.bridged_ms // 1000), 60_000)
    assert (one.notice, one.unrecorded) == ("", "")  # this number tells nobody
    # Kept: Opus, sealed, and the switch's own file is gone.
    kept = await asyncio.to_thread(box.kept, one.row.uuid)
    assert (kept.kind, kept.format, kept.channels) == ("talk", "opus", 2)
    sealed = (box.settings.recordings_dir / kept.file).read_bytes()
    assert sealed.startswith(b"G400REC1") and kept.key_id
    assert hashlib.sha256(sealed).hexdigest() == kept.sha256 and len(sealed) == kept.bytes
    await asyncio.sleep(0.5)
    assert not (box.settings.recordings_dir / one.row.recording).exists()
    recording = box.heard(kept)
    assert abs(recording.seconds - one.row.bridged_ms / 1000) < 0.3
    assert_tone(recording.left, 600, 1.0, 2.0)
    assert_tone(recording.right, 900, 1.0, 2.0)
    assert_no_tone(recording.left, 900, 1.0, 2.0)
    assert_no_tone(recording.right, 600, 1.0, 2.0)
    assert box.usage("first") == 0


async def test_the_line_hangs_up(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.answer(0.1, say=900.0, hang_up_after=1.5)) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.press("7")
        end = await call.ended(10)
        assert end.by == "them"
    one = await stored(box, caller)
    assert (one.row.outcome, one.row.line_id, one.hangup_cause) == ("answered", "first", "NORMAL_CLEARING")
    assert 1000 <= one.row.bridged_ms <= 2500


async def test_busy_goes_on_to_the_next_line(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.busy(), LineScript.answer(0.1, say=900.0)) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.press("7")
        leg = await desk.second.incoming(5)
        # This trunk wants +86 and shows its own number; the caller stands in Diversion (RFC 5806).
        assert leg.called == "+8613900000002"
        assert leg.caller == "02180000000"
        assert caller.encode() in leg.request.need("Diversion")
        await call.hears(900)
        await call.hangup()
    one = await stored(box, caller)
    assert next((tried.line_id, tried.disposition) for tried in one.tried) == ("first", "busy")
    assert (one.row.line_id, one.row.outcome) == ("second", "answered")


@pytest.mark.parametrize(
    ("script", "disposition"),
    [
        (LineScript.no_answer(), "no-answer"),
        (LineScript(status=603, ringing=False, ring_s=0), "rejected"),
        (LineScript(status=404, ringing=False, ring_s=0), "not-existing"),
        (LineScript(status=503, ringing=False, ring_s=0), "unreachable"),
    ],
)
async def test_every_failure_goes_on_to_the_next_line(box: LiveBox, script: LineScript, disposition: str) -> None:
    caller = next(_callers)
    async with phones(box, script, LineScript.answer(0.1, say=900.0)) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.press("7")
        await call.hears(900, 10)
        await call.hangup()
    one = await stored(box, caller)
    assert next((tried.line_id, tried.disposition) for tried in one.tried) == ("first", disposition)
    assert (one.row.line_id, one.row.outcome) == ("second", "answered")
    assert (box.usage("first"), box.usage("second")) == (0, 0)


async def test_all_lines_fail(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.busy(), LineScript.busy()) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.press("7")
        await call.hears(500, 5)
        end = await call.ended(5)
        assert end.by == "them"
    one = await stored(box, caller)
    assert [(tried.line_id, tried.disposition) for tried in one.tried] == [("first", "busy"), ("second", "busy")]
    assert (one.row.outcome, one.row.bridged_ms, one.row.recording) == ("failed:user-busy", 0, "")
    assert one.charge is not None and (one.charge.amount, one.charge.reason) == (0, "unanswered")


async def test_a_wrong_key_and_silence(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.busy()) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.press("3")
        await call.hears(700, 5)  # "wrong key"
        await call.hears(1750, 5)  # asked again; now say nothing
        await call.hears(1000, 8)  # the exit for silence, after the last attempt
        await call.ended(5)
    one = await stored(box, caller)
    assert (one.row.outcome, one.row.keys) == ("ended:menu", ())


async def test_the_caller_hangs_up_in_the_menu(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.busy()) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.hangup()
    one = await stored(box, caller)
    assert one.row.outcome == "abandoned:menu"


async def test_the_caller_hangs_up_while_a_line_rings(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.no_answer()) as desk:
        call, leg = await through_the_menu(desk, box, caller)
        await call.hears(450, 5)  # ringback
        await call.hangup()
        assert (await leg.ended(5)).by == "them"
        assert leg.cancelled
    one = await stored(box, caller)
    assert (one.row.outcome, one.row.recording) == ("abandoned:ringing", "")
    assert box.usage("first") == 0


async def test_a_line_takes_no_more_calls_than_it_may(box: LiveBox) -> None:
    """Two slots: the third caller goes to the second line without the first being rung."""
    async with phones(box, LineScript.answer(0.1, say=900.0), LineScript.answer(0.1, say=950.0)) as desk:
        calls = [await desk.caller.dial(NUMBER, box.sip, caller=next(_callers)) for _ in range(3)]
        for call in calls:
            await menu(call)
            await call.press("7")
            await asyncio.sleep(0.6)
        heard = [await asyncio.wait_for(_hears_either(call), 10) for call in calls]
        assert sorted(heard) == [900, 900, 950]
        assert len(desk.first.calls) == 2
        assert box.usage("first") == 2
        for call in calls:
            await call.hangup()
        for _ in range(50):
            if box.usage("first") == 0:
                break
            await asyncio.sleep(0.1)
        assert (box.usage("first"), box.usage("second")) == (0, 0)


async def _hears_either(call: OutgoingCall) -> int:
    hearing = {asyncio.create_task(call.hears(hz, 10)): int(hz) for hz in (900.0, 950.0)}
    done, pending = await asyncio.wait(hearing, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return hearing[done.pop()]


async def test_a_landing_number_with_the_400_number_in_diversion(box: LiveBox) -> None:
    """As carriers deliver it: landing number in the request, caller with a zero, GBK name, 400 in Diversion."""
    caller = next(_callers)
    async with phones(box, LineScript.answer(0.1, say=900.0)) as desk:
        call = await desk.caller.dial(
            "02199998888",
            box.sip,
            caller="0" + caller,
            display="张三贸易".encode("gbk"),
            headers={"Diversion": f"<sip:{NUMBER}@ims.invalid>;reason=unconditional"},
        )
        await menu(call)
        await call.press("7")
        leg = await desk.first.incoming(5)
        assert leg.caller == caller
        await call.hears(900)
        await call.hangup()
    one = await stored(box, caller)
    assert (one.row.number, one.row.caller_kind, one.row.caller_name) == (NUMBER, "mobile", "张三贸易")


@pytest.mark.parametrize("user", [LANDING, "+86" + LANDING[1:], "86" + LANDING[1:]])
async def test_a_landing_number_by_its_map(box: LiveBox, user: str) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.busy()) as desk:
        call = await desk.caller.dial(user, box.sip, caller=caller)
        await menu(call)
        await call.hangup()
    assert (await stored(box, caller)).row.number == NUMBER


async def test_a_number_that_is_not_ours(box: LiveBox) -> None:
    caller = next(_callers)
    async with phones(box, LineScript.busy()) as desk:
        call = await desk.caller.dial("4001112222", box.sip, caller=caller)
        with pytest.raises(CallFailed) as failed:
            await call.answered(20)
        assert failed.value.status == 404
        # Told in early media, free for both.
        assert call.early_at is not None
    one = await stored(box, caller)
    assert (one.row.outcome, one.row.account_id, one.row.bill_ms) == ("refused:unknown-number", None, 0)


async def test_a_caller_whose_bye_never_comes(box: LiveBox) -> None:
    """Both vanish: the media timeout (3 s here) ends the call, and bounds its charge."""
    caller = next(_callers)
    async with phones(box, LineScript(say=900.0, ring_s=0.1, vanish_after_s=1.0)) as desk:
        call = await desk.caller.dial(NUMBER, box.sip, caller=caller)
        await menu(call)
        await call.press("7")
        await call.hears(900)
        call.vanish()
        await asyncio.sleep(7)
    one = await stored(box, caller)
    assert one.row.outcome == "answered"
    assert one.row.bridged_ms < 8000
    assert one.charge is not None and one.charge.metered_seconds <= 8
    assert (box.usage("first"), box.usage("second")) == (0, 0)


async def test_a_caller_who_vanishes_from_a_talking_line(box: LiveBox) -> None:
    """Only the caller is gone: that the line's sound keeps coming is no sign of life of the caller's."""
    caller = next(_callers)
    async with phones(box, LineScript.answer(0.1, say=900.0)) as desk:
        call, leg = await through_the_menu(desk, box, caller)
        call.say(600.0)
        await call.hears(900)
        await leg.hears(600)
        vanished_at = time.monotonic()
        call.vanish()
        end = await leg.ended(10)
        assert end.by == "them"
        assert 2.5 < end.at - vanished_at < 5
    one = await stored(box, caller)
    assert (one.row.outcome, one.row.line_id, one.hangup_cause) == ("answered", "first", "MEDIA_TIMEOUT")
    assert 2500 <= one.row.bridged_ms < 6500
    assert one.charge is not None
    assert (one.charge.metered_seconds, one.charge.amount) == (-(-one.row.bridged_ms // 1000), 60_000)
    assert (box.usage("first"), box.usage("second")) == (0, 0)
