"""What a caller and a line may do only so often, by calls that try it: guess a password and hang up, take calls on
one day."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from appliance.testphone import CallFailed, LineScript, OutgoingCall, Phone
from appliance.testphone.tones import tone
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.support.audio import write_wav

pytestmark = [pytest.mark.accept, pytest.mark.timeout(180)]

LOCKED, OPEN_LINE = NUMBER, "4006543211"
RIGHT, ALLOWED, A_DAY = "275813", 5, 2
SITE = f"""
version: 1
accounts:
  - {{id: acme, name: 测试企业}}
trunks:
  - {{id: inbound, accept: ["127.0.0.1"]}}
  - {{id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - id: capped
    account: acme
    number: "02160000001"
    kind: landline
    trunk: to-a
    max_calls: 9
    daily_calls: {A_DAY}
  - {{id: free, account: acme, number: "02160000002", kind: landline, trunk: to-a, max_calls: 9}}
numbers:
  - {{number: "{LOCKED}", account: acme, lines: [free], record: "off", rules: {{passwords: ["{RIGHT}"]}}}}
  - {{number: "{OPEN_LINE}", account: acme, lines: [capped], record: "off"}}
"""


@pytest.fixture(scope="module")
def bounded(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    folder = tmp_path_factory.mktemp(f"bounds-{switch}")
    prompts = folder / "prompts" / "acme"
    prompts.mkdir(parents=True)
    for name, hertz in (("password", 500), ("password-again", 700), ("wrong-password", 1750)):
        write_wav(prompts / f"{name}.wav", tone(hertz, 1.0))
    with live_box(folder, switch, site=SITE) as box:
        yield box


async def press(call: OutgoingCall, keys: str) -> None:
    for key in keys:
        await call.press(key)
        await asyncio.sleep(0.1)


async def test_who_hangs_up_behind_each_guess_is_not_asked_for_ever(bounded: LiveBox) -> None:
    box, guesser, other = bounded, "13800137001", "13800137002"
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)):
        for guess in range(ALLOWED):
            call = await phone.dial(LOCKED, box.sip, caller=guesser)
            await call.answered(10)
            await call.hears(500, 5)
            await press(call, f"{593186 + guess}#")
            await call.hears(700, 5)
            await call.hangup()
        call = await phone.dial(LOCKED, box.sip, caller=guesser)
        with pytest.raises(CallFailed) as refused:
            await call.answered(15)
        assert call.early_at is not None and refused.value.cause == 21, "told, for nobody's money"
        call = await phone.dial(LOCKED, box.sip, caller=other)
        await call.answered(10)
        await call.hears(500, 5)
        await press(call, f"{RIGHT}#")
        await call.hears(900, 10)
        await call.hangup()
    found = await asyncio.to_thread(box.stored, ALLOWED + 2, charged=False)
    outcomes = Counter(one.row.outcome for one in found)
    assert outcomes == {"abandoned:password": ALLOWED, "refused:wrong-password": 1, "answered": 1}
    (locked,) = (one for one in found if one.row.outcome == "refused:wrong-password")
    assert (locked.row.caller, locked.row.bill_ms) == (guesser, 0)
    assert locked.because.startswith("locked_until=")


async def test_calls_at_once_share_what_is_left_of_a_lines_day(bounded: LiveBox) -> None:
    box = bounded
    callers = [f"13800138{n:03}" for n in range(5)]
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)):
        calls = [await phone.dial(OPEN_LINE, box.sip, caller=caller) for caller in callers]
        joined = await asyncio.gather(*(is_joined(call) for call in calls))
        assert sum(joined) == A_DAY == box.usage("capped")
        for call, talks in zip(calls, joined, strict=True):
            if talks:
                await call.hangup()
        rows = [(await asyncio.to_thread(box.stored_of, caller)).row for caller in callers]
        assert Counter(row.line_id for row in rows if row.joined_at) == {"capped": A_DAY}
        late = await phone.dial(OPEN_LINE, box.sip, caller="13800138009")
        assert not await is_joined(late), "its day is used up by talks that are over"
    found = await asyncio.to_thread(box.stored_of, "13800138009")
    assert found.row.joined_at is None and found.because == "capped=daily-cap"


async def is_joined(call: OutgoingCall) -> bool:
    """Whether he hears the line; else the call has ended."""
    try:
        await call.answered(15)
        await call.hears(900, 5)
    except (CallFailed, TimeoutError):
        await call.ended(10)
        return False
    return True
