"""``GET /api/v1/calls``: stored calls, newest first. ``docs/api.md`` describes it."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from appliance.store.queries import calls
from appliance.store.queries.call_views import CallRow, Place
from appliance.store.queries.calls import OUTCOMES, CallFilter
from webui.call_filter import read_time
from webui.context import reader
from webui.shown import decimal_yuan, stamp

bp = APIBlueprint("api_calls", __name__, url_prefix="/api/v1", tag="Calls")

MOST = 500


class _Start(String):
    """A day of Shanghai, or a time with its offset."""

    end_of_day = False

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime | None:  # type: ignore[override]
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return read_time(text.strip(), end_of_day=self.end_of_day)
        except ValueError as error:
            raise ValidationError("must be a date (2026-11-22) or a time with an offset") from error


class _End(_Start):
    """The same; a day means its end."""

    end_of_day = True


class _Cursor(String):
    """Where the last page ended: opaque to its user, a time and a row to us."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Place | None:  # type: ignore[override]
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text:
            return None
        try:
            at, _, row = base64.urlsafe_b64decode(text.encode("ascii", "strict")).decode("ascii").rpartition("/")
            place = Place(datetime.fromisoformat(at), int(row))
        except (ValueError, binascii.Error) as error:
            raise ValidationError("is not a cursor that this API gave out") from error
        if place.started_at.tzinfo is None or not 1970 <= place.started_at.year < 9999 or place.id >= 2**63:
            raise ValidationError("is not a cursor that this API gave out")
        return place


class _Stamp(DateTime):
    """A time in Shanghai with its offset, ``2026-11-22T11:05:30.250+08:00``."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else stamp(value)


class CallQuery(Schema):
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
    since = _Start(
        data_key="from",
        load_default=None,
        metadata={"description": "Start: a day of Asia/Shanghai, or a time with an offset (inclusive)."},
    )
    until = _End(
        data_key="to",
        load_default=None,
        metadata={"description": "End: a day of Asia/Shanghai (inclusive), or a time with an offset (exclusive)."},
    )
    limit = Integer(load_default=100, validate=Range(min=1, max=MOST), metadata={"description": "Calls a page."})
    cursor = _Cursor(load_default=None, metadata={"description": "`next_cursor` of the page before."})


class Key(Schema):
    """A key that the caller pressed."""

    menu = String(required=True)
    key = String(required=True)


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
    started_at = _Stamp(required=True)
    answered_at = _Stamp(required=True, allow_none=True)
    joined_at = _Stamp(required=True, allow_none=True, metadata={"description": "When a line took the call."})
    ended_at = _Stamp(required=True)
    billed_ms = Integer(required=True, metadata={"description": "From the gateway's answer to the end."})
    talked_ms = Integer(required=True, metadata={"description": "From a line's answer to the end."})
    line = String(required=True)
    keys = List(Nested(Key), required=True)
    outcome = String(required=True, metadata={"description": "`answered`, `failed:user-busy` …"})
    amount_yuan = String(
        required=True,
        allow_none=True,
        metadata={"description": "Six decimals. Null: not rated yet, or not charged."},
    )
    has_recording = Boolean(required=True)


class CallPage(Schema):
    """A page of calls."""

    calls = List(Nested(CallOut), required=True)
    next_cursor = String(required=True, allow_none=True, metadata={"description": "Null: this was the last page."})


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
    limit = query_data["limit"]
    with reader() as opened:
        # One more than asked for says whether there is a next page.
        rows = calls.page(opened, wanted, limit=limit + 1, after=query_data["cursor"])
    more = len(rows) > limit
    rows = rows[:limit]
    return {"calls": [_out(row) for row in rows], "next_cursor": _cursor(rows[-1].place) if more else None}


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place.started_at.isoformat()}/{place.id}".encode()).decode()


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
        "keys": [{"menu": menu, "key": key} for menu, key in row.keys],
        "outcome": row.outcome,
        "amount_yuan": None if row.amount is None else decimal_yuan(row.amount),
        "has_recording": bool(row.recording),
    }
