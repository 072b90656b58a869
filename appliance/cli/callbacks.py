"""``appliance queue callbacks`` and ``callback``: who asked to be called back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import click

from appliance import bootstrap, config
from appliance.cli.moment import Moment, day_begins
from appliance.domain.calendar import SHANGHAI
from appliance.domain.callback import Ending, Request
from appliance.errors import ApplianceError
from appliance.store import callbacks as journal_callbacks
from appliance.store import schema
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.queries import Scope, reading
from appliance.store.queries.callbacks import (
    CallbackReport,
    CallbackView,
    callback_report,
    callbacks_now,
    calls_for,
    may_see,
)

#: Ended requests that are listed.
_RECENT = 20


@click.command("callbacks")
@click.option("--since", type=Moment(), help="Of the sums. Default: the beginning of today, Asia/Shanghai.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_callbacks(since: datetime | None, as_json: bool) -> None:
    """List who asked to be called back: open requests, those that ended lately, and the sums."""
    settings, now = config.load(), bootstrap.utc_now()
    journal = Journal(settings.journal_file, reads_only=True)
    store = schema.opened(settings.database_url)
    with closing(store), closing(journal), reading(store, Scope(None)) as reader:
        open_ones, ended = callbacks_now(reader, Callbacks(journal.file), _RECENT)
        sums = callback_report(reader, since or day_begins(now), now)
        calls = {one.request.id: list(calls_for(reader, one.request.id)) for one in (*open_ones, *ended)}
    if as_json:
        made = {
            "open": [_written(one, calls) for one in open_ones],
            "ended": [_written(one, calls) for one in ended],
            "sums": [_sums(row) for row in sums],
        }
        click.echo(json.dumps(made, ensure_ascii=False, indent=2))
        return
    if not (open_ones or ended):
        click.echo("nobody asked to be called back")
    for one in (*open_ones, *ended):
        click.echo("  ".join(_shown(one.request)))
    for row in sums:
        click.echo(f"{row.queue_id:<16}  {_said(row)}")


@click.command("callback")
@click.argument("request_id", metavar="ID")
@click.option("--close", "closes", is_flag=True, required=True, help="Withdraw the request; he is not called.")
@click.option("--reason", required=True, help="Why; kept with it.")
def close_callback(request_id: str, closes: bool, reason: str) -> None:
    """Close the request ID: nobody is called for it any more."""
    settings = config.load()
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise ApplianceError("--reason: say why")
    journal = Journal(settings.journal_file, reads_only=True)
    store = schema.opened(settings.database_url)
    with closing(store), closing(journal), reading(store, Scope(None)) as reader:
        there = may_see(reader, Callbacks(journal.file).one(request_id))
    if not there:
        raise ApplianceError(f"no such request: {request_id}")
    if not journal_callbacks.close(settings.journal_file, request_id, reason, "cli", bootstrap.utc_now()):
        raise ApplianceError(f"{request_id}: has ended already")
    click.echo(f"{request_id} is closed")


def _shown(one: Request) -> Iterator[str]:
    yield one.id
    yield f"{one.queue:<12}"
    yield one.callee if one.callee == one.caller else f"{one.callee} (asked by {one.caller or 'withheld'})"
    yield f"asked {_clock(one.asked_at)}"
    yield f"{one.attempts} calls"
    if one.ending is not None and one.closed_at is not None:
        yield f"{one.ending} {_clock(one.closed_at)}"
    elif one.is_under_way:
        yield f"being called by {', '.join(one.lines)}"
    else:
        yield f"open until {_clock(one.expires_at)}"
    if why := ", ".join(filter(None, [one.said, one.reason, one.closed_by and f"by {one.closed_by}"])):
        yield f"({why})"


def _written(view: CallbackView, calls: dict[str, list[str]]) -> dict[str, Any]:
    one = view.request
    return {
        "id": one.id,
        "queue": one.queue,
        "account": one.account,
        "number": one.number,
        "caller": one.caller,
        "callee": one.callee,
        "entered_at": _iso(one.entered_at),
        "asked_at": _iso(one.asked_at),
        "expires_at": _iso(one.expires_at),
        "due_at": _iso(one.due_at),
        "attempts": one.attempts,
        "stage": one.stage.value,
        "lines": list(one.lines),
        "said": one.said,
        "ending": one.ending.value if one.ending is not None else None,
        "closed_at": _iso(one.closed_at),
        "reason": one.reason,
        "closed_by": one.closed_by,
        "calls": calls[one.id],
    }


def _sums(row: CallbackReport) -> dict[str, Any]:
    ended = {ending.value: count for ending, count in row.balance.ended.items()}
    return {"queue": row.queue_id, "asked": row.balance.asked, **ended, "open": row.balance.open}


def _said(row: CallbackReport) -> str:
    ended = ", ".join(f"{row.balance.ended[ending]} {ending}" for ending in Ending)
    return f"{row.balance.asked} asked: {ended}, {row.balance.open} open"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
