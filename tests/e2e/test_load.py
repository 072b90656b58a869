"""Calls from SIPp, many at once: every one joined, stored, recorded and charged, every slot free again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.live import live_box
from tests.support.sipp import SippLine, require_sipp, run_sipp

SITE = """
version: 1
accounts: [{id: acme, name: 测试企业}]
trunks:
  - {id: inbound, name: 来话, accept: ["127.0.0.1"]}
  - {id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}
lines:
  - {id: first, account: acme, number: "02160000001", kind: landline, trunk: out, max_calls: 200, ring_seconds: 10}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {type: menu, prompt: tone-1750, keys: {"1": ring}, silence: bye, wrong: bye}
      ring: {type: ring, lines: [first]}
      bye: {type: hangup}
numbers:
  - number: "4008001234"
    account: acme
    flow: front
    record_notice: false
    subscriptions: [{plan: minute, starts_at: "2026-01-01T00:00:00+08:00"}]
plans:
  - code: minute
    name: 按分钟
    charge_by: time
    meter: bridge
    prices:
      - effective_from: "2026-01-01T00:00:00+08:00"
        initial_seconds: 60
        step_seconds: 60
        per_minute: "0.11"
"""


@pytest.mark.sipp
@pytest.mark.parametrize(
    ("calls", "rate"),
    [(20, 5), pytest.param(200, 10, marks=[pytest.mark.accept, pytest.mark.timeout(300)])],
)
def test_every_call_is_joined_stored_recorded_and_charged(
    switch: str, tmp_path: Path, calls: int, rate: int
) -> None:
    require_sipp()
    with live_box(tmp_path, switch, site=SITE) as box, SippLine("line-answers.xml", port=box.port_a) as line:
        began = time.monotonic()
        run_sipp(
            "caller-presses-1.xml",
            box.sip,
            service="4008001234",
            calls=calls,
            rate=rate,
            at_once=calls,
            timeout=calls / rate + 30,
            callers=(),
        ).check(calls)
        lasted = time.monotonic() - began
        line.stop().check(calls)
        stored = box.stored(calls, within_s=20)
        assert box.usage("first") == 0
        assert list(box.settings.spool_dir.glob("*.json")) == []
        kept = [box.kept(one.row.uuid, 60) for one in stored]
    assert len(stored) == calls
    assert {one.row.outcome for one in stored} == {"answered"}
    assert {one.row.keys for one in stored} == {(("ask", "1"),)}
    assert {one.charge.amount for one in stored if one.charge} == {110_000}
    recordings = {one.row.recording for one in stored}
    assert len(recordings) == calls
    for one, recorded in zip(stored, kept, strict=True):
        talked = one.row.bridged_ms / 1000
        assert 0.9 <= talked <= 2.0
        assert recorded.channels == 2
        assert abs(recorded.duration_ms / 1000 - talked) <= 0.5, (recorded.duration_ms, talked)
    print(f"{calls} calls in {lasted:.1f} s on {switch}")
