"""Calls: the list with its search, the export, one call, its recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, jsonify, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from appliance.errors import MediaError
from appliance.media import recordings
from appliance.rating.explain import explain
from appliance.store import recordings as stored
from appliance.store.queries import Reader, calls
from appliance.store.queries import recordings as kept_recordings
from appliance.store.queries.call_views import CallRow, Place
from appliance.store.queries.callbacks import calls_for
from appliance.store.queries.calls import OUTCOMES, CallFilter
from appliance.store.queries.queues import stays_of_call
from appliance.store.queries.recordings import RecordingRow
from appliance.store.queries.routing import line_choices, number_choices
from webui.call_filter import Asked, presets, read_filter, with_default_days
from webui.context import console, is_box_administrator, now, reader
from webui.csv_answer import downloaded_csv
from webui.export import calls_csv
from webui.listing import PAGE_SIZE, all_pages, is_part, turned_to
from webui.said import said
from webui.shown import local
from webui.sound import acting, downloaded, outlined, played
from webui.trail import trail

bp = Blueprint("calls", __name__)

#: More calls than these are summed after the list has been shown.
SUMMED_AT_ONCE = 20_000


@bp.get("/")
def listing() -> ResponseReturnValue:
    """A page of the calls that were asked for, with their sums."""
    asked = read_filter(with_default_days(request.args, now()))
    with reader() as opened:
        turned = turned_to(calls.count(opened, asked.filter))
        sums = calls.totals(opened, asked.filter) if turned.count <= SUMMED_AT_ONCE else None
        rows = calls.page(opened, asked.filter, limit=PAGE_SIZE, offset=turned.offset)
        numbers, lines = number_choices(opened), line_choices(opened)
        any_call = bool(rows) or calls.any_call(opened)
    return render_template(
        "calls/_results.html" if is_part() else "calls/list.html",
        asked=asked,
        rows=rows,
        **turned.shown(),
        totals=sums,
        sums_url=url_for(".sums", **_asked_again(asked)),
        page_url=lambda to: _list_url(asked, page=to),
        filter_url=lambda **changed: _list_url(asked, **changed),
        export_url=url_for(".export", **_asked_again(asked)),
        presets=presets(now()),
        numbers=numbers,
        lines=lines,
        outcomes=OUTCOMES,
        any_call=any_call,
    )


@bp.get("/calls/sums")
def sums() -> ResponseReturnValue:
    """The sums of the calls that were asked for: the list fetches them when they take a while."""
    asked = read_filter(with_default_days(request.args, now()))
    with reader() as opened:
        return render_template("calls/_sums.html", totals=calls.totals(opened, asked.filter))


@bp.get("/calls.csv")
def export() -> ResponseReturnValue:
    """The calls that were asked for, as CSV."""
    asked = read_filter(with_default_days(request.args, now()))
    if asked.faults:
        abort(400)
    return downloaded_csv("calls", calls_csv(_pages(asked.filter)))


@bp.get("/calls/<uuid>")
def one(uuid: str) -> ResponseReturnValue:
    """One call."""
    with reader() as opened:
        call = calls.one(opened, uuid)
        stays = stays_of_call(opened, uuid)
        kept = kept_recordings.of_call(opened, uuid)
        called_back = calls_for(opened, uuid)
        several_accounts = opened.scope.sees_all
        words = explain(opened, uuid, costs=is_box_administrator()) if call is not None else []
    if call is None:
        abort(404)
    return render_template(
        "calls/one.html",
        call=call,
        row=call.row,
        several_accounts=several_accounts,
        steps=trail(call, stays),
        called_back=called_back,
        charge_words=said(words),
        kept=kept,
        has_recording=_talk(kept) is not None or (bool(call.row.recording) and _file(call.row) is not None),
    )


@bp.get("/calls/<uuid>/recording")
def recording(uuid: str) -> ResponseReturnValue:
    """The recording: whole, or the range that a player asks for."""
    row, kept, path = _recording(uuid)
    download = "download" in request.args
    if kept is not None:
        return downloaded(kept) if download else played(kept)
    acting(stored.note_unkept, call_uuid=uuid, action="download" if download else "play")
    name = "-".join(filter(None, (row.number, f"{local(row.started_at):%Y%m%d-%H%M%S}", row.caller.lstrip("+"))))
    return send_file(
        path,
        mimetype="audio/wav" if path.suffix == ".wav" else None,
        as_attachment=download,
        download_name=name + path.suffix,
        conditional=True,
        max_age=0,
    )


@bp.get("/calls/<uuid>/outline")
def outline(uuid: str) -> ResponseReturnValue:
    """The recording's outline for the player: a row a channel, and the length in seconds."""
    _, kept, path = _recording(uuid)
    if kept is not None:
        return outlined(kept)
    try:
        read = recordings.outline(path)
    except MediaError:
        abort(404)
    return jsonify(seconds=read.seconds, channels=read.channels)


def _recording(uuid: str) -> tuple[CallRow, RecordingRow | None, Path]:
    """The call, its kept recording, and the switch's own file, which is looked for only where nothing is kept."""
    with reader() as opened:
        row = calls.recording_of(opened, uuid)
        kept = _talk(kept_recordings.of_call(opened, uuid))
    if row is None:
        abort(404)
    if kept is not None:
        return row, kept, Path()
    path = _file(row)
    if path is None:
        abort(404)
    return row, None, path


def _talk(kept: Sequence[RecordingRow]) -> RecordingRow | None:
    return next((one for one in kept if one.kind == "talk" and one.is_playable), None)


def _file(row: CallRow) -> Path | None:
    try:
        return recordings.find(console().settings.recordings_dir, row.recording)
    except MediaError:
        return None


def _pages(wanted: CallFilter) -> Iterator[Sequence[CallRow]]:
    def page(opened: Reader, limit: int, after: Place | None) -> Sequence[CallRow]:
        return calls.page(opened, wanted, limit=limit, after=after)

    return all_pages(page, lambda row: row.place)


def _list_url(asked: Asked[CallFilter], **changed: str | int) -> str:
    return url_for(".listing", **{**_asked_again(asked), **changed})


def _asked_again(asked: Asked[CallFilter]) -> dict[str, Any]:
    """The fields for a link. Times stay even when empty: an empty one asks for all time."""
    return {name: value for name, value in asked.fields.items() if value or name in ("from", "to")}
