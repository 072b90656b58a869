"""The site: set up, and what is stored of it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from appliance.bootstrap.ground import utc_now
from appliance.bootstrap.media import prompt_library
from appliance.config import Settings
from appliance.domain.routing import RoutingTable
from appliance.store.routing import load_table
from appliance.store.unit import Store


def set_up_site(settings: Settings, file: Path) -> None:
    """Make the database and apply a site file to it: what a first start needs.

    :raises SiteError: the site has faults; nothing was applied.
    :raises StoreError: the database is not ours.
    """
    # Whoever asks for the routing alone reads no site file and migrates nothing.
    from appliance.site import check as site_check
    from appliance.site.apply import apply
    from appliance.store import schema

    schema.upgrade(settings.database_url)
    document = site_check.load(file, prompt_library(settings).find_playable, settings.switch)
    with contextlib.closing(schema.opened(settings.database_url)) as store:
        apply(store, document, now=utc_now())


def routing_table(settings: Settings) -> RoutingTable:
    """The routing that is stored."""
    with Store(settings.database_url) as store, store.reading() as session:
        return load_table(session, utc_now())
