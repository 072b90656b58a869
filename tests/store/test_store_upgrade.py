"""A box of the first version, with rows in every table, becomes one of this version and loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from appliance.domain.called import Incoming, Invite, identify
from appliance.domain.hunt import FAIL_OVER, Strategy
from appliance.domain.routing import NO_RULES, RoutingTable
from appliance.errors import StoreError
from appliance.store import engine as engines
from appliance.store import schema
from appliance.store.models import Base, Flow, FlowPublication
from appliance.store.routing import load_table
from appliance.store.unit import Store

FIRST = "0001"
#: UTC; both databases read it so.
AT = "2026-01-02 03:04:05.678901"
GRAPH = (
    '{"start": "ring", "nodes": {"ring": {"type": "ring", "lines": ["a"], "failed": "bye"},'
    ' "bye": {"type": "hangup"}}}'
)
#: What a box of the first version holds: table → rows, what is referred to before what refers to it.
ROWS: Mapping[str, Sequence[Mapping[str, object]]] = {
    "accounts": [{"id": "demo", "name": "示范企业"}, {"id": "other", "name": "a'b\"c"}],
    "operators": [
        {
            "login": "admin",
            "name": "管理员",
            "account_id": None,
            "password_hash": "$argon2id$x",
            "active": True,
            "session_key": "k1",
            "failed_sign_ins": 2,
            "locked_until": AT,
            "last_sign_in_at": AT,
            "preferences": '{"language": "zh"}',
        },
        {
            "login": "desk",
            "name": "",
            "account_id": "demo",
            "password_hash": None,
            "active": False,
            "session_key": "k2",
            "failed_sign_ins": 0,
            "locked_until": None,
            "last_sign_in_at": None,
            "preferences": "{}",
        },
    ],
    "operator_roles": [{"operator_id": 1, "role_id": 1}, {"operator_id": 2, "role_id": 5}],
    "trunks": [
        {
            "id": "t",
            "name": "运营商",
            "accept": '["127.0.0.1"]',
            "proxy": "127.0.0.1:5090",
            "called_from": '["request-uri", "to"]',
            "landing": '{"02161234567": "4008001234"}',
            "number_format": "plus86",
            "caller_id": "pass",
            "caller_number": "",
            "codecs": '["PCMA"]',
        }
    ],
    "lines": [
        {
            "id": "a",
            "account_id": "demo",
            "name": "销售",
            "number": "02160000001",
            "kind": "landline",
            "trunk_id": "t",
            "max_calls": 2,
            "ring_seconds": 30,
        }
    ],
    "flows": [
        {"account_id": "demo", "name": "main", "published": 1},
        {"account_id": "demo", "name": "draft", "published": None},
    ],
    "flow_versions": [{"flow_id": 1, "version": 1, "graph": GRAPH, "created_at": AT}],
    "numbers": [
        {
            "number": "4008001234",
            "account_id": "demo",
            "name": "热线",
            "flow_id": 1,
            "line_ids": "[]",
            "record": "all",
            "record_notice": False,
            "in_service": True,
        },
        {
            "number": "4008005678",
            "account_id": "other",
            "name": "",
            "flow_id": None,
            "line_ids": '["a"]',
            "record": "off",
            "record_notice": True,
            "in_service": False,
        },
    ],
    "plans": [
        {
            "code": "p",
            "name": "套餐",
            "charge_by": "time",
            "meter": "answer",
            "included": 600,
            "rollover_months": 1,
            "minimum_monthly": 50_000_000,
        }
    ],
    "prices": [
        {
            "plan_code": "p",
            "effective_from": AT,
            "effective_text": "2026-01-02T11:04:05.678901+08:00",
            "caller": "any",
            "initial_seconds": 60,
            "step_seconds": 6,
            "free_seconds": 3,
            "connect_fee": 0,
            "per_minute": 110_000,
            "per_call": 999_999_999_999_999,
        }
    ],
    "subscriptions": [{"number": "4008001234", "plan_code": "p", "starts_at": AT, "ends_at": None}],
    "calls": [
        {
            "uuid": f"u{number}",
            "account_id": "demo" if number else None,
            "number": "4008001234",
            "trunk_id": "t",
            "caller": "13800138000",
            "caller_kind": "mobile",
            "caller_name": "名" * 300,
            "started_at": AT,
            "answered_at": AT if number else None,
            "joined_at": None,
            "ended_at": AT,
            "bill_ms": 1234,
            "bridged_ms": 0,
            "line_id": "a",
            "flow": "main@1",
            "keys": "menu=1",
            "tried": "a=busy",
            "outcome": "failed:user-busy",
            "hangup_cause": "USER_BUSY",
            "sip_status": 486 if number else None,
            "recording": "",
            "collected_at": AT,
        }
        for number in range(3)
    ],
    "call_legs": [
        {
            "leg_uuid": "u1",
            "call_uuid": "u1",
            "role": "caller",
            "started_at": AT,
            "answered_at": None,
            "ended_at": AT,
            "hangup_cause": "USER_BUSY",
            "facts": '{"gw_line": "a"}',
        }
    ],
    "cdr_set_aside": [{"file": "a_bad.cdr.json", "reason": "no variables in it", "at": AT}],
    "charges": [
        {
            "call_uuid": "u1",
            "plan_code": "p",
            "price_from": "2026-01-02T11:04:05.678901+08:00",
            "metered_seconds": 2,
            "billable_units": 60,
            "included_units": 60,
            "charged_units": 0,
            "amount": 0,
            "reason": "included",
            "rated_at": AT,
            "final": True,
        }
    ],
}
STATE = {"id": 1, "revision": 41, "applied_at": AT, "applied_sha256": "0" * 64}


def make_old(url: str) -> None:
    """A database of the first version with those rows, as ``store.schema`` would have made it then."""
    engine = engines.engine(engines.parse(url), create=True, statement_timeout_s=0)
    with engine.execution_options(**{engines.WRITES: True}).begin() as connection:
        alembic = schema.config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, FIRST)
    with engine.execution_options(**{engines.WRITES: True}).begin() as connection:
        for name, rows in ROWS.items():
            for row in rows:
                names, values = ", ".join(row), ", ".join(f":{column}" for column in row)
                connection.execute(text(f"INSERT INTO {name} ({names}) VALUES ({values})"), dict(row))
        given = ", ".join(f"{column} = :{column}" for column in STATE)
        connection.execute(text(f"UPDATE site_state SET {given}"), STATE)
    engine.dispose()


def make_upgraded(url: str) -> None:
    make_old(url)
    assert schema.upgrade(url) == (FIRST, schema.check(url))


Copy = Callable[[Callable[[str], None]], str]


@pytest.fixture
def old_url(copy_of: Copy) -> str:
    return copy_of(make_old)


@pytest.fixture
def upgraded(copy_of: Copy) -> Iterator[Store]:
    with schema.opened(copy_of(make_upgraded)) as store:
        yield store


def columns(url: str) -> dict[str, list[str]]:
    """Table → its columns."""
    engine = create_engine(engines.parse(url))
    found = inspect(engine)
    made = {name: [column["name"] for column in found.get_columns(name)] for name in found.get_table_names()}
    engine.dispose()
    return made


def contents(url: str, of: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables, as the driver gives it."""
    engine = create_engine(engines.parse(url))
    with engine.connect() as connection:
        made = {
            name: sorted(map(tuple, connection.execute(text(f"SELECT {', '.join(names)} FROM {name}"))), key=repr)
            for name, names in of.items()
            if name != "alembic_version"
        }
    engine.dispose()
    return made


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
            assert found == [default_of(column)] * rows, f"{name}.{column_name}"


