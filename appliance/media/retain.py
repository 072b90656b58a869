"""What is past its retention goes, and the disk is kept from filling up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psutil
import structlog

from appliance.config import Settings
from appliance.domain.recording import Room, room
from appliance.store import recordings
from appliance.store.unit import Store

#: Rows that are looked for at once.
BATCH = 200
_log = structlog.get_logger(__name__)


def prune(root: Path, store: Store, now: datetime, *, stop: Callable[[], bool] = lambda: False) -> list[int]:
    """Remove what is past its retention and not held, the oldest first; ids of what went.

    The file goes before the commit: a kill between the two leaves a row without a file, which the next run deletes
    again. The other way round a file would be left of which nobody knows.

    :raises StoreError: the database cannot be used.
    """
    gone: list[int] = []
    while not stop():
        with store.reading() as session:
            found = [one for one in recordings.expired(session, now, BATCH + len(gone)) if one not in gone]
        if not found:
            break
        before = len(gone)
        for recording_id in found:
            if _remove(root, store, recording_id, now):
                gone.append(recording_id)
        if len(gone) == before:
            break  # held meanwhile, or none can be removed: the next run looks again
    return gone


def _remove(root: Path, store: Store, recording_id: int, now: datetime) -> bool:
    try:
        with store.work() as session:
            file = recordings.delete(session, recording_id, "past its retention", now)
            if file is None:
                return False
            (root / file).unlink(missing_ok=True)
            session.commit()
    except OSError as error:
        _log.error("recording-stays", recording=recording_id, error=error.strerror)
        return False
    return True


class RoomWatch:
    """How much room there is for recordings. ``look`` asks the file system for its counters, no disk; ``has_room``
    is what was seen last, so that no call ever asks.

    Each process that wants to know looks for itself: another's flag could be stale, and a full disk is the very one
    on which no flag can be written.
    """

    def __init__(self, settings: Settings, free: Callable[[Path], int] | None = None) -> None:
        self._folder = settings.recordings_dir
        self._floor = settings.disk_floor_mb << 20
        self._warning = settings.disk_warning_mb << 20
        self._free = free or free_bytes
        self.room = Room.PLENTY

    def look(self) -> Room:
        """See how it is now; a change is an alarm, or its end."""
        try:
            free = self._free(self._folder)
        except OSError as error:
            # Nothing is known: the switch will say whether it can write.
            _log.error("disk-not-seen", folder=str(self._folder), error=error.strerror)
            return self.room
        before, self.room = self.room, room(free, self._floor, self._warning, self.room)
        if self.room is not before:
            log = _log.info if self.room is Room.PLENTY else _log.error
            log("disk-room", room=self.room, free_mb=free >> 20, folder=str(self._folder))
        return self.room

    def has_room(self) -> bool:
        """Whether a call may be recorded, as seen last."""
        return self.room is not Room.NONE


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written in a folder, or where it will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free: int = psutil.disk_usage(str(there)).free
    return free
