"""The routing that calls are decided by: always in memory, looked after in the background."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from appliance.domain.routing import RoutingTable
from appliance.errors import StoreError
from appliance.store.routing import load_tables, revision
from appliance.store.unit import Store

_log = structlog.get_logger(__name__)


class LatestRouting:
    """Callable that gives the newest routing table known, at once: no call waits for the database.

    ``refresh`` reads again what has changed; whoever builds this calls it, first before any call comes and then
    several times a second. When the database is away, or slow, calls go on with the last table. What is to be
    published later is read beforehand: its time comes whether the database is there or not.
    """

    def __init__(
        self, store: Store, on_change: Callable[[RoutingTable], None], now: Callable[[], datetime]
    ) -> None:
        """``on_change`` is told each new table (it writes the fallback's snapshot); when it raises StoreError, it
        is told again at the next look."""
        self._store = store
        self._on_change = on_change
        self._now = now
        self._table: RoutingTable | None = None
        self._to_come: list[tuple[datetime, RoutingTable]] = []
        self._away = self._ran_out = False
        self._untold = self._refused = False

    def __call__(self) -> RoutingTable:
        """The newest table.

        :raises StoreError: none was ever read.
        """
        if self._table is None:
            raise StoreError("no routing was read yet")
        return self._table

    def refresh(self) -> None:
        """One cheap look; the whole table only when it has changed.

        :raises StoreError: the database is away and no table was ever read.
        """
        try:
            with self._store.reading() as session:
                if self._table is None or self._ran_out or revision(session) != self._table.revision:
                    (_, self._table), *self._to_come = load_tables(session, self._now())
                    self._untold, self._ran_out = True, False
        except StoreError as error:
            if self._table is None:
                raise
            if not self._away:
                _log.error("database away, calls go on with the last routing", error=str(error))
            self._away = True
        else:
            if self._away:
                _log.warning("database back")
            self._away = False
        while self._to_come and self._to_come[0][0] <= self._now():
            self._table, self._untold = self._to_come.pop(0)[1], True
            # Only so many are read beforehand: there may be others behind the last one.
            self._ran_out = not self._to_come
        if self._untold and self._table is not None:
            self._tell(self._table)

    def _tell(self, table: RoutingTable) -> None:
        """What comes of a new table (a full disk, say) is no reason to leave calls without it; told again later."""
        try:
            self._on_change(table)
        except StoreError as error:
            if not self._refused:
                _log.error("new routing not kept for the fallback", error=str(error))
            self._refused = True
            return
        self._untold = self._refused = False
