"""Schedules, lists, rules, hunts, calendar and regions: good values reach the routing, wrong ones are found."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from appliance.domain.calendar import DayKind, Hours
from appliance.domain.hunt import FAIL_OVER, Strategy
from appliance.domain.outcome import Disposition
from appliance.domain.places import Place
from appliance.domain.refusal import FOR_MONEY, Refusal
from appliance.domain.routing import NO_RULES, CallerLimit, Rules
from appliance.site import check, read
from appliance.site.schema import TREATABLE, SchedulePart
from appliance.store.unit import Store
from tests.site.ruled import SITE, exported, found, put, table, wrote
from tests.site.texts import edited, line_of


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


def answers(reason: Refusal) -> str:
    """Whether a refused caller may be answered: where there is no money, not even that is paid for."""
    return "false" if reason in FOR_MONEY else "true"


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
    *(
        (
            "black-listed: {prompt: go-away, answer: true}",
            f"{reason}: {{prompt: go-away, answer: {answers(reason)}}}",
        )
        for reason in TREATABLE
        if reason is not Refusal.OUT_OF_HOURS  # the site has a word for it already
    ),
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
