"""Schedules, lists and rules, applied again, pruned and exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from appliance.domain.hunt import Strategy
from appliance.domain.numbers import caller
from appliance.domain.routing import NO_RULES, RoutingTable
from appliance.site import read
from appliance.site.merge import Action
from appliance.store.models import Call, ListEntry, Number
from appliance.store.unit import Store
from tests.site.ruled import NOW, SCENARIOS, SITE, exported, put, said, table, wrote
from tests.site.texts import edited
from tests.support.databases import sqlite_database


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


@pytest.mark.parametrize("text", [SITE, SCENARIOS], ids=["every-field", "scenarios"])
def test_an_export_applies_again_without_a_change(store: Store, tmp_path: Path, text: str) -> None:
    put(store, text)
    now = exported(store)
    assert not put(store, now, prune=True).changed
    other = sqlite_database(tmp_path / "other.db")
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
