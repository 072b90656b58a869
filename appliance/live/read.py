"""Whoever watches reads here: one snapshot for all viewers of a process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from appliance.live.snapshot import Snapshot, read, scoped, unpublished

#: A snapshot that was fetched so lately is taken again.
SHARED_S = 0.2
#: How long the publisher may take; it gives what it has after two and a half.
PATIENCE_S = 3.0
#: A publisher that did not answer is asked again after so long.
AGAIN_S = 1.0
#: More than a thousand calls take.
_LARGEST = 16 << 20


class LiveSource:
    """The live state, for one process; many threads or greenlets may ask.

    :param path: the publisher's socket.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._newest: Snapshot | None = None
        self._again_at = float("-inf")
        self._scoped: dict[str | None, Snapshot] = {}

    def latest(self, account: str | None) -> Snapshot:
        """The newest state, as far as an account may see it (None: all of it)."""
        with self._lock:
            if self._newest is None or time.monotonic() >= self._again_at:
                self._fetch()
            assert self._newest is not None  # noqa: S101 - for the reader: it was fetched just now
            found = self._scoped.get(account)
            if found is None:
                found = self._scoped[account] = scoped(self._newest, account)
            return found

    def _fetch(self) -> None:
        try:
            newest, pause_s = read(fetched(self._path)), SHARED_S
        except (OSError, ValueError):
            last = self._newest
            away = last is not None and not last.published
            newest, pause_s = (last if away and last else unpublished(self._now())), AGAIN_S
        self._again_at = time.monotonic() + pause_s
        self._newest = newest
        self._scoped = {}


def fetched(path: Path) -> bytes:
    """What the publisher says now.

    :raises OSError: nobody publishes there, or not in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        deadline = time.monotonic() + PATIENCE_S
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        parts, size = [], 0
        while more := connection.recv(1 << 16):
            parts.append(more)
            size += len(more)
            if size > _LARGEST or time.monotonic() > deadline:
                raise OSError("the live state takes too long, or too much")
    return b"".join(parts)
