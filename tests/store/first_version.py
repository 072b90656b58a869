"""A database as a box of the first version left it, with rows in every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alembic import command
from sqlalchemy import create_engine, inspect, text

from appliance.store import engine as engines
from appliance.store import schema

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
            "final": False,
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
