"""``appliance live``: what goes on now."""

from __future__ import annotations

# Before any module that opens a socket: looks and askers must yield to one another.
from gevent import monkey

monkey.patch_all()

import contextlib  # noqa: E402
import signal  # noqa: E402
from contextlib import closing  # noqa: E402
from pathlib import Path  # noqa: E402

import click  # noqa: E402
import gevent.event  # noqa: E402
from gevent import socket  # noqa: E402
from gevent.pool import Pool  # noqa: E402
from gevent.server import StreamServer  # noqa: E402

from appliance import bootstrap, config  # noqa: E402
from appliance.errors import SettingsError  # noqa: E402
from appliance.live.read import LiveSource  # noqa: E402
from appliance.live.snapshot import moment  # noqa: E402
from appliance.store.unit import Store  # noqa: E402

#: Askers at once; who comes later waits.
_MOST_ASKERS = 100


@click.group()
def live() -> None:
    """What goes on now: calls, queues, lines, trunks."""


@live.command()
def serve() -> None:
    """Publish the live state: look at the switch while somebody watches, until SIGTERM."""
    bootstrap.configure_logging()
    settings = config.load()
    with closing(Store(settings.database_url)) as store:
        publisher = bootstrap.build_publisher(settings, store)
        server = StreamServer(listening(settings.live_socket), publisher.serve, spawn=Pool(_MOST_ASKERS))
        server.start()
        stop = gevent.event.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, stop.set)
        click.echo(f"READY live={settings.live_socket}")
        publisher.run(stop)
        server.stop(timeout=1)
        with contextlib.suppress(OSError):
            settings.live_socket.unlink()


def listening(path: Path) -> socket.socket:
    """A socket in the file system that this user alone may connect to; one that was left behind is replaced.

    :raises SettingsError: it cannot be made, or its path is longer than the kernel takes.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Bound beside its place and moved there: who comes in between finds the old one or this one.
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        made.bind(str(fresh))
        fresh.chmod(0o600)
        made.listen(128)
        fresh.replace(path)
    except OSError as error:
        raise SettingsError(f"live_socket {path}: {error.strerror or error}") from error
    return made


@live.command()
def show() -> None:
    """Show what goes on now."""
    settings = config.load()
    seen = LiveSource(settings.live_socket, bootstrap.utc_now).latest(None)
    if not seen.published:
        click.echo("nobody publishes the live state: is `appliance live serve` running?")
        return
    if not seen.switch_up:
        click.echo(f"switch away since {seen.switch_since:%Y-%m-%d %H:%M:%S %Z}")
    for call in seen.calls:
        lines = ",".join(call["lines"])
        started = moment(call["started_at"])
        where = " ".join(filter(None, [call["stage"], call["queue"] or call["node"], lines]))
        click.echo(f"call   {call['uuid']}  {call['number'] or '-':<12} {call['caller'] or '-':<14} {where}"
                   f"  since {started:%H:%M:%S}")  # fmt: skip
    for queue in seen.queues:
        click.echo(f"queue  {queue['id']:<16} {len(queue['callers'])} wait; lines: {queue['free']} free,"
                   f" {queue['busy']} busy, {queue['resting']} rest, {queue['away']} away")  # fmt: skip
    for line in seen.lines:
        most = f"/{line['max_calls']}" if line["max_calls"] else ""
        click.echo(f"line   {line['id']:<16} {line['state']:<13} {line['calls']}{most}")
    for trunk in seen.trunks:
        up = {True: "up", False: "down", None: "not watched"}[trunk["up"]]
        most = f"/{trunk['max_calls']}" if trunk["max_calls"] else ""
        click.echo(f"trunk  {trunk['id']:<16} {up:<13} {sum(trunk['channels'].values())}{most}")
