"""A site with every field that rules have, put into a database and read back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.domain.routing import RoutingTable
from appliance.site import check
from appliance.site.apply import apply
from appliance.site.export import export
from appliance.site.findings import Finding, SiteFaults
from appliance.site.merge import Report
from appliance.store.routing import load_table
from appliance.store.unit import Store
from tests.site.texts import document, every_prompt, parsed

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
SCENARIOS = (Path(__file__).resolve().parent.parent / "scenarios" / "site.yaml").read_text(encoding="utf-8")
#: Every field that rules have, at a value that is not its default; each stands in a line of its own.
SITE = """version: 1
accounts:
  - id: demo
    name: 示范企业
    max_calls: 3
  - {id: other, name: 别家}
trunks:
  - id: t
    accept: [127.0.0.1]
    proxy: 127.0.0.1:5090
    caller_id: pass
    max_calls: 30
    causes:
      "480": off
      SUBSCRIBER_ABSENT: not-existing
  - {id: spare, proxy: "127.0.0.1:5091", caller_id: pass}
  - {id: inbound, accept: [10.0.0.1]}
lines:
  - id: a
    account: demo
    number: "02160000001"
    kind: landline
    trunk: t
    schedule: office
    daily_calls: 10
    monthly_calls: 100
    level: 2
    weight: 5
    backup_trunks: [spare]
    confirm: true
  - {id: b, account: demo, number: "02160000002", kind: landline, trunk: t}
schedules:
  - id: office
    account: demo
    name: 工作时间
    week:
      mon-fri: ["09:00-12:00", "13:30-18:00"]
      sat: ["22:00-06:00"]
    holidays: open
    makeup: fri
    days:
      "2026-12-31": ["09:00-12:00"]
      "2026-12-30": []
  - {id: theirs, account: other}
lists:
  - id: nuisance
    account: demo
    name: 骚扰
    entries:
      - "138 1111 0000"
      - 1391234*
      - "0512"
      - "1700"
      - overseas
  - {id: vip, account: demo, entries: [withheld]}
  - {id: foreign, account: other}
calendar:
  "2026-12-11": holiday
  "2026-12-12": makeup
regions:
  "1991111": 上海市
  "0512": 江苏/苏州
flows:
  - name: duty
    account: demo
    start: bye
    nodes: {bye: {type: hangup, prompt: bye}}
numbers:
  - number: "4008001234"
    account: demo
    lines: [a, b]
    strategy: longest-idle
    fail_over: [busy, no-answer]
    overflow: duty
    whisper: hello
    rules:
      max_calls: 2
      calls_per_minute: 20
      black_lists: [nuisance]
      white_lists: [vip]
      caller_limit:
        calls: 4
        minutes: 60
      passwords: ["0000", "567890"]
      schedule: office
      regions_only: [上海, 江苏/苏州, 境外]
      regions_except: [新疆维吾尔自治区]
      refusals:
        black-listed: {prompt: go-away, answer: true}
        out-of-hours:
          flow: duty
  - {number: "4008005678", account: other, in_service: false}
"""


def found(text: str) -> list[Finding]:
    """Every fault of a file, of its form or between its parts."""
    try:
        return check.check(parsed(text), every_prompt)
    except SiteFaults as faults:
        return list(faults.items)


def put(store: Store, text: str = SITE, **options: Any) -> Report:
    return apply(store, document(text), now=NOW, **options)


def said(report: Report) -> set[str]:
    return {" ".join(change.text().split()) for change in report.changes}


def table(store: Store) -> RoutingTable:
    with store.reading() as session:
        return load_table(session, NOW)


def exported(store: Store) -> str:
    with store.reading() as session:
        return export(session, NOW)


def wrote(old: str, new: str) -> str:
    """The site with one part written otherwise, at its first place."""
    assert old in SITE
    return SITE.replace(old, new, 1)
