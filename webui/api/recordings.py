"""``GET /api/v1/recordings…``: kept recordings and messages. ``docs/api.md`` describes it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from flask import abort
from flask.typing import ResponseReturnValue

from appliance.store.queries import recordings
from appliance.store.queries.call_views import Place
from appliance.store.queries.recordings import KINDS, RecordingFilter, RecordingRow
from webui.api.fields import Cursor, End, Stamp, Start, cursor
from webui.context import reader
from webui.sound import downloaded

bp = APIBlueprint("api_recordings", __name__, url_prefix="/api/v1/recordings", tag="Recordings")

MOST = 500


class RecordingQuery(Schema):
    """Filters, as on the page."""

    number = String(
        metadata={"description": "400 number, in any writing."}, validate=Length(max=30), load_default=""
    )
    caller = String(
        metadata={"description": "Part of the caller's number."}, validate=Length(max=100), load_default=""
    )
    kind = String(validate=OneOf(KINDS), load_default="", metadata={"description": "A talk, or a message."})
    held = Boolean(load_default=False, metadata={"description": "Only those under a legal hold."})
    since = Start(data_key="from", load_default=None, metadata={"description": "Start, as of calls."})
    until = End(data_key="to", load_default=None, metadata={"description": "End, as of calls."})
    limit = Integer(load_default=100, validate=Range(min=1, max=MOST), metadata={"description": "Rows a page."})
    cursor = Cursor(load_default=None, metadata={"description": "`next_cursor` of the page before."})


class RecordingOut(Schema):
    """A recording."""

    id = Integer(required=True)
    call = String(required=True, metadata={"description": "UUID of its call."})
    account = String(required=True, allow_none=True)
    number = String(required=True)
    caller = String(required=True)
    started_at = Stamp(required=True, metadata={"description": "When the call began."})
    kind = String(required=True, validate=OneOf(KINDS))
    format = String(required=True, validate=OneOf(["opus", "mp3", "wav"]))
    channels = Integer(required=True)
    bytes = Integer(required=True, metadata={"description": "Of the file as it is kept."})
    duration_ms = Integer(required=True)
    sha256 = String(required=True, metadata={"description": "Of the file as it lies on the disk."})
    encrypted = Boolean(required=True)
    keep_until = Stamp(required=True)
    held = Boolean(required=True)
    playable = Boolean(required=True, metadata={"description": "False: it is damaged."})


class OneRecording(RecordingOut):
    """A recording by itself: the description names a schema that is nested elsewhere once only."""


class RecordingPage(Schema):
    """A page of recordings."""

    recordings = List(Nested(RecordingOut), required=True)
    next_cursor = String(required=True, allow_none=True, metadata={"description": "Null: this was the last page."})


@bp.get("")
@bp.input(RecordingQuery, location="query")
@bp.output(RecordingPage)
@bp.doc(summary="Recordings, newest first", responses=[401, 422])
def list_recordings(query_data: dict[str, Any]) -> ResponseReturnValue:
    """The recordings of the signed-in operator's account that match the filters; deleted ones are not listed."""
    names = ("number", "caller", "kind", "held", "since", "until")
    wanted = RecordingFilter(**{name: query_data[name] for name in names})
    limit = query_data["limit"]
    with reader() as opened:
        rows = recordings.page(opened, wanted, limit=limit + 1, after=query_data["cursor"])
    more = len(rows) > limit
    rows = rows[:limit]
    following = cursor(Place(rows[-1].started_at, rows[-1].id)) if more else None
    return {"recordings": [_out(row) for row in rows], "next_cursor": following}


@bp.get("/<int:recording_id>")
@bp.output(OneRecording)
@bp.doc(summary="One recording", responses=[401, 404])
def one_recording(recording_id: int) -> ResponseReturnValue:
    """What is known of it."""
    return _out(_row(recording_id))


@bp.get("/<int:recording_id>/file")
@bp.doc(summary="A recording's file, decrypted", responses=[401, 404])
def recording_file(recording_id: int) -> ResponseReturnValue:
    """The file as it is kept, decrypted. The download is noted in the audit trail before a byte goes out."""
    return downloaded(_row(recording_id))


def _row(recording_id: int) -> RecordingRow:
    with reader() as opened:
        row = recordings.one(opened, recording_id)
    if row is None or row.deleted_at is not None:
        abort(404)
    return row


def _out(row: RecordingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "call": row.call_uuid,
        "account": row.account_id,
        "number": row.number,
        "caller": row.caller,
        "started_at": row.started_at,
        "kind": row.kind,
        "format": row.format,
        "channels": row.channels,
        "bytes": row.bytes,
        "duration_ms": row.duration_ms,
        "sha256": row.sha256,
        "encrypted": bool(row.key_id),
        "keep_until": row.keep_until,
        "held": row.held_at is not None,
        "playable": row.is_playable,
    }
