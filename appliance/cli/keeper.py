"""The loop of ``appliance recording keep``: keep what is finished, remove what has expired, watch the disk, and
make prompts of what was recorded by phone."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import structlog

from appliance import bootstrap
from appliance.config import Settings
from appliance.domain.recording import Room
from appliance.errors import MediaError, StoreError
from appliance.media.keep import Done, keep_once
from appliance.media.retain import RoomWatch, prune
from appliance.media.takes import keep_takes
from appliance.store.unit import Store

#: What is past its retention may stay so much longer, unless room is short.
PRUNE_EVERY_S = 600.0
_LOCK = ".keeping"
_log = structlog.get_logger(__name__)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Nobody else keeps recordings in this folder meanwhile: two would empty each other's unfinished files.

    :raises MediaError: somebody does, or the folder cannot be used.
    """
    try:
        settings.recordings_dir.mkdir(parents=True, exist_ok=True)
        lock = (settings.recordings_dir / _LOCK).open("a")
    except OSError as error:
        raise MediaError(f"{settings.recordings_dir}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MediaError(f"recordings in {settings.recordings_dir} are kept by another process") from None
        yield


class Keeper:
    """Keeps, removes, watches, until it is stopped. The database may go and come back meanwhile."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._stop = threading.Event()
        self._keeping = bootstrap.keeping(settings, store, self._stop.is_set)
        self._taking = bootstrap.taking(settings, store, self._stop.is_set)
        self._spoken = bootstrap.spoken(settings)
        self._room = RoomWatch(settings)
        self._prune_at = 0.0
        self._said: dict[str, str] = {}

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """End after the file in hand; a signal's handler."""
        self._stop.set()

    def run(self) -> None:
        """Until ``stop``."""
        while not self._stop.is_set():
            try:
                self.once()
            except (StoreError, OSError) as error:
                self._say({"": str(error)})
            self._stop.wait(self._settings.recording_interval_s)

    def once(self) -> Done:
        """One look. Expired recordings go first where room is short, so that those of today find some.

        :raises StoreError: the database cannot be used.
        :raises OSError: the folder cannot be read.
        """
        if self._room.look() is not Room.PLENTY or time.monotonic() >= self._prune_at:
            self._spoken.prune(bootstrap.utc_now())
            gone = prune(self._settings.recordings_dir, self._store, bootstrap.utc_now(), stop=self._stop.is_set)
            self._prune_at = time.monotonic() + PRUNE_EVERY_S
            if gone:
                _log.info("recordings-expired", count=len(gone))
        # Somebody waits for these.
        takes = keep_takes(self._taking)
        done = keep_once(self._keeping)
        done.failed |= takes.waiting
        if done.kept or done.dropped:
            _log.info("recordings-kept", kept=len(done.kept), dropped=len(done.dropped))
        self._say(done.failed)
        return done

    def _say(self, faults: dict[str, str]) -> None:
        """Each fault once, not at each look for as long as it lasts."""
        for source, why in faults.items():
            if self._said.get(source) != why:
                _log.error("recording-not-kept", source=source, error=why)
        self._said = faults
