"""``appliance calls``: the call handlers."""

from __future__ import annotations

# Before any module that opens a socket or starts a thread: the database driver must yield to other calls.
from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402
import signal  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from typing import NoReturn  # noqa: E402

import click  # noqa: E402
import gevent.event  # noqa: E402
import structlog  # noqa: E402

from appliance import bootstrap, config  # noqa: E402
from appliance.calls import consulting, duration  # noqa: E402
from appliance.calls.answer import take  # noqa: E402
from appliance.calls.dispatch import Dispatcher  # noqa: E402
from appliance.calls.guard import LOOK_EVERY_S as LOOK_AT_BANS_EVERY_S  # noqa: E402
from appliance.calls.guard import PhoneGuard  # noqa: E402
from appliance.calls.phone_code import take_code  # noqa: E402
from appliance.calls.phones import LOOK_EVERY_S as LOOK_AT_PHONES_EVERY_S  # noqa: E402
from appliance.calls.phones import PhoneWatch  # noqa: E402
from appliance.calls.talk import take_key  # noqa: E402
from appliance.calls.trunks import LOOK_EVERY_S as LOOK_AT_TRUNKS_EVERY_S  # noqa: E402
from appliance.calls.trunks import TrunkWatch  # noqa: E402
from appliance.calls.under_way import LOOK_EVERY_S as LOOK_AT_CALLS_EVERY_S  # noqa: E402
from appliance.calls.under_way import UnderWay  # noqa: E402
from appliance.cli.guard import guard_phones  # noqa: E402
from appliance.media.retain import RoomWatch  # noqa: E402
from appliance.ops.alive import SIGN_EVERY_S, SignsOfLife  # noqa: E402
from appliance.store import takes  # noqa: E402
from appliance.store.begun import BegunCalls  # noqa: E402
from appliance.store.journal import Journal  # noqa: E402
from appliance.store.outbox import JournalOutbox  # noqa: E402
from appliance.store.unit import Store  # noqa: E402
from appliance.switch.esl_leg import Folders  # noqa: E402
from appliance.switch.server import LegServer  # noqa: E402

#: How often the handlers look whether there is room for recordings.
LOOK_AT_ROOM_EVERY_S = 1.0
#: How often the handlers look whether the site has changed.
LOOK_EVERY_S = 0.5
_log = structlog.get_logger(__name__)


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
    routing = bootstrap.latest_routing(settings, store)
    routing.refresh()
    journal = Journal(settings.journal_file)
    funds = bootstrap.build_funds(settings, store, journal)
    if funds is not None:
        funds.refresh()
    switch = partial(bootstrap.switch_api, settings)
    trunks = TrunkWatch(switch, routing, journal, bootstrap.utc_now)
    wanted = gevent.event.Event()
    room = RoomWatch(settings)
    room.look()
    dispatcher = bootstrap.build_dispatcher(
        settings, routing, journal, wanted.set, run=gevent.spawn, is_down=trunks.is_down, funds=funds
    )
    consultations = consulting.Consultations(switch)
    desk = bootstrap.build_desk(
        settings, routing, journal, dispatcher, trunks.is_down, room.has_room, funds, consultations.of
    )
    under_way = UnderWay(BegunCalls(journal.file), bootstrap.utc_now)
    server = LegServer(
        (settings.handlers_host, settings.handlers_port),
        under_way.followed(partial(take, desk=desk)),
        # The last: a recording of his own that a caller hears again.
        Folders(
            (*bootstrap.prompt_folders(settings), settings.recordings_dir / takes.FOLDER), settings.recordings_dir
        ),
        reuse_port=True,
        talk=partial(take_key, desk=desk),
        phone=partial(take_code, desk=desk),
    )
    bootstrap.warm_reference()
    server.start()
    stop = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    gevent.spawn(_for_ever, SIGN_EVERY_S, SignsOfLife().give)
    gevent.spawn(_for_ever, LOOK_EVERY_S, routing.refresh)
    if funds is not None:
        gevent.spawn(_for_ever, LOOK_EVERY_S, funds.refresh)
    gevent.spawn(_for_ever, LOOK_EVERY_S, JournalOutbox(journal.file).hand_over)
    gevent.spawn(_for_ever, LOOK_AT_ROOM_EVERY_S, room.look)
    gevent.spawn(_for_ever, 0.0, partial(_serve_queues, dispatcher, wanted))
    gevent.spawn(_for_ever, LOOK_AT_CALLS_EVERY_S, under_way.look)
    limit = duration.DurationLimit(switch, bootstrap.utc_now, settings.max_call_s)
    gevent.spawn(_for_ever, duration.LOOK_EVERY_S, limit.look)
    if settings.switch == "freeswitch":
        gevent.spawn(_for_ever, consulting.LOOK_EVERY_S, partial(consultations.look, gevent.sleep))
        gevent.spawn(_for_ever, LOOK_AT_TRUNKS_EVERY_S, trunks.look)
        phones = PhoneWatch(switch, routing, journal, bootstrap.utc_now)
        gevent.spawn(_for_ever, LOOK_AT_PHONES_EVERY_S, phones.look)
        gevent.spawn(guard_phones, settings, routing, journal, stop, _look_for_bans)
    # What was loaded stays: the collection of a call's garbage need not go through it each time.
    gc.collect()
    gc.freeze()
    click.echo(f"READY handlers={settings.handlers_host}:{server.port}")
    stop.wait()
    server.stop(grace)
    journal.close()


def _look_for_bans(guard: PhoneGuard) -> None:
    gevent.spawn(_for_ever, LOOK_AT_BANS_EVERY_S, guard.look)


def _serve_queues(dispatcher: Dispatcher, wanted: gevent.event.Event) -> None:
    """One look, and the pause until the next one is due or wanted."""
    wanted.clear()
    pause_s = LOOK_EVERY_S
    try:
        pause_s = dispatcher.look()
    finally:
        wanted.wait(pause_s)


def _for_ever(pause_s: float, work: Callable[[], object]) -> NoReturn:
    """Do something again and again. What goes wrong once must not end it: calls would be left with old routing."""
    while True:
        try:
            work()
        except Exception:
            _log.exception("background work failed")
        gevent.sleep(pause_s)
