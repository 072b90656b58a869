"""What was recorded by phone becomes a prompt: as an upload does, out of every call's way.

::

    the call keeps a take ─▶ its file and a row of the journal wait ─▶ convert, commit the version
    ─▶ the row says so ─▶ remove the file

The database may be away: takes wait for it. A kill behind the commit leaves a take whose version is there, which
the next run finds by the file's name. What no call has kept is removed after an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from appliance.media.faults import PromptFault
from appliance.media.studio import Recording, Studio
from appliance.store import prompts as rows
from appliance.store.journal_file import JournalFile
from appliance.store.takes import FOLDER, Take, Takes

#: What nobody kept is removed after so long: no call records for that long.
LEFT_FOR = timedelta(hours=1)
#: Faults of the box, not of the recording: it is tried again.
_PASSING = frozenset({"not-written"})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taking:
    """How prompts are made of takes. ``root``: the recordings folder."""

    root: Path
    journal: JournalFile
    studio: Studio
    now: Callable[[], datetime]
    stop: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Done:
    """What a run did: prompts made (``ACCOUNT/NAME``), those that cannot be made with the reason, those that
    wait."""

    made: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


def keep_takes(taking: Taking) -> Done:
    """Make a prompt of each take, in their order, and remove what no call has kept.

    :raises StoreError: the database cannot be used; what is done so far is done.
    """
    done, takes = Done(), Takes(taking.journal)
    waiting = takes.waiting()
    for take in waiting:
        if taking.stop():
            break
        _make(taking, takes, take, done)
    _remove_left(taking, {Path(take.file).name for take in takes.waiting()})
    return done


def _make(taking: Taking, takes: Takes, take: Take, done: Done) -> None:
    code, file = take.code, taking.root / take.file
    name = f"{code.account}/{code.prompt}"
    version, fault = _made_before(taking, take), ""
    if not version:
        try:
            version = _made(taking, take)
        except PromptFault as refused:
            if refused.code in _PASSING:
                done.waiting[name] = str(refused)
                return
            fault = refused.code
    takes.ended(take, taking.now(), version=version, fault=fault)
    if fault:
        _log.warning("prompt-not-recorded", prompt=code.prompt, account=code.account, reason=fault)
        done.refused[name] = fault
    else:
        _log.info("prompt-recorded", prompt=code.prompt, account=code.account, version=version, by=code.who)
        done.made.append(name)
    file.unlink(missing_ok=True)


def _made(taking: Taking, take: Take) -> int:
    file = taking.root / take.file
    if not file.is_file():
        raise PromptFault("no-file")
    recording = Recording(take.code.prompt, file, file.name)
    title = take.code.title or None
    return taking.studio.record(take.code.account, recording, by=take.code.who, title=title).version


def _made_before(taking: Taking, take: Take) -> int:
    """The version that was made of it; 0: none."""
    name = Path(take.file).name
    with taking.studio.store.reading() as session:
        found = rows.versions(session, take.code.account, take.code.prompt)
        return next((one.version for one in found if one.source == "phone" and one.file_name == name), 0)


def _remove_left(taking: Taking, kept: set[str]) -> None:
    folder = taking.root / FOLDER
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        # By the distance: a clock that was set back must not keep a file for ever.
        age = abs(taking.now().timestamp() - file.stat().st_mtime)
        if file.name not in kept and age > LEFT_FOR.total_seconds():
            file.unlink(missing_ok=True)
            _log.info("take-removed", file=file.name)
