"""``appliance recording``: keep recordings, find them, hold them, take them out, and see who heard them."""

from __future__ import annotations

import getpass
import io
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from appliance import bootstrap, config
from appliance.cli.keeper import Keeper, alone
from appliance.cli.moment import Moment
from appliance.domain.grants import SHANGHAI
from appliance.errors import MediaError
from appliance.media import keep as keeping
from appliance.media import keys, listen
from appliance.store import recordings as stored
from appliance.store import schema
from appliance.store.queries import Scope, reading
from appliance.store.queries import recordings as queries
from appliance.store.queries.recordings import RecordingFilter, RecordingRow
from appliance.store.recordings import Who
from appliance.store.unit import Store

_MOST = 100_000


@click.group()
def recording() -> None:
    """Recordings and messages: kept, found, held, heard."""


@recording.command("keep")
@click.option("--once", is_flag=True, help="Only what is finished now.")
def keep_command(once: bool) -> None:
    """Keep finished recordings, remove what is past its retention, watch the disk, until SIGTERM."""
    bootstrap.configure_logging()
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store, alone(settings):
        keeper = Keeper(settings, store)
        if once:
            done = keeper.once()
            click.echo(f"kept: {len(done.kept)}, waiting: {done.waiting}, no message: {len(done.dropped)}")
            for source, why in {**done.aside, **done.failed}.items():
                click.echo(f"{'set aside' if source in done.aside else 'failed'} {source}: {why}")
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, keeper.stop)
        click.echo(f"READY recordings={settings.recordings_dir}")
        keeper.run()


@recording.command("list")
@click.option("--number", default="", help="400 number.")
@click.option("--caller", default="", help="Caller's number, or part of it.")
@click.option("--kind", type=click.Choice(queries.KINDS))
@click.option("--held", is_flag=True, help="Only those under a legal hold.")
@click.option("--since", type=Moment(), help="From then on.")
@click.option("--until", type=Moment(), help="Before then.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, _MOST))
def list_recordings(
    number: str,
    caller: str,
    kind: str | None,
    held: bool,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> None:
    """List recordings, the newest first."""
    wanted = RecordingFilter(number, caller, kind or "", held, since, until)
    with _store() as store, reading(store, Scope(None)) as reader:
        rows = queries.page(reader, wanted, limit=limit)
    for row in rows:
        click.echo(_line(row))


@recording.command()
@click.argument("recording_id", type=int)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(recording_id: int, file: Path) -> None:
    """Write a recording to FILE, decrypted: as it is kept, or decoded where FILE ends in .wav. It is noted."""
    settings = config.load()
    keyring = keys.read_keyring(settings.recording_key_file)
    with _store() as store:
        row = _row(store, recording_id)
        if not row.is_playable:
            raise MediaError(f"recording {recording_id} is {row.fault or 'deleted'}")
        opened = listen.opened(settings.recordings_dir, row.file, row.key_id, keyring)
        _noted(store, partial(stored.note_access, recording_id=recording_id, who=_who(), action="export"))
        try:
            with closing(opened), file.open("xb") as out:
                if file.suffix == ".wav":
                    with closing(listen.Decoded(opened)) as decoded:
                        out.writelines(decoded.part(0, decoded.size))
                else:
                    while piece := opened.read(io.DEFAULT_BUFFER_SIZE):
                        out.write(piece)
        except OSError as error:
            raise MediaError(f"{file}: {error.strerror}") from error
    click.echo(f"{file}: {row.duration_ms / 1000:.2f} s")


@recording.command()
@click.argument("recording_id", type=int)
@click.option("--why", required=True, help="The reason, for the record.")
def hold(recording_id: int, why: str) -> None:
    """Keep a recording whatever its retention, until it is released."""
    with _store() as store:
        _noted(store, partial(stored.hold, recording_id=recording_id, who=_who(), why=why))
    click.echo(f"recording {recording_id} is held")


@recording.command()
@click.argument("recording_id", type=int)
@click.option("--why", default="", help="The reason, for the record.")
def release(recording_id: int, why: str) -> None:
    """End a hold: retention counts again."""
    with _store() as store:
        _noted(store, partial(stored.release, recording_id=recording_id, who=_who(), why=why))
    click.echo(f"recording {recording_id} is released")


@recording.command()
@click.argument("recording_ids", type=int, nargs=-1)
def verify(recording_ids: tuple[int, ...]) -> None:
    """Compute the checksums anew of all recordings, or of those named; exit code 5 when one differs."""
    settings = config.load()
    with _store() as store:
        with reading(store, Scope(None)) as reader:
            found = queries.page(reader, RecordingFilter(), limit=_MOST)
        rows = [row for row in found if not recording_ids or row.id in recording_ids]
        wrong = [f"no recording {one}" for one in recording_ids if one not in {row.id for row in rows}]
        for row in rows:
            try:
                keeping.verify(settings.recordings_dir / row.file, row.sha256)
            except MediaError as error:
                wrong.append(f"recording {row.id} {row.file}: {error}")
    for words in wrong:
        click.echo(words)
    click.echo(f"{len(rows)} looked at, {len(wrong)} wrong")
    if wrong:
        raise MediaError(f"{len(wrong)} wrong")


@recording.command()
@click.argument("recording_id", type=int, required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, _MOST))
def audit(recording_id: int | None, limit: int) -> None:
    """Who had to do with a recording, or with any: the newest first."""
    with _store() as store, reading(store, Scope(None)) as reader:
        rows = queries.accesses(reader, recording_id=recording_id, limit=limit)
    for row in rows:
        which = "not kept yet" if row.recording_id is None else f"recording {row.recording_id}"
        click.echo(
            f"{_at(row.at)}  {row.action:<8}  {row.operator}  {row.address or '-'}  {which}  {row.call_uuid}"
            f"  {row.why}".rstrip()
        )


@recording.command("new-key")
def new_key() -> None:
    """Make a key for what is kept from now on; the old ones still open what was kept before. Restart the keeper."""
    click.echo(f"key {keys.add_key(config.load().recording_key_file)}")


def _store() -> Store:
    """``with`` closes it."""
    return schema.opened(config.load().database_url)


def _who() -> Who:
    return Who(f"{getpass.getuser()} (command line)")


def _noted(store: Store, act: Callable[..., Any]) -> None:
    """One unit of work."""
    with store.work() as session:
        _act(session, act)
        session.commit()


def _act(session: Session, act: Callable[..., Any]) -> None:
    act(session, now=bootstrap.utc_now())


def _row(store: Store, recording_id: int) -> RecordingRow:
    with reading(store, Scope(None)) as reader:
        found = queries.one(reader, recording_id)
    if found is None:
        raise MediaError(f"there is no recording {recording_id}")
    return found


def _line(row: RecordingRow) -> str:
    marks = " ".join(
        filter(None, ["held: " + row.held_why if row.held_at else "", "fault: " + row.fault if row.fault else ""])
    )
    return (
        f"{row.id:>6}  {_at(row.started_at)}  {row.number}  {row.caller or 'withheld':<14}  {row.kind:<9}"
        f"  {row.duration_ms / 1000:>7.1f} s  {row.format}  until {_at(row.keep_until)[:10]}  {marks}".rstrip()
    )


def _at(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")
