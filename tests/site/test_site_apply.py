"""Applying: the whole file or nothing, the second time nothing, and never a rewritten past."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from appliance.domain.grants import month_of
from appliance.errors import StoreError
from appliance.site.apply import apply
from appliance.site.findings import SiteFaults
from appliance.site.merge import Action, Report
from appliance.store import engine
from appliance.store.models import (
    Account,
    Base,
    Call,
    Charge,
    Flow,
    FlowVersion,
    Line,
    Number,
    Operator,
    Price,
    SiteState,
    Subscription,
    Trunk,
    in_force,
)
from appliance.store.unit import Store
from tests.site.texts import DEMO, document, edited
from tests.support.databases import sqlite_database

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def put(store: Store, source: str = DEMO, **options: Any) -> Report:
    return apply(store, document(source), now=NOW, **options)


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to see that nothing changed."""
    with store.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def said(report: Report) -> set[tuple[str, str, str]]:
    return {(change.action.value, change.kind, change.key) for change in report.changes}


@pytest.fixture
def site(store: Store) -> Store:
    put(store)
    return store


def test_the_first_application_adds_everything(store: Store) -> None:
    report = put(store)
    assert report.changed and report.revision == 1
    counted = {kind: count for (kind, action), count in report.counts().items() if action is Action.ADDED}
    assert counted == {
        "account": 1,
        "trunk": 3,
        "line": 2,
        "flow": 1,
        "number": 1,
        "plan": 1,
        "price": 1,
        "subscription": 1,
        "operator": 4,
    }
    with store.reading() as session:
        state = session.get_one(SiteState, 1)
        assert (state.revision, state.applied_at, len(state.applied_sha256)) == (1, NOW, 64)
        assert session.get_one(Trunk, "carrier").landing == {"02161234567": "4008001234"}
        admin = session.scalars(select(Operator).where(Operator.login == "admin")).one()
        assert ([role.name for role in admin.roles], admin.account_id) == (["administrator"], None)
        assert len(admin.session_key) == 32


@pytest.mark.parametrize("prune", [False, True])
def test_the_second_application_changes_nothing_and_says_so(site: Store, prune: bool) -> None:
    before = contents(site)
    report = put(site, prune=prune)
    assert (report.changes, report.changed, report.revision) == ((), False, 1)
    assert contents(site) == before


def test_another_spelling_of_the_same_is_no_change(site: Store) -> None:
    before = contents(site)
    respelt = (
        DEMO.replace('number: "4008001234"', "number: 400-800-1234")
        .replace('"02160000001"', '"+86 21 6000 0001"')
        .replace('effective_from: "2026-01-01T00:00:00+08:00"', "effective_from: 2025-12-31T16:00:00Z")
        .replace('"0.11"', "0.110000")
    )
    assert respelt != DEMO
    assert not put(site, respelt).changed
    assert contents(site) == before


def test_a_dry_run_says_it_and_changes_nothing(store: Store) -> None:
    before = contents(store)
    report = put(store, dry_run=True)
    assert report.changed and report.dry_run and report.revision == 0
    assert contents(store) == before


def test_what_differs_is_changed_and_named(site: Store) -> None:
    report = put(
        site,
        edited(
            ("    name: 示范企业", "    name: 新名"),
            ("name: 销售, number", "ring_seconds: 30, number"),
            ("record: all", "record: off"),
            ("roles: [auditor]", "roles: [auditor, finance]"),
            (
                '      "02161234567": "4008001234"\n',
                '      "02161234567": "4008001234"\n      "02161234568": "4008001234"\n',
            ),
        ),
    )
    assert {change.text() for change in report.changes} == {
        "changed   account      demo (name)",
        "changed   trunk        carrier (landing)",
        "changed   line         sales-1 (name, ring_seconds)",
        "changed   number       4008001234 (record)",
        "changed   operator     auditor (roles)",
    }
    assert report.revision == 2


def test_a_changed_graph_becomes_the_next_version(site: Store) -> None:
    changed = edited(('{"1": sales, "2": service}', '{"1": service, "2": sales}'))
    assert said(put(site, changed)) == {("published", "flow", "demo/welcome")}
    with site.reading() as session:
        published = session.scalar(select(in_force(NOW)).select_from(Flow))
        versions = session.scalars(select(FlowVersion).order_by(FlowVersion.version)).all()
    assert published == 2
    assert [version.graph["nodes"]["menu"]["keys"]["1"] for version in versions] == ["sales", "service"]
    # Back again: a version of its own, the first one stays what it was.
    assert put(site).revision == 3
    with site.reading() as session:
        assert session.scalar(select(in_force(NOW)).select_from(Flow)) == 3


def test_a_draft_is_passed_over(site: Store) -> None:
    with site.work() as session:
        flow = session.scalars(select(Flow)).one()
        session.add(FlowVersion(flow_id=flow.id, version=2, graph={"draft": True}, created_at=NOW))
        session.commit()
    assert not put(site).changed
    put(site, edited(('"2": service}', '"3": service}')))
    with site.reading() as session:
        assert session.scalar(select(in_force(NOW)).select_from(Flow)) == 3


