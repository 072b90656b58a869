"""Wrong PINs, codes and passwords, counted beyond the call that keyed them, in the journal's file."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from appliance.domain.pin import OF_A_CALLER, OF_THE_WITHHELD, Lock, locked_until
from appliance.store.journal_file import JournalFile

_TRIED = "INSERT OR REPLACE INTO tries VALUES (?, ?, ?)"
_TAKEN_BACK = "DELETE FROM tries WHERE subject = ? AND at = ? AND id = ?"
_CLEARED = "DELETE FROM tries WHERE subject = ?"


class Try:
    """One try: counted as a wrong one before anything is compared, so that of many at once no more get through than
    are allowed. ``is_locked``: it does not count, and nothing is to be compared."""

    def __init__(self, file: JournalFile, locks: Mapping[str, Lock], at: datetime) -> None:
        self._file = file
        self._subjects = tuple(locks)
        self._mark = at.timestamp(), uuid.uuid4().hex
        self._file.write([(_TRIED, (subject, *self._mark)) for subject in self._subjects])
        self.is_locked = any(self._is_locked(subject, lock, at) for subject, lock in locks.items())
        if self.is_locked:
            self._take_back(self._subjects)

    def _is_locked(self, subject: str, lock: Lock, at: datetime) -> bool:
        # All but this one: of several at the same moment each sees the others, so rather one too few gets through.
        others = _wrong_ones(self._file, subject, lock, at) - {self._mark}
        return _lock_of(others, lock, at) is not None

    def was_right(self, anew: str = "") -> None:
        """It was no wrong one. The subject ``anew`` forgets the wrong ones before it as well."""
        self._take_back(self._subjects)
        if anew:
            self._file.write([(_CLEARED, (anew,))])

    def _take_back(self, subjects: tuple[str, ...]) -> None:
        self._file.write([(_TAKEN_BACK, (subject, *self._mark)) for subject in subjects])


def lock_now(file: JournalFile, locks: Mapping[str, Lock], at: datetime, until: datetime) -> datetime | None:
    """Until when nothing would be compared at ``at``, by wrong ones up to ``until``; None: it would be."""
    found = (
        _lock_of({one for one in _wrong_ones(file, subject, lock, at) if one[0] <= until.timestamp()}, lock, at)
        for subject, lock in locks.items()
    )
    return max(filter(None, found), default=None)


def _wrong_ones(file: JournalFile, subject: str, lock: Lock, at: datetime) -> set[tuple[float, str]]:
    query = "SELECT at, id FROM tries WHERE subject = ? AND at > ?"
    rows = file.look(query, (subject, at.timestamp() - 2 * lock.window.total_seconds()))
    return {(one, mark) for one, mark in rows}


def _lock_of(wrong: Iterable[tuple[float, str]], lock: Lock, at: datetime) -> datetime | None:
    until = locked_until([datetime.fromtimestamp(one, UTC) for one, _ in sorted(wrong)], lock)
    return until if until is not None and at < until else None


def of_passwords(number: str, caller: str) -> dict[str, Lock]:
    """The subject of a number's passwords as a caller keys them (empty: one whose number is withheld), and what
    locks it: by caller, so that nobody who guesses locks out another one."""
    return {f"password {number} {caller}": OF_A_CALLER if caller else OF_THE_WITHHELD}


def of_line(line: str) -> str:
    """The subject of a line's PIN."""
    return f"line {line}"


def of_account(account: str) -> str:
    """The subject of all PINs of an account."""
    return f"account {account}"


def of_codes(account: str) -> str:
    """The subject of an account's codes."""
    return f"codes {account}"


def lift(journal_file: Path, subject: str) -> None:
    """Forget the wrong ones of a subject, and so its lock: a new PIN begins anew."""
    with closing(JournalFile(journal_file)) as file:
        file.write([(_CLEARED, (subject,))])
