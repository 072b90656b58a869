"""The journal's file: one transaction a write, and what to do while it cannot be had.

A write that fails (the disk is full, another process holds the file) is kept in memory, is found by queries from
then on, and is written with a later one. Nothing here raises towards a call.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from appliance.store.journal_tables import EMPTIED, FORM, LATER, TABLES

#: Rows that wait for better times; what is more is not remembered.
_MOST_WAITING = 200_000
_RETRY_S = 1.0
_LOCKED_MS = 50
#: How long ``together`` waits for others.
_PATIENCE_S = 2.0
#: Rows that are dropped in one go, and the pause behind them.
_AT_ONCE = 500
_BETWEEN_S = 0.02
#: Pages of the log (64 MB) at which handlers carry it over themselves: the collector has been away for long.
_LOG_PAGES = 16_000
_log = structlog.get_logger(__name__)

_T = TypeVar("_T")
#: A statement and its values.
Row = tuple[str, tuple[object, ...]]

#: The tables whose rows are calls, talks and callers who wait, by their UUID.
_TOLD_AGAIN = re.compile(r"\bFROM (started|talked|waiting)\b")


class JournalFile:
    """The file, made where there is none. One a process; for one thread at a time.

    A file that cannot be read is put aside (``NAME.broken``) and begun anew: a box that forgets who called
    yesterday is better than one that takes no call.
    """

    def __init__(self, file: Path, *, reads_only: bool = False) -> None:
        """``reads_only``: for whoever only asks; nothing is made, written or put aside."""
        self._file = file
        self._reads_only = reads_only
        self._written: sqlite3.Connection | None = None
        self._inode = 0
        self._failing = False
        self._not_before = self._not_read_before = 0.0
        #: What could not be written yet, in its order and where queries find it.
        self._waiting: list[Row] = []
        self._unwritten = _opened(":memory:")

    def look(self, query: str, values: tuple[object, ...]) -> list[Any]:
        """Rows of the file, then those that could not be written yet. Of a call or a talk that was told again,
        what waits stands for what the file has."""
        rows: list[Any] = []
        if self._reads_only and not self._file.exists():
            return rows
        if time.monotonic() >= self._not_read_before:
            try:
                rows += self._connection().execute(self._of_file(query), values)
            except sqlite3.Error as error:
                if self._reads_only and "no such table" in str(error):
                    return rows  # of an older form: nobody who writes has opened it yet
                self._not_read_before = time.monotonic() + _RETRY_S
                self._fail(error)
                self._drop_if_damaged(error)
        if self._waiting:
            rows += self._unwritten.execute(query, values)
        return rows

    @property
    def is_failing(self) -> bool:
        """Whether the last thing that was asked of the file could not be had, so that less may have been found than
        there is."""
        return self._failing

    def write(self, rows: Sequence[Row]) -> None:
        """One transaction; with it what had to wait."""
        if self._reads_only:
            return
        if time.monotonic() < self._not_before:
            self._keep(rows)
            return
        try:
            connection = self._connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
                for statement, row in (*self._waiting, *rows):
                    connection.execute(statement, row)
                connection.execute("COMMIT")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._keep(rows)
            self._fail(error)
            self._drop_if_damaged(error)
            return
        if self._waiting:
            self._waiting.clear()
            self._unwritten.executescript(EMPTIED)
        if self._failing:
            self._failing = False
            _log.warning("journal can be used again", file=str(self._file))

    def write_waiting(self) -> bool:
        """Try again to write what could not be written, if there is anything; whether nothing waits any more."""
        if self._waiting:
            self.write([])
        return not self._waiting

    def change(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        """Run a statement that changes rows and tells of them (``RETURNING``), now or not at all: for whoever must
        know that nobody else did the same."""
        if self._reads_only:
            return []
        try:
            return self._connection().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            self._drop_if_damaged(error)
            return []

    def together(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """What ``work`` does in one transaction, while nobody else writes; None: the file cannot be had, and
        nothing was done. It is worth two seconds of waiting: for whoever reckons with what others wrote.

        What ``work`` raises of its own is raised, and undoes it.
        """
        if self._reads_only:
            return None
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return _transacted(self._connection(), work)
            except sqlite3.Error as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY and time.monotonic() < until:
                    time.sleep(_BETWEEN_S)
                    continue
                self._fail(error)
                self._drop_if_damaged(error)
                return None

    def flush(self) -> None:
        """Carry the file's log over to the file and have both on the disk. Not for handlers: it waits for the
        disk."""
        if self._reads_only:
            return
        try:
            self._connection().execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            self._fail(error)

    def drop(
        self, statement: str, values: tuple[object, ...], pause: Callable[[float], object] = time.sleep
    ) -> None:
        """Run a statement that drops some rows until it finds no more, a little at a time: handlers wait for the
        file 50 ms at the most.

        :param statement: with a ``LIMIT`` as its last value.
        """
        if self._reads_only:
            return
        try:
            while self._connection().execute(statement, (*values, _AT_ONCE)).rowcount == _AT_ONCE:
                pause(_BETWEEN_S)
        except sqlite3.Error as error:
            self._fail(error)

    def close(self) -> None:
        """Write what waits, if it can be written, and close."""
        self._not_before = 0.0
        self.write([])
        if self._written is not None:
            self._written.close()
        self._unwritten.close()

    def _of_file(self, query: str) -> str:
        """The query without the rows that will be replaced. Most of the time nothing waits, and no row is asked."""
        if not self._waiting:
            return query
        return _TOLD_AGAIN.sub(r"FROM (SELECT * FROM \1 WHERE NOT superseded('\1', uuid))", query)

    def _superseded(self, table: str, uuid: str) -> bool:
        """Whether a row of the file will be replaced by one that waits."""
        query = f"SELECT 1 FROM {table} WHERE uuid = ?"  # noqa: S608 - the table's name is in our own query
        return self._unwritten.execute(query, (uuid,)).fetchone() is not None

    def _keep(self, rows: Iterable[Row]) -> None:
        """In memory, where queries see it, until it can be written."""
        for statement, row in rows:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append((statement, row))
                self._unwritten.execute(statement, row)

    def _fail(self, error: sqlite3.Error) -> None:
        self._not_before = time.monotonic() + _RETRY_S
        if not self._failing:
            self._failing = True
            _log.error("journal cannot be used, goes on in memory", error=str(error), file=str(self._file))

    def _connection(self) -> sqlite3.Connection:
        """The file's; opened again when it could not be, or when somebody took it away."""
        if self._written is not None and not self._reads_only and self._inode != self._inode_there():
            self._written.close()
            self._written = None
        if self._written is None:
            try:
                self._written = _opened(str(self._file), self._superseded, reads_only=self._reads_only)
                self._inode = self._inode_there()
            except sqlite3.OperationalError:  # no room, no folder, no right: it may come
                raise
            except sqlite3.DatabaseError as error:
                if self._reads_only:
                    raise
                _log.error("journal was broken and is begun anew", error=str(error), file=str(self._file))
                self._put_aside()
                self._written = _opened(str(self._file), self._superseded)
                self._inode = self._inode_there()
        return self._written

    def _inode_there(self) -> int:
        """Which file is there now; 0: none, or one in memory."""
        try:
            return self._file.stat().st_ino
        except OSError:
            return 0

    def _drop_if_damaged(self, error: sqlite3.Error) -> None:
        """Begin the file anew at the next look when its pages cannot be read. Others who have it open find out that
        it is gone."""
        # "malformed" and "not a database" are of this kind itself; its subclasses speak of a statement, or of room.
        if self._reads_only or type(error) is not sqlite3.DatabaseError:
            return
        _log.error("journal is damaged and is begun anew", error=str(error), file=str(self._file))
        if self._written is not None:
            self._written.close()
            self._written = None
        with contextlib.suppress(sqlite3.Error):
            self._put_aside()

    def _put_aside(self) -> None:
        try:
            self._file.replace(self._file.with_name(f"{self._file.name}.broken"))
            for left in ("-wal", "-shm"):
                self._file.with_name(self._file.name + left).unlink(missing_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error


def _transacted(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done


def _opened(
    file: str, superseded: Callable[[str, str], bool] | None = None, *, reads_only: bool = False
) -> sqlite3.Connection:
    """A connection with the tables there, and SQL's ``superseded(TABLE, UUID)``.

    :raises sqlite3.OperationalError: no room, no right.
    :raises sqlite3.DatabaseError: the file is no journal of ours.
    """
    if file != ":memory:" and not reads_only:
        # Callers' numbers: nobody else reads it. Its log and index inherit the mode.
        with contextlib.suppress(OSError):
            Path(file).touch(mode=0o600)
    connection = sqlite3.connect(file, isolation_level=None, timeout=_LOCKED_MS / 1000, check_same_thread=False)
    try:
        if superseded is not None:
            connection.create_function("superseded", 2, superseded)
        if reads_only:
            connection.execute("PRAGMA query_only=ON")
            return connection
        # No call waits for the disk: the log is carried over by ``flush``.
        connection.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;PRAGMA wal_autocheckpoint={_LOG_PAGES};"
        )
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        if not 0 <= form <= FORM:
            raise sqlite3.DatabaseError(f"written by another version: {form}")
        # Each time: a table that stands beside the others, and means nothing to them, makes no new form.
        connection.executescript(TABLES)
        if form < FORM:
            connection.execute(f"PRAGMA user_version={FORM}")
        connection.executescript(LATER)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
