"""The one place that builds what the use cases are handed: the store, the desk, secrets, logging.

What reads site files, renders and migrates is imported where it is called: handlers and collector, which do none
of that, start in two thirds of the time.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath

import structlog

from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.calls.routing import LatestRouting
from appliance.config import PROJECT_ROOT, Settings
from appliance.domain.calendar import SHANGHAI
from appliance.domain.numbers import Caller
from appliance.domain.places import Place
from appliance.domain.routing import RoutingTable
from appliance.errors import SettingsError
from appliance.media.prompts import PromptLibrary
from appliance.media.spoken import Spoken
from appliance.ops import alive
from appliance.reference.regions import Regions
from appliance.reference.workdays import day_kind
from appliance.store.journal import Journal
from appliance.store.routing import load_table
from appliance.store.snapshot import write_snapshot
from appliance.store.unit import Store
from appliance.switch.client import Client
from appliance.switch.orders import Orders

#: What FreeSWITCH loads, in a checkout and in a release alike beside the packages.
SCRIPTS_DIR = PROJECT_ROOT / "freeswitch-scripts"


def configure_logging() -> None:
    """One JSON object a line on standard error, times in UTC."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def secret(path: Path) -> str:
    """The secret in a file; made (256 bits, mode 0600) where there is none yet.

    Two processes that start at once agree on one. A full disk is no hindrance to reading it.

    :raises SettingsError: the file cannot be made or read, or is empty.
    """
    try:
        try:
            text = path.read_text()
        except FileNotFoundError:
            _make_secret(path)
            text = path.read_text()
    except OSError as error:
        raise SettingsError(f"cannot make or read the secret {path}: {error.strerror}") from error
    if not text.strip():
        raise SettingsError(f"the secret {path} is empty")
    return text.strip()


def _make_secret(path: Path) -> None:
    """Whoever is first makes it; it is whole as soon as it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()


def esl_password(settings: Settings) -> str:
    """The event socket's password: the setting, or the file's."""
    return settings.esl_password.get_secret_value() or secret(settings.esl_password_file)


def prompt_library(settings: Settings) -> PromptLibrary:
    """Prompts of the enterprises, and the default Mandarin set."""
    return PromptLibrary(settings.prompts_dir, SCRIPTS_DIR / "prompts" / "zh")


def spoken(settings: Settings) -> Spoken:
    """Announcements put together of prompts."""
    return Spoken(settings.state_dir / "spoken")


def latest_routing(settings: Settings, store: Store) -> LatestRouting:
    """The routing that calls are decided by; each new table is kept for the fallback as well."""

    def keep_for_fallback(table: RoutingTable) -> None:
        write_snapshot(table, settings.snapshot_file)

    return LatestRouting(store, keep_for_fallback)


def build_dispatcher(
    settings: Settings, routing: Callable[[], RoutingTable], journal: Journal, poke: Callable[[], None]
) -> Dispatcher:
    """What serves the queues; ``poke`` has its next look done now."""
    return Dispatcher(
        journal,
        routing,
        Orders(partial(_client, settings)),
        utc_now,
        day_kind,
        random.SystemRandom(),
        owner=alive.process_name(),
        is_alive=alive.is_running,
        poke=poke,
    )


def _client(settings: Settings) -> Client:
    """For the switch's event socket, not yet connected."""
    return Client(settings.esl_host, settings.esl_port, esl_password(settings), settings.command_timeout_s)


def build_desk(
    settings: Settings,
    routing: Callable[[], RoutingTable],
    journal: Journal,
    dispatcher: Dispatcher,
    is_down: Callable[[str], bool],
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
        is_down=is_down,
        together=spoken(settings).together,
        home_area_code=settings.home_area_code,
    )


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

    password, trunks = esl_password(settings), routing_table(settings).trunks
    accept = sorted({address for trunk in trunks for address in trunk.accept})
    if settings.switch == "miniswitch":
        text = json.dumps(switchconf.render_miniswitch(settings, password, accept), indent=2)
        return switchconf.write({PurePath("miniswitch.json"): text}, folder)
    gateways = [switchconf.Gateway(one.id, one.proxy, one.ping_seconds) for one in trunks if one.is_pinged]
    return switchconf.write(switchconf.render(settings, password, accept, gateways=gateways), folder)


def routing_table(settings: Settings) -> RoutingTable:
    """The routing that is stored."""
    with Store(settings.database_url).reading() as session:
        return load_table(session)


def set_up_site(settings: Settings, file: Path) -> None:
    """Make the database and apply a site file to it: what a first start needs.

    :raises SiteError: the site has faults; nothing was applied.
    :raises StoreError: the database is not ours.
    """
    from appliance.site import check as site_check
    from appliance.site.apply import apply
    from appliance.store import schema

    schema.upgrade(settings.database_url)
    document = site_check.load(file, prompt_library(settings).find_playable)
    apply(schema.opened(settings.database_url), document, now=utc_now())


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
