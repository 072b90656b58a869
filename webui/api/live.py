"""``GET /api/v1/live…``: what goes on now. ``docs/api.md`` describes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import OneOf
from flask import Response, request
from flask.typing import ResponseReturnValue

from appliance.live.snapshot import Row, Snapshot, moment
from webui.api.fields import Stamp
from webui.context import console, signed_in
from webui.errors import problem
from webui.shown import stamp

bp = APIBlueprint("api_live", __name__, url_prefix="/api/v1/live", tag="Live")

_STAGES = ["arrived", "refused", "flow", "queue", "message", "ringing", "talking"]
_STATES = ["talking", "ringing", "unregistered", "trunk-down", "capped", "resting", "free", "unknown"]


class SwitchOut(Schema):
    """Whether the switch answers."""

    up = Boolean(required=True)
    away_since = Stamp(required=True, allow_none=True)


class LiveCallOut(Schema):
    """A call that goes on."""

    id = String(required=True, metadata={"description": "UUID of the call, as it will be stored."})
    account = String(required=True, allow_none=True, metadata={"description": "Null: not known yet, or not ours."})
    number = String(required=True)
    trunk = String(required=True)
    caller = String(required=True, metadata={"description": "Empty: withheld."})
    caller_kind = String(required=True, validate=OneOf(["mobile", "fixed", "overseas", "unknown"]))
    started_at = Stamp(required=True)
    stage = String(required=True, validate=OneOf(_STAGES))
    since = Stamp(required=True, allow_none=True, metadata={"description": "Null: since before anybody looked."})
    flow = String(required=True)
    node = String(required=True)
    queue = String(required=True)
    lines = List(String(), required=True, metadata={"description": "Those that ring, or the one that talks."})
    recorded = Boolean(required=True)


class WaiterOut(Schema):
    """A caller who waits."""

    call = String(required=True)
    position = Integer(required=True, metadata={"description": "0: lines ring for him."})
    number = String(required=True)
    caller = String(required=True)
    priority = Integer(required=True)
    entered_at = Stamp(required=True)
    expected_s = Integer(required=True, allow_none=True, metadata={"description": "Null: nobody can tell."})


class LiveQueueOut(Schema):
    """A queue."""

    id = String(required=True)
    account = String(required=True)
    callers = List(Nested(WaiterOut), required=True)
    lines = Integer(required=True)
    free = Integer(required=True)
    busy = Integer(required=True)
    resting = Integer(required=True)
    away = Integer(required=True)
    sign_in = Boolean(required=True)
    signed_in = Integer(required=True)


class LiveLineOut(Schema):
    """A line."""

    id = String(required=True)
    account = String(required=True)
    state = String(required=True, validate=OneOf(_STATES))
    calls = Integer(required=True)
    max_calls = Integer(required=True, metadata={"description": "0: not counted."})
    since = Stamp(required=True, allow_none=True)
    rests_until = Stamp(required=True, allow_none=True)
    asks_sign_in = Boolean(required=True)
    signed_in_at = Stamp(required=True, allow_none=True)


class LiveTrunkOut(Schema):
    """A trunk."""

    id = String(required=True)
    up = Boolean(required=True, allow_none=True, metadata={"description": "Null: not watched."})
    since = Stamp(required=True, allow_none=True)
    channels = Integer(required=True, metadata={"description": "In use; an account sees its own."})
    max_channels = Integer(required=True, metadata={"description": "0: not counted, or not the account's alone."})


class _Now(Schema):
    at = Stamp(required=True, metadata={"description": "When the switch was looked at."})
    switch = Nested(SwitchOut, required=True)


class LiveCalls(_Now):
    """The calls."""

    calls = List(Nested(LiveCallOut), required=True)


class LiveQueues(_Now):
    """The queues."""

    queues = List(Nested(LiveQueueOut), required=True)


class LiveLines(_Now):
    """The lines."""

    lines = List(Nested(LiveLineOut), required=True)


class LiveTrunks(_Now):
    """The trunks."""

    trunks = List(Nested(LiveTrunkOut), required=True)


class LiveState(LiveCalls, LiveQueues, LiveLines, LiveTrunks):
    """All of it."""


_ANSWERS = [304, 401, 503]


@bp.get("")
@bp.output(LiveState)
@bp.doc(summary="What goes on now", responses=_ANSWERS)
def state() -> ResponseReturnValue:
    """Calls, queues, lines and trunks, at most a second old."""
    return _answer(tuple(_PARTS))


@bp.get("/calls")
@bp.output(LiveCalls)
@bp.doc(summary="Calls that go on", responses=_ANSWERS)
def live_calls() -> ResponseReturnValue:
    """The calls, the oldest first."""
    return _answer(("calls",))


@bp.get("/queues")
@bp.output(LiveQueues)
@bp.doc(summary="Queues now", responses=_ANSWERS)
def live_queues() -> ResponseReturnValue:
    """The queues with those who wait, in the order in which they are served."""
    return _answer(("queues",))


@bp.get("/lines")
@bp.output(LiveLines)
@bp.doc(summary="Lines now", responses=_ANSWERS)
def live_lines() -> ResponseReturnValue:
    """The lines and what each does."""
    return _answer(("lines",))


@bp.get("/trunks")
@bp.output(LiveTrunks)
@bp.doc(summary="Trunks now", responses=_ANSWERS)
def live_trunks() -> ResponseReturnValue:
    """The trunks and their channels."""
    return _answer(("trunks",))


def _answer(parts: Sequence[str]) -> ResponseReturnValue:
    seen = console().live.latest(signed_in().account_id)
    if not seen.published:
        detail = f"nobody publishes the live state since {stamp(seen.at)}"
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    if seen.version in request.if_none_match:
        return _tagged(Response(status=304), seen)
    said: dict[str, Any] = {"at": seen.at, "switch": {"up": seen.switch_up, "away_since": seen.switch_since}}
    for part in parts:
        said[part] = [_PARTS[part](row) for row in getattr(seen, part)]
    return said, 200, {"ETag": f'"{seen.version}"'}


def _tagged(answer: Response, seen: Snapshot) -> Response:
    answer.set_etag(seen.version)
    return answer


_TIMES = ("started_at", "since", "entered_at", "rests_until", "signed_in_at")


def _timed(row: Row) -> dict[str, Any]:
    """A row with its texts read as times."""
    return {name: moment(value) if name in _TIMES else value for name, value in row.items()}


def _call(row: Row) -> dict[str, Any]:
    return {**_timed(row), "id": row["uuid"], "account": row["account"] or None}


def _queue(row: Row) -> dict[str, Any]:
    return {**row, "callers": [{**_timed(one), "call": one["uuid"]} for one in row["callers"]]}


def _trunk(row: Row) -> dict[str, Any]:
    return {**_timed(row), "channels": sum(row["channels"].values()), "max_channels": row["max_calls"]}


_PARTS: dict[str, Callable[[Row], dict[str, Any]]] = {
    "calls": _call,
    "queues": _queue,
    "lines": _timed,
    "trunks": _trunk,
}
