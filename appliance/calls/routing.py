"""The routing that calls are decided by: one cheap look a call, the whole table only when it changed."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from appliance.domain.routing import RoutingTable
from appliance.errors import StoreError
from appliance.store.routing import load_table, revision
from appliance.store.unit import Store

_log = structlog.get_logger(__name__)


class LatestRouting:
    """Callable that gives the newest routing table.

    When the database is away, calls go on with the last table read; only before the first one is read is
    there nothing to go on with.
    """

    def __init__(self, store: Store, on_change: Callable[[RoutingTable], None]) -> None:
        """``on_change`` is told each new table (it writes the fallback's snapshot)."""
        self._store = store
        self._on_change = on_change
        self._table: RoutingTable | None = None
        self._away = False

    def __call__(self) -> RoutingTable:
        """The newest table.

        :raises StoreError: the database is away and no table was ever read.
        """
        try:
            with self._store.reading() as session:
                if self._table is None or revision(session) != self._table.revision:
                    self._table = load_table(session)
                    self._on_change(self._table)
        except StoreError as error:
            if self._table is None:
                raise
            if not self._away:
                _log.error("database away, calls go on with the last routing", error=str(error))
            self._away = True
        else:
            self._away = False
        return self._table
