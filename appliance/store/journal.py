"""What calls did: a small file of the box's own, apart from the database, that rules and strategies look back into.

It holds each call's beginning, which line a hunt rang last, who spoke to which line, and which trunks answer.
Handlers and collector share it. It outlives both of them, and the database's being away. Not the database's dialect
of SQL through SQLAlchemy but the standard library's SQLite, since a look is paid for by each call: ten microseconds
instead of two hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from appliance.domain.calendar import SHANGHAI
from appliance.domain.hunt import Hunt, LineUse, Strategy, Uses
from appliance.store.begun import began
from appliance.store.journal_file import JournalFile, Row

#: What is older is forgotten: a line's month, and the memory for a caller's line.
KEEP = timedelta(days=62)
#: Two lines are not rung at once by a hunt that takes turns: their order must show.
_MOMENT_S = 1e-5

_STARTED = "INSERT OR REPLACE INTO started VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_RUNG = "INSERT OR REPLACE INTO rung VALUES (?, ?, ?)"
_TALKED = "INSERT OR REPLACE INTO talked VALUES (?, ?, ?, ?, ?, ?)"
#: A row that somebody else wrote, or wrote since, stays.
_TALKED_BEFOREHAND = (
    "INSERT INTO talked VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET number = excluded.number,"
    " caller = excluded.caller, line = excluded.line, joined_at = excluded.joined_at, ended_at = excluded.ended_at"
    " WHERE (talked.number, talked.caller, talked.line, talked.joined_at, talked.ended_at) = (?, ?, ?, ?, ?)"
)
_TRUNK_IS = "INSERT OR REPLACE INTO trunks VALUES (?, ?, ?)"
_TRUNK_FORGOTTEN = "DELETE FROM trunks WHERE trunk = ?"
_PHONE_IS = "INSERT OR REPLACE INTO phones VALUES (?, ?, ?)"
_PHONE_FORGOTTEN = "DELETE FROM phones WHERE line = ?"
_FORGOTTEN = (
    "DELETE FROM started WHERE uuid IN (SELECT uuid FROM started WHERE at < ? LIMIT ?)",
    "DELETE FROM begun WHERE uuid IN (SELECT uuid FROM begun WHERE at < ? LIMIT ?)",
    "DELETE FROM talked WHERE uuid IN (SELECT uuid FROM talked WHERE ended_at < ? LIMIT ?)",
    "DELETE FROM rung WHERE (hunt, line) IN (SELECT hunt, line FROM rung WHERE at < ? LIMIT ?)",
    "DELETE FROM waiting WHERE uuid IN (SELECT uuid FROM waiting WHERE left_at > 0 AND left_at < ? LIMIT ?)",
    "DELETE FROM resting WHERE line IN (SELECT line FROM resting WHERE until < ? LIMIT ?)",
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE ended_at > 0 AND ended_at < ? LIMIT ?)",
    "DELETE FROM signings WHERE rowid IN (SELECT rowid FROM signings WHERE at < ? LIMIT ?)",
    "DELETE FROM tries WHERE (subject, at, id) IN (SELECT subject, at, id FROM tries WHERE at < ? LIMIT ?)",
    "DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE until < ? LIMIT ?)",
    "DELETE FROM takes WHERE code IN (SELECT code FROM takes WHERE ended_at > 0 AND ended_at < ? LIMIT ?)",
    "DELETE FROM callbacks WHERE id IN (SELECT id FROM callbacks"
    " WHERE closed_at > 0 AND closed_at < ? AND version <= stored LIMIT ?)",
)


class Started(NamedTuple):
    """A call's beginning: ``at`` with an offset. Neither ``admitted`` nor a ``refusal``: it is not decided yet."""

    uuid: str
    at: datetime
    number: str
    account: str
    trunk: str
    caller: str
    admitted: bool
    refusal: str = ""


class Talked(NamedTuple):
    """A talk that is over."""

    uuid: str
    number: str
    caller: str
    line: str
    joined_at: datetime
    ended_at: datetime


class TrunkState(NamedTuple):
    """Whether a trunk answers, or a phone is registered, and since when."""

    up: bool
    since: datetime


