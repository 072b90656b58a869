"""What calls did: a small file of the box's own, apart from the database, that rules and strategies look back into.

It holds each call's beginning, which line a hunt rang last, who spoke to which line, and which trunks answer.
Handlers and collector share it. It outlives both of them, and the database's being away. Not the database's dialect
of SQL through SQLAlchemy but the standard library's SQLite, since a look is paid for by each call: ten microseconds
instead of two hundred.

A write that fails (the disk is full, another process holds the file) is kept in memory, counts from then on, and
is written with a later one. Nothing here raises towards a call.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from appliance.domain.calendar import SHANGHAI
from appliance.domain.hunt import Hunt, LineUse, Strategy, Uses

#: What is older is forgotten: a line's month, and the memory for a caller's line.
KEEP = timedelta(days=62)
#: Writes that wait for better times; what is more is not remembered.
_MOST_WAITING = 100_000
_RETRY_S = 1.0
#: Two lines are not rung at once by a hunt that takes turns: their order must show.
_MOMENT_S = 1e-5
_LOCKED_MS = 50
_FORM = 1
_log = structlog.get_logger(__name__)

_TABLES = """
CREATE TABLE IF NOT EXISTS started (
    uuid TEXT PRIMARY KEY, at REAL NOT NULL, number TEXT NOT NULL, account TEXT NOT NULL, trunk TEXT NOT NULL,
    caller TEXT NOT NULL, admitted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS started_number ON started (number, at, admitted);
CREATE INDEX IF NOT EXISTS started_caller ON started (caller, number, at, admitted);
CREATE INDEX IF NOT EXISTS started_at ON started (at);
CREATE TABLE IF NOT EXISTS rung (
    hunt TEXT NOT NULL, line TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (hunt, line)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trunks (
    trunk TEXT PRIMARY KEY, up INTEGER NOT NULL, since REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS talked (
    uuid TEXT PRIMARY KEY, number TEXT NOT NULL, caller TEXT NOT NULL, line TEXT NOT NULL,
    joined_at REAL NOT NULL, ended_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS talked_line ON talked (line, joined_at);
CREATE INDEX IF NOT EXISTS talked_end ON talked (ended_at);
CREATE INDEX IF NOT EXISTS talked_line_end ON talked (line, ended_at);
CREATE INDEX IF NOT EXISTS talked_caller ON talked (caller, number, ended_at);
"""
_STARTED = "INSERT OR REPLACE INTO started VALUES (?, ?, ?, ?, ?, ?, ?)"
_RUNG = "INSERT OR REPLACE INTO rung VALUES (?, ?, ?)"
_TALKED = "INSERT OR REPLACE INTO talked VALUES (?, ?, ?, ?, ?, ?)"
_TRUNK_IS = "INSERT OR REPLACE INTO trunks VALUES (?, ?, ?)"
_TRUNK_FORGOTTEN = "DELETE FROM trunks WHERE trunk = ?"
_FORGOTTEN = (
    "DELETE FROM started WHERE at < ?",
    "DELETE FROM talked WHERE ended_at < ?",
    "DELETE FROM rung WHERE at < ?",
)


class Started(NamedTuple):
    """A call's beginning: ``at`` with an offset; ``number`` as far as it was found out."""

    uuid: str
    at: datetime
    number: str
    account: str
    trunk: str
    caller: str
    admitted: bool


class Talked(NamedTuple):
    """A talk that is over."""

    uuid: str
    number: str
    caller: str
    line: str
    joined_at: datetime
    ended_at: datetime


class TrunkState(NamedTuple):
    """Whether a trunk answers, and since when."""

    up: bool
    since: datetime


class Journal:
    """The journal in ``file``, made where there is none. One a process; for one thread at a time.

    A file that cannot be used is put aside (``NAME.broken``) and begun anew: a box that forgets who called
    yesterday is better than one that takes no call.
    """

    def __init__(self, file: Path, *, reads_only: bool = False) -> None:
        """``reads_only``: for whoever only asks; nothing is made, written or put aside."""
        self._file = file
        self._reads_only = reads_only
        self._written: sqlite3.Connection | None = None
        self._failing = False
        self._not_before = 0.0
        self._rung_at = 0.0
        #: What could not be written yet, in its order and where queries find it.
        self._waiting: list[tuple[str, tuple[object, ...]]] = []
        self._unwritten = _opened(":memory:")

    def call_started(self, call: Started) -> None:
        """A call was let in, or refused."""
        at = call.at.timestamp()
        row = (call.uuid, at, call.number, call.account, call.trunk, call.caller, int(call.admitted))
        self._write([(_STARTED, row)])

    def line_rung(self, hunt: str, lines: Iterable[str], at: datetime) -> None:
        """These lines of a hunt are rung now; whatever the clock says, later than those before."""
        self._rung_at = max(at.timestamp(), self._rung_at + _MOMENT_S)
        self._write([(_RUNG, (hunt, line, self._rung_at)) for line in lines])

    def talked(self, talks: Iterable[Talked]) -> None:
        """These talks are over; one that is told twice counts once."""
        self._write(
            [
                (_TALKED, (t.uuid, t.number, t.caller, t.line, t.joined_at.timestamp(), t.ended_at.timestamp()))
                for t in talks
            ]
        )

    def trunk_is(self, trunk: str, up: bool, at: datetime) -> None:
        """A trunk answers from now on, or no longer."""
        self._write([(_TRUNK_IS, (trunk, int(up), at.timestamp()))])

    def trunk_forgotten(self, trunk: str) -> None:
        """A trunk is not asked any more."""
        self._write([(_TRUNK_FORGOTTEN, (trunk,))])

    def trunks(self) -> dict[str, TrunkState]:
        """The trunks that are asked, and how they were found last."""
        rows = self._look("SELECT trunk, up, since FROM trunks ORDER BY trunk", ())
        return {trunk: TrunkState(bool(up), datetime.fromtimestamp(since, UTC)) for trunk, up, since in rows}

    def admitted_since(
        self, number: str, since: datetime, caller: str | None = None, *, until: datetime | None = None
    ) -> int:
        """Calls to a number that were let in since then (and before ``until``): all of them, or one caller's."""
        query = "SELECT COUNT(*) FROM started WHERE number = ? AND at > ? AND admitted"
        values: tuple[object, ...] = (number, since.timestamp())
        if until is not None:
            query, values = f"{query} AND at < ?", (*values, until.timestamp())
        if caller is not None:
            query, values = f"{query} AND caller = ?", (*values, caller)
        return sum(int(found or 0) for (found,) in self._look(query, values))

    def started(self, uuid: str) -> Started | None:
        """The beginning of a call, if it is remembered."""
        for row in self._look("SELECT * FROM started WHERE uuid = ?", (uuid,)):
            return _started(row)
        return None

    def started_between(self, since: datetime, until: datetime) -> list[Started]:
        """Calls that began in ``[since, until)``, in their order."""
        query = "SELECT * FROM started WHERE at >= ? AND at < ?"
        rows = self._look(query, (since.timestamp(), until.timestamp()))
        return sorted((_started(row) for row in rows), key=lambda call: call.at)

    def uses(self, name: str, hunt: Hunt, number: str, caller: str, capped: Iterable[str], now: datetime) -> Uses:
        """What a hunt's strategy, and the caps of its lines, want to know.

        :param name: the hunt's, by which its turns are remembered.
        :param capped: lines whose calls of the day and the month count.
        """
        rung: dict[str, float] = {}
        ended: dict[str, float] = {}
        counts: dict[str, tuple[int, int]] = {}
        last = ""
        if hunt.strategy is Strategy.ROTATE:
            for line, at in self._look("SELECT line, at FROM rung WHERE hunt = ?", (name,)):
                rung[line] = max(at, rung.get(line, 0.0))
        elif hunt.strategy is Strategy.LONGEST_IDLE:
            for line in hunt.lines:
                for (at,) in self._look("SELECT MAX(ended_at) FROM talked WHERE line = ?", (line,)):
                    if at is not None:
                        ended[line] = max(at, ended.get(line, 0.0))
        elif hunt.strategy is Strategy.LAST_SPOKEN and caller:
            last = self._last_spoken(number, caller)
        for line in capped:
            counts[line] = self._taken(line, now)
        return Uses(
            {
                line: LineUse(_moment(rung.get(line)), _moment(ended.get(line)), *counts.get(line, (0, 0)))
                for line in {*rung, *ended, *counts}
            },
            last,
        )

    def flush(self) -> None:
        """Carry the file's log over to the file and have both on the disk. Not for handlers: it waits for the
        disk."""
        try:
            self._connection().execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            self._fail(error)

    def forget(self, now: datetime) -> None:
        """Drop what nobody asks for any more."""
        before = (now - KEEP).timestamp()
        self._write([(statement, (before,)) for statement in _FORGOTTEN])

    def close(self) -> None:
        """Write what waits, if it can be written, and close."""
        self._not_before = 0.0
        self._write([])
        if self._written is not None:
            self._written.close()
        self._unwritten.close()

    def _last_spoken(self, number: str, caller: str) -> str:
        query = "SELECT ended_at, line FROM talked WHERE caller = ? AND number = ? ORDER BY ended_at DESC LIMIT 1"
        return max(self._look(query, (caller, number)), default=(0, ""))[1]

    def _taken(self, line: str, now: datetime) -> tuple[int, int]:
        """Calls that a line took today and this month."""
        day = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
        query = "SELECT SUM(joined_at >= ?), COUNT(*) FROM talked WHERE line = ? AND joined_at >= ?"
        rows = list(self._look(query, (day.timestamp(), line, day.replace(day=1).timestamp())))
        return sum(int(today or 0) for today, _ in rows), sum(int(month) for _, month in rows)

    # -- the file ----------------------------------------------------------------------------------------------

    def _look(self, query: str, values: tuple[object, ...]) -> list[Any]:
        rows: list[Any] = []
        if self._reads_only and not self._file.exists():
            return rows
        try:
            rows += self._connection().execute(query, values)
        except sqlite3.Error as error:
            self._fail(error)
        if self._waiting:
            rows += self._unwritten.execute(query, values)
        return rows

    def _write(self, rows: Sequence[tuple[str, tuple[object, ...]]]) -> None:
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
            return
        if self._waiting:
            self._waiting.clear()
            self._unwritten.executescript(
                "DELETE FROM started; DELETE FROM rung; DELETE FROM talked; DELETE FROM trunks;"
            )
        if self._failing:
            self._failing = False
            _log.warning("journal can be used again", file=str(self._file))

    def _keep(self, rows: Iterable[tuple[str, tuple[object, ...]]]) -> None:
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
        """The file's; opened again when it could not be."""
        if self._written is None:
            try:
                self._written = _opened(str(self._file), reads_only=self._reads_only)
            except sqlite3.OperationalError:  # no room, no folder, no right: it may come
                raise
            except sqlite3.DatabaseError as error:
                if self._reads_only:
                    raise
                _log.error("journal was broken and is begun anew", error=str(error), file=str(self._file))
                self._put_aside()
                self._written = _opened(str(self._file))
        return self._written

    def _put_aside(self) -> None:
        try:
            self._file.replace(self._file.with_name(f"{self._file.name}.broken"))
            for left in ("-wal", "-shm"):
                self._file.with_name(self._file.name + left).unlink(missing_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error


def _opened(file: str, *, reads_only: bool = False) -> sqlite3.Connection:
    """A connection with the tables there.

    :raises sqlite3.OperationalError: no room, no right.
    :raises sqlite3.DatabaseError: the file is no journal of ours.
    """
    connection = sqlite3.connect(file, isolation_level=None, timeout=_LOCKED_MS / 1000, check_same_thread=False)
    try:
        if reads_only:
            connection.execute("PRAGMA query_only=ON")
            return connection
        # No call waits for the disk: the log is carried over by ``flush``.
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;")
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        if form not in (0, _FORM):
            raise sqlite3.DatabaseError(f"written by another version: {form}")
        if form == 0:
            connection.executescript(f"{_TABLES} PRAGMA user_version={_FORM};")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _started(row: Any) -> Started:
    uuid, at, number, account, trunk, caller, admitted = row
    return Started(uuid, datetime.fromtimestamp(at, UTC), number, account, trunk, caller, bool(admitted))


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
