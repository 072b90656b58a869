"""WAVs whose call is in no record: no row can speak of them. They lie apart, and go by their own age."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from appliance.domain.recording import RETENTION_DAYS
from appliance.media.disk import sync

FOLDER = "orphans"
#: A WAV whose call is not stored so long after it was finished has none: the collector is not away for that long.
ORPHANED_AFTER = timedelta(days=7)
_STAY = timedelta(days=RETENTION_DAYS)
_log = structlog.get_logger(__name__)


def is_orphan(modified_at: float, now: datetime) -> bool:
    """Whether a WAV has waited for its call for too long. ``modified_at``: seconds since 1970."""
    return now.timestamp() - modified_at >= ORPHANED_AFTER.total_seconds()


def lay_apart(root: Path, wav: Path, sealed: Path | None) -> None:
    """Move a WAV to the others, or instead of it a sealed copy that was made of it (None: there is no key)."""
    _log.error("recording-without-call", file=wav.name)
    target = root / FOLDER / wav.name
    target.parent.mkdir(exist_ok=True)
    if sealed is not None:
        modified_at = wav.stat().st_mtime
        os.utime(sealed, (modified_at, modified_at))
    (sealed or wav).replace(target)
    sync(target.parent)
    wav.unlink(missing_ok=True)


def expire(root: Path, now: datetime) -> None:
    """Remove those that are older than a recording is kept."""
    folder, before = root / FOLDER, (now - _STAY).timestamp()
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            _log.info("recording-without-call-removed", file=file.name)
