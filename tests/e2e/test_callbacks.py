"""Who waits asks to be called back, hangs up, and is called when a line is free: real calls, on both switches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from appliance import bootstrap
from appliance.domain.callback import Ending, Request, balance
from appliance.domain.duration import nearing_limit
from appliance.store.callbacks import Callbacks, close
from appliance.store.journal import Journal
from appliance.store.queries import calls, queues
from appliance.store.queries.call_views import CallDetail
from appliance.store.queries.callbacks import callback_report, calls_for
from appliance.store.queries.scope import Scope, reading
from appliance.testphone import LineScript, Phone
from tests.e2e.calling_back import HIS, LINES, PROMPTS, asks, tones
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.support.audio import dominant_hz

SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  # Callers come by it, and are called back by it.
  - {{id: city, accept: ["127.0.0.1"], proxy: "127.0.0.1:@B@", caller_number: "02180000000", max_calls: 9}}
  - {{id: to-a, name: A, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: first, account: acme, number: "02160000001", kind: landline, trunk: to-a, ring_seconds: 5, confirm: true}}
queues:
  - id: hotline
    account: acme
    lines: [first]
    announce_seconds: 0
    wrap_up_seconds: 0
    rest_seconds: 1
    callback: {{key: "9", attempts: 2, gap_seconds: 30}}
flows:
  - {{name: front, account: acme, start: wait, nodes: {{wait: {{type: queue, queue: hotline}}}}}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record: all, rules: {{max_calls: 5}}}}
"""


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    with live_box(tmp_path_factory.mktemp(switch), switch, site=SITE) as running:
        tones(running, "callback-press-1", "record-notice")
        yield running


def requests_of(box: LiveBox) -> list[Request]:
    journal = Journal(box.settings.journal_file, reads_only=True)
    try:
        found = Callbacks(journal.file)
        return [*found.open(), *found.ended(20)]
    finally:
        journal.close()


def one_of(box: LiveBox, caller: str) -> Request:
    return next(one for one in requests_of(box) if one.caller == caller)


def close_all(box: LiveBox) -> None:
    """What an earlier try of a test left would be called first."""
    for left in requests_of(box):
        close(box.settings.journal_file, left.id, "done", "test", datetime.now(UTC))


async def until(box: LiveBox, caller: str, ended: Ending | None, within_s: float = 20.0) -> Request:
    """The caller's request as soon as it has that end; None: as soon as it is not under way."""
    async with asyncio.timeout(within_s):
        while True:
            for one in requests_of(box):
                if one.caller == caller and one.ending is ended and not one.is_under_way:
                    return one
            await asyncio.sleep(0.1)


async def leave_request(box: LiveBox, phone: Phone, caller: str) -> Request:
    """Call, wait to music, press 9 and 1; we are told, and hang up."""
    await asks(box, phone, caller)
    return await until(box, caller, None)


def call_back_of(box: LiveBox, request: Request, count: int = 1) -> list[CallDetail]:
    with reading(box.store, Scope(None)) as reader:
        found = [calls.one(reader, uuid) for uuid in calls_for(reader, request.id)]
    return [one for one in found if one is not None]


async def stored(box: LiveBox, request: Request, legs: int, count: int = 1) -> list[CallDetail]:
    deadline = time.monotonic() + 20
    while True:
        found = await asyncio.to_thread(call_back_of, box, request)
        if len(found) == count and len(found[-1].legs) == legs:
            return found
        there = [(one.row.outcome, len(one.legs)) for one in found]
        assert time.monotonic() < deadline, f"{there}; collector:\n{box.parts.log('collector')[-3000:]}"
        await asyncio.sleep(0.1)


