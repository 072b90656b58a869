"""``GET /api/v1/tasks``: callers who are to be called back. ``docs/api.md`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Integer, List, Nested, String
from apiflask.validators import Length, OneOf
from flask.typing import ResponseReturnValue

from appliance.store.queries import Reader, tasks
from appliance.store.queries.call_views import Place
from appliance.store.queries.tasks import STATES, TaskFilter, TaskRow
from webui.api.fields import End, Stamp, Start
from webui.api.pages import ListPage, ListQuery, one_page

bp = APIBlueprint("api_tasks", __name__, url_prefix="/api/v1", tag="Tasks")


class TaskQuery(ListQuery):
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


class TaskPage(ListPage):
    """A page of tasks."""

    tasks = List(Nested(TaskOut), required=True)


@bp.get("/tasks")
@bp.input(TaskQuery, location="query")
@bp.output(TaskPage)
@bp.doc(summary="Callers to call back, those called last first", responses=[401, 422])
def list_tasks(query_data: dict[str, Any]) -> ResponseReturnValue:
    """The tasks of the signed-in operator's account that match the filters."""
    names = ("state", "number", "caller", "since", "until")
    wanted = TaskFilter(**{name: query_data[name] for name in names})

    def page(opened: Reader, limit: int, after: Place | None) -> Sequence[TaskRow]:
        return tasks.page(opened, wanted, limit=limit, after=after)

    return one_page("tasks", query_data, page, tasks.place, _out)


def _out(row: TaskRow) -> dict[str, Any]:
    return {**asdict(row), "account": row.account_id, "state": "open" if row.is_open else "closed"}
