"""Queues: who waits now, who is at the lines, what became of today's callers, and who signed in and out."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.store import callbacks, signing, waitlist
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.queries.callbacks import callbacks_now, may_see
from appliance.store.queries.queues import queue_report
from appliance.store.queries.queues_now import asks_for_sign_in, queues_now
from appliance.store.queries.signings import signings as stored_signings
from appliance.store.signing import Means, Signing
from webui.context import console, holds, now, reader, signed_in
from webui.shown import local

bp = Blueprint("queues", __name__)

#: Roles that may sign in and out for others.
SIGNERS = frozenset({"administrator", "operator", "supervisor"})
#: Ended requests to be called back that are shown.
RECENT = 10
#: What of the page is asked for again by itself, and from which template it comes.
_PARTS = {"live": "queues/_live.html", "report": "queues/_report.html", "signings": "queues/_signings.html"}
#: Of who signed in and out is shown what is not older, and no more than so many.
_SIGNINGS_WITHIN, _MOST_SIGNINGS = timedelta(days=7), 50


@bp.get("/queues")
def page() -> ResponseReturnValue:
    """Every queue with its callers and lines, today's report, and who signed in and out."""
    part, at = request.headers.get("HX-Target", ""), now()
    journal = Journal(console().settings.journal_file, reads_only=True)
    with closing(journal), reader() as opened:
        queues = queues_now(opened, waitlist.Waitlist(journal.file), at)
        # Counting a day's stays takes longer than a look at who waits.
        open_ones, ended = callbacks_now(opened, Callbacks(journal.file), RECENT)
        report = queue_report(opened, _day_begins(at), at) if part in ("", "report") else []
        signings = stored_signings(opened, at - _SIGNINGS_WITHIN, at, _MOST_SIGNINGS) if part != "live" else []
        several_accounts = opened.scope.sees_all
    order = {queue.id: place for place, queue in enumerate(queues)}
    return render_template(
        _PARTS.get(part, "queues/page.html"),
        queues=queues,
        known={queue.id: queue for queue in queues},
        report=sorted(report, key=lambda row: order.get(row.queue_id, len(order))),
        now=at,
        several_accounts=several_accounts,
        may_sign=holds(SIGNERS),
        callbacks_open=open_ones,
        callbacks_ended=ended,
        signings=signings,
        most_signings=_MOST_SIGNINGS,
    )


@bp.post("/queues/sign")
def sign() -> ResponseReturnValue:
    """Sign in at the line that the form names as ``in``, or out at that named as ``out``."""
    if not holds(SIGNERS):
        abort(403)
    line = request.form.get("in") or request.form.get("out") or ""
    with reader() as opened:
        if not asks_for_sign_in(opened, line):
            abort(404)
    one = Signing(line, "in" in request.form, now(), signed_in().login, Means.CONSOLE)
    signing.sign(console().settings.journal_file, one)
    return page() if request.headers.get("HX-Target") == "live" else redirect(url_for(".page"), 303)


@bp.post("/queues/callbacks")
def close_callback() -> ResponseReturnValue:
    """Close the request of the form's ``id``, for the reason in ``reason-ID``; kept with it, with who did it."""
    if not holds(SIGNERS):
        abort(403)
    request_id, file = request.form.get("id", ""), console().settings.journal_file
    journal = Journal(file, reads_only=True)
    with closing(journal), reader() as opened:
        if not may_see(opened, Callbacks(journal.file).one(request_id)):
            abort(404)
    reason = " ".join(request.form.get(f"reason-{request_id}", "").split())[:200]
    # One that has ended meanwhile is shown as it did.
    callbacks.close(file, request_id, reason, signed_in().login, now())
    return redirect(url_for(".page"), 303)


def _day_begins(at: datetime) -> datetime:
    return local(at).replace(hour=0, minute=0, second=0, microsecond=0)
