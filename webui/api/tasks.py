"""``GET /api/v1/tasks``: callers who are to be called back. ``docs/api.md`` describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from flask.typing import ResponseReturnValue

from appliance.store.queries import tasks
from appliance.store.queries.tasks import STATES, TaskFilter, TaskRow
from webui.api.fields import Cursor, End, Stamp, Start, cursor
from webui.context import reader

bp = APIBlueprint("api_tasks", __name__, url_prefix="/api/v1", tag="Tasks")

MOST = 500


class TaskQuery(Schema):
    """Filters, as on the page."""

    state = String(validate=OneOf(STATES), load_default="", metadata={"description": "Default: both."})
    number = String(
        metadata={"description": "400 number, in any writing."}, validate=Length(max=30), load_default=""
    )
    caller = String(
        metadata={"description": "Part of the caller's number."}, validate=Length(max=100), load_default=""
    )
    since = Start(data_key="from", load_default=None, metadata={"description": "Start, of the last call."})
    until = End(data_key="to", load_default=None, metadata={"description": "End, of the last call."})
    limit = Integer(load_default=100, validate=Range(min=1, max=MOST), metadata={"description": "Rows a page."})
    cursor = Cursor(load_default=None, metadata={"description": "`next_cursor` of the page before."})


class TaskOut(Schema):
    """A caller and his missed calls."""

    id = Integer(required=True)
    kind = String(required=True, validate=OneOf(["missed"]))
    account = String(required=True)
    caller = String(required=True)
    caller_kind = String(required=True, validate=OneOf(["mobile", "fixed", "overseas", "unknown"]))
    number = String(required=True, metadata={"description": "The 400 number that he called last."})
    calls = Integer(required=True, metadata={"description": "How many were missed."})
    first_call = String(required=True)
    first_at = Stamp(required=True)
    last_call = String(required=True)
    last_at = Stamp(required=True)
    last_outcome = String(required=True)
    state = String(required=True, validate=OneOf(STATES))
    closed_at = Stamp(required=True, allow_none=True)
    closing_call = String(required=True, metadata={"description": "The call that reached him; empty: none did."})
    closed_by = String(required=True, metadata={"description": "Login of who closed it; empty: nobody."})
    note = String(required=True)


class TaskPage(Schema):
    """A page of tasks."""

    tasks = List(Nested(TaskOut), required=True)
    next_cursor = String(required=True, allow_none=True, metadata={"description": "Null: this was the last page."})


@bp.get("/tasks")
@bp.input(TaskQuery, location="query")
@bp.output(TaskPage)
@bp.doc(summary="Callers to call back, those called last first", responses=[401, 422])
def list_tasks(query_data: dict[str, Any]) -> ResponseReturnValue:
    """The tasks of the signed-in operator's account that match the filters."""
    names = ("state", "number", "caller", "since", "until")
    wanted = TaskFilter(**{name: query_data[name] for name in names})
    limit = query_data["limit"]
    with reader() as opened:
        rows = tasks.page(opened, wanted, limit=limit + 1, after=query_data["cursor"])
    more = len(rows) > limit
    rows = rows[:limit]
    return {"tasks": [_out(row) for row in rows], "next_cursor": cursor(tasks.place(rows[-1])) if more else None}


def _out(row: TaskRow) -> dict[str, Any]:
    return {**asdict(row), "account": row.account_id, "state": "open" if row.is_open else "closed"}