def test_the_upgraded_database_is_what_the_models_say(upgraded: Store) -> None:
    with upgraded.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


#: Every column that refers to another table.
REFERENCES = [
    (table, column) for table in Base.metadata.sorted_tables for column in table.columns if column.foreign_keys
]


#: A row of each table that is new, whose reference leads nowhere.
NEW_ROWS = {
    "prompts": f"INSERT INTO prompts VALUES (1, :nobody, 'p', 1, '', 'tts', '', 1, '', '', 'desk', '{AT}', '1')",
    "schedules": "INSERT INTO schedules (id, account_id, name, week, works_holidays, makeup_as, own_days)"
    " VALUES ('s', :nobody, '', '{}', '0', 'mon', '{}')",
    "number_lists": "INSERT INTO number_lists (id, account_id, name) VALUES ('l', :nobody, '')",
    "list_entries": "INSERT INTO list_entries (list_id, entry) VALUES (:nobody, '138*')",
    "queues": "INSERT INTO queues VALUES"
    " ('q', :nobody, '', '[]', 'order', 600, 0, 30, 'm', 15, 30, '0', 5, 20, 5, NULL)",
    "flow_publications": f"INSERT INTO flow_publications VALUES (9, :nobody, 1, '{AT}', '{AT}', '', '', NULL, '')",
    "flow_drafts": f"INSERT INTO flow_drafts VALUES (:nobody, '{{}}', 1, '{AT}', '')",
    "hooks": "INSERT INTO hooks VALUES"
    " ('h', :nobody, '', 'sms', 'http://a', '', '', '', '', '', 'GET', 'form', '{}', '{}', '{}', '', NULL)",
    "recordings": "INSERT INTO recordings VALUES (1, :nobody, 'demo', '400', '', "
    f"'{AT}', 'talk', 's', 'f', 'opus', 2, 1, 1, '', '', '{AT}', '{AT}', NULL, '', '', NULL, '', '')",
    "recording_access": "INSERT INTO recording_access VALUES"
    f" (1, '{AT}', 'a', '', 'play', 'u', :nobody, 'demo', '')",
    "leg_costs": "INSERT INTO leg_costs VALUES"
    " (1, :nobody, 'u1', 't', 'a', 'mobile', '138', '', NULL, 0, 0, 0, '', 'unanswered')",
    "queue_stays": f"INSERT INTO queue_stays VALUES (1, :nobody, 1, 'q', 'demo', '400', '{AT}', 1, 'full', '')",
}


