"""The API for machines."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from appliance.store.models import Call, Charge
from appliance.store.unit import Store
from tests.support.seed import SHANGHAI
from tests.webui.conftest import SignIn

FIRST = "00000000-0000-4000-8000-000000000000"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def encoded(cursor: str) -> str:
    return base64.urlsafe_b64encode(cursor.encode()).decode()


def found(client: FlaskClient, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/calls", query_string=query)
    assert answer.status_code == 200, answer.text
    calls: list[dict[str, Any]] = answer.get_json()["calls"]
    return calls


def test_a_call_whole(sign_in: SignIn, store: Store) -> None:
    at = datetime(2025, 3, 1, 9, 30, 0, 250_000, SHANGHAI)
    with store.work() as session:
        session.execute(
            update(Call)
            .where(Call.uuid == FIRST)
            .values(
                started_at=at,
                answered_at=at + timedelta(seconds=1),
                joined_at=None,
                ended_at=at + timedelta(seconds=9, microseconds=600),
                bill_ms=8000,
                bridged_ms=0,
                keys="welcome=1;sub=#",
                outcome="abandoned:ringing",
                caller_name="=x",
                line_id="",
                recording="",
            )
        )
        session.execute(update(Charge).where(Charge.call_uuid == FIRST).values(amount=83_333))
        session.commit()
    assert found(sign_in("desk"), **{"from": "2025-03-01", "to": "2025-03-01"}) == [
        {
            "id": FIRST,
            "account": "east",
            "number": "4008001234",
            "trunk": "telecom",
            "caller": "13912345678",
            "caller_kind": "mobile",
            "caller_name": "=x",
            "started_at": "2025-03-01T09:30:00.250+08:00",
            "answered_at": "2025-03-01T09:30:01.250+08:00",
            "joined_at": None,
            "ended_at": "2025-03-01T09:30:09.250+08:00",
            "billed_ms": 8000,
            "talked_ms": 0,
            "line": "",
            "talks": [],
            "flow": "main@3",
            "keys": [{"menu": "welcome", "key": "1"}, {"menu": "sub", "key": "#"}],
            "way": [],
            "mark": "",
            "outcome": "abandoned:ringing",
            "amount_yuan": "0.083333",
            "has_recording": False,
        }
    ]


def test_times_with_an_offset_are_instants(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        at = datetime(2025, 3, 1, 9, 30, tzinfo=SHANGHAI)
        session.execute(update(Call).where(Call.uuid == FIRST).values(started_at=at))
        session.commit()
    client = sign_in()
    assert len(found(client, **{"from": "2025-03-01T01:30:00Z", "to": "2025-03-01T01:30:01+00:00"})) == 1
    assert found(client, **{"from": "2025-03-01T01:29:00Z", "to": "2025-03-01T01:30:00Z"}) == []
    # A plus sign that was not escaped arrives as a blank.
    assert client.get("/api/v1/calls?from=2025-03-01T09:30:00+08:00&to=2025-03-01").get_json()["calls"]


def test_filters_are_those_of_the_page(sign_in: SignIn) -> None:
    client = sign_in()
    assert {call["caller"] for call in found(client, caller="139 1234")} == {"13912345678"}
    assert {call["line"] for call in found(client, line="desk-1")} == {"desk-1"}
    assert {call["outcome"].split(":")[0] for call in found(client, outcome="failed")} == {"failed"}
    assert {call["number"] for call in found(client, number="400-600-5678")} == {"4006005678"}


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "0001-01-01"},
        {"to": "9999-12-31"},
        {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_dates_beyond_all_calls_ask_for_all(sign_in: SignIn, asked: dict[str, str]) -> None:
    client = sign_in()
    assert found(client, **asked) == found(client)
    assert client.get("/", query_string={"from": "", "to": "", **asked}).status_code == 200
    every = {"from": "", "to": ""}
    assert (
        client.get("/calls.csv", query_string=every | asked).text
        == client.get("/calls.csv", query_string=every).text
    )


def test_a_cursor_walks_through_all_calls_once(sign_in: SignIn, store: Store) -> None:
    same = datetime(2025, 3, 1, tzinfo=SHANGHAI)
    with store.work() as session:  # many calls of one instant: the row's number decides
        session.execute(update(Call).where(Call.outcome != "answered").values(started_at=same))
        session.commit()
    client = sign_in("desk")
    walked: list[str] = []
    cursor = ""
    for _ in range(100):
        page = client.get("/api/v1/calls", query_string={"limit": 7, "cursor": cursor}).get_json()
        walked += [call["id"] for call in page["calls"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(walked) == len(set(walked)) == 60
    assert walked == [call["id"] for call in found(client, limit="500")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "many"),
        ("cursor", "x"),
        ("cursor", encoded("9999-12-31T00:00:00+00:00/1")),
        ("cursor", encoded("0001-01-01T00:00:00+14:00/1")),
        ("cursor", encoded("2026-01-01T00:00:00+08:00/99999999999999999999999999")),
        ("cursor", "!!!"),
        ("cursor", "é"),
        ("cursor", "MjAyNi0wMS0wMVQwMDowMDowMC8x"),  # a time without an offset
        ("from", "yesterday"),
        ("from", "2026-11-22T10:00:00"),
        ("to", "2026-02-30"),
        ("outcome", "lost"),
        ("caller", "x" * 101),
        ("number", "4" * 31),
    ],
)
def test_what_cannot_be_read_is_a_problem_by_field(sign_in: SignIn, field: str, value: str) -> None:
    answer = sign_in().get("/api/v1/calls", query_string={field: value})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    body = answer.get_json()
    assert body["status"] == 422
    assert list(body["errors"]) == [field]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("GET", "/api/", 404), ("PUT", "/api/v1/calls", 405)],
)
def test_other_errors_are_problems_too(app: Flask, sign_in: SignIn, method: str, path: str, status: int) -> None:
    client = sign_in()
    app.config["WTF_CSRF_ENABLED"] = False
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_the_description_is_for_those_signed_in(app: Flask, sign_in: SignIn) -> None:
    assert app.test_client().get("/api/v1/openapi.json").status_code == 401
    spec = sign_in().get("/api/v1/openapi.json").get_json()
    assert {"/api/v1/calls", "/api/v1/live", "/api/v1/recordings", "/api/v1/tasks"} <= set(spec["paths"])
    parameters = {parameter["name"] for parameter in spec["paths"]["/api/v1/calls"]["get"]["parameters"]}
    assert parameters == {"number", "caller", "line", "outcome", "from", "to", "limit", "cursor"}
    assert "CallPage" in spec["components"]["schemas"]


def test_every_route_of_the_api_is_documented(app: Flask, sign_in: SignIn) -> None:
    text = DOCS.read_text(encoding="utf-8")
    documented = set(re.findall(r"^## `([A-Z]+ /api/[^`]+)`", text, re.MULTILINE))
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.methods
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert documented == routes


def test_every_field_is_documented(sign_in: SignIn) -> None:
    text = DOCS.read_text(encoding="utf-8")
    spec = sign_in().get("/api/v1/openapi.json").get_json()
    asked = [route["get"].get("parameters", ()) for route in spec["paths"].values()]
    names = {parameter["name"] for parameters in asked for parameter in parameters if parameter["in"] == "query"}
    schemas = spec["components"]["schemas"]
    ours = {name: schema for name, schema in schemas.items() if "Error" not in name}
    names |= {field for schema in ours.values() for field in schema["properties"]}
    assert {"expected_s", "max_channels", "used_by", "closing_call", "sha256"} <= names
    # In a sentence, or in an example.
    assert {name for name in names if f"`{name}`" not in text and f'"{name}"' not in text} == set()