def test_the_password_hash_counts_only_where_there_is_none(site: Store) -> None:
    first = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"
    second = first.replace("aGFz", "bGFz")
    assert said(put(site, edited(("roles: [auditor]", f"roles: [auditor], password_hash: '{first}'")))) == {
        ("changed", "operator", "auditor")
    }
    assert not put(site, edited(("roles: [auditor]", f"roles: [auditor], password_hash: '{second}'"))).changed


(PRICE,) = (line for line in DEMO.splitlines(keepends=True) if "effective_from" in line)
LATER = PRICE.replace("2026-01-01", "2026-09-01").replace("0.11", "0.13")


def refused(store: Store, source: str, *codes: str, **options: Any) -> list[str]:
    before = contents(store)
    with pytest.raises(SiteFaults) as caught:
        put(store, source, **options)
    assert caught.value.exit_code == 3
    assert tuple(item.code for item in caught.value.items) == codes
    assert contents(store) == before
    return caught.value.findings


def test_a_published_price_is_never_edited(site: Store) -> None:
    source = edited(('per_minute: "0.11"', 'per_minute: "0.12"'), ("    name: 示范企业", "    name: 新名"))
    (text_,) = refused(site, source, "price-published")
    assert "plans[0].prices[0].per_minute: a published price is never edited: per_minute" in text_


def test_a_price_is_succeeded(site: Store) -> None:
    assert said(put(site, edited((PRICE, PRICE + LATER)))) == {
        ("added", "price", "time-60 any 2026-09-01T00:00:00+08:00")
    }
    with site.reading() as session:
        assert [price.per_minute for price in session.scalars(select(Price).order_by(Price.effective_from))] == [
            110_000,
            130_000,
        ]


def test_a_price_not_yet_in_effect_can_be_withdrawn(site: Store) -> None:
    put(site, edited((PRICE, PRICE + LATER)))
    assert not put(site).changed
    assert said(put(site, prune=True)) == {("removed", "price", "time-60 any 2026-09-01T00:00:00+08:00")}


def test_a_price_in_effect_is_kept(site: Store) -> None:
    report = put(site, edited((PRICE, LATER)), prune=True)
    assert ("kept", "price", "time-60 any 2026-01-01T00:00:00+08:00") in said(report)
    again = put(site, edited((PRICE, LATER)), prune=True)
    assert not again.changed and len(again.changes) == 1


FIRST = '{plan: time-60, starts_at: "2026-01-01T00:00:00+08:00"}'
ENDED = '{plan: time-60, starts_at: "2026-01-01T00:00:00+08:00", ends_at: "2026-07-01T00:00:00+08:00"}'
NEXT = '{plan: time-60, starts_at: "2026-07-01T00:00:00+08:00"}'


def test_a_subscription_is_ended_and_followed(site: Store) -> None:
    report = put(site, edited((FIRST, f"{ENDED}\n      - {NEXT}")))
    assert said(report) == {
        ("changed", "subscription", "4008001234 time-60 2026-01-01T00:00:00+08:00"),
        ("added", "subscription", "4008001234 time-60 2026-07-01T00:00:00+08:00"),
    }


def test_a_stored_subscription_may_not_be_overlapped_by_silence(site: Store) -> None:
    (text_,) = refused(site, edited((FIRST, NEXT)), "stored-overlap")
    assert "numbers[0].subscriptions[0]: overlaps the stored subscription to time-60" in text_
    assert said(put(site, edited((FIRST, NEXT)), prune=True)) == {
        ("added", "subscription", "4008001234 time-60 2026-07-01T00:00:00+08:00"),
        ("removed", "subscription", "4008001234 time-60 2025-12-31T16:00:00+00:00"),
    }


def test_a_stored_trunk_may_not_map_the_landing_number_elsewhere(site: Store) -> None:
    second = '  - {number: "4008005678", account: demo, lines: [sales-1]}\n  - number: "4008001234"\n'
    source = edited(
        ("  - id: carrier\n", "  - id: carrier-2\n"),
        ('      "02161234567": "4008001234"\n', '      "02161234567": "4008005678"\n'),
        ('  - number: "4008001234"\n', second),
    )
    (text_,) = refused(site, source, "stored-landing")
    assert "mapped to 4008001234 by the stored trunk carrier" in text_
    assert put(site, source, prune=True).changed


def test_without_prune_what_is_absent_stays(site: Store) -> None:
    report = put(site, "version: 1\n")
    assert (report.changed, report.revision) == (False, 1)
    with site.reading() as session:
        assert session.get(Number, "4008001234") is not None


