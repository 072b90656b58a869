"""Callers who are to be called back: the list, closing one, the export, the API."""

from __future__ import annotations

import csv
import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from appliance.store.models import Operator, Role, Task, TaskEvent
from appliance.store.unit import Store
from tests.webui.conftest import SignIn, csrf, plain


def listed(client: FlaskClient, **query: str) -> list[dict[str, object]]:
    answer = client.get("/api/v1/tasks", query_string=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.get_json()["tasks"]
    return found


def close(client: FlaskClient, task: object, **form: str) -> tuple[int, str | None]:
    answer = client.post(f"/tasks/{task}/close", data={"csrf_token": csrf(client, "/tasks"), **form})
    return answer.status_code, answer.location


def test_the_page_shows_who_is_to_be_called_back(sign_in: SignIn) -> None:
    client = sign_in("desk")
    opened = listed(client, state="open")
    assert opened
    text = plain(client.get("/tasks").text)
    assert f"Missed callers {len(opened)} " in text
    everything = client.get("/tasks?state=").text
    assert "=已用手机回过" in everything
    assert "closed by desk" in plain(everything)
    assert "reached" in plain(everything)
    assert "=已用手机回过" not in text


def test_filters_find(sign_in: SignIn) -> None:
    client = sign_in("admin")
    caller = str(listed(client)[0]["caller"])
    assert {one["caller"] for one in listed(client, caller=caller)} == {caller}
    assert {one["account"] for one in listed(client, number="400-600-5678")} == {"west"}
    assert listed(client, **{"from": "2100-01-01"}) == []
    assert "Nobody to call back" in client.get("/tasks?from=2100-01-01").text
    assert client.get("/tasks?from=never").status_code == 200


def test_a_clerk_closes_one(sign_in: SignIn, store: Store) -> None:
    client = sign_in("desk")
    task = listed(client, state="open")[0]
    assert close(client, task["id"], note=" ", back="/tasks") == (303, "/tasks")
    assert listed(client, state="open")[0] == task, "without a word it stays open"
    assert close(client, task["id"], note="已回电", back="/tasks?state=open") == (303, "/tasks?state=open")
    (closed,) = [one for one in listed(client, state="closed") if one["id"] == task["id"]]
    assert (closed["closed_by"], closed["note"], closed["closing_call"]) == ("desk", "已回电", "")
    with store.reading() as session:
        event = session.scalars(select(TaskEvent).order_by(TaskEvent.id.desc())).first()
        assert event is not None
        assert (event.operator, event.caller, event.note) == ("desk", task["caller"], "已回电")
    assert close(client, task["id"], note="noch einmal")[0] == 303, "somebody was quicker: nothing is changed"
    assert [one["note"] for one in listed(client, state="closed") if one["id"] == task["id"]] == ["已回电"]


def test_nobody_closes_anothers(sign_in: SignIn) -> None:
    (foreign,) = listed(sign_in("other"))
    desk = sign_in("desk")
    assert close(desk, foreign["id"], note="x")[0] == 404
    assert close(desk, 999_999, note="x")[0] == 404
    assert listed(sign_in("other")) == [foreign]


@pytest.mark.parametrize(("role", "may"), [("agent", True), ("finance", False), ("auditor", False)])
def test_who_may_close(sign_in: SignIn, store: Store, role: str, may: bool) -> None:
    with store.work() as session:
        operator = session.scalars(select(Operator).where(Operator.login == "desk")).one()
        operator.roles = [session.scalars(select(Role).where(Role.name == role)).one()]
        session.commit()
    client = sign_in("desk")
    task = listed(client, state="open")[0]
    assert ("Mark as done" in plain(client.get("/tasks").text).replace("State Mark as done", "State")) is may
    assert close(client, task["id"], note="x")[0] == (303 if may else 403)


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/tasks", "/tasksx", ""])
def test_closing_leads_nowhere_else(sign_in: SignIn, back: str) -> None:
    client = sign_in("desk")
    task = listed(client, state="open")[0]
    assert close(client, task["id"], note="x", back=back) == (303, "/tasks")


def test_the_export_holds_no_formula(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        session.execute(update(Task).where(Task.note != "").values(note="=HYPERLINK(1)"))
        session.commit()
    answer = sign_in("desk").get("/tasks.csv?state=")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tasks-')
    text = answer.data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(listed(sign_in("desk")))
    assert {row["Note"] for row in rows} == {"", "'=HYPERLINK(1)"}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert "'+14155550100" in {row["Caller"] for row in rows}
    assert sign_in("desk").get("/tasks.csv?from=never").status_code == 400


def test_pages_of_the_api_walk_through_all_once(sign_in: SignIn) -> None:
    client = sign_in("admin")
    walked: list[object] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/tasks", query_string={"limit": 3, "cursor": cursor}).get_json()
        walked += [one["id"] for one in page["tasks"]]
        cursor = page["next_cursor"]
    assert walked == [one["id"] for one in listed(client, limit="500")]
    assert len(walked) == len(set(walked)) > 3


def test_a_task_whole(sign_in: SignIn) -> None:
    (task,) = listed(sign_in("other"))
    assert {name: task[name] for name in ("kind", "account", "caller", "calls", "state", "closed_at")} == {
        "kind": "missed",
        "account": "west",
        "caller": "13000000000",
        "calls": 2,
        "state": "open",
        "closed_at": None,
    }
    assert "account_id" not in task
