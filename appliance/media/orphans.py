"""WAVs whose call is in no record: no row can speak of them. They lie apart, and go by their own age."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from appliance.domain.recording import RETENTION_DAYS
from appliance.media.disk import sync

FOLDER = "orphans"
#: A WAV whose call is not stored has none once calls are stored that began so long after it was finished.
ORPHANED_AFTER = timedelta(days=7)
_STAY = timedelta(days=RETENTION_DAYS)
_log = structlog.get_logger(__name__)


def is_orphan(modified_at: float, now: datetime, stored_until: datetime | None) -> bool:
    """Whether a WAV has waited for its call for too long.

    Both by the clock and by what is stored: neither a clock that is set ahead, nor a database that was away and has
    the calls still to come, makes a call's recording an orphan.

    :param modified_at: seconds since 1970.
    :param stored_until: begin of the last call that is stored; None: there is none.
    """
    if stored_until is None:
        return False
    return min(now, stored_until).timestamp() - modified_at >= ORPHANED_AFTER.total_seconds()


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
    """Remove those that are older than a recording is kept. One that cannot be removed holds up no other."""
    folder, before = root / FOLDER, (now - _STAY).timestamp()
    for file in folder.iterdir() if folder.is_dir() else ():
        try:
            if file.stat().st_mtime < before:
                file.unlink(missing_ok=True)
                _log.info("recording-without-call-removed", file=file.name)
        except OSError as error:
            _log.error("recording-without-call-not-removed", file=file.name, error=str(error))
