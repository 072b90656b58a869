"""Addresses that SIP phones' passwords were guessed from, kept in the journal's file.

The table is made with the first ban, so the file's form stays what it is; who only reads finds none before that.
"""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.domain.bans import Ban, in_force
from appliance.store.journal_file import JournalFile

#: Characters of a stranger's user name.
_LONGEST_USER = 64
_TABLE = (
    "CREATE TABLE IF NOT EXISTS bans (address TEXT PRIMARY KEY, since REAL NOT NULL, until REAL NOT NULL,"
    " failures INTEGER NOT NULL, user TEXT NOT NULL) WITHOUT ROWID",
    (),
)
_THERE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'bans'"


class Bans:
    """The bans in a journal's file."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def put(self, ban: Ban) -> None:
        """An address is refused from now on; a longer ban of it goes before a shorter one."""
        row = (ban.address, ban.since.timestamp(), ban.until.timestamp(), ban.failures, ban.user[:_LONGEST_USER])
        self._file.write([_TABLE, ("INSERT OR REPLACE INTO bans VALUES (?, ?, ?, ?, ?)", row)])

    def lifted(self, address: str) -> None:
        """It is not refused any more."""
        self._file.write([_TABLE, ("DELETE FROM bans WHERE address = ?", (address,))])

    def forget(self, now: datetime) -> None:
        """Drop those that are over."""
        if self._is_there():
            self._file.write([("DELETE FROM bans WHERE until <= ?", (now.timestamp(),))])

    def all(self, now: datetime) -> list[Ban]:
        """Those that hold."""
        if not self._is_there():
            return []
        rows = self._file.look("SELECT address, since, until, failures, user FROM bans", ())
        found = {
            address: Ban(address, _moment(since), _moment(until), failures, user)
            for address, since, until, failures, user in rows
        }
        return in_force(found.values(), now)

    def _is_there(self) -> bool:
        return bool(self._file.look(_THERE, ()))


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