async def test_from_the_key_to_the_talk(box: LiveBox) -> None:
    busy, caller = "13900001001", "13900001002"
    close_all(box)
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=LINES, press="1", press_after=1.0)) as line,
        Phone(port=box.port_b, on_invite=LineScript.answer(0.1, say=HIS)) as his,
    ):
        first = await phone.dial(NUMBER, box.sip, caller=busy)
        await first.answered(10)
        await line.incoming(20)
        await first.hears(LINES, 20)
        request = await leave_request(box, phone, caller)
        assert (request.callee, request.trunk, request.attempts) == (caller, "city", 0)
        await asyncio.sleep(2.5)
        assert box.usage("first") == 1, "nobody is called while the line talks"
        await first.hangup()
        # The line is free: it is rung, told for whom, and presses 1.
        rung = await line.incoming(20)
        assert rung.caller == caller
        await rung.hears(PROMPTS["callback-line"], 20)
        telephone = await his.incoming(20)
        assert (telephone.called, telephone.caller) == (caller, "02180000000")
        await telephone.hears(PROMPTS["callback-greeting"], 20)
        await telephone.hears(LINES, 20)
        await rung.hears(HIS, 20)
        assert box.usage("first") == 1
        with bootstrap.switch_api(box.settings) as api:
            channels = json.loads(api("show channels as json"))["rows"]
        near = nearing_limit(channels, datetime.now(UTC) + timedelta(seconds=1), 0, 1)
        assert set(near) == set(one_of(box, caller).legs), "held to the maximum duration, by the line's leg alone"
        await asyncio.sleep(1.5)
        await telephone.hangup()
        await rung.ended(20)
    request = await until(box, caller, Ending.REACHED)
    assert request.attempts == 1
    (one,) = await stored(box, request, legs=2)
    assert (one.row.outcome, one.row.line_id, one.row.caller, one.row.number) == (
        "answered",
        "first",
        caller,
        NUMBER,
    )
    assert (one.row.trunk_id, one.row.caller_kind, one.row.account_id) == ("city", "mobile", "acme")
    assert [(tried.line_id, tried.disposition) for tried in one.tried] == [("first", "answered")]
    assert 1000 <= one.row.bridged_ms <= 6000 and one.notice == "record-notice"
    # Both legs were placed, each by its trunk: their carriers bill them. The line's stands where a caller's does.
    assert box.went_out(one.row.uuid) == [("caller", "to-a"), ("line", "city")]
    # The caller is left, as in every recording.
    recording = box.heard(await asyncio.to_thread(box.kept, one.row.uuid))
    assert abs(dominant_hz(recording.left, 0.3, 1.0) - HIS) < 20
    assert abs(dominant_hz(recording.right, 0.3, 1.0) - LINES) < 20
    # The first call left the queue by the callback, and every sum matches.
    asked = await asyncio.to_thread(box.stored_of, caller)
    with reading(box.store, Scope(None)) as reader:
        (stay,) = queues.stays_of_call(reader, request.id)
    assert (stay.left, stay.queue_id) == ("callback", "hotline")
    assert asked.row.caller == caller
    assert (box.usage("first"), counted(box, "number", NUMBER), counted(box, "trunk", "city")) == (0, 0, 0)
    await balanced(box)


def counted(box: LiveBox, realm: str, name: str) -> int:
    with bootstrap.switch_api(box.settings) as api:
        return int(api(f"limit_usage hash {realm} {name}"))


async def balanced(box: LiveBox) -> None:
    """Asked = reached + failed + expired + withdrawn + open, in the database as in the journal."""
    found = requests_of(box)
    async with asyncio.timeout(10):
        while True:
            with reading(box.store, Scope(None)) as reader:
                rows = callback_report(reader, found[0].asked_at.replace(hour=0), found[0].expires_at)
            if [row.balance for row in rows] == [balance(found)]:
                return
            await asyncio.sleep(0.2)


async def test_his_line_is_busy_and_no_attempt_is_lost(box: LiveBox) -> None:
    caller = "13900001003"
    close_all(box)
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=LINES, press="1", press_after=1.0)) as line,
        Phone(port=box.port_b, on_invite=LineScript.busy()) as his,
    ):
        # Somebody talks to the line, so that he waits: while one rings for him no key is asked for.
        first = await phone.dial(NUMBER, box.sip, caller="13900001004")
        await first.answered(10)
        await line.incoming(20)
        await first.hears(LINES, 20)
        request = await leave_request(box, phone, caller)
        await first.hangup()
        telephone = await his.incoming(30)
        assert telephone.called == caller
        async with asyncio.timeout(25):
            while (found := await until(box, caller, None)).attempts == 0:
                await asyncio.sleep(0.2)
        assert (found.attempts, found.said) == (1, "busy")
        assert found.due_at > found.asked_at
        # The line is told, and only then let go.
        async with asyncio.timeout(25):
            while not any(one.row.outcome == "failed:callback-caller" for one in call_back_of(box, request)):
                await asyncio.sleep(0.2)
    one = next(one for one in call_back_of(box, request) if one.row.outcome == "failed:callback-caller")
    assert one.because == "caller=busy" and one.row.line_id == "first" and one.row.bridged_ms == 0
    await balanced(box)
