"""What carries calls and serves those who wait."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial

from appliance.bootstrap.ground import utc_now
from appliance.bootstrap.media import prompt_folders, prompt_library, spoken
from appliance.bootstrap.outside import http_client
from appliance.bootstrap.wire import client
from appliance.calls.callbacks import CallbackService, Sounds
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.calls.funds import Funds
from appliance.calls.routing import LatestRouting
from appliance.config import Settings
from appliance.domain.breaker import Limits
from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow.nodes import Lookup
from appliance.domain.numbers import Caller
from appliance.domain.places import Place
from appliance.domain.routing import RoutingTable
from appliance.http.client import warm
from appliance.http.lookup import HttpLookup
from appliance.ops import alive
from appliance.reference.regions import Regions
from appliance.reference.workdays import day_kind
from appliance.store.credit import Credit
from appliance.store.journal import Journal
from appliance.store.outbox import JournalOutbox
from appliance.store.snapshot import write_snapshot
from appliance.store.unit import Store
from appliance.switch.orders import Orders
from appliance.switch.originate import Originator


def latest_routing(settings: Settings, store: Store) -> LatestRouting:
    """The routing that calls are decided by; each new table is kept for the fallback as well."""

    def is_read(table: RoutingTable) -> None:
        if any(isinstance(node, Lookup) for flow in table.flows.values() for node in flow.nodes.values()):
            warm()  # no call is to wait for what the first lookup loads
        write_snapshot(table, settings.snapshot_file)

    return LatestRouting(store, is_read, utc_now)


def build_funds(settings: Settings, store: Store, journal: Journal) -> Funds | None:
    """What holds money for calls (reseller mode); None: no call is refused for money. ``refresh`` it before the
    first call.

    Where it only asks (``peek``), ``journal`` may be one that only reads.
    """
    if not settings.reseller_mode:
        return None
    return Funds(store, Credit(journal.file), utc_now, settings.max_call_s)


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
        switch=Originator(partial(client, settings), (prompts.own_dir, prompts.default_dir, put_together.folder)),
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
        Orders(partial(client, settings), prompt_folders(settings)),
        utc_now,
        day_kind,
        random.SystemRandom(),
        owner=alive.process_name(),
        is_alive=alive.is_running,
        poke=poke,
        callbacks=callbacks,
    )


def build_desk(
    settings: Settings,
    routing: Callable[[], RoutingTable],
    journal: Journal,
    dispatcher: Dispatcher,
    is_down: Callable[[str], bool],
    has_room: Callable[[], bool],
    funds: Funds | None,
    consulting: Callable[[str], AbstractContextManager[None]],
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
        once=spoken(settings).once,
        home_area_code=settings.home_area_code,
        consulting=consulting,
    )


def _pins() -> Callable[[str, str], bool]:
    """Compares PINs in a thread: calls go on meanwhile, and of the 64 MB that one takes there are no more."""
    from gevent.threadpool import ThreadPool

    pool = ThreadPool(1)

    def is_pin(pin_hash: str, keyed: str) -> bool:
        # argon2: few boxes have agents who sign in by telephone.
        from appliance.store.pins import is_pin_of

        found: bool = pool.apply(is_pin_of, (pin_hash, keyed))
        return found

    return is_pin


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