def test_references_are_in_force(upgraded: Store) -> None:
    """Of rows that were there as well as of new ones."""
    for table, column in REFERENCES:
        nobody: object = "none" if column.type.python_type is str else 999_999
        changed = f"UPDATE {table.name} SET {column.name} = :nobody"
        statement = changed if table.name in ROWS else NEW_ROWS[table.name]
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"), upgraded.work() as session:
            session.execute(text(statement), {"nobody": nobody})
            session.commit()
            pytest.fail(f"{table.name}.{column.name} may refer to nothing")


def test_a_new_row_that_refers_to_nothing_is_refused(upgraded: Store) -> None:
    lines = Base.metadata.tables["lines"]
    with upgraded.reading() as session:
        row = dict(session.execute(select(lines)).mappings().one())
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), upgraded.work() as session:
        session.execute(insert(lines).values(row | {"id": "b", "trunk_id": "none"}))
        session.commit()
    with upgraded.work() as session:
        session.execute(insert(lines).values(row | {"id": "c"}))
        session.commit()
    with upgraded.reading() as session:
        assert sorted(session.scalars(select(lines.c.id))) == ["a", "c"]


def test_what_hangs_on_a_row_still_goes_with_it(upgraded: Store) -> None:
    with upgraded.work() as session:
        stay = f"INSERT INTO queue_stays VALUES (1, 'u1', 1, 'q', 'demo', '400', '{AT}', 1, 'full', '')"
        for statement in (
            stay,
            "DELETE FROM numbers",
            "DELETE FROM calls",
            "DELETE FROM plans",
            "DELETE FROM flows",
        ):
            session.execute(text(statement))
        session.commit()
        counts = {
            name: session.scalar(text(f"SELECT count(*) FROM {name}"))
            for name in (
                "subscriptions",
                "charges",
                "queue_stays",
                "prices",
                "flow_versions",
                "flow_publications",
                "call_legs",
                "operator_roles",
            )
        }
    assert counts == {
        "subscriptions": 0,
        "charges": 0,
        "queue_stays": 0,
        "prices": 0,
        "flow_versions": 0,
        "flow_publications": 0,
        "call_legs": 1,  # kept: a leg that comes late makes its call anew
        "operator_roles": 2,
    }


def test_what_was_once_alone_still_is(upgraded: Store) -> None:
    for statement in (
        "INSERT INTO flows (account_id, name) VALUES ('demo', 'main')",
        "UPDATE calls SET uuid = 'u1'",
        "UPDATE operators SET login = 'admin'",
        "INSERT INTO charges SELECT * FROM charges",
    ):
        with pytest.raises(IntegrityError), upgraded.work() as session:
            session.execute(text(statement))
            session.commit()


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


def test_before_the_upgrade_it_is_said_to_be_older(old_url: str) -> None:
    with pytest.raises(StoreError, match=r"at version 0001, older than this program; run `appliance db upgrade`"):
        schema.check(old_url)


def test_a_second_upgrade_changes_nothing(old_url: str) -> None:
    schema.upgrade(old_url)
    now = columns(old_url)
    before = contents(old_url, now)
    head = schema.check(old_url)
    assert schema.upgrade(old_url) == (head, head)
    assert (columns(old_url), contents(old_url, now)) == (now, before)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_rows_that_refer_to_nothing_stop_the_upgrade(old_url: str) -> None:
    """SQLite does not mind them while tables are rebuilt: somebody may have meddled with the file."""
    meddled = sqlite3.connect(old_url.removeprefix("sqlite:///"))
    meddled.execute("UPDATE lines SET trunk_id = 'gone'")
    meddled.commit()
    meddled.close()
    first = columns(old_url)
    before = contents(old_url, first)
    with pytest.raises(StoreError, match="rows refer to what is not there; nothing was changed"):
        schema.upgrade(old_url)
    assert (columns(old_url), contents(old_url, first)) == (first, before)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_an_upgrade_without_room_leaves_the_old_database(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = engines._prepare

    def limited(connection: sqlite3.Connection, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA max_page_count = 1")

    first = columns(old_url)
    before = contents(old_url, first)
    with monkeypatch.context() as patch:
        patch.setattr(engines, "_prepare", limited)
        with pytest.raises(StoreError, match="is full; nothing was stored"):
            schema.upgrade(old_url)
    assert (columns(old_url), contents(old_url, first)) == (first, before)
    assert schema.upgrade(old_url)[0] == FIRST
    first["flows"].remove("published")
    assert contents(old_url, first) == {**before, "flows": contents(old_url, first)["flows"]}
