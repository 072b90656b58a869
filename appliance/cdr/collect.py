"""Collect CDR files: each leg is stored once, and a file leaves the spool only after its commit.

A kill between the commit and the removal leaves a file whose leg is stored; the next run finds that out and
removes it. Legs come in any order: a call is derived anew from all its legs whenever one of them arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DataError, IntegrityError

from appliance.cdr import decode
from appliance.cdr.spool import LARGEST, CdrFile, remove, set_aside, waiting
from appliance.domain.cdr import Leg, Rejected, read_leg
from appliance.errors import StoreError
from appliance.store import calls
from appliance.store.unit import Store

_log = structlog.get_logger(__name__)

#: Files of one unit of work. Their calls wait for one another's commit, and the database's other writers for it.
BATCH = 200


class Reject(NamedTuple):
    """A file that was set aside, and why."""

    file: str
    reason: str


class Collected(NamedTuple):
    """UUIDs of the calls that were stored or derived anew, or are to be rated again with them, and the files set
    aside."""

    stored: tuple[str, ...]
    rejects: tuple[Reject, ...]


class _Sorted(NamedTuple):
    """Files by what is to be done with them."""

    legs: list[tuple[CdrFile, Leg]]
    rejects: list[tuple[CdrFile, str]]


def collect_once(
    spool: Path,
    store: Store,
    clock: Callable[[], datetime],
    *,
    partial_s: float = 30.0,
    batch: int = BATCH,
    home_area_code: str = "",
    after_batch: Callable[[Sequence[str]], None] = lambda call_uuids: None,
    stop: Callable[[], bool] = lambda: False,
) -> Collected:
    """Store every whole CDR file of the spool, oldest first.

    :param partial_s: a file that is not whole is left alone until it was not written to for so many seconds,
        then set aside.
    :param batch: at most so many files in one unit of work.
    :param after_batch: told the calls of each batch after its commit; rating is hung in here.
    :param stop: asked before each batch; true ends the run.
    :raises StoreError: the database is full or gone, or the spool cannot be read; the files of the batch stay
        where they are, earlier batches are stored.
    """
    stored: dict[str, None] = {}
    rejects: list[Reject] = []
    try:
        files = waiting(spool)
    except OSError as error:
        raise StoreError(f"the spool {spool} cannot be read: {error.strerror}") from error
    for start in range(0, len(files), batch):
        if stop():
            break
        now = clock()
        found = _sort(files[start : start + batch], now, partial_s)
        for part in _storable(found, store, now, home_area_code):
            call_uuids, refused = part
            stored.update(dict.fromkeys(call_uuids))
            rejects += refused
            if call_uuids:
                after_batch(call_uuids)
    return Collected(tuple(stored), tuple(rejects))


def _sort(files: Sequence[CdrFile], now: datetime, partial_s: float) -> _Sorted:
    """Read files; those that are not whole yet, or gone, are in neither list."""
    found = _Sorted([], [])
    for file in files:
        try:
            leg = read_file(file)
        except decode.NotWhole as error:
            # By the distance: a clock that was set back must not keep a file for ever.
            if abs(now.timestamp() - file.modified_at) >= partial_s:
                found.rejects.append((file, f"not whole after {partial_s:g} s: {error}"))
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                _log.error("cdr-unreadable", file=file.path.name, error=error.strerror)
        else:
            if isinstance(leg, Leg):
                found.legs.append((file, leg))
            else:
                found.rejects.append((file, leg.reason))
    return found


def read_file(file: CdrFile) -> Leg | Rejected:
    """The leg of a file, or why it is none.

    :raises decode.NotWhole: it is not whole JSON.
    :raises OSError: it cannot be read.
    """
    named = file.leg
    if named is None:
        return Rejected("the name is not a CDR's")
    if file.size > LARGEST:
        return Rejected(f"{file.size} bytes long")
    role, uuid = named
    try:
        leg = read_leg(decode.variables(file.path.read_bytes()), role)
    except decode.NotACdr as error:
        return Rejected(str(error))
    if isinstance(leg, Leg) and leg.uuid != uuid:
        return Rejected(f"uuid: another one than the file's name: {leg.uuid}")
    return leg


def _storable(
    found: _Sorted, store: Store, now: datetime, home_area_code: str
) -> Iterator[tuple[list[str], list[Reject]]]:
    """Store a batch; when the database refuses a value in it, file by file, so that one holds up no other."""
    try:
        yield _store(found, store, now, home_area_code)
        return
    except (IntegrityError, DataError) as error:
        if not found.legs:
            raise
        _log.error("cdr-batch-refused", error=str(error.orig)[:500])
        if len(found.legs) == 1:
            refused = [(found.legs[0][0], f"the database refuses it: {error.orig}")]
            yield _store(_Sorted([], found.rejects + refused), store, now, home_area_code)
            return
    for leg in found.legs:
        yield from _storable(_Sorted([leg], []), store, now, home_area_code)
    yield from _storable(_Sorted([], found.rejects), store, now, home_area_code)


def _store(found: _Sorted, store: Store, now: datetime, home_area_code: str) -> tuple[list[str], list[Reject]]:
    """One unit of work, and then, only then, the files."""
    if not found.legs and not found.rejects:
        return [], []
    reasons = {file.path.name: reason for file, reason in found.rejects}
    with store.work() as session:
        touched = calls.add_legs(session, [leg for _, leg in found.legs])
        derived = calls.derive_calls(session, touched, now, home_area_code)
        calls.forget_set_aside(session, [file.path.name for file, _ in found.legs])
        calls.note_set_aside(session, reasons, now)
        session.commit()
    for file, _ in found.legs:
        _tidy(file, None)
    for file, reason in found.rejects:
        _log.error("cdr-set-aside", file=file.path.name, reason=reason)
        _tidy(file, reason)
    return derived, [Reject(*item) for item in reasons.items()]


def _tidy(file: CdrFile, reason: str | None) -> None:
    """Take a file out of the spool. What the disk refuses now is done by the next run."""
    try:
        if reason is None:
            remove(file)
        else:
            set_aside(file, reason)
    except OSError as error:
        _log.error("cdr-stays", file=file.path.name, error=error.strerror)
