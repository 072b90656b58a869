"""``appliance queue``: where callers wait for a line."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import click

from appliance import bootstrap, config
from appliance.cli.callbacks import close_callback, list_callbacks
from appliance.cli.moment import Moment, day_begins
from appliance.domain.calendar import SHANGHAI
from appliance.errors import ApplianceError
from appliance.store import schema, waitlist
from appliance.store.journal import Journal
from appliance.store.queries import Scope, reading
from appliance.store.queries.queues import QueueReport, queue_report
from appliance.store.queries.queues_now import CallerView, PostView, QueueNow, asks_for_sign_in, queues_now
from appliance.store.queries.signings import signings as stored_signings
from appliance.store.signing import Means, Signing, Signings, sign

#: The newest of a period; who wants older ones says so.
_MOST_SIGNINGS = 100_000


@click.group()
def queue() -> None:
    """Queues: who waits, who serves, what became of the callers."""


queue.add_command(list_callbacks)
queue.add_command(close_callback)


@queue.command("list")
def list_queues() -> None:
    """List the queues: who waits now, their lines, and whether somebody is signed in at them."""
    settings = config.load()
    journal = Journal(settings.journal_file, reads_only=True)
    store = schema.opened(settings.database_url)
    with closing(store), closing(journal), reading(store, Scope(None)) as reader:
        queues = queues_now(reader, waitlist.Waitlist(journal.file), bootstrap.utc_now())
    if not queues:
        click.echo("no queues; a site file names them")
    for one in queues:
        signed_in = f", {one.signed_in} of {len(one.lines)} signed in" if one.sign_in else ""
        click.echo(f"{one.id:<16}  {one.name}: {one.waiting} waiting{signed_in}")
        for line in (*_lines(one), *_callers(one)):
            click.echo(f"  {line}")


@queue.command()
@click.option("--since", type=Moment(), help="Default: the beginning of today, Asia/Shanghai.")
@click.option("--until", type=Moment(), help="Default: now.")
def report(since: datetime | None, until: datetime | None) -> None:
    """Say what became of each queue's callers, each counted for each time that he entered it."""
    now = bootstrap.utc_now()
    store = schema.opened(config.load().database_url)
    with closing(store), reading(store, Scope(None)) as reader:
        rows = queue_report(reader, since or day_begins(now), until or now)
    if not rows:
        click.echo("no queues; a site file names them")
    for row in rows:
        click.echo(f"{row.queue_id:<16}  {_reported(row)}")


@queue.command("signings")
@click.option("--since", type=Moment(), help="Default: the beginning of today, Asia/Shanghai.")
@click.option("--until", type=Moment(), help="Default: now.")
def signings(since: datetime | None, until: datetime | None) -> None:
    """Say who signed in and out at which line, when, and by what; nothing of it is ever removed."""
    now, settings = bootstrap.utc_now(), config.load()
    period = since or day_begins(now), until or now
    journal = Journal(settings.journal_file, reads_only=True)
    with closing(journal):
        # What the collector has not copied yet.
        newest = Signings(journal.file).history(*period)
    store = schema.opened(settings.database_url)
    with closing(store), reading(store, Scope(None)) as reader:
        kept = stored_signings(reader, *period, _MOST_SIGNINGS)
    told = {(one.at, one.line, one.signed_in): f"by {one.means}, {one.who}" for one in kept}
    told |= {(one.at, one.line, one.signed_in): f"by {one.means}, {one.who}" for one in newest}
    if not told:
        click.echo("nobody signed in or out")
    for (at, line, signed_in), how in sorted(told.items()):
        click.echo(f"{_clock(at)}  {line:<16}  {'in' if signed_in else 'out':<3}  {how}")


@queue.command("sign-in")
@click.argument("line")
def sign_in(line: str) -> None:
    """Sign in at LINE: it serves the queues that ask for it from now on."""
    click.echo(_signed(line, signed_in=True))


@queue.command("sign-out")
@click.argument("line")
def sign_out(line: str) -> None:
    """Sign out at LINE: it serves the queues that ask for somebody there no longer."""
    click.echo(_signed(line, signed_in=False))


def _signed(line: str, *, signed_in: bool) -> str:
    """Do it, and say so."""
    settings = config.load()
    store = schema.opened(settings.database_url)
    with closing(store), reading(store, Scope(None)) as reader:
        asks = asks_for_sign_in(reader, line)
    if not asks:
        raise ApplianceError(f"{line}: not a line of a queue that asks for signing in")
    one = Signing(line, signed_in, bootstrap.utc_now(), getpass.getuser(), Means.COMMAND)
    sign(settings.journal_file, one)
    return f"{line} is signed {'in' if signed_in else 'out'}"


def _lines(one: QueueNow) -> Iterator[str]:
    for line in one.lines:
        yield f"{line.id:<16}  {', '.join(_state(line, sign_in=one.sign_in))}".rstrip()


def _state(line: PostView, *, sign_in: bool) -> Iterator[str]:
    if sign_in:
        yield f"signed in since {_clock(line.signed_in_at)}" if line.signed_in_at else "signed out"
    if line.rests_until:
        yield f"rests until {_clock(line.rests_until)}"


def _callers(one: QueueNow) -> Iterator[str]:
    for caller in one.callers:
        place = f"{caller.position}." if caller.position else "->"
        yield f"{place:<4}{caller.caller or 'withheld'} since {_clock(caller.entered_at)}{_more(caller)}"


def _more(caller: CallerView) -> str:
    more = [f"priority {caller.priority}" if caller.priority else "", caller.skill]
    if caller.rung:
        since = f" since {_clock(caller.rung_at)}" if caller.rung_at else ""
        more.append(f"rings or talks to {', '.join(caller.rung)}{since}")
    return "".join(f", {word}" for word in more if word)


def _reported(row: QueueReport) -> str:
    level = "-" if row.service_level is None else f"{row.service_level / 10:.1f} %"
    mean = "-" if row.mean_wait_ms is None else f"{row.mean_wait_ms / 1000:.0f} s"
    return (
        f"{row.offered} came, {row.answered} answered, service level {level}, mean wait {mean}, "
        f"longest {row.longest_wait_ms / 1000:.0f} s; {row.abandoned} gave up ({row.short} at once), "
        f"{row.timeout} waited too long, {row.full} full, {row.nobody} nobody there, {row.key} left by a key, "
        f"{row.callback} asked to be called back, "
        f"{row.lost} lost"
    )


def _clock(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
