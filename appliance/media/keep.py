"""Finished recordings of collected calls are kept: compressed, checksummed, encrypted. Never in a call's way.

The switch writes WAVs below the recordings folder; what is kept goes to ``kept/`` there. For each WAV::

    encode, seal ─▶ .making/ ─▶ fsync ─▶ rename into kept/ ─▶ fsync the folder ─▶ commit the row ─▶ remove the WAV

A kill before the commit leaves the WAV, and the next run makes the file again under the same name; one after it
leaves a WAV whose row is there, and the next run removes it. ``.making/`` is emptied at the start of each run. No
WAV is removed before its row is committed, and no row is written before its file is on the disk.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import structlog

from appliance.domain.recording import Kind, is_message
from appliance.errors import MediaError
from appliance.media import orphans
from appliance.media.disk import sync
from appliance.media.encode import Empty, Sound, Unreadable, encode
from appliance.media.keys import Keyring
from appliance.media.sealed import seal
from appliance.store import recordings
from appliance.store.recordings import Kept
from appliance.store.takes import FOLDER as TAKES
from appliance.store.unit import Store

KEPT, MAKING, ASIDE = "kept", ".making", "aside"
#: Folders of ours among those of the switch.
_OURS = frozenset({KEPT, MAKING, ASIDE, orphans.FOLDER, TAKES})
#: ``UUID.wav`` of a talk, ``UUID-m1.wav`` of a message.
_NAME = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(-m[0-9]{1,3})?\.wav", re.ASCII)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How recordings are kept.

    :param form: ``opus`` or ``mp3``.
    :param settle_s: a WAV that was written to within so many seconds is left alone.
    :param at: told each step as it has been taken; tests kill there.
    """

    root: Path
    store: Store
    clock: Callable[[], datetime]
    keyring: Keyring
    form: str = "opus"
    settle_s: float = 2.0
    stop: Callable[[], bool] = lambda: False
    at: Callable[[str], None] = lambda step: None


@dataclass(slots=True)
class Done:
    """What a run did: sources kept, those set aside with the reason, those dropped because nobody said anything,
    those that wait (their call is not collected yet, or they are still written), and why others failed."""

    kept: list[str] = field(default_factory=list)
    aside: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    waiting: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class Found(NamedTuple):
    """A WAV of the switch's. ``source``: its name below the recordings folder."""

    source: str
    path: Path
    call_uuid: str
    kind: Kind
    modified_at: float


def keep_once(keeping: Keeping) -> Done:
    """Keep everything that is finished, the oldest first. What fails for one holds up no other.

    :raises StoreError: the database cannot be used; what is done so far is done.
    :raises OSError: the recordings folder cannot be read.
    """
    _empty(keeping.root / MAKING)
    orphans.expire(keeping.root, keeping.clock())
    done = Done()
    for found in sorted(wavs(keeping.root), key=lambda one: (one.modified_at, one.source)):
        if keeping.stop():
            break
        # By the distance: a clock that was set back must not keep a file for ever.
        if abs(keeping.clock().timestamp() - found.modified_at) < keeping.settle_s:
            done.waiting += 1
            continue
        try:
            _keep(keeping, found, done)
        except OSError as error:
            done.failed[found.source] = str(error)
    return done


def wavs(root: Path) -> Iterator[Found]:
    """The switch's WAVs. Links, and what is named otherwise, are not looked at."""
    todo = [(root, PurePosixPath())]
    while todo:
        folder, name = todo.pop()
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            if folder == root:
                return
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not (folder == root and entry.name in _OURS):
                    todo.append((folder / entry.name, name / entry.name))
            elif (named := _NAME.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False):
                try:
                    modified_at = entry.stat(follow_symlinks=False).st_mtime
                except FileNotFoundError:
                    continue
                kind = Kind.VOICEMAIL if named[2] else Kind.TALK
                yield Found(str(name / entry.name), folder / entry.name, named[1], kind, modified_at)


