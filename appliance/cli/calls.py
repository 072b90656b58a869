"""``appliance calls``: the call handlers."""

from __future__ import annotations

# Before any module that opens a socket or starts a thread: the database driver must yield to other calls.
from gevent import monkey

monkey.patch_all()

import signal  # noqa: E402
from functools import partial  # noqa: E402

import click  # noqa: E402
import gevent.event  # noqa: E402

from appliance import bootstrap, config  # noqa: E402
from appliance.calls.answer import take  # noqa: E402
from appliance.store.unit import Store  # noqa: E402
from appliance.switch.esl_leg import Folders  # noqa: E402
from appliance.switch.server import LegServer  # noqa: E402


@click.group()
def calls() -> None:
    """The call handlers, which the switch asks what to do with each call."""


@calls.command()
@click.option(
    "--grace", default=3600.0, show_default=True, help="Seconds that calls in progress may take after SIGTERM."
)
def serve(grace: float) -> None:
    """Take calls until SIGTERM; then no new ones, and end when those in progress are done.

    The port is shared (SO_REUSEPORT): a new process may start before the old one ends.
    """
    bootstrap.configure_logging()
    settings = config.load()
    store = Store(settings.database_url)
    desk = bootstrap.build_desk(settings, store)
    desk.routing()
    prompts = bootstrap.prompt_library(settings)
    server = LegServer(
        (settings.handlers_host, settings.handlers_port),
        partial(take, desk=desk),
        Folders((prompts.own_dir, prompts.default_dir), settings.recordings_dir),
        reuse_port=True,
    )
    server.start()
    stop = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    click.echo(f"READY handlers={settings.handlers_host}:{server.port}")
    stop.wait()
    server.stop(grace)
