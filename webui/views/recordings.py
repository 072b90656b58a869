"""Recordings and messages: found, heard, held, and who heard them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.store import recordings as stored
from appliance.store.queries import recordings
from appliance.store.queries.recordings import KINDS, RecordingFilter, RecordingRow
from appliance.store.queries.routing import number_choices
from webui.call_filter import Asked, presets, read_filter, with_default_days
from webui.context import holds, now, reader
from webui.listing import PAGE_SIZE, asked_page, is_part, turned_to
from webui.sound import acting, downloaded, outlined, played

bp = Blueprint("recordings", __name__, url_prefix="/recordings")

#: Accesses that a recording's own page shows.
_SHOWN = 20
#: Roles that may hold and release, and that may see who had to do with recordings.
HOLDERS = frozenset({"administrator", "supervisor"})
AUDITORS = frozenset({"administrator", "auditor"})


@bp.get("")
def listing() -> ResponseReturnValue:
    """A page of the recordings that were asked for."""
    asked = _read(with_default_days(request.args, now()))
    with reader() as opened:
        turned = turned_to(recordings.count(opened, asked.filter))
        rows = recordings.page(opened, asked.filter, limit=PAGE_SIZE, offset=turned.offset)
        numbers = number_choices(opened)
    return render_template(
        "recordings/_results.html" if is_part() else "recordings/list.html",
        asked=asked,
        rows=rows,
        **turned.shown(),
        page_url=lambda to: url_for(".listing", **{**_again(asked), "page": to}),
        filter_url=lambda **changed: url_for(".listing", **{**_again(asked), **changed}),
        presets=presets(now()),
        numbers=numbers,
        kinds=KINDS,
        may_audit=holds(AUDITORS),
    )


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """Who had to do with recordings, the newest first."""
    if not holds(AUDITORS):
        abort(403)
    page = asked_page()
    with reader() as opened:
        rows = recordings.accesses(opened, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE)
    return render_template("recordings/audit.html", rows=rows[:PAGE_SIZE], page=page, more=len(rows) > PAGE_SIZE)


@bp.get("/<int:recording_id>")
def one(recording_id: int) -> ResponseReturnValue:
    """One recording: player, hold, what became of it, and for auditors who heard it."""
    may_audit = holds(AUDITORS)
    with reader() as opened:
        row = recordings.one(opened, recording_id)
        if row is None:
            abort(404)
        seen = recordings.accesses(opened, recording_id=recording_id, limit=_SHOWN) if may_audit else []
    return render_template("recordings/one.html", row=row, seen=seen, may_audit=may_audit, may_hold=holds(HOLDERS))


@bp.get("/<int:recording_id>/audio")
def audio(recording_id: int) -> ResponseReturnValue:
    """What a player plays."""
    return played(_row(recording_id))


@bp.get("/<int:recording_id>/file")
def file(recording_id: int) -> ResponseReturnValue:
    """The file, as it is kept, decrypted."""
    return downloaded(_row(recording_id))


@bp.get("/<int:recording_id>/outline")
def outline(recording_id: int) -> ResponseReturnValue:
    """What a player draws."""
    return outlined(_row(recording_id))


@bp.post("/<int:recording_id>/hold")
def hold(recording_id: int) -> ResponseReturnValue:
    """Hold it, or release it; with the form's reason."""
    if not holds(HOLDERS):
        abort(403)
    why = request.form.get("why", "").strip()
    if "release" in request.form:
        acting(stored.release, recording_id=recording_id, why=why)
    elif why:
        acting(stored.hold, recording_id=recording_id, why=why)
    return redirect(url_for(".one", recording_id=recording_id), 303)


def _row(recording_id: int) -> RecordingRow:
    with reader() as opened:
        row = recordings.one(opened, recording_id)
    if row is None:
        abort(404)
    return row


def _read(given: Mapping[str, str]) -> Asked[RecordingFilter]:
    """The fields of calls that mean the same here, and those of recordings."""
    calls = read_filter({name: value for name, value in given.items() if name not in ("line", "outcome")})
    kind = given.get("kind", "")
    kind = kind if kind in KINDS else ""
    held = given.get("held", "") == "1"
    asked = calls.filter
    wanted = RecordingFilter(asked.number, asked.caller, kind, held, asked.since, asked.until)
    return Asked(wanted, {**calls.fields, "kind": kind, "held": "1" if held else ""}, calls.faults)


def _again(asked: Asked[RecordingFilter]) -> dict[str, Any]:
    return {name: value for name, value in asked.fields.items() if value or name in ("from", "to")}