def _keep(keeping: Keeping, found: Found, done: Done) -> None:
    with keeping.store.reading() as session:
        call = recordings.call_of(session, found.call_uuid)
        made_before = recordings.kept_file(session, found.source)
        stored_until = recordings.stored_until(session) if call is None else None
    if call is None:
        if not orphans.is_orphan(found.modified_at, keeping.clock(), stored_until):
            done.waiting += 1
            return
        sealed = _sealed(keeping, found.path) if keeping.keyring.current else None
        orphans.lay_apart(keeping.root, found.path, sealed)
        done.aside[found.source] = "its call was never stored"
        return
    if made_before is not None and (keeping.root / made_before).is_file():
        _remove(found)
        return
    if found.kind is Kind.VOICEMAIL and found.source not in call.messages:
        # Taken back by the call: nothing was said.
        _remove(found)
        done.dropped.append(found.source)
        return
    making = keeping.root / MAKING / f"{found.path.stem}.{keeping.form}"
    making.parent.mkdir(exist_ok=True)
    try:
        sound = encode(found.path, making, keeping.form)
    except Unreadable as error:
        making.unlink(missing_ok=True)
        if isinstance(error, Empty) and found.source != call.recording and found.kind is Kind.TALK:
            # Begun before a line rang, and nobody talked: the switch takes it away itself, unless it was killed.
            _remove(found)
            done.dropped.append(found.source)
            return
        _set_aside(keeping, found, str(error))
        done.aside[found.source] = str(error)
        return
    keeping.at("encoded")
    if not is_message(found.kind, sound.voiced_s):
        making.unlink()
        _remove(found)
        done.dropped.append(found.source)
        return
    kept = _finish(keeping, found, making, sound)
    keeping.at("renamed")
    _commit(keeping, found, kept)
    keeping.at("committed")
    _remove(found)
    done.kept.append(found.source)


def _finish(keeping: Keeping, found: Found, making: Path, sound: Sound) -> Kept:
    """Seal it, bring it onto the disk, give it its name."""
    if keeping.keyring.current:
        sealed = _sealed(keeping, making)
        making.unlink()
        making = sealed
        keeping.at("sealed")
    with making.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        os.fsync(file.fileno())
    # The day that the switch's folder says; messages lie in one folder, and the file's own day will do for them.
    day = PurePosixPath(found.source).parent
    if found.kind is Kind.VOICEMAIL:
        day = PurePosixPath(f"{datetime.fromtimestamp(found.modified_at, keeping.clock().tzinfo):%Y/%m/%d}")
    name = PurePosixPath(KEPT) / day / f"{found.path.stem}.{keeping.form}"
    target = keeping.root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    making.chmod(0o640)
    making.replace(target)
    for folder in (target.parent, *target.parent.parents):
        sync(folder)
        if folder == keeping.root:
            break
    return Kept(
        source=found.source,
        kind=found.kind,
        file=str(name),
        format=keeping.form,
        channels=sound.channels,
        bytes=size,
        duration_ms=round(sound.seconds * 1000),
        sha256=digest,
        key_id=keeping.keyring.current,
        made_at=keeping.clock(),
    )


def _sealed(keeping: Keeping, plain: Path) -> Path:
    """A sealed copy of a file, among the unfinished ones; the file stays."""
    sealed = keeping.root / MAKING / f"{plain.name}.sealed"
    sealed.parent.mkdir(exist_ok=True)
    with plain.open("rb") as file, sealed.open("wb") as out:
        seal(file, out, keeping.keyring)
        out.flush()
        os.fsync(out.fileno())
    sealed.chmod(0o640)
    return sealed


def _set_aside(keeping: Keeping, found: Found, why: str) -> None:
    """A WAV that cannot be read: it goes out of the way, and a row says so. Its name is its own: a kill between the
    two is made good by the next run, which finds it there."""
    _log.error("recording-set-aside", source=found.source, reason=why)
    name = PurePosixPath(ASIDE) / found.path.name
    target = keeping.root / name
    target.parent.mkdir(exist_ok=True)
    key_id = keeping.keyring.current
    # A second file, or name, first: whatever dies now, the WAV is there under one of the two.
    if key_id:
        _sealed(keeping, found.path).replace(target)
    else:
        target.unlink(missing_ok=True)
        os.link(found.path, target)
    sync(target.parent)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    kept = Kept(found.source, found.kind, str(name), "wav", 0, size, 0, digest, key_id, keeping.clock(), why[:1000])
    _commit(keeping, found, kept)
    keeping.at("aside")
    _remove(found)


def _commit(keeping: Keeping, found: Found, kept: Kept) -> None:
    with keeping.store.work() as session:
        recordings.add(session, found.call_uuid, kept)
        session.commit()


def _remove(found: Found) -> None:
    found.path.unlink(missing_ok=True)


def _empty(making: Path) -> None:
    """What a run that was killed had begun."""
    if making.is_dir():
        for left in making.iterdir():
            left.unlink(missing_ok=True)


def verify(path: Path, sha256: str) -> None:
    """Compare a kept file with its checksum.

    :raises MediaError: it is not there, or differs.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MediaError(f"cannot be read: {error.strerror}") from error
    if found != sha256:
        raise MediaError("the checksum differs: it is damaged, or was changed")
