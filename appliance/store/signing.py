"""Signing in and out at lines: one way for console, commands, calls and phones; who did it, when and by what."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from appliance.errors import StoreError
from appliance.store.journal_file import JournalFile
from appliance.store.waitlist import Waitlist

_NOTED = "INSERT INTO signings VALUES (?, ?, ?, ?, ?)"


_COLUMNS = "line, signed_in, at, who, means"


class Means(StrEnum):
    """By what somebody signed in or out."""

    CONSOLE = "console"
    COMMAND = "command"
    #: A flow's service menu, by extension and PIN.
    CALL = "call"
    #: A code dialled on the line's own SIP phone.
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Signing:
    """Somebody signs in at a line, or out. ``who``: an operator's login, the number that called, the phone's
    line."""

    line: str
    signed_in: bool
    at: datetime
    who: str
    means: Means


class Signings:
    """The signings' part of a journal. One a process; for one thread at a time."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._list = Waitlist(file)

    def is_signed_in(self, line: str) -> bool:
        """Whether somebody is signed in at a line."""
        return line in self._list.signed_in()

    def sign(self, one: Signing) -> bool:
        """Do it, and note it; False: nothing changed. Who is signed in already stays so since then."""
        if self.is_signed_in(one.line) is one.signed_in:
            return False
        self._list.sign(one.line, one.at, signed_in=one.signed_in)
        self._file.write([(_NOTED, (one.line, int(one.signed_in), one.at.timestamp(), one.who, one.means.value))])
        return True

    def history(self, since: datetime, until: datetime) -> list[Signing]:
        """Signings in ``[since, until)``, in their order; those of the last 62 days are kept here, and all of them
        in the database."""
        query = f"SELECT {_COLUMNS} FROM signings WHERE at >= ? AND at < ?"  # noqa: S608 - no text of others
        rows = self._file.look(query, (since.timestamp(), until.timestamp()))
        return sorted((_signing(row) for row in rows), key=lambda one: one.at)

    def newest(self) -> int:
        """The place of the signing that was written down last; 0: there is none."""
        return max((place or 0 for (place,) in self._file.look("SELECT MAX(rowid) FROM signings", ())), default=0)

    def behind(self, place: int) -> list[tuple[int, Signing]]:
        """Signings behind a place, each with its own, in the order in which they were written down."""
        query = f"SELECT rowid, {_COLUMNS} FROM signings WHERE rowid > ? ORDER BY rowid"  # noqa: S608
        return [(place, _signing(row)) for place, *row in self._file.look(query, (place,))]


def _signing(row: Sequence[Any]) -> Signing:
    line, signed_in, at, who, means = row
    return Signing(line, bool(signed_in), datetime.fromtimestamp(at, UTC), who, Means(means))


def sign(journal_file: Path, one: Signing) -> None:
    """For the console and the commands, which have no journal open.

    :raises StoreError: the journal cannot be written now.
    """
    with closing(JournalFile(journal_file)) as file:
        Signings(file).sign(one)
    # A journal never raises towards a call, and closing it was its last try.
    with closing(JournalFile(journal_file, reads_only=True)) as file:
        if Signings(file).is_signed_in(one.line) is not one.signed_in:
            raise StoreError(f"the journal {journal_file} cannot be written; try again")
