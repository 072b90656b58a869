"""The folder that the switch writes CDR files to.

mod_json_cdr writes a file in place, without a rename and without fsync: one that is not whole yet is left alone.
No folder is synced here. After a power cut an unlink that was lost brings back a file whose leg is stored, and
the next run removes it again; nothing ever depends on an unlink being on the disk, only on the commit before it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.cdr import Role

SUFFIX = ".cdr.json"
ASIDE = "aside"
#: A CDR has some kilobytes; more is read by no one.
LARGEST = 4 * 2**20

_NAME = re.compile(r"(a_)?([A-Za-z0-9][A-Za-z0-9._-]{0,63})\.cdr\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class CdrFile:
    """A file of the spool. ``modified_at`` is seconds since 1970, ``size`` bytes."""

    path: Path
    modified_at: float
    size: int

    @property
    def leg(self) -> tuple[Role, str] | None:
        """Whose leg the name says it is, and the leg's UUID; None: it is no CDR's name.

        ``a_UUID`` is the caller's (prefix-a-leg), ``UUID`` a line's.
        """
        found = _NAME.fullmatch(self.path.name)
        if found is None:
            return None
        return (Role.CALLER if found[1] else Role.LINE), found[2]


def _age(file: CdrFile) -> tuple[float, str]:
    return file.modified_at, file.path.name


def waiting(spool: Path) -> list[CdrFile]:
    """Every CDR file of the spool, oldest first. Folders, links and other files are not looked at.

    :raises OSError: the folder cannot be read.
    """
    return sorted(_files(spool, (), set()), key=_age)


def waiting_beside(spool: Path, known: Collection[str]) -> tuple[set[str], list[CdrFile]]:
    """Which of the ``known`` names are still there, and every other CDR file, newest first.

    What is known costs its name alone: neither is it asked for its size, nor sorted.

    :raises OSError: the folder cannot be read.
    """
    there: set[str] = set()
    return there, sorted(_files(spool, known, there), key=_age, reverse=True)


def _files(spool: Path, known: Collection[str], there: set[str]) -> Iterator[CdrFile]:
    """Files that are not ``known``; the names of those that are come into ``there``."""
    with os.scandir(spool) as entries:
        for entry in entries:
            if entry.name in known:
                there.add(entry.name)
            elif entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # another collector was faster
                yield CdrFile(Path(entry.path), status.st_mtime, status.st_size)


def remove(file: CdrFile) -> None:
    """Remove a file whose leg is stored; it may be gone already.

    :raises OSError: it cannot be removed.
    """
    file.path.unlink(missing_ok=True)


def set_aside(file: CdrFile, reason: str) -> None:
    """Move a file to ``aside/`` with a ``.reason`` beside it; it may be gone already.

    The reason is written first: a kill between the two leaves the file in the spool for the next run.

    :raises OSError: the disk is full, or the file cannot be moved.
    """
    folder = file.path.parent / ASIDE
    folder.mkdir(exist_ok=True)
    target, count = folder / file.path.name, 1
    while target.exists():
        count += 1
        target = folder / f"{file.path.name}.{count}"
    target.with_name(f"{target.name}.reason").write_text(f"{reason}\n", encoding="utf-8", errors="replace")
    try:
        file.path.rename(target)
    except FileNotFoundError:
        target.with_name(f"{target.name}.reason").unlink(missing_ok=True)
