"""How the box fares: a page for people, a word for machines."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from appliance.errors import StoreError
from appliance.media.keep import wavs
from appliance.ops.health import HANDLERS_GREET, SWITCH_GREETS, Probes, TrunkPart, greeted, read_health
from appliance.ops.messages import DEAD_WITHIN
from appliance.store import outbox, recordings
from appliance.store.bans import Bans
from appliance.store.journal import Journal
from appliance.store.queries.box import last_collected_at
from webui.context import console, now

bp = Blueprint("health", __name__)


@bp.get("/health")
def page() -> ResponseReturnValue:
    """The parts of the box and how each fares."""
    part = request.headers.get("HX-Target") == "checks"
    return render_template(
        "health/_checks.html" if part else "health/page.html",
        health=read_health(console().settings, probes()),
        now=now(),
        version=current_app.config["APP_VERSION"],
    )


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """``ok`` when the console can answer pages; 503 when its database cannot be read. Tells nothing else."""
    try:
        last_collected_at(console().store)
    except StoreError:
        return Response("unavailable\n", status=503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")


def probes() -> Probes:
    """How this box's parts are asked."""
    settings, store = console().settings, console().store

    def database() -> datetime | None:
        return last_collected_at(store)

    def trunks() -> list[TrunkPart]:
        with closing(Journal(settings.journal_file, reads_only=True)) as journal:
            return [TrunkPart(name, state.up, state.since) for name, state in journal.trunks().items()]

    def banned() -> int:
        with closing(Journal(settings.journal_file, reads_only=True)) as journal:
            return len(Bans(journal.file).all(now()))

    def messages() -> outbox.Fill:
        return outbox.fill(settings.journal_file, now() - DEAD_WITHIN)

    def waiting() -> int:
        # What is being recorded is written to all the time.
        before = now().timestamp() - 60
        return sum(found.modified_at < before for found in wavs(settings.recordings_dir))

    def damaged() -> int:
        with store.reading() as session:
            return recordings.damaged(session)

    return Probes(
        switch=greeted(settings.esl_host, settings.esl_port, SWITCH_GREETS),
        handlers=greeted(settings.handlers_host, settings.handlers_port, HANDLERS_GREET),
        database=database,
        trunks=trunks,
        outbox=messages,
        damaged=damaged,
        waiting=waiting,
        banned=banned,
    )
