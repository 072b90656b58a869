"""Schedules, lists, rules, hunts, and the box's own calendar and regions: from the file to the routing and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from appliance.domain.calendar import DayKind, Hours
from appliance.domain.hunt import FAIL_OVER, Strategy
from appliance.domain.numbers import caller
from appliance.domain.outcome import Disposition
from appliance.domain.places import Place
from appliance.domain.refusal import Refusal
from appliance.domain.routing import NO_RULES, CallerLimit, RoutingTable, Rules
from appliance.site import check, read
from appliance.site.apply import apply
from appliance.site.export import export
from appliance.site.findings import Finding, SiteFaults
from appliance.site.merge import Action, Report
from appliance.site.schema import TREATABLE, SchedulePart
from appliance.store import schema
from appliance.store.models import Call, ListEntry, Number
from appliance.store.routing import load_table
from appliance.store.unit import Store
from tests.site.texts import document, edited, every_prompt, line_of

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
        return check.check(read.parse(text.encode(), "site.yaml"), every_prompt)
    except SiteFaults as faults:
        return list(faults.items)


def put(store: Store, text: str = SITE, **options: Any) -> Report:
    return apply(store, document(text), now=NOW, **options)


def said(report: Report) -> set[str]:
    return {" ".join(change.text().split()) for change in report.changes}


def table(store: Store) -> RoutingTable:
    with store.reading() as session:
        return load_table(session)


def exported(store: Store) -> str:
    with store.reading() as session:
        return export(session)


# -- Good values -----------------------------------------------------------------------------------------------


def test_every_field_reaches_the_routing(store: Store) -> None:
    put(store)
    known = table(store)
    assert known.account_max_calls == {"demo": 3}
    trunk, line, plain = known.trunk("t"), known.lines["a"], known.lines["b"]
    assert trunk is not None and trunk.max_calls == 30
    assert trunk.causes == {"480": Disposition.OFF, "SUBSCRIBER_ABSENT": Disposition.NOT_EXISTING}
    assert (line.backups, line.confirm, plain.backups, plain.confirm) == (("spare",), True, (), False)
    assert (known.numbers["4008001234"].whisper, known.numbers["4008005678"].whisper) == ("hello", "")
    assert (line.schedule, line.daily_calls, line.monthly_calls, line.level, line.weight) == (
        "office",
        10,
        100,
        2,
        5,
    )
    assert (plain.schedule, plain.daily_calls, plain.monthly_calls, plain.level, plain.weight) == ("", 0, 0, 1, 1)
    office, theirs = known.schedules["office"], known.schedules["theirs"]
    assert office.week == {day: (Hours(540, 720), Hours(810, 1080)) for day in range(5)} | {5: (Hours(1320, 360),)}
    assert (office.account, office.works_holidays, office.makeup_as) == ("demo", True, 4)
    assert office.own_days == {date(2026, 12, 31): (Hours(540, 720),), date(2026, 12, 30): ()}
    assert (theirs.week, theirs.works_holidays, theirs.makeup_as, theirs.own_days) == ({}, False, 0, {})
    assert known.lists["nuisance"].entries == {"13811110000", "1391234*", "0512", "1700", "overseas"}
    assert (known.lists["foreign"].account, known.lists["foreign"].entries) == ("other", frozenset())
    assert known.calendar == {date(2026, 12, 11): DayKind.HOLIDAY, date(2026, 12, 12): DayKind.MAKEUP}
    assert known.places == {"1991111": Place("上海"), "0512": Place("江苏", ("苏州",))}
    route = known.numbers["4008001234"]
    assert (route.hunt.lines, route.hunt.strategy) == (("a", "b"), Strategy.LONGEST_IDLE)
    assert route.hunt.fail_over == {Disposition.BUSY, Disposition.NO_ANSWER}
    assert route.overflow is not None and route.overflow.label == "duty@1"
    treated = route.rules.treatments
    assert {reason: (one.prompt, one.answer, one.flow and one.flow.label) for reason, one in treated.items()} == {
        Refusal.BLACK_LISTED: ("go-away", True, None),
        Refusal.OUT_OF_HOURS: ("", False, "duty@1"),
    }
    assert route.rules == Rules(
        max_calls=2,
        calls_per_minute=20,
        black_lists=("nuisance",),
        white_lists=("vip",),
        caller_limit=CallerLimit(4, 60),
        passwords=frozenset({"0000", "567890"}),
        schedule="office",
        regions_only=("上海", "江苏/苏州", "境外"),
        regions_except=("新疆维吾尔自治区",),
        treatments=treated,
    )
    other = known.numbers["4008005678"]
    assert (other.rules, other.overflow, other.hunt.strategy) == (NO_RULES, None, Strategy.ORDER)
    assert other.hunt.fail_over == FAIL_OVER


def test_what_is_left_out_is_as_if_there_were_no_rules(store: Store) -> None:
    put(store, edited((SITE[SITE.index("    rules:") : SITE.index("  - {number:")], ""), text=SITE))
    assert table(store).numbers["4008001234"].rules == NO_RULES


def wrote(old: str, new: str) -> str:
    """The site with one part written otherwise, at its first place."""
    assert old in SITE
    return SITE.replace(old, new, 1)


GOOD = [
    ("    max_calls: 3\n", "    max_calls: 0\n"),
    ("    max_calls: 3\n", "    max_calls: 10000\n"),
    ("    max_calls: 30\n", "    max_calls: 10000\n"),
    ("    schedule: office\n    daily", "    schedule: ''\n    daily"),
    ("    schedule: office\n    daily", "    schedule:\n    daily"),
    ("daily_calls: 10", "daily_calls: 100000"),
    ("monthly_calls: 100", "monthly_calls: 1000000"),
    ("level: 2", "level: 1"),
    ("level: 2", "level: 99"),
    ("weight: 5", "weight: 1"),
    ("weight: 5", "weight: 1000"),
    ('"480": off', '"300": busy'),
    ('"480": off', '"699": no-answer'),
    ('"480": off', "NORMAL_TEMPORARY_FAILURE: rejected"),
    ('"480": off', '"480": unreachable'),
    ("backup_trunks: [spare]", "backup_trunks: []"),
    ("confirm: true", "confirm: false"),
    ("    whisper: hello\n", "    whisper: ''\n"),
    ('sat: ["22:00-06:00"]', 'sun: ["00:00-24:00", "08:00-08:00"]'),
    ('sat: ["22:00-06:00"]', 'sat-mon: ["09:00-10:00"]'),
    ('sat: ["22:00-06:00"]', "sat: []"),
    ("holidays: open", "holidays: closed"),
    ("makeup: fri", "makeup: sun"),
    ('"2026-12-30": []', '"2028-02-29": []'),
    ("- overseas", "- virtual"),
    ("- overseas", "- +1*"),
    ("- overseas", "- 10086"),
    ('"2026-12-12": makeup', '"2026-12-12": workday'),
    ('"2026-12-12": makeup', '"2099-12-31": weekend'),
    ('"1991111": 上海市', '"199": 上海市'),
    ('"1991111": 上海市', '"19911110000": 上海市'),
    ('"0512": 江苏/苏州', '"010": 江苏/苏州'),
    ("strategy: longest-idle", "strategy: order"),
    ("strategy: longest-idle", "strategy: rotate"),
    ("strategy: longest-idle", "strategy: random"),
    ("strategy: longest-idle", "strategy: ring-all"),
    ("strategy: longest-idle", "strategy: weight"),
    ("strategy: longest-idle", "strategy: last-spoken"),
    ("fail_over: [busy, no-answer]", "fail_over: []"),
    ("fail_over: [busy, no-answer]", "fail_over: [rejected, unreachable]"),
    ("    overflow: duty\n", "    overflow:\n"),
    ("max_calls: 2\n", "max_calls: 10000\n"),
    ("calls_per_minute: 20", "calls_per_minute: 10000"),
    ("black_lists: [nuisance]", "black_lists: [nuisance, vip]"),
    ("black_lists: [nuisance]", "black_lists: []"),
    ("calls: 4\n", "calls: 1000\n"),
    ("minutes: 60", "minutes: 1440"),
    ('passwords: ["0000", "567890"]', "passwords: [0123]"),
    ("      schedule: office\n", "      schedule: ''\n"),
    (
        "regions_only: [上海, 江苏/苏州, 境外]",
        "regions_only: [上海市, 江苏省, 苏州市, 内蒙古自治区, 江苏省/南京市]",
    ),
    ("regions_except: [新疆维吾尔自治区]", "regions_except: [境外]"),
    ("black-listed: {prompt: go-away, answer: true}", "black-listed: {}"),
    ("black-listed: {prompt: go-away, answer: true}", "black-listed: {answer: false, flow: duty}"),
    *(("black-listed: {prompt: go-away", f"{reason}: {{prompt: go-away") for reason in TREATABLE[:-3]),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new"), GOOD)
def test_a_good_value_is_stored_and_comes_back_out_of_an_export(store: Store, old: str, new: str) -> None:
    text = wrote(old, new)
    assert found(text) == []
    put(store, text)
    assert not put(store, text).changed
    assert not put(store, exported(store), prune=True).changed


def test_every_refusal_of_a_number_can_be_treated_its_own_way() -> None:
    assert set(TREATABLE) == set(Refusal) - {Refusal.UNKNOWN_TRUNK, Refusal.UNKNOWN_NUMBER}


def test_days_that_two_entries_name_have_the_hours_of_both() -> None:
    part = SchedulePart(
        id="s", account="demo", week={"mon-wed": ["09:00-12:00"], "wed": ["13:00-14:00"], "sat-sun": [], "fri": []}
    )
    assert part.by_weekday() == {
        "mon": ["09:00-12:00"],
        "tue": ["09:00-12:00"],
        "wed": ["09:00-12:00", "13:00-14:00"],
    }


# -- Wrong values ----------------------------------------------------------------------------------------------

WHOLE = "must-be-whole"
TWICE = "  - {{id: {0}, account: other}}\n  - {{id: {0}, account: other}}\n"
WRONG = [
    ("    max_calls: 3\n", "    max_calls: -1\n", "accounts[0].max_calls", WHOLE),
    ("    max_calls: 3\n", "    max_calls: 10001\n", "accounts[0].max_calls", WHOLE),
    ("    max_calls: 3\n", "    max_calls: many\n", "accounts[0].max_calls", WHOLE),
    ("    max_calls: 30\n", "    max_calls: 1.5\n", "trunks[0].max_calls", WHOLE),
    ("    schedule: office\n", "    schedule: ../x\n", "lines[0].schedule", "not-an-id"),
    ("    schedule: office\n", "    schedule: none\n", "lines[0].schedule", "unknown-schedule"),
    ("    schedule: office\n", "    schedule: theirs\n", "lines[0].schedule", "schedule-of-another"),
    ("daily_calls: 10", "daily_calls: 100001", "lines[0].daily_calls", WHOLE),
    ("monthly_calls: 100", "monthly_calls: 1000001", "lines[0].monthly_calls", WHOLE),
    ("level: 2", "level: 0", "lines[0].level", WHOLE),
    ("level: 2", "level: 100", "lines[0].level", WHOLE),
    ("weight: 5", "weight: 0", "lines[0].weight", WHOLE),
    ("weight: 5", "weight: 1001", "lines[0].weight", WHOLE),
    ("weight: 5", "wait: 5", "lines[0].wait", "unknown-field"),
    ('"480": off', '"200": off', "trunks[0].causes.200", "not-a-cause"),
    ('"480": off', '"4800": off', "trunks[0].causes.4800", "not-a-cause"),
    ('"480": off', "subscriber_absent: off", "trunks[0].causes.subscriber_absent", "not-a-cause"),
    ('"480": off', '"480": answered', "trunks[0].causes.480", "must-be-one-of"),
    ('"480": off', '"480": full', "trunks[0].causes.480", "must-be-one-of"),
    ("backup_trunks: [spare]", "backup_trunks: [none]", "lines[0].backup_trunks[0]", "unknown-trunk"),
    ("backup_trunks: [spare]", "backup_trunks: [t]", "lines[0].backup_trunks[0]", "trunk-twice"),
    ("backup_trunks: [spare]", "backup_trunks: [spare, spare]", "lines[0].backup_trunks[1]", "trunk-twice"),
    ("backup_trunks: [spare]", "backup_trunks: [inbound]", "lines[0].backup_trunks[0]", "trunk-without-proxy"),
    ("backup_trunks: [spare]", "backup_trunks: spare", "lines[0].backup_trunks", "must-be-list"),
    ("confirm: true", 'confirm: "true"', "lines[0].confirm", "must-be-flag"),
    ("whisper: hello", "whisper: Hello", "numbers[0].whisper", "not-a-prompt-name"),
    ("  - {id: theirs, account: other}\n", TWICE.format("theirs"), "schedules[2].id", "duplicate"),
    (
        "  - {id: theirs, account: other}",
        "  - {id: theirs, account: none}",
        "schedules[1].account",
        "unknown-account",
    ),
    ("  - {id: theirs, account: other}", "  - {account: other}", "schedules[1].id", "required"),
    ("    name: 工作时间", f"    name: {'长' * 201}", "schedules[0].name", "too-long"),
    ("mon-fri: [", "mon-fry: [", "schedules[0].week.mon-fry", "not-a-weekday"),
    ("mon-fri: [", "monday: [", "schedules[0].week.monday", "not-a-weekday"),
    ("mon-fri: [", "mon-: [", "schedules[0].week.mon-", "not-a-weekday"),
    ('sat: ["22:00-06:00"]', 'sat: ["9-18"]', "schedules[0].week.sat[0]", "not-hours"),
    ('sat: ["22:00-06:00"]', 'sat: ["24:00-06:00"]', "schedules[0].week.sat[0]", "not-hours"),
    ('sat: ["22:00-06:00"]', 'sat: ["22:00-24:30"]', "schedules[0].week.sat[0]", "not-hours"),
    ('sat: ["22:00-06:00"]', 'sat: "22:00-06:00"', "schedules[0].week.sat", "must-be-list"),
    ("holidays: open", "holidays: true", "schedules[0].holidays", "must-be-one-of"),
    ("holidays: open", "holidays: sometimes", "schedules[0].holidays", "must-be-one-of"),
    ("makeup: fri", "makeup: friday", "schedules[0].makeup", "must-be-one-of"),
    ("makeup: fri", "makeup: mon-fri", "schedules[0].makeup", "must-be-one-of"),
    ('"2026-12-30": []', '"12-30": []', "schedules[0].days.12-30", "not-a-date"),
    ('"2026-12-30": []', '"2026-02-30": []', "schedules[0].days.2026-02-30", "not-a-date"),
    ('"2026-12-30": []', '"2026-12-30": closed', "schedules[0].days.2026-12-30", "must-be-list"),
    ('"2026-12-30": []', '"2026-12-30": ["x"]', "schedules[0].days.2026-12-30[0]", "not-hours"),
    ("  - {id: foreign, account: other}\n", TWICE.format("foreign"), "lists[3].id", "duplicate"),
    (
        "  - {id: foreign, account: other}",
        "  - {id: foreign, account: none}",
        "lists[2].account",
        "unknown-account",
    ),
    ("- 1391234*", "- 139*1234", "lists[0].entries[1]", "not-a-list-entry"),
    ("- 1391234*", "- anonymous", "lists[0].entries[1]", "not-a-list-entry"),
    ("- 1391234*", "- [13800138000]", "lists[0].entries[1]", "must-be-text"),
    ("- 1391234*", "- '*'", "lists[0].entries[1]", "not-a-list-entry"),
    ('"2026-12-11": holiday', '"2026-12-11": holidays', "calendar.2026-12-11", "must-be-one-of"),
    ('"2026-12-11": holiday', '"2026-13-11": holiday', "calendar.2026-13-11", "not-a-date"),
    ('"2026-12-11": holiday', '"1999-12-11": holiday', "calendar.1999-12-11", "not-a-date"),
    ('"1991111": 上海市', '"19": 上海市', "regions.19", "not-a-region-prefix"),
    ('"1991111": 上海市', '"199111100001": 上海市', "regions.199111100001", "not-a-region-prefix"),
    ('"1991111": 上海市', '"1991111": ""', "regions.1991111", "not-a-place"),
    ('"1991111": 上海市', '"1991111": 上海/', "regions.1991111", "not-a-place"),
    ('"1991111": 上海市', '"1991111": 江苏/苏州/昆山', "regions.1991111", "not-a-place"),
    ('"1991111": 上海市', f'"1991111": {"上" * 41}', "regions.1991111", "not-a-place"),
    ("strategy: longest-idle", "strategy: fastest", "numbers[0].strategy", "must-be-one-of"),
    ("fail_over: [busy, no-answer]", "fail_over: [busy, full]", "numbers[0].fail_over[1]", "must-be-one-of"),
    ("fail_over: [busy, no-answer]", "fail_over: busy", "numbers[0].fail_over", "must-be-list"),
    ("    overflow: duty\n", "    overflow: none\n", "numbers[0].overflow", "unknown-flow"),
    ("    lines: [a, b]\n", "    flow: duty\n", "numbers[0].overflow", "overflow-of-flow"),
    ("max_calls: 2\n", "max_calls: 10001\n", "numbers[0].rules.max_calls", WHOLE),
    ("calls_per_minute: 20", "calls_per_minute: 10001", "numbers[0].rules.calls_per_minute", WHOLE),
    ("calls_per_minute: 20", "calls_per_hour: 20", "numbers[0].rules.calls_per_hour", "unknown-field"),
    ("black_lists: [nuisance]", "black_lists: [none]", "numbers[0].rules.black_lists[0]", "unknown-list"),
    (
        "black_lists: [nuisance]",
        "black_lists: [nuisance, foreign]",
        "numbers[0].rules.black_lists[1]",
        "list-of-another",
    ),
    ("white_lists: [vip]", "white_lists: [none]", "numbers[0].rules.white_lists[0]", "unknown-list"),
    ("white_lists: [vip]", "white_lists: [foreign]", "numbers[0].rules.white_lists[0]", "list-of-another"),
    ("calls: 4\n", "calls: 0\n", "numbers[0].rules.caller_limit.calls", WHOLE),
    ("calls: 4\n", "calls: 1001\n", "numbers[0].rules.caller_limit.calls", WHOLE),
    ("        calls: 4\n", "", "numbers[0].rules.caller_limit.calls", "required"),
    ("minutes: 60", "minutes: 1441", "numbers[0].rules.caller_limit.minutes", WHOLE),
    ("minutes: 60", "minutes: 0", "numbers[0].rules.caller_limit.minutes", WHOLE),
    ('["0000", "567890"]', '["000", "567890"]', "numbers[0].rules.passwords[0]", "not-an-access-code"),
    ('["0000", "567890"]', '["0000", "5678901"]', "numbers[0].rules.passwords[1]", "not-an-access-code"),
    ('["0000", "567890"]', '["12a4"]', "numbers[0].rules.passwords[0]", "not-an-access-code"),
    ('["0000", "567890"]', '["１２３４"]', "numbers[0].rules.passwords[0]", "not-an-access-code"),
    ("      schedule: office\n", "      schedule: none\n", "numbers[0].rules.schedule", "unknown-schedule"),
    ("      schedule: office\n", "      schedule: theirs\n", "numbers[0].rules.schedule", "schedule-of-another"),
    ("[上海, 江苏/苏州, 境外]", "[上海, 江酥]", "numbers[0].rules.regions_only[1]", "unknown-place"),
    ("[上海, 江苏/苏州, 境外]", "[上海, 浙江/苏州]", "numbers[0].rules.regions_only[1]", "unknown-place"),
    ("[上海, 江苏/苏州, 境外]", "[上海/]", "numbers[0].rules.regions_only[0]", "not-a-place"),
    ("[新疆维吾尔自治区]", "[新僵]", "numbers[0].rules.regions_except[0]", "unknown-place"),
    ("[新疆维吾尔自治区]", "[香港]", "numbers[0].rules.regions_except[0]", "unknown-place"),
    ("black-listed: {", "unknown-trunk: {", "numbers[0].rules.refusals.unknown-trunk", "must-be-one-of"),
    ("black-listed: {", "unknown-number: {", "numbers[0].rules.refusals.unknown-number", "must-be-one-of"),
    ("black-listed: {", "blacklisted: {", "numbers[0].rules.refusals.blacklisted", "must-be-one-of"),
    ("prompt: go-away", "prompt: ../go", "numbers[0].rules.refusals.black-listed.prompt", "not-a-prompt-name"),
    ("answer: true", "answer: yes", "numbers[0].rules.refusals.black-listed.answer", "must-be-flag"),
    ("answer: true", "cause: USER_BUSY", "numbers[0].rules.refusals.black-listed.cause", "unknown-field"),
    (
        "          flow: duty\n",
        "          flow: none\n",
        "numbers[0].rules.refusals.out-of-hours.flow",
        "unknown-flow",
    ),
    ("answer: true", "flow: duty", "numbers[0].rules.refusals.black-listed.flow", "prompt-and-flow"),
]


@pytest.mark.parametrize(
    ("old", "new", "path", "code"), WRONG, ids=[f"{case[3]}-{case[2]}-{case[1]}" for case in WRONG]
)
def test_a_wrong_value_is_one_finding_with_its_line_in_both_languages(
    old: str, new: str, path: str, code: str
) -> None:
    text = wrote(old, new)
    (item,) = found(text)
    assert item.code == code
    # Where nothing was written, the part around it is named.
    begin = SITE[: SITE.index(old)].count("\n") + 1
    within = new.rstrip("\n").count("\n")
    if new:
        assert begin <= item.line <= begin + within + (code == "overflow-of-flow") * 3
    else:
        assert item.line == line_of(text, "caller_limit:")
    assert item.text().startswith(f"site.yaml:{item.line}: {path}: ")
    assert item.text("zh").startswith(f"site.yaml:{item.line}: {path}: ")
    assert item.what("zh") != item.what("en") and not item.what("zh").isascii()
    # A password stands in no message.
    assert "12a4" not in item.text() and "5678901" not in item.text()


def test_the_line_that_is_named_is_the_one_where_it_stands() -> None:
    text = wrote("[新疆维吾尔自治区]", "[新僵]").replace("schedule: office\n    daily", "schedule: none\n    daily")
    assert [(item.code, item.line) for item in sorted(found(text), key=lambda item: item.line)] == [
        ("unknown-schedule", line_of(text, "schedule: none")),
        ("unknown-place", line_of(text, "新僵")),
    ]


def test_a_place_of_the_sites_own_table_is_known() -> None:
    text = wrote("[新疆维吾尔自治区]", "[火星, 火星/奥林帕斯]")
    assert [item.code for item in found(text)] == ["unknown-place", "unknown-place"]
    assert found(text.replace('"1991111": 上海市', '"1991111": 火星/奥林帕斯')) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [("go-away", "numbers[0].rules.refusals.black-listed.prompt"), ("hello", "numbers[0].whisper")],
)
def test_a_prompt_that_is_named_must_be_there(name: str, path: str) -> None:
    def find_prompt(account: str, wanted: str) -> Path | None:
        return None if wanted == name else Path(f"/prompts/{wanted}.wav")

    (item,) = check.check(read.parse(SITE.encode(), "site.yaml"), find_prompt)
    assert item.text() == (
        f"site.yaml:{line_of(SITE, name)}: {path}: there is no prompt {name}:"
        f" neither the account demo nor the default set has {name}.wav"
    )
    assert item.code == "prompt-missing" and not item.what("zh").isascii()


def test_a_flow_of_another_account_is_no_flow_of_this_one() -> None:
    text = wrote("  - name: duty\n    account: demo\n", "  - name: duty\n    account: other\n")
    assert sorted(item.code for item in found(text)) == ["unknown-flow", "unknown-flow"]


# -- Applying --------------------------------------------------------------------------------------------------


def test_the_first_application_says_what_it_adds(store: Store) -> None:
    counted = {kind: count for (kind, action), count in put(store).counts().items() if action is Action.ADDED}
    assert {kind: counted[kind] for kind in ("schedule", "list", "calendar day", "region")} == {
        "schedule": 2,
        "list": 3,
        "calendar day": 2,
        "region": 2,
    }


CHANGED = [
    ("    max_calls: 3\n", "    max_calls: 4\n", "changed account demo (max_calls)"),
    ("    max_calls: 30\n", "", "changed trunk t (max_calls)"),
    ("    schedule: office\n", "", "changed line a (schedule_id)"),
    ("level: 2", "level: 3", "changed line a (level)"),
    ("    backup_trunks: [spare]\n", "", "changed line a (backup_trunks)"),
    ("    confirm: true\n", "", "changed line a (confirm)"),
    ('      "480": off\n', "", "changed trunk t (causes)"),
    ("    whisper: hello\n", "", "changed number 4008001234 (whisper)"),
    ('sat: ["22:00-06:00"]', 'sat: ["22:00-06:30"]', "changed schedule office (week)"),
    ("holidays: open", "holidays: closed", "changed schedule office (works_holidays)"),
    ("makeup: fri", "makeup: thu", "changed schedule office (makeup_as)"),
    ('      "2026-12-30": []\n', "", "changed schedule office (own_days)"),
    ("    name: 骚扰", "    name: 黑名单", "changed list nuisance (name)"),
    ('"2026-12-11": holiday', '"2026-12-11": weekend', "changed calendar day 2026-12-11 (kind)"),
    ('"1991111": 上海市', '"1991111": 北京', "changed region 1991111 (province)"),
    ('"0512": 江苏/苏州', '"0512": 江苏', "changed region 0512 (city)"),
    ("strategy: longest-idle", "strategy: rotate", "changed number 4008001234 (strategy)"),
    ("fail_over: [busy, no-answer]", "fail_over: [busy]", "changed number 4008001234 (fail_over)"),
    ("    overflow: duty\n", "", "changed number 4008001234 (overflow_id)"),
    ("calls_per_minute: 20", "calls_per_minute: 0", "changed number 4008001234 (rules)"),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new", "expected"), CHANGED, ids=[case[2] for case in CHANGED])
def test_what_differs_is_changed_and_named(store: Store, old: str, new: str, expected: str) -> None:
    put(store)
    report = put(store, wrote(old, new))
    assert said(report) == {expected} and report.revision == 2
    assert said(put(store)) == {expected}, "and back again"
    assert not put(store).changed


SAME = [
    ("mon-fri: [", "mon-thu: [", '      sat: ["22', '      fri: ["09:00-12:00", "13:30-18:00"]\n      sat: ["22'),
    ("- 1391234*", "- 139 1234*", '- "138 1111 0000"', "- +86 138-1111-0000"),
    ('"1991111": 上海市', '"1991111": 上海', '"0512": 江苏/苏州', '"0512": 江苏省/苏州市'),
    (
        "[busy, no-answer]",
        "[no-answer, busy]",
        "  - {id: theirs, account: other}",
        "  - {account: other, id: theirs}",
    ),
    (
        "answer: true}",
        "answer: true, flow: ''}",
        "  - {id: foreign, account: other}",
        "  - {id: foreign, account: other, entries: []}",
    ),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("spelling", SAME, ids=[case[1] for case in SAME])
def test_another_spelling_of_the_same_is_no_change(store: Store, spelling: tuple[str, str, str, str]) -> None:
    put(store)
    assert not put(store, edited(spelling[:2], spelling[2:], text=SITE)).changed


def test_entries_added_and_removed_are_counted(store: Store) -> None:
    put(store)
    report = put(store, wrote("- 1391234*\n", "- 1391235*\n      - 13700000000\n"))
    assert said(report) == {"changed list nuisance (2 entries more, 1 less)"}
    with store.reading() as session:
        kept = set(session.scalars(select(ListEntry.entry).where(ListEntry.list_id == "nuisance")))
    assert kept == {"13811110000", "1391235*", "13700000000", "0512", "1700", "overseas"}
    assert said(put(store, wrote("      - overseas\n", ""))) == {"changed list nuisance (1 entries more, 3 less)"}
    assert table(store).lists["nuisance"].match(caller("+14155550100")) == ""


def test_a_list_holds_afterwards_what_the_file_says_even_without_prune(store: Store) -> None:
    put(store)
    put(store, wrote("entries: [withheld]", "entries: []"))
    assert table(store).lists["vip"].entries == frozenset()


def test_a_long_list_comes_and_goes(store: Store) -> None:
    many = ", ".join(f'"1380000{number:04}"' for number in range(3000))
    put(store, wrote("entries: [withheld]", f"entries: [{many}]"))
    assert len(table(store).lists["vip"].entries) == 3000
    assert said(put(store)) == {"changed list vip (1 entries more, 3000 less)"}


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgres"])
def test_a_list_of_a_whole_city_is_emptied(store: Store) -> None:
    put(store)
    with store.work() as session:
        session.execute(
            insert(ListEntry), [{"list_id": "vip", "entry": f"138{number:08}"} for number in range(66_000)]
        )
        session.commit()
    assert said(put(store)) == {"changed list vip (0 entries more, 66000 less)"}


def test_a_dry_run_keeps_none_of_it(store: Store) -> None:
    report = put(store, dry_run=True)
    assert report.changed and "added list nuisance" in said(report)
    assert table(store) == RoutingTable(0, (), {}, {})


# -- Export and prune ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SITE, SCENARIOS], ids=["every-field", "scenarios"])
def test_an_export_applies_again_without_a_change(store: Store, tmp_path: Path, text: str) -> None:
    put(store, text)
    now = exported(store)
    assert not put(store, now, prune=True).changed
    other = f"sqlite:///{tmp_path}/other.db"
    schema.upgrade(other)
    with Store(other) as second:
        put(second, now)
        assert table(second) == table(store)
        assert exported(second) == now


def test_an_export_of_a_number_with_a_flow_applies_again_without_a_change(store: Store) -> None:
    flow = edited(("    lines: [a, b]\n", "    flow: duty\n"), ("    overflow: duty\n", ""), text=SITE)
    put(store, flow)
    assert not put(store, exported(store), prune=True).changed


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgres"])
def test_the_longest_place_that_a_file_may_name_can_be_stored(store: Store) -> None:
    put(store, wrote('"1991111": 上海市', f'"1991111": {"上" * 20}/{"海" * 20}'))


PRUNED = [
    ("  - {id: foreign, account: other}\n", "removed list foreign"),
    ("  - {id: theirs, account: other}\n", "removed schedule theirs"),
    ('  "2026-12-11": holiday\n', "removed calendar day 2026-12-11"),
    ('  "0512": 江苏/苏州\n', "removed region 0512"),
]


@pytest.mark.parametrize(("part", "expected"), PRUNED, ids=[case[1] for case in PRUNED])
def test_what_is_left_out_goes_with_prune_and_stays_without(store: Store, part: str, expected: str) -> None:
    put(store)
    without = edited((part, ""), text=SITE)
    assert not put(store, without).changed
    report = put(store, without, prune=True)
    assert said(report) == {expected}
    assert not put(store, without, prune=True).changed
    assert said(put(store)) == {expected.replace("removed", "added")}


def test_a_list_that_is_pruned_takes_its_entries_with_it(store: Store) -> None:
    put(store)
    begin, end = SITE.index("  - id: nuisance"), SITE.index("  - {id: vip")
    text = SITE.replace(SITE[begin:end], "").replace("      black_lists: [nuisance]\n", "")
    assert said(put(store, text, prune=True)) == {
        "removed list nuisance",
        "changed number 4008001234 (rules)",
    }
    with store.reading() as session:
        assert session.scalars(select(ListEntry.list_id).distinct()).all() == ["vip"]


def test_a_schedule_that_is_pruned_is_first_taken_from_its_lines(store: Store) -> None:
    put(store)
    text = SITE
    begin, end = SITE.index("  - id: office"), SITE.index("  - {id: theirs")
    for part in (SITE[begin:end], "      schedule: office\n", "    schedule: office\n"):
        assert part in text
        text = text.replace(part, "")
    assert said(put(store, text, prune=True)) == {
        "removed schedule office",
        "changed line a (schedule_id)",
        "changed number 4008001234 (rules)",
    }


def test_everything_goes_where_the_file_says_nothing(store: Store) -> None:
    put(store, SCENARIOS)
    report = put(store, "version: 1\n", prune=True)
    assert {change.action for change in report.changes} == {Action.REMOVED}
    assert table(store) == RoutingTable(report.revision, (), {}, {})
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(ListEntry)) == 0


def test_a_number_kept_for_its_calls_loses_its_rules_and_overflow(store: Store) -> None:
    put(store)
    with store.work() as session:
        made = {
            "account_id": "demo",
            "number": "4008001234",
            "started_at": NOW,
            "ended_at": NOW,
            "collected_at": NOW,
        }
        session.add(Call(uuid="u", **made))
        session.commit()
    text = SITE[: SITE.index("schedules:")].replace("    schedule: office\n", "")
    report = put(store, text, prune=True)
    assert {
        "kept number 4008001234 (it has calls; out of service)",
        "changed number 4008001234 (in_service, line_ids, overflow_id, rules)",
        "removed schedule office",
        "removed list nuisance",
        "removed flow demo/duty",
    } <= said(report)
    with store.reading() as session:
        kept = session.get_one(Number, "4008001234")
        assert (kept.in_service, kept.line_ids, kept.overflow_id, kept.rules) == (False, [], None, {})
    route = table(store).numbers["4008001234"]
    assert (route.in_service, route.rules, route.overflow) == (False, NO_RULES, None)
    assert not put(store, text, prune=True).changed
    assert "changed number 4008001234" in " ".join(said(put(store))), "named again, it is as before"
    assert table(store).numbers["4008001234"].rules.schedule == "office"


def test_the_scenarios_site_has_every_strategy_and_every_kind_of_rule() -> None:
    """What ``test_an_export_applies_again_without_a_change`` is worth."""
    numbers = read.parse(SCENARIOS.encode(), "site.yaml").site.numbers
    assert {part.strategy for part in numbers} == set(Strategy)
    named: Callable[[str], bool] = lambda field: any(field in part.rules.stored() for part in numbers)  # noqa: E731
    assert [field for field in type(numbers[0].rules).model_fields if not named(field)] == []
