"""Callers who are to be called back: the list, closing one, the export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.errors import RuleError
from appliance.store.queries import Reader, tasks
from appliance.store.queries.call_views import Place
from appliance.store.queries.routing import number_choices
from appliance.store.queries.tasks import STATES, TaskFilter, TaskRow
from appliance.store.tasks import LONGEST_NOTE, close_task
from webui.call_filter import Asked, read_filter
from webui.context import console, holds, now, reader
from webui.csv_answer import downloaded_csv
from webui.listing import PAGE_SIZE, all_pages, is_part, turned_to
from webui.sound import who
from webui.task_export import tasks_csv

bp = Blueprint("tasks", __name__)

#: Roles that may close a task.
CLOSERS = frozenset({"administrator", "operator", "supervisor", "agent"})


@bp.get("/tasks")
def listing() -> ResponseReturnValue:
    """A page of the tasks that were asked for: the open ones, unless told otherwise."""
    asked = _read(request.args)
    with reader() as opened:
        turned = turned_to(tasks.count(opened, asked.filter))
        rows = tasks.page(opened, asked.filter, limit=PAGE_SIZE, offset=turned.offset)
        numbers = number_choices(opened)
        several_accounts = opened.scope.sees_all
    return render_template(
        "tasks/_results.html" if is_part() else "tasks/list.html",
        asked=asked,
        rows=rows,
        **turned.shown(),
        page_url=lambda to: url_for(".listing", **{**_again(asked), "page": to}),
        state_url=lambda state: url_for(".listing", **{**_again(asked), "state": state}),
        back=url_for(".listing", **{**_again(asked), "page": turned.number}),
        export_url=url_for(".export", **_again(asked)),
        states=STATES,
        numbers=numbers,
        now=now(),
        may_close=holds(CLOSERS),
        longest_note=LONGEST_NOTE,
        several_accounts=several_accounts,
    )


@bp.get("/tasks.csv")
def export() -> ResponseReturnValue:
    """The tasks that were asked for, as CSV."""
    asked = _read(request.args)
    if asked.faults:
        abort(400)
    return downloaded_csv("tasks", tasks_csv(_pages(asked.filter)))


@bp.post("/tasks/<int:task_id>/close")
def close(task_id: int) -> ResponseReturnValue:
    """Close it, with the form's note; one that is closed by now stays as it is."""
    if not holds(CLOSERS):
        abort(403)
    note = request.form.get("note", "").strip()
    with reader() as opened:
        row = tasks.one(opened, task_id)
    if row is None:
        abort(404)
    if note and row.is_open:
        _close(task_id, note)
    back = request.form.get("back", "")
    # Only to this list: what a form brings is no address to go to.
    return redirect(back if back == "/tasks" or back.startswith("/tasks?") else url_for(".listing"), 303)


def _close(task_id: int, note: str) -> None:
    by = who()
    try:
        with console().store.work() as session:
            close_task(
                session,
                task_id,
                operator=by.operator,
                address=by.address,
                account=by.account_id,
                note=note,
                now=now(),
            )
            session.commit()
    except RuleError:
        return  # he was reached, or somebody else closed it, in this moment


def _pages(wanted: TaskFilter) -> Iterator[Sequence[TaskRow]]:
    def page(opened: Reader, limit: int, after: Place | None) -> Sequence[TaskRow]:
        return tasks.page(opened, wanted, limit=limit, after=after)

    return all_pages(page, tasks.place)


def _read(given: Mapping[str, str]) -> Asked[TaskFilter]:
    """The fields of calls that mean the same here, and the state."""
    calls = read_filter({name: value for name, value in given.items() if name not in ("line", "outcome")})
    state = given.get("state", "open")
    state = state if state in STATES else ""
    asked = calls.filter
    wanted = TaskFilter(state, asked.number, asked.caller, asked.since, asked.until)
    return Asked(wanted, {**calls.fields, "state": state}, calls.faults)


def _again(asked: Asked[TaskFilter]) -> dict[str, Any]:
    """For a link; the state stays even when empty: that asks for all."""
    return {name: value for name, value in asked.fields.items() if value or name == "state"}
