"""SIGKILL of the switch with callers at every stage: they are cut off, and nothing else goes wrong.

The switch comes back by itself, and with it everybody's connection to it; each call gets one record, closed as
abnormal from our own notes, each caller who waited one outcome; no slot stays taken, what was said is kept.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.domain.lost import Begun
from appliance.domain.queue import Left
from appliance.store.begun import BegunCalls
from appliance.store.journal_file import JournalFile
from appliance.store.queries import Scope, calls, reading
from appliance.store.queries.call_views import CallDetail
from appliance.testphone import LineScript, Phone
from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import require_freeswitch
from tests.support.queue_stays import stays

#: They end what carries calls, and wait for what comes of it.
pytestmark = [pytest.mark.accept, pytest.mark.timeout(180)]

NUMBER = "4006543210"
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"], max_calls: 50}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: talks, account: acme, number: "02160000001", kind: landline, trunk: out, max_calls: 1, ring_seconds: 30}}
  - {{id: rings, account: acme, number: "02160000002", kind: landline, trunk: out, max_calls: 1, ring_seconds: 60}}
queues:
  - {{id: desk, account: acme, name: 服务台, lines: [talks], announce_seconds: 0, wrap_up_seconds: 0}}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask:
        {{type: menu, prompt: tone-1750, keys: {{"1": talk, "2": ring, "3": wait}}, silence: ask, wrong: ask}}
      talk: {{type: ring, lines: [talks]}}
      ring: {{type: ring, lines: [rings]}}
      wait: {{type: queue, queue: desk}}
numbers:
  - number: "{NUMBER}"
    account: acme
    flow: front
    record: all
    record_notice: false
    rules: {{max_calls: 50}}
    subscriptions: [{{plan: minute, starts_at: "2026-01-01T00:00:00+08:00"}}]
plans:
  - code: minute
    name: 按分钟
    charge_by: time
    meter: answer
    prices:
      - {{effective_from: "2026-01-01T00:00:00+08:00", initial_seconds: 60, step_seconds: 60, per_minute: "0.1"}}
"""
MENU, TALKS, RINGS, WAITS = "13900000001", "13900000002", "13900000003", "13900000004"


@pytest.fixture(params=["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveBox]:
    if request.param == "freeswitch":
        require_freeswitch()
    with live_box(tmp_path, request.param, site=SITE, keep_up=True, lost_after_s=3, partial_cdr_s=1) as running:
        yield running


def behave(call: object) -> LineScript:
    called = getattr(call, "called", "")
    return LineScript.answer(0.1, say=900.0) if called == "02160000001" else LineScript.no_answer()


async def place(box: LiveBox, phone: Phone, caller: str, key: str) -> None:
    call = await phone.dial(NUMBER, box.sip, caller=caller)
    await call.answered(10)
    await call.hears(1750, 5)
    if key:
        await call.press(key)


def by_caller(box: LiveBox) -> dict[str, CallDetail]:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with reading(box.store, Scope(None)) as reader:
            rows = calls.page(reader, calls.CallFilter(), limit=100)
            found = [one for row in rows if (one := calls.one(reader, row.uuid)) is not None]
        if len(found) >= 4:
            assert len(found) == 4, "no call is stored twice"
            return {one.row.caller: one for one in found}
        time.sleep(0.2)
    raise AssertionError(box.parts.log("collector")[-3000:])


def begun(box: LiveBox) -> dict[str, Begun]:
    """What the journal knows of calls that are not stored."""
    with closing(JournalFile(box.settings.journal_file, reads_only=True)) as file:
        return {one.caller: one for one in BegunCalls(file).open()}


def exists(box: LiveBox, uuid: str) -> str:
    """The switch's own word."""
    with bootstrap.switch_api(box.settings) as api:
        return api(f"uuid_exists {uuid}").strip()


async def test_the_switch_is_killed(box: LiveBox) -> None:
    async with Phone(on_invite=behave, port=box.port_a) as lines, Phone() as phone:
        await place(box, phone, TALKS, "1")
        await phone.dialled[0].hears(900, 8)
        await place(box, phone, RINGS, "2")
        await place(box, phone, WAITS, "3")
        await place(box, phone, MENU, "")
        # What the talk's recording holds until then is on the disk, and the collector has looked at the calls.
        await asyncio.sleep(4.0)
        assert [one.called for one in lines.calls] == ["02160000001", "02160000002"]
        alive = begun(box)
        assert set(alive) == {MENU, TALKS, RINGS, WAITS}
        assert [caller for caller, one in alive.items() if one.joined_at is not None] == [TALKS]
        assert {exists(box, one.uuid) for one in alive.values()} == {"true"}
        killed_at = time.time()
        os.kill(box.parts.pid("switch"), signal.SIGKILL)
        for call in (*phone.dialled, *lines.calls):
            call.vanish()
    found = await asyncio.to_thread(by_caller, box)
    assert {one.row.outcome for one in found.values()} == {"abnormal"}
    assert {exists(box, one.uuid) for one in alive.values()} == {"false"} and begun(box) == {}
    assert {one.row.number for one in found.values()} == {NUMBER}
    assert {one.row.account_id for one in found.values()} == {"acme"}
    for one in found.values():
        assert one.charge is None and one.legs == ()
        assert abs(one.row.ended_at.timestamp() - killed_at) < 2
        assert one.row.answered_at is not None and one.row.answered_at < one.row.ended_at
    assert found[TALKS].row.keys == (("ask", "1"),) and found[WAITS].row.keys == (("ask", "3"),)
    assert found[TALKS].row.line_id == "talks" and found[TALKS].row.joined_at is not None
    assert 2.5 < found[TALKS].row.bridged_ms / 1000 < 15
    assert [one.joined_at for caller, one in ((c, f.row) for c, f in found.items()) if caller != TALKS] == [
        None
    ] * 3
    assert [(caller, left) for caller, left, _, _ in stays(box.settings.database_url)] == [(WAITS, Left.LOST)]
    assert found[TALKS].row.recording
    # What was said is kept, as far as the switch had brought it to the disk: FreeSWITCH writes every two seconds.
    kept = await asyncio.to_thread(box.kept, found[TALKS].row.uuid)
    assert kept.fault == "" and kept.duration_ms >= 1500
    assert [path.name for path in (box.settings.recordings_dir / "aside").glob("*")] == []
    await alive_again(box, phone_says=900)


async def alive_again(box: LiveBox, phone_says: int) -> None:
    """A call is taken, talks, is stored as ever, and no slot is taken afterwards."""
    async with Phone(on_invite=behave, port=box.port_a), Phone() as phone:
        for attempt in range(20):
            try:
                await place(box, phone, "13900000009", "3")
                break
            except Exception:
                if attempt == 19:
                    raise
                await asyncio.sleep(0.5)
        await phone.dialled[-1].hears(phone_says, 8)
        await phone.dialled[-1].hangup()
    one = await asyncio.to_thread(box.stored_of, "13900000009")
    assert one.row.outcome == "answered" and one.charge is not None
    deadline = time.monotonic() + 10
    while box.usage("talks") or box.usage("rings"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    assert {left for _, left, _, _ in stays(box.settings.database_url)} == {Left.LOST, Left.ANSWERED}