class Journal:
    """The journal in ``file``. One a process; for one thread at a time."""

    def __init__(self, file: Path, *, reads_only: bool = False) -> None:
        """``reads_only``: for whoever only asks."""
        self._file = JournalFile(file, reads_only=reads_only)
        self._rung_at = 0.0

    @property
    def file(self) -> JournalFile:
        """The file itself, for what else is kept in it (``store.waitlist``)."""
        return self._file

    def call_started(self, call: Started) -> None:
        """A call was let in, or refused."""
        self._file.write([started_row(call), began(call.uuid, call.at)])

    def line_rung(self, hunt: str, lines: Iterable[str], at: datetime) -> None:
        """These lines of a hunt are rung now; whatever the clock says, later than those before."""
        newest = self._file.look("SELECT MAX(at) FROM rung WHERE hunt = ?", (hunt,))
        last = max((at for (at,) in newest if at is not None), default=0.0)
        self._rung_at = max(at.timestamp(), self._rung_at + _MOMENT_S, last + _MOMENT_S)
        self._file.write([(_RUNG, (hunt, line, self._rung_at)) for line in lines])

    def talked(self, talks: Iterable[Talked]) -> None:
        """These talks are over; one that is told twice counts once."""
        self._file.write([(_TALKED, _talked_row(talk)) for talk in talks])

    def talked_beforehand(self, talks: Iterable[Talked], told: Mapping[str, Talked]) -> None:
        """These talks are over, as far as is known before their calls are stored. However late this is written,
        what is told of a stored call stays: a row is replaced only where it is still what was ``told`` last.

        :param told: what was told of them by this before, by UUID.
        """
        never: tuple[object, ...] = (None,) * 5
        self._file.write(
            [
                (
                    _TALKED_BEFOREHAND,
                    (*_talked_row(t), *(_talked_row(told[t.uuid])[1:] if t.uuid in told else never)),
                )
                for t in talks
            ]
        )

    def trunk_is(self, trunk: str, up: bool, at: datetime) -> None:
        """A trunk answers from now on, or no longer."""
        self._file.write([(_TRUNK_IS, (trunk, int(up), at.timestamp()))])

    def trunk_forgotten(self, trunk: str) -> None:
        """A trunk is not asked any more."""
        self._file.write([(_TRUNK_FORGOTTEN, (trunk,))])

    def trunks(self) -> dict[str, TrunkState]:
        """The trunks that are asked, and how they were found last."""
        rows = self._file.look("SELECT trunk, up, since FROM trunks ORDER BY trunk", ())
        return {trunk: TrunkState(bool(up), datetime.fromtimestamp(since, UTC)) for trunk, up, since in rows}

    def phone_is(self, line: str, registered: bool, at: datetime) -> None:
        """A line's SIP phone is registered from now on, or no longer."""
        self._file.write([(_PHONE_IS, (line, int(registered), at.timestamp()))])

    def phone_forgotten(self, line: str) -> None:
        """A line is no SIP phone any more."""
        self._file.write([(_PHONE_FORGOTTEN, (line,))])

    def phones(self) -> dict[str, TrunkState]:
        """The SIP phones, and how they were found last."""
        rows = self._file.look("SELECT line, up, since FROM phones ORDER BY line", ())
        return {line: TrunkState(bool(up), datetime.fromtimestamp(since, UTC)) for line, up, since in rows}

    def admitted_since(
        self,
        number: str,
        since: datetime,
        caller: str | None = None,
        *,
        until: datetime | None = None,
        but: str = "",
    ) -> int:
        """Calls to a number that were let in after ``since`` and up to ``until``: all of them, or one caller's;
        the call ``but`` is not counted."""
        query = "SELECT COUNT(*) FROM started WHERE admitted AND number = ? AND at > ? AND uuid <> ?"
        found: tuple[object, ...] = (number, since.timestamp(), but)
        if until is not None:
            # After the clock was set back, what is written lies ahead of it for a while.
            query, found = f"{query} AND at <= ?", (*found, until.timestamp())
        if caller is not None:
            query, found = f"{query} AND caller = ?", (*found, caller)
        return sum(int(count) for (count,) in self._file.look(query, found))

    def started(self, uuid: str) -> Started | None:
        """The beginning of a call, if it is remembered."""
        return next(map(_started, self._file.look("SELECT * FROM started WHERE uuid = ?", (uuid,))), None)

    def started_between(self, since: datetime, until: datetime) -> list[Started]:
        """Calls that began in ``[since, until)``, in their order."""
        query = "SELECT * FROM started WHERE at >= ? AND at < ?"
        rows = self._file.look(query, (since.timestamp(), until.timestamp()))
        return sorted(map(_started, rows), key=lambda call: call.at)

    def uses(
        self, name: str, hunt: Hunt, number: str, caller: str, capped: Mapping[str, tuple[int, int]], now: datetime
    ) -> Uses:
        """What a hunt's strategy, and the caps of its lines, want to know.

        :param name: the hunt's, by which its turns are remembered.
        :param capped: lines whose calls of the day and the month are limited, and to how many (0: they are not);
            nothing is counted beyond.
        """
        rung: dict[str, float] = {}
        ended: dict[str, float] = {}
        counts: dict[str, tuple[int, int]] = {}
        last = ""
        if hunt.strategy is Strategy.ROTATE:
            for line, at in self._file.look("SELECT line, at FROM rung WHERE hunt = ?", (name,)):
                rung[line] = max(at, rung.get(line, 0.0))
        elif hunt.strategy is Strategy.LONGEST_IDLE:
            for line in hunt.lines:
                query = "SELECT MAX(ended_at) FROM talked WHERE line = ? AND ended_at <= ?"
                for (at,) in self._file.look(query, (line, now.timestamp())):
                    if at is not None:
                        ended[line] = max(at, ended.get(line, 0.0))
        elif hunt.strategy is Strategy.LAST_SPOKEN and caller:
            last = self._last_spoken(number, caller, now)
        for line, caps in capped.items():
            counts[line] = self._taken(line, caps, now)
        # The rows are few, and there are none on a box without phones.
        registered = {line for (line,) in self._file.look("SELECT line FROM phones WHERE up", ())}
        return Uses(
            {
                line: LineUse(
                    _moment(rung.get(line)),
                    _moment(ended.get(line)),
                    *counts.get(line, (0, 0)),
                    registered=line in registered,
                )
                for line in {*rung, *ended, *counts, *registered.intersection(hunt.lines)}
            },
            last,
        )

    def flush(self) -> None:
        """Have everything on the disk; the collector's work."""
        self._file.flush()

    def forget(self, now: datetime) -> None:
        """Drop what nobody asks for any more; the collector's work."""
        before = (now - KEEP).timestamp()
        for statement in _FORGOTTEN:
            self._file.drop(statement, (before,))

    def close(self) -> None:
        """Write what waits, if it can be written, and close."""
        self._file.close()

    def _last_spoken(self, number: str, caller: str, now: datetime) -> str:
        query = (
            "SELECT ended_at, line FROM talked WHERE caller = ? AND number = ? AND ended_at <= ?"
            " ORDER BY ended_at DESC LIMIT 1"
        )
        return max(self._file.look(query, (caller, number, now.timestamp())), default=(0, ""))[1]

    def _taken(self, line: str, caps: tuple[int, int], now: datetime) -> tuple[int, int]:
        """Calls that a line took today and this month, counted up to the caps."""
        day = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
        query = (
            "SELECT COUNT(*) FROM"
            " (SELECT 1 FROM talked WHERE line = ? AND joined_at >= ? AND joined_at <= ? LIMIT ?)"
        )
        found = []
        for since, cap in zip((day, day.replace(day=1)), caps, strict=True):
            rows = self._file.look(query, (line, since.timestamp(), now.timestamp(), cap)) if cap else []
            found.append(sum(int(count) for (count,) in rows))
        return found[0], found[1]


def _talked_row(talk: Talked) -> tuple[object, ...]:
    return (*talk[:4], talk.joined_at.timestamp(), talk.ended_at.timestamp())


def started_row(call: Started) -> Row:
    """A call's beginning, to be written together with something else."""
    taken = (int(call.admitted), call.refusal)
    words = (call.uuid, call.at.timestamp(), call.number, call.account, call.trunk, call.caller)
    return _STARTED, (*words, *taken)


def _started(row: Any) -> Started:
    uuid, at, number, account, trunk, caller, admitted, refusal = row
    return Started(uuid, datetime.fromtimestamp(at, UTC), number, account, trunk, caller, bool(admitted), refusal)


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
