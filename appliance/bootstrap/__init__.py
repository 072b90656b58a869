"""The one place that builds what the use cases are handed: here what carries calls and tends them, beside it what
stands below (``ground``) and sounds (``media``).

What reads site files, renders and migrates is imported where it is called: handlers and collector, which do none
of that, start in two thirds of the time.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from appliance.bootstrap.ground import SCRIPTS_DIR, configure_logging, esl_password, secret, utc_now
from appliance.bootstrap.media import build_studio, keeping, prompt_folders, prompt_library, spoken, taking
from appliance.calls.callbacks import CallbackService, Sounds
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.calls.routing import LatestRouting
from appliance.config import Settings
from appliance.domain.breaker import Limits
from appliance.domain.calendar import SHANGHAI
from appliance.domain.numbers import Caller
from appliance.domain.places import Place
from appliance.domain.routing import Registration, RoutingTable
from appliance.errors import SettingsError
from appliance.http.client import Client as HttpClient
from appliance.http.lookup import HttpLookup
from appliance.http.names import Names
from appliance.ops import alive
from appliance.reference.regions import Regions
from appliance.reference.workdays import day_kind
from appliance.store.bans import Bans
from appliance.store.begun import BegunCalls
from appliance.store.credit import Credit
from appliance.store.journal import Journal
from appliance.store.outbox import JournalOutbox
from appliance.store.phones import phone_secrets
from appliance.store.pins import is_pin_of
from appliance.store.routing import load_table
from appliance.store.snapshot import write_snapshot
from appliance.store.unit import Store
from appliance.switch.client import Client
from appliance.switch.orders import Orders
from appliance.switch.originate import Originator

if TYPE_CHECKING:
    from appliance.calls.funds import Funds
    from appliance.cdr.lost import LostCalls
    from appliance.domain.lost import Sound
    from appliance.live.publish import Publisher
    from appliance.rating.standing import Standings

__all__ = [
    "SCRIPTS_DIR",
    "build_desk",
    "build_dispatcher",
    "build_funds",
    "build_lookup",
    "build_publisher",
    "build_studio",
    "configure_logging",
    "esl_password",
    "http_client",
    "keeping",
    "latest_routing",
    "lost_calls",
    "place_of",
    "prompt_folders",
    "prompt_library",
    "registration_password",
    "render_switch",
    "routing_table",
    "secret",
    "set_up_site",
    "spoken",
    "standings",
    "switch_api",
    "taking",
    "utc_now",
    "warm_reference",
]


def lost_calls(settings: Settings, store: Store, journal: Journal) -> LostCalls:
    """What closes calls that the switch took with it."""
    from appliance.cdr.lost import LostCalls
    from appliance.domain.lost import Sound
    from appliance.media.crashed import heard

    def sound_of(name: str) -> Sound | None:
        found = heard(settings.recordings_dir / name)
        return None if found is None else Sound(*found)

    return LostCalls(
        BegunCalls(journal.file),
        store,
        settings.spool_dir,
        partial(switch_api, settings),
        sound_of,
        utc_now,
        time.monotonic,
        settings.lost_after_s,
        settings.home_area_code,
    )


def standings(settings: Settings, store: Store, journal: Journal) -> Standings | None:
    """What brings balances to the calls; None: no call is refused for money."""
    if not settings.reseller_mode:
        return None
    from appliance.rating.standing import Standings

    return Standings(store, Credit(journal.file), utc_now, settings.max_call_s)


def build_funds(settings: Settings, store: Store, journal: Journal) -> Funds | None:
    """What holds money for calls; None: no call is refused for money. ``refresh`` it before the first call.

    Where it only asks (``peek``), ``journal`` may be one that only reads."""
    if not settings.reseller_mode:
        return None
    from appliance.calls.funds import Funds

    return Funds(store, Credit(journal.file), utc_now, settings.max_call_s)


def latest_routing(settings: Settings, store: Store) -> LatestRouting:
    """The routing that calls are decided by; each new table is kept for the fallback as well."""

    def keep_for_fallback(table: RoutingTable) -> None:
        write_snapshot(table, settings.snapshot_file)

    return LatestRouting(store, keep_for_fallback, utc_now)


def build_dispatcher(
    settings: Settings,
    routing: Callable[[], RoutingTable],
    journal: Journal,
    poke: Callable[[], None],
    *,
    run: Callable[[Callable[[], None]], object],
    is_down: Callable[[str], bool],
    funds: Funds | None = None,
) -> Dispatcher:
    """What serves the queues, and calls back who asked for it; ``poke`` has its next look done now, ``run`` does
    something beside."""
    prompts, put_together = prompt_library(settings), spoken(settings)
    callbacks = CallbackService(
        journal=journal,
        routing=routing,
        switch=Originator(partial(_client, settings), (prompts.own_dir, prompts.default_dir, put_together.folder)),
        sounds=Sounds(prompts.find, put_together.together),
        now=utc_now,
        public_day=day_kind,
        owner=alive.process_name(),
        is_alive=alive.is_running,
        run=run,
        is_down=is_down,
        poke=poke,
        has_money=lambda request: funds is None or funds.pays_for(request),
    )
    return Dispatcher(
        journal,
        routing,
        Orders(partial(_client, settings), prompt_folders(settings)),
        utc_now,
        day_kind,
        random.SystemRandom(),
        owner=alive.process_name(),
        is_alive=alive.is_running,
        poke=poke,
        callbacks=callbacks,
    )


def build_publisher(settings: Settings, store: Store) -> Publisher:
    """What looks at the switch for all who watch."""
    # Not for the call handlers, which publish nothing.
    from appliance.live.site import SiteNow

    routing = LatestRouting(store, lambda table: None, utc_now)
    return SiteNow(store, settings.journal_file, routing, utc_now).publisher(partial(_client, settings))


def _client(settings: Settings) -> Client:
    """For the switch's event socket, not yet connected."""
    return Client(settings.esl_host, settings.esl_port, esl_password(settings), settings.command_timeout_s)


