"""A box of the first version, with rows in every table, becomes one of this version and loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, select, text

from appliance.domain.called import Incoming, Invite, identify
from appliance.domain.hunt import FAIL_OVER, Strategy
from appliance.domain.routing import NO_RULES, RoutingTable
from appliance.store import ledger, ledger_check, schema
from appliance.store.models import Base, Flow, FlowPublication
from appliance.store.routing import load_table
from appliance.store.unit import Store
from tests.store.first_version import AT, ROWS, STATE, columns, contents


def test_there_is_a_row_in_every_table_of_the_first_version(old_url: str) -> None:
    first = columns(old_url)
    assert set(first) == {*ROWS, "roles", "site_state", "alembic_version"}
    for name, rows in ROWS.items():
        assert all({*row, "id"} >= set(first[name]) for row in rows), f"{name} has columns that no row fills"
    assert all(contents(old_url, first).values())


def test_no_row_is_lost_and_no_value_changed(old_url: str) -> None:
    first = columns(old_url)
    # What calls take is in ``flow_publications`` since then.
    first["flows"].remove("published")
    before = contents(old_url, first)
    schema.upgrade(old_url)
    assert contents(old_url, first) == before


def test_what_was_published_still_is_and_no_draft(upgraded: Store) -> None:
    with upgraded.reading() as session:
        found = session.execute(select(FlowPublication, Flow).join(Flow)).all()
        assert [(one.version, flow.name, one.cancelled_at) for one, flow in found] == [(1, "main", None)]
        assert found[0][0].at == found[0][0].made_at == datetime.fromisoformat(AT).replace(tzinfo=UTC)


def default_of(column: Column[Any]) -> object:
    """What a new row has there where nothing is said."""
    if column.default is None:
        assert column.nullable, column
        return None
    value: Any = column.default.arg  # type: ignore[attr-defined]
    return value(None) if callable(value) else value


def test_new_columns_have_the_value_that_a_new_row_has(old_url: str) -> None:
    first = columns(old_url)
    schema.upgrade(old_url)
    new = {
        (table.name, column.name): column
        for table in Base.metadata.sorted_tables
        if table.name in first
        for column in table.columns
        if column.name not in first[table.name]
    }
    assert {
        *[("accounts", "max_calls"), ("trunks", "max_calls"), ("calls", "because")],
        *[("lines", name) for name in ("schedule_id", "daily_calls", "monthly_calls", "level", "weight")],
        *[("numbers", name) for name in ("strategy", "fail_over", "overflow_id", "rules")],
    } <= set(new)
    with Store(old_url) as store, store.reading() as session:
        for (name, column_name), column in new.items():
            found = list(session.scalars(select(column)))
            rows = len(ROWS[name])
            if name == "charges":
                # Whom it belongs to and when is known of the charges that there are.
                assert found == [{"account_id": "demo"}.get(column_name, 2026 * 12)]
                continue
            assert found == [default_of(column)] * rows, f"{name}.{column_name}"


def test_the_upgraded_database_is_what_the_models_say(upgraded: Store) -> None:
    with upgraded.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def routing(store: Store) -> RoutingTable:
    with store.reading() as session:
        return load_table(session, datetime.now(UTC))


def test_calls_are_routed_as_before(upgraded: Store) -> None:
    known = routing(upgraded)
    assert known.revision == STATE["revision"]
    assert (known.account_max_calls, known.schedules, known.lists, known.calendar, known.places) == ({},) * 5
    line, trunk = known.lines["a"], known.trunk("t")
    assert (known.queues, line.skills) == ({}, frozenset())
    assert (line.number, line.max_calls, line.ring_seconds) == ("02160000001", 2, 30)
    assert (line.schedule, line.daily_calls, line.monthly_calls, line.level, line.weight) == ("", 0, 0, 1, 1)
    assert trunk is not None and (trunk.max_calls, trunk.codecs) == (0, ("PCMA",))
    welcome, other = known.numbers["4008001234"], known.numbers["4008005678"]
    assert welcome.flow is not None and welcome.flow.label == "main@1" and not welcome.record_notice
    assert (other.hunt.lines, other.in_service) == (("a",), False)
    for number in (welcome, other):
        assert (number.rules, number.overflow, number.hunt.strategy) == (NO_RULES, None, Strategy.ORDER)
        assert number.hunt.fail_over == FAIL_OVER
    call = identify(Invite("127.0.0.1", 5060, "02161234567", caller_number="13800138000"), known)
    assert isinstance(call, Incoming) and call.route is welcome


def test_times_are_still_what_they_were(upgraded: Store) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    calls = Base.metadata.tables["calls"]
    with upgraded.reading() as session:
        assert set(session.scalars(select(calls.c.started_at))) == {at}
        assert set(session.scalars(select(Base.metadata.tables["site_state"].c.applied_at))) == {at}


def test_what_was_charged_before_there_was_a_ledger_is_posted(old_url: str) -> None:
    with Store(old_url) as store, store.work() as session:
        session.execute(text("UPDATE charges SET amount = 1230000"))
        session.commit()
    schema.upgrade(old_url)
    with Store(old_url) as store, store.reading() as session:
        assert list(ledger_check.faults(session)) == []
        assert ledger.balance(session, "demo") == -1_230_000
