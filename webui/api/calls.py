"""``GET /api/v1/calls``: stored calls, newest first. ``docs/api.md`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import Length, OneOf
from flask.typing import ResponseReturnValue

from appliance.store.queries import Reader, calls
from appliance.store.queries.call_views import CallRow, Place
from appliance.store.queries.calls import OUTCOMES, CallFilter
from webui.api.fields import End, Stamp, Start
from webui.api.pages import ListPage, ListQuery, one_page
from webui.shown import decimal_yuan

bp = APIBlueprint("api_calls", __name__, url_prefix="/api/v1", tag="Calls")


class CallQuery(ListQuery):
    """Filters, as on the page."""

    number = String(
        metadata={"description": "400 number, in any writing."}, validate=Length(max=30), load_default=""
    )
    caller = String(
        metadata={"description": "Part of the caller's number, or of the name sent with it."},
        validate=Length(max=100),
        load_default="",
    )
    line = String(
        metadata={"description": "Id of the line that took the call."}, validate=Length(max=40), load_default=""
    )
    outcome = String(metadata={"description": "How the call ended."}, validate=OneOf(OUTCOMES), load_default="")
    since = Start(
        data_key="from",
        load_default=None,
        metadata={"description": "Start: a day of Asia/Shanghai, or a time with an offset (inclusive)."},
    )
    until = End(
        data_key="to",
        load_default=None,
        metadata={"description": "End: a day of Asia/Shanghai (inclusive), or a time with an offset (exclusive)."},
    )


class Key(Schema):
    """A key that the caller pressed."""

    menu = String(required=True)
    key = String(required=True)


class Step(Schema):
    """A node of the flow, and the exit that it was left by."""

    node = String(required=True)
    exit = String(required=True)


class Talk(Schema):
    """A line that spoke with the caller."""

    line = String(required=True, metadata={"description": "Empty: it is not known which."})
    talked_ms = Integer(required=True)


class CallOut(Schema):
    """A call."""

    id = String(required=True, metadata={"description": "UUID of the call."})
    account = String(
        required=True, allow_none=True, metadata={"description": "Null: the number was not one of ours."}
    )
    number = String(required=True, metadata={"description": "400 number, ten digits."})
    trunk = String(required=True)
    caller = String(required=True, metadata={"description": "Empty: withheld."})
    caller_kind = String(required=True, validate=OneOf(["mobile", "fixed", "overseas", "unknown"]))
    caller_name = String(required=True, metadata={"description": "As the caller's carrier sent it; not checked."})
    started_at = Stamp(required=True)
    answered_at = Stamp(required=True, allow_none=True)
    joined_at = Stamp(required=True, allow_none=True, metadata={"description": "When a line took the call."})
    ended_at = Stamp(required=True)
    billed_ms = Integer(required=True, metadata={"description": "From the gateway's answer to the end."})
    talked_ms = Integer(required=True, metadata={"description": "From a line's answer to the end."})
    line = String(required=True)
    talks = List(Nested(Talk), required=True, metadata={"description": "Who spoke with the caller, in order."})
    flow = String(required=True, metadata={"description": "Flow and version, `main@3`; empty: none."})
    keys = List(Nested(Key), required=True)
    way = List(Nested(Step), required=True, metadata={"description": "How it went through its flow."})
    mark = String(required=True, metadata={"description": "The key that answered a survey; empty: none."})
    outcome = String(required=True, metadata={"description": "`answered`, `failed:user-busy` …"})
    amount_yuan = String(
        required=True,
        allow_none=True,
        metadata={"description": "Six decimals. Null: not rated yet, or not charged."},
    )
    has_recording = Boolean(required=True)


class CallPage(ListPage):
    """A page of calls."""

    calls = List(Nested(CallOut), required=True)


@bp.get("/calls")
@bp.input(CallQuery, location="query")
@bp.output(CallPage)
@bp.doc(summary="Calls, newest first", responses=[401, 422, 429])
def list_calls(query_data: dict[str, Any]) -> ResponseReturnValue:
    """The calls of the signed-in operator's account that match the filters."""
    wanted = CallFilter(
        number=query_data["number"],
        caller=query_data["caller"],
        line_id=query_data["line"],
        outcome=query_data["outcome"],
        since=query_data["since"],
        until=query_data["until"],
    )

    def page(opened: Reader, limit: int, after: Place | None) -> Sequence[CallRow]:
        return calls.page(opened, wanted, limit=limit, after=after)

    return one_page("calls", query_data, page, lambda row: row.place, _out)


def _out(row: CallRow) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "account": row.account_id,
        "number": row.number,
        "trunk": row.trunk_id,
        "caller": row.caller,
        "caller_kind": row.caller_kind,
        "caller_name": row.caller_name,
        "started_at": row.started_at,
        "answered_at": row.answered_at,
        "joined_at": row.joined_at,
        "ended_at": row.ended_at,
        "billed_ms": row.bill_ms,
        "talked_ms": row.bridged_ms,
        "line": row.line_id,
        "talks": [{"line": "" if line == "-" else line, "talked_ms": ms} for line, ms in row.talks],
        "flow": row.flow,
        "keys": [{"menu": menu, "key": key} for menu, key in row.keys],
        "way": [{"node": node, "exit": exit_name} for node, exit_name in row.way],
        "mark": row.mark,
        "outcome": row.outcome,
        "amount_yuan": None if row.amount is None else decimal_yuan(row.amount),
        "has_recording": bool(row.recording),
    }