def build_desk(
    settings: Settings,
    routing: Callable[[], RoutingTable],
    journal: Journal,
    dispatcher: Dispatcher,
    is_down: Callable[[str], bool],
    has_room: Callable[[], bool],
    funds: Funds | None = None,
) -> Desk:
    """What the call steps work with."""
    return Desk(
        routing=routing,
        find_prompt=prompt_library(settings).find,
        journal=journal,
        public_day=day_kind,
        place_of=place_of,
        now=utc_now,
        dispatcher=dispatcher,
        outbox=JournalOutbox(journal.file),
        lookup=build_lookup(settings),
        is_down=is_down,
        has_room=has_room,
        funds=funds,
        is_pin=_pins(),
        recordings=settings.recordings_dir,
        together=spoken(settings).together,
        home_area_code=settings.home_area_code,
    )


def _pins() -> Callable[[str, str], bool]:
    """Compares PINs in a thread: calls go on meanwhile, and of the 64 MB that one takes there are no more."""
    from gevent.threadpool import ThreadPool

    pool = ThreadPool(1)

    def is_pin(pin_hash: str, keyed: str) -> bool:
        found: bool = pool.apply(is_pin_of, (pin_hash, keyed))
        return found

    return is_pin


def http_client(settings: Settings) -> HttpClient:
    """Asks other systems; may reach whom the settings allow."""
    return HttpClient(Names(frozenset(settings.http_allow.lower().split())))


def build_lookup(settings: Settings) -> HttpLookup:
    """What flows ask other systems by."""
    limits = Limits(settings.lookup_failures, timedelta(seconds=settings.lookup_rest_s))
    return HttpLookup(http_client(settings), limits, utc_now)


def place_of(caller: Caller, table: RoutingTable) -> Place | None:
    """Where a caller calls from: by the box's own table, else by the public ones."""
    return Regions(table.places).place_of(caller)


def warm_reference() -> None:
    """Load the public tables of places and days (a fifth of a second, 18 MB): no call is to wait for that."""
    Regions().warm()
    day_kind(utc_now().astimezone(SHANGHAI).date())


def render_switch(settings: Settings, folder: Path) -> list[PurePath]:
    """Write the configuration of the switch that the settings name; return the files that changed."""
    from appliance.site import switchconf
    from appliance.site.switchparts import needs_freeswitch, parts_of

    password = esl_password(settings)
    with Store(settings.database_url) as store, store.reading() as session:
        table, secrets = load_table(session, utc_now()), phone_secrets(session)
    with contextlib.closing(Journal(settings.journal_file, reads_only=True)) as journal:
        banned = [ban.address for ban in Bans(journal.file).all(utc_now())]
    accept = sorted({address for trunk in table.trunks for address in trunk.accept})
    if settings.switch == "miniswitch":
        if missing := needs_freeswitch(table):
            raise SettingsError("\n".join(missing))
        text = json.dumps(switchconf.render_miniswitch(settings, password, accept), indent=2)
        return switchconf.write({PurePath("miniswitch.json"): text}, folder)
    parts = parts_of(table, secrets, registration_password, banned)
    return switchconf.write(switchconf.render(settings, password, accept, parts=parts), folder)


def registration_password(registration: Registration) -> str:
    """The password by which the box registers at a carrier, from where the site file says.

    :raises SettingsError: it is not there, or cannot be read.
    """
    if registration.password_env:
        found = os.environ.get(registration.password_env, "")
        if not found:
            raise SettingsError(f"{registration.password_env}: not set; a trunk's registration needs it")
        return found
    try:
        return Path(registration.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"a trunk's password file {registration.password_file}: {why}") from error


def routing_table(settings: Settings) -> RoutingTable:
    """The routing that is stored."""
    with Store(settings.database_url) as store, store.reading() as session:
        return load_table(session, utc_now())


def set_up_site(settings: Settings, file: Path) -> None:
    """Make the database and apply a site file to it: what a first start needs.

    :raises SiteError: the site has faults; nothing was applied.
    :raises StoreError: the database is not ours.
    """
    from appliance.site import check as site_check
    from appliance.site.apply import apply
    from appliance.store import schema

    schema.upgrade(settings.database_url)
    document = site_check.load(file, prompt_library(settings).find_playable, settings.switch)
    with contextlib.closing(schema.opened(settings.database_url)) as store:
        apply(store, document, now=utc_now())


@contextlib.contextmanager
def switch_api(settings: Settings) -> Iterator[Callable[[str], str]]:
    """One connection to the switch's event socket, as a function from an API command to its answer.

    :raises SwitchError: the switch is away, or refuses the password.
    """
    client = _client(settings)
    client.connect()
    try:
        yield client.api
    finally:
        client.stop()
