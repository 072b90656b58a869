"""The API's recordings and prompts, and what calls tell besides."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select, update

from appliance.store.models import Call, Recording, RecordingAccess
from appliance.store.unit import Store
from tests.webui.conftest import SignIn

FIRST = "00000000-0000-4000-8000-000000000000"


def test_how_a_call_went_through_its_flow_and_who_spoke(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        values = {
            "way": "welcome=keys.1;sales=joined",
            "mark": "5",
            "talks": "sales-1=1200;-=300",
            "flow": "main@2",
        }
        session.execute(update(Call).where(Call.uuid == FIRST).values(**values))
        session.commit()
    calls = sign_in("desk").get("/api/v1/calls?limit=500").get_json()["calls"]
    (call,) = [one for one in calls if one["id"] == FIRST]
    assert call["way"] == [{"node": "welcome", "exit": "keys.1"}, {"node": "sales", "exit": "joined"}]
    assert (call["mark"], call["flow"]) == ("5", "main@2")
    assert call["talks"] == [{"line": "sales-1", "talked_ms": 1200}, {"line": "", "talked_ms": 300}]


def test_recordings_in_pages_and_by_filters(sign_in: SignIn) -> None:
    client = sign_in("desk")
    everything = client.get("/api/v1/recordings?limit=500").get_json()
    rows = everything["recordings"]
    assert everything["next_cursor"] is None
    walked: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/recordings", query_string={"limit": 1, "cursor": cursor}).get_json()
        walked += [one["id"] for one in page["recordings"]]
        cursor = page["next_cursor"]
    assert walked == [one["id"] for one in rows]
    assert len(walked) == len(set(walked)) > 1
    held = client.get("/api/v1/recordings?held=true").get_json()["recordings"]
    assert [one["held"] for one in held] == [True]
    messages = client.get("/api/v1/recordings?kind=voicemail").get_json()["recordings"]
    assert {one["kind"] for one in messages} == {"voicemail"}
    assert client.get(f"/api/v1/recordings/{rows[0]['id']}").get_json() == rows[0]


def test_a_download_is_noted_as_the_pages_is(sign_in: SignIn, store: Store) -> None:
    client = sign_in("desk")
    row = client.get("/api/v1/recordings?kind=talk").get_json()["recordings"][0]
    with client.get(f"/api/v1/recordings/{row['id']}/file") as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert hashlib.sha256(answer.data).hexdigest() == row["sha256"]
        assert len(answer.data) == row["bytes"]
    with store.reading() as session:
        noted = session.scalars(select(RecordingAccess).order_by(RecordingAccess.id.desc())).first()
        assert noted is not None
        assert (noted.operator, noted.action, noted.recording_id) == ("desk", "download", row["id"])


def test_nobody_hears_anothers_or_what_is_gone(sign_in: SignIn, store: Store) -> None:
    desk = sign_in("desk")
    row = desk.get("/api/v1/recordings").get_json()["recordings"][0]
    other = sign_in("other")
    for path in ("", "/file"):
        assert other.get(f"/api/v1/recordings/{row['id']}{path}").status_code == 404
    with store.work() as session:
        gone = session.get(Recording, row["id"])
        assert gone is not None
        gone.deleted_at = gone.made_at
        session.commit()
    for path in ("", "/file"):
        answer = desk.get(f"/api/v1/recordings/{row['id']}{path}")
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("recordings", "kind", "song"),
        ("recordings", "cursor", "x"),
        ("recordings", "limit", "0"),
        ("tasks", "state", "lost"),
        ("tasks", "from", "yesterday"),
        ("tasks", "cursor", "!!!"),
        ("prompts", "account", "x" * 41),
    ],
)
def test_what_cannot_be_read_is_a_problem_by_field(sign_in: SignIn, path: str, field: str, value: str) -> None:
    answer = sign_in().get(f"/api/v1/{path}", query_string={field: value})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert list(answer.get_json()["errors"]) == [field]


def test_prompts_of_the_accounts_that_may_be_seen(sign_in: SignIn) -> None:
    mine = sign_in("desk").get("/api/v1/prompts").get_json()["prompts"]
    assert {one["account"] for one in mine} == {"east"}
    welcome = next(one for one in mine if one["name"] == "welcome")
    assert "flow main" in welcome["used_by"]
    own = [one for one in mine if one["versions"]]
    assert own
    assert own[0]["versions"][0]["source"] in {"upload", "tts", "phone"}
    assert {one["heard"] for one in mine} <= {"own", "synthetic", "default", "missing"}
    assert sign_in("desk").get("/api/v1/prompts?account=west").get_json() == {"prompts": []}
    everybody = sign_in("admin").get("/api/v1/prompts").get_json()["prompts"]
    assert {one["account"] for one in everybody} == {"east", "west"}
