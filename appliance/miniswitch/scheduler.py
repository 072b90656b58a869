"""Things to do later: one thread for all of them."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Scheduler:
    """Does jobs when they are due. A job must be short: it delays the others."""

    def __init__(self) -> None:
        self._jobs: list[tuple[float, int, Callable[[], object]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._running = True
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def after(self, seconds: float, work: Callable[[], object]) -> None:
        """Do something in so many seconds."""
        with self._changed:
            heapq.heappush(self._jobs, (time.monotonic() + seconds, next(self._number), work))
            self._changed.notify()

    def stop(self) -> None:
        """Do nothing more."""
        with self._changed:
            self._running = False
            self._changed.notify()
        self._thread.join(1.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._running and (not self._jobs or self._jobs[0][0] > time.monotonic()):
                    self._changed.wait(self._jobs[0][0] - time.monotonic() if self._jobs else None)
                if not self._running:
                    return
                work = heapq.heappop(self._jobs)[2]
            try:
                work()
            except Exception:
                log.exception("a scheduled job")
