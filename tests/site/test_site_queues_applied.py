"""Queues and skills, applied again, pruned and exported."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.domain.routing import RoutingTable
from appliance.site.merge import Action
from appliance.store.models import Call, Queue, QueueStay
from appliance.store.unit import Store
from tests.site.queued import SITE, wrote
from tests.site.ruled import NOW, exported, put, said, table
from tests.support.databases import sqlite_database


def test_the_first_application_says_what_it_adds(store: Store) -> None:
    assert put(store, SITE).counts()["queue", Action.ADDED] == 3
    assert not put(store, SITE).changed


CHANGED = [
    ("    skills: [english, repairs]\n", "    skills: [english]\n", "changed line a (skills)"),
    ("    name: 技术支持\n", "", "changed queue support (name)"),
    ("lines: [a, b]", "lines: [b, a]", "changed queue support (line_ids)"),
    ("strategy: rotate", "strategy: order", "changed queue support (strategy)"),
    ("    max_wait_seconds: 300\n", "", "changed queue support (max_wait_seconds)"),
    ("    max_length: 20\n", "", "changed queue support (max_length)"),
    ("    announce_seconds: 45\n", "", "changed queue support (announce_seconds)"),
    ("    music: own-music\n", "", "changed queue support (music)"),
    ("    wrap_up_seconds: 10\n", "", "changed queue support (wrap_up_seconds)"),
    ("    rest_seconds: 60\n", "", "changed queue support (rest_seconds)"),
    ("    sign_in: true\n", "", "changed queue support (sign_in)"),
    ("    vip_priority: 9\n", "", "changed queue support (vip_priority)"),
    ("    service_level_seconds: 15\n", "", "changed queue support (service_level_seconds)"),
    ("    short_abandon_seconds: 3\n", "", "changed queue support (short_abandon_seconds)"),
    ("{id: foreign, account: other, lines: [theirs]}", "{id: foreign, account: demo, lines: [a]}", ""),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new", "expected"), CHANGED, ids=[case[2] for case in CHANGED])
def test_what_differs_is_changed_and_named(store: Store, old: str, new: str, expected: str) -> None:
    put(store, SITE)
    changed = {expected or "changed queue foreign (account_id, line_ids)"}
    report = put(store, wrote(old, new))
    assert said(report) == changed and report.revision == 2
    assert said(put(store, SITE)) == changed, "and back again"
    assert not put(store, SITE).changed


SAME = [
    ("skills: [english, repairs]", "skills: [repairs, english]"),
    ("priority: 3\n", 'priority: "03"\n'),
    ("{id: plain, account: demo, lines: [b]}", "{lines: [b], account: demo, id: plain, strategy: longest-idle}"),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new"), SAME, ids=[case[1] for case in SAME])
def test_another_spelling_of_the_same_is_no_change(store: Store, old: str, new: str) -> None:
    put(store, SITE)
    assert not put(store, wrote(old, new)).changed


def test_a_node_that_differs_is_published(store: Store) -> None:
    put(store, SITE)
    assert said(put(store, wrote("priority: 3\n", "priority: 4\n"))) == {"published flow demo/help (version 2)"}


def test_a_dry_run_keeps_none_of_it(store: Store) -> None:
    assert "added queue support" in said(put(store, SITE, dry_run=True))
    assert table(store) == RoutingTable(0, (), {}, {})


def test_an_export_applies_again_without_a_change(store: Store, tmp_path: Path) -> None:
    put(store, SITE)
    now = exported(store)
    assert not put(store, now, prune=True).changed
    other = sqlite_database(tmp_path / "other.db")
    with Store(other) as second:
        put(second, now)
        assert table(second) == table(store)
        assert exported(second) == now


def test_what_is_left_out_goes_with_prune_and_stays_without(store: Store) -> None:
    put(store, SITE)
    without = wrote("  - {id: foreign, account: other, lines: [theirs]}\n", "")
    assert not put(store, without).changed
    assert said(put(store, without, prune=True)) == {"removed queue foreign"}
    assert not put(store, without, prune=True).changed
    assert said(put(store, SITE)) == {"added queue foreign"}


def test_everything_goes_where_the_file_says_nothing(store: Store) -> None:
    put(store, SITE)
    report = put(store, "version: 1\n", prune=True)
    assert {change.action for change in report.changes} == {Action.REMOVED}
    assert table(store) == RoutingTable(report.revision, (), {}, {})


def test_stays_outlive_their_queue(store: Store) -> None:
    put(store, SITE)
    times = {"started_at": NOW, "ended_at": NOW, "collected_at": NOW}
    stay = {"queue_id": "support", "account_id": "demo", "number": "4008001234", "entered_at": NOW, "wait_ms": 1}
    with store.work() as session:
        session.add(Call(uuid="u", account_id="demo", number="4008001234", **times))
        session.flush()
        session.add(QueueStay(call_uuid="u", ordinal=1, left="timeout", **stay))
        session.commit()
    report = said(put(store, SITE[: SITE.index("lines:")], prune=True))
    assert {
        "removed queue support",
        "removed line a",
        "kept number 4008001234 (it has calls; out of service)",
    } <= report
    with store.reading() as session:
        assert session.scalars(select(QueueStay.queue_id)).all() == ["support"]
        assert session.scalars(select(Queue.id)).all() == []