def test_prune_removes_what_is_absent(site: Store) -> None:
    report = put(site, "version: 1\noperators: []\n", prune=True)
    assert {change.action for change in report.changes} == {Action.REMOVED}
    left = {name for name, rows in contents(site).items() if rows}
    assert left == {"roles", "site_state"}


def test_prune_leaves_operators_alone_where_the_file_has_no_such_section(site: Store) -> None:
    report = put(site, "version: 1\n", prune=True)
    assert ("kept", "account", "demo") in said(report)
    with site.reading() as session:
        assert len(session.scalars(select(Operator)).all()) == 4
        assert session.get(Account, "demo") is not None


def call(store: Store, *, plan: str = "", at: datetime = NOW) -> None:
    """A stored call of the demonstration's number, and its charge."""
    with store.work() as session:
        made = {"account_id": "demo", "number": "4008001234", "flow": "welcome@1"}
        session.add(Call(uuid="u", started_at=at, ended_at=at, collected_at=at, **made))
        session.flush()
        if plan:
            month = month_of(at)
            session.add(
                Charge(
                    call_uuid="u",
                    account_id="demo",
                    month=month,
                    booked_month=month,
                    plan_code=plan,
                    reason="charged",
                    rated_at=at,
                )
            )
        session.commit()


def test_what_has_calls_is_kept_out_of_service(site: Store) -> None:
    call(site, plan="time-60")
    report = put(site, "version: 1\noperators: []\n", prune=True)
    kept = {(change.kind, change.key) for change in report.changes if change.action is Action.KEPT}
    assert kept == {("number", "4008001234"), ("flow", "demo/welcome"), ("plan", "time-60"), ("account", "demo")}
    with site.reading() as session:
        number = session.get_one(Number, "4008001234")
        assert (number.in_service, number.flow_id, number.line_ids) == (False, None, [])
        assert session.scalar(select(in_force(NOW)).select_from(Flow)) is None
        assert session.scalars(select(Line)).all() == []
        assert len(session.scalars(select(Subscription)).all()) == 1
    again = put(site, "version: 1\noperators: []\n", prune=True)
    assert not again.changed and again.revision == report.revision
    # Named again, all is as before, and the flow goes on counting.
    assert put(site).changed
    with site.reading() as session:
        assert session.get_one(Number, "4008001234").in_service
        assert session.scalar(select(in_force(NOW)).select_from(Flow)) == 2


def test_terms_that_calls_were_charged_by_stay(site: Store) -> None:
    assert put(site, edited(("    meter: answer\n", "    meter: bridge\n"))).changed
    call(site, plan="time-60")
    (text_,) = refused(site, DEMO, "plan-charged")
    assert "plans[0].meter: calls were charged by this plan, so meter stays" in text_
    assert put(site, edited(("    meter: answer\n", "    meter: bridge\n    minimum_monthly: 50\n"))).changed


def test_a_subscription_that_calls_were_charged_by_keeps_its_plan(site: Store) -> None:
    other = (
        "plans:\n  - {code: flat, name: 按次, charge_by: call, meter: answer,"
        " prices: [{effective_from: 2026-01-01T00:00:00Z}]}\n"
    )
    source = edited((FIRST, FIRST.replace("time-60", "flat")), ("plans:\n", other))
    call(site, plan="time-60", at=datetime(2025, 6, 1, tzinfo=UTC))  # before the subscription began
    assert put(site, source, dry_run=True).changed
    with site.work() as session:
        session.execute(text("DELETE FROM charges"))
        session.execute(text("DELETE FROM calls"))
        session.commit()
    call(site, plan="time-60")
    refused(site, source, "subscription-charged")
    kept = put(site, edited((f"      - {FIRST}\n", "      []\n")), prune=True)
    assert ("kept", "subscription", "4008001234 time-60 2025-12-31T16:00:00+00:00") in said(kept)


def test_a_full_disk_is_one_message_and_changes_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sqlite_database(tmp_path / "a.db")
    prepare = engine._prepare

    def limited(connection: Any, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA max_page_count = 1")

    rest = "kind: landline, trunk: desk-sales"
    lines = "".join(
        f'  - {{id: l{number}, account: demo, name: {"线" * 150}, number: "0216{number:07}", {rest}}}\n'
        for number in range(300)
    )
    monkeypatch.setattr(engine, "_prepare", limited)
    store = Store(url)
    before = contents(store)
    with pytest.raises(StoreError, match="is full; nothing was stored") as caught:
        put(store, edited(("lines:\n  - {id: sales-1", f"lines:\n{lines}  - {{id: sales-1")))
    assert caught.value.exit_code == 4 and "\n" not in str(caught.value)
    assert contents(store) == before
    store.close()


def test_two_at_once_are_one_after_the_other(site: Store) -> None:
    reports: list[Report] = []
    sources = [edited(("    name: 示范企业", f"    name: 企业{number}")) for number in range(4)]
    threads = [
        threading.Thread(target=lambda source=source: reports.append(put(site, source))) for source in sources
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.revision for report in reports) == [2, 3, 4, 5]
