"""``GET /api/v1/recordings…``: kept recordings and messages. ``docs/api.md`` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import Length, OneOf
from flask import abort
from flask.typing import ResponseReturnValue

from appliance.store.queries import Reader, recordings
from appliance.store.queries.call_views import Place
from appliance.store.queries.recordings import KINDS, RecordingFilter, RecordingRow
from webui.api.fields import End, Stamp, Start
from webui.api.pages import ListPage, ListQuery, one_page
from webui.context import reader
from webui.sound import downloaded

bp = APIBlueprint("api_recordings", __name__, url_prefix="/api/v1/recordings", tag="Recordings")


class RecordingQuery(ListQuery):
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


class RecordingPage(ListPage):
    """A page of recordings."""

    recordings = List(Nested(RecordingOut), required=True)


@bp.get("")
@bp.input(RecordingQuery, location="query")
@bp.output(RecordingPage)
@bp.doc(summary="Recordings, newest first", responses=[401, 422])
def list_recordings(query_data: dict[str, Any]) -> ResponseReturnValue:
    """The recordings of the signed-in operator's account that match the filters; deleted ones are not listed."""
    names = ("number", "caller", "kind", "held", "since", "until")
    wanted = RecordingFilter(**{name: query_data[name] for name in names})

    def page(opened: Reader, limit: int, after: Place | None) -> Sequence[RecordingRow]:
        return recordings.page(opened, wanted, limit=limit, after=after)

    return one_page("recordings", query_data, page, lambda row: Place(row.started_at, row.id), _out)


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
