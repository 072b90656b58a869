"""What a publisher needs besides the switch: routing, names and the journal, read anew for each look."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Protocol

from appliance.domain.live.board import Known
from appliance.domain.routing import RoutingTable
from appliance.errors import StoreError
from appliance.live.connection import Connection
from appliance.live.known import known
from appliance.live.publish import Publisher
from appliance.reference.workdays import day_kind
from appliance.store.journal import Journal
from appliance.store.names import Names, names_of_site
from appliance.store.unit import Store
from appliance.switch.client import Client


class Routing(Protocol):
    """The routing that calls take (``calls.routing``)."""

    def refresh(self) -> None:
        """Read again what has changed; raises ``StoreError`` only if none was ever read."""

    def __call__(self) -> RoutingTable:
        """The newest table."""


class SiteNow:
    """The site and its journal as they are; while the database is away, as they were."""

    def __init__(self, store: Store, journal: Path, routing: Routing, now: Callable[[], datetime]) -> None:
        self._store = store
        self._journal = journal
        self._routing = routing
        self._now = now
        self._names = Names()
        self._named = -1

    def publisher(self, make_client: Callable[[], Client]) -> Publisher:
        """One that tells of this site."""
        return Publisher(Connection(make_client), self.known, self.names, self._now)

    def known(self) -> Known:
        """What there is to know at this moment.

        :raises StoreError: no routing was ever read.
        """
        self._routing.refresh()
        # Opened for each look: one that somebody has begun anew is found.
        with closing(Journal(self._journal, reads_only=True)) as journal:
            return known(self._routing(), journal, self._now(), day_kind)

    def names(self) -> Names:
        """What people call its things; asked after ``known``."""
        revision = self._routing().revision
        if revision != self._named:
            try:
                with self._store.reading() as session:
                    self._names = names_of_site(session)
                self._named = revision
            except StoreError:
                return self._names
        return self._names
