"""Places that channels hold, of a line, a trunk, a number (`limit`, `limit_execute`): never left over."""

from __future__ import annotations

import threading


class Limits:
    """Who holds which slot. A channel that ends frees what it held, whatever became of its handler."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[tuple[str, str], set[str]] = {}

    def take(self, realm: str, slot: str, channel: str, most: int) -> int:
        """Hold a slot when fewer than `most` channels do; `most` below 0 counts without a limit. Returns how many
        hold it then, 0: it was full.

        A channel that holds it already keeps its one place.
        """
        with self._lock:
            holders = self._holders.setdefault((realm, slot), set())
            if channel not in holders and 0 <= most <= len(holders):
                return 0
            holders.add(channel)
            return len(holders)

    def free(self, realm: str, slot: str, channel: str) -> None:
        """Give one slot back."""
        with self._lock:
            self._drop((realm, slot), channel)

    def free_all(self, channel: str) -> None:
        """Give back everything that a channel holds."""
        with self._lock:
            for key in list(self._holders):
                self._drop(key, channel)

    def usage(self, realm: str, slot: str) -> int:
        """How many channels hold a slot."""
        with self._lock:
            return len(self._holders.get((realm, slot), ()))

    def _drop(self, key: tuple[str, str], channel: str) -> None:
        holders = self._holders.get(key, set())
        holders.discard(channel)
        if not holders:
            self._holders.pop(key, None)
