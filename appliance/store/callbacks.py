"""Requests to be called back, in the journal's file: shared by the handlers' processes, and still there when one of
them dies.

Whoever asks, and whoever is about to call, must know that it is written and that nobody else did the same: such a
change is made now or not at all (``JournalFile.change``). How a try ended is kept until it can be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from appliance.domain.callback import Ending, Request, Stage, Verdict
from appliance.errors import StoreError
from appliance.store.journal_file import JournalFile

_COLUMNS = (
    "id, queue, account, number, caller, callee, trunk, priority, skill, entered_at, asked_at, expires_at, due_at,"
    " attempts, stage, legs, lines, since, owner, said, closed_at, ending, reason, closed_by, version"
)
_ASK = (
    "INSERT INTO callbacks (id, queue, account, number, caller, callee, trunk, priority, skill, entered_at,"
    " asked_at, expires_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_SELECT = " ".join(("SELECT", _COLUMNS, "FROM callbacks"))
#: One of the try's own legs, and the request is open.
_OF_LEG = "id = ? AND closed_at = 0 AND instr(' ' || legs || ' ', ' ' || ? || ' ')"


def _update(what: str, *which: str) -> str:
    """A change, which a later version is known by."""
    return " ".join(("UPDATE callbacks SET", what, ", version = version + 1 WHERE", " AND ".join(which)))


_CLAIM = _update(
    "stage = 'line', legs = ?, lines = ?, since = ?, owner = ?",
    "id = ? AND stage = '' AND closed_at = 0 AND due_at <= ? AND expires_at > ? RETURNING id",
)
_RINGS_AGAIN = _update("legs = ?", _OF_LEG, "stage = 'line' RETURNING id")
_TAKEN = _update("stage = 'taken', since = ?", _OF_LEG, "stage = 'line'")
_RINGS_HIM = _update(
    "stage = 'caller', since = ?, owner = ?, legs = ?, attempts = attempts + 1",
    _OF_LEG,
    "stage IN ('line', 'taken') RETURNING id",
)
_RELEASE = _update(
    "stage = '', legs = '', lines = '', due_at = ?, said = ?, owner = ''", _OF_LEG, "stage IN ('line', 'taken')"
)
_ABANDON = _update("owner = ''", _OF_LEG, "stage IN ('line', 'taken')")
_OVER = _update("stage = 'over', since = ?, owner = ''", _OF_LEG, "stage = 'caller'")
_MISSED = _update("stage = 'missed', since = ?", _OF_LEG, "stage IN ('caller', 'over')")
_AGAIN = _update("stage = '', legs = '', lines = '', due_at = ?, attempts = ?, said = ?, owner = ''", _OF_LEG)
_END = _update("stage = '', owner = '', closed_at = ?, ending = ?, said = ?", _OF_LEG)
_CLOSE = _update(
    "closed_at = ?, ending = 'withdrawn', reason = ?, closed_by = ?", "id = ? AND closed_at = 0 RETURNING id"
)
_EXPIRE = _update("closed_at = ?, ending = 'expired'", "closed_at = 0 AND stage = '' AND expires_at <= ?")
_OF_CALLER = "closed_at = 0 AND queue = ? AND (caller = ? OR callee = ?)"
_READY = _update("due_at = ?", "id = ? AND stage = '' AND closed_at = 0 AND attempts = 0")
_POSTPONE = _update("due_at = max(due_at, ?)", _OF_CALLER)
_ANSWERED = _update(
    "stage = '', owner = '', closed_at = ?, ending = 'withdrawn', reason = ?",
    _OF_CALLER,
    "asked_at < ? AND stage IN ('', 'line', 'taken')",
)


class Asked(StrEnum):
    """What became of asking."""

    NOTED = "noted"
    #: There is an open one of that number in the queue: it stands, in its older place.
    ALREADY = "already"
    #: It could not be written.
    FAILED = "failed"


class Callbacks:
    """The requests' part of a journal. One a process; for one thread at a time."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    # -- asking and looking ----------------------------------------------------------------------------------

    def ask(self, one: Request) -> Asked:
        """Keep a request. A call that comes back from dead handlers and asks again has asked once."""
        who = (
            one.id,
            one.queue,
            one.account,
            one.number,
            one.caller,
            one.callee,
            one.trunk,
            one.priority,
            one.skill,
        )
        times = (one.entered_at, one.asked_at, one.expires_at, one.due_at)
        if self._file.change(_ASK, (*who, *(at.timestamp() for at in times))):
            return Asked.NOTED
        if self.one(one.id) is not None:
            return Asked.NOTED
        same = "SELECT id FROM callbacks WHERE closed_at = 0 AND queue = ? AND callee = ?"
        return Asked.ALREADY if self._file.look(same, (one.queue, one.callee)) else Asked.FAILED

    def others_of(self, account: str, caller: str, since: datetime) -> frozenset[str]:
        """Numbers beside his own that a caller of an account's numbers asked to be called at since then.

        :param caller: his number; empty: all who withhold theirs.
        """
        query = "SELECT DISTINCT callee FROM callbacks WHERE account = ? AND caller = ? AND callee <> caller"
        rows = self._file.look(f"{query} AND asked_at >= ?", (account, caller, since.timestamp()))
        return frozenset(str(row[0]) for row in rows)

    def any_open(self) -> bool:
        """Whether any has no end yet."""
        return bool(self._file.look("SELECT 1 FROM callbacks WHERE closed_at = 0 LIMIT 1", ()))

    def open(self) -> list[Request]:
        """All that have no end yet, in the order in which they were asked."""
        return [
            _request(row) for row in self._file.look(f"{_SELECT} WHERE closed_at = 0 ORDER BY asked_at, id", ())
        ]

    def ended(self, limit: int, account: str | None = None) -> list[Request]:
        """The last ones that have ended, newest first; of one account, or of all."""
        whose, values = ("", ()) if account is None else ("AND account = ?", (account,))
        query = f"{_SELECT} WHERE closed_at > 0 {whose} ORDER BY closed_at DESC, id LIMIT ?"
        return [_request(row) for row in self._file.look(query, (*values, limit))]

    def one(self, request_id: str) -> Request | None:
        """The request of that id."""
        return next(map(_request, self._file.look(f"{_SELECT} WHERE id = ?", (request_id,))), None)

    # -- a try to call him -----------------------------------------------------------------------------------

    def claim(self, one: Request, legs: Sequence[str], lines: Sequence[str], owner: str, now: datetime) -> bool:
        """These lines ring for him from now on, by these legs; False: somebody else was quicker, or he has left."""
        at = now.timestamp()
        values = (" ".join(legs), " ".join(lines), at, owner, one.id, at, at)
        return bool(self._file.change(_CLAIM, values))

    def rings_again(self, request_id: str, leg: str, legs: Sequence[str]) -> bool:
        """Lines that could not be reached ring by another trunk, by these legs instead; False: the try is not going
        on any more, or it cannot be written."""
        return bool(self._file.change(_RINGS_AGAIN, (" ".join(legs), request_id, leg)))

    def taken(self, request_id: str, leg: str, now: datetime) -> None:
        """The line has answered."""
        self._file.write([(_TAKEN, (now.timestamp(), request_id, leg))])

    def rings_him(self, request_id: str, leg: str, owner: str, now: datetime) -> Request | None:
        """His telephone is about to ring: counts as an attempt. None: he is not to be called any more."""
        if not self._file.change(_RINGS_HIM, (now.timestamp(), owner, leg, request_id, leg)):
            return None
        return self.one(request_id)

    def release(self, request_id: str, leg: str, due_at: datetime, said: str) -> None:
        """No line took it: he waits on where he stood, and no attempt is counted."""
        self._file.write([(_RELEASE, (due_at.timestamp(), said, request_id, leg))])

    def abandon(self, request_id: str, leg: str) -> None:
        """Nobody knows what became of the line's leg: whoever looks next finds out."""
        self._file.write([(_ABANDON, (request_id, leg))])

    def over(self, request_id: str, leg: str, now: datetime) -> None:
        """The line's leg has ended while he was called or spoken to: its record decides."""
        self._file.write([(_OVER, (now.timestamp(), request_id, leg))])

    def settle(self, request_id: str, leg: str, what: Verdict, said: str, now: datetime) -> None:
        """How the call to him ended."""
        if what.ending is not None:
            self._file.write([(_END, (now.timestamp(), what.ending.value, said, request_id, leg))])
            return
        self._file.write([(_AGAIN, (what.due_at.timestamp(), what.attempts, said, request_id, leg))])

    def recorded(self, request_id: str, leg: str, now: datetime, *, reached: bool) -> None:
        """The stored call of a try says whether the two had talked; the handlers may know it already."""
        if reached:
            self._file.write([(_END, (now.timestamp(), Ending.REACHED.value, "answered", request_id, leg))])
        else:
            self._file.write([(_MISSED, (now.timestamp(), request_id, leg))])

    # -- ends ------------------------------------------------------------------------------------------------

    def expire(self, now: datetime) -> None:
        """Those whose time is over have ended, but for whom is being called."""
        if self._file.look("SELECT 1 FROM callbacks WHERE closed_at = 0 AND expires_at <= ?", (now.timestamp(),)):
            self._file.write([(_EXPIRE, (now.timestamp(), now.timestamp()))])

    def postpone(self, queue: str, caller: str, until: datetime) -> None:
        """Whoever has just talked is not called before his call's record is there."""
        theirs = "SELECT 1 FROM callbacks WHERE closed_at = 0 AND queue = ? AND (caller = ? OR callee = ?)"
        if self._file.look(theirs, (queue, caller, caller)):
            self._file.write([(_POSTPONE, (until.timestamp(), queue, caller, caller))])

    def ready(self, request_id: str, due_at: datetime) -> None:
        """He has hung up: he may be called from then on."""
        self._file.write([(_READY, (due_at.timestamp(), request_id))])

    def answered(self, queue: str, caller: str, call: str, joined_at: datetime, now: datetime) -> None:
        """A caller was answered in a queue: what he had asked for there before is withdrawn."""
        reason = f"answered {call}"
        self._file.write([(_ANSWERED, (now.timestamp(), reason, queue, caller, caller, joined_at.timestamp()))])

    def close(self, request_id: str, reason: str, by: str, now: datetime) -> bool:
        """A person withdraws it; False: it has ended, or it could not be written."""
        return bool(self._file.change(_CLOSE, (now.timestamp(), reason, by, request_id)))

    # -- for the collector -----------------------------------------------------------------------------------

    def unstored(self, limit: int = 200) -> list[tuple[Request, int]]:
        """Requests that have changed since they were stored in the database, and the version to be named then."""
        rows = self._file.look(f"{_SELECT} WHERE version > stored LIMIT ?", (limit,))
        return [(_request(row), row[-1]) for row in rows]

    def are_stored(self, versions: Sequence[tuple[str, int]]) -> None:
        """These versions are in the database."""
        statement = "UPDATE callbacks SET stored = ? WHERE id = ?"
        self._file.write([(statement, (version, request_id)) for request_id, version in versions])


def close(journal_file: Path, request_id: str, reason: str, by: str, at: datetime) -> bool:
    """A clerk closes a request: for the console and the commands, which have no journal open. False: it has ended,
    or there is none.

    :raises StoreError: the journal cannot be written now.
    """
    with closing(JournalFile(journal_file)) as file:
        requests = Callbacks(file)
        if requests.close(request_id, reason, by, at):
            return True
        found = requests.one(request_id)
    if found is not None and found.ending is None:
        raise StoreError(f"the journal {journal_file} cannot be written; try again")
    return False


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _request(row: Any) -> Request:
    (
        id_,
        queue,
        account,
        number,
        caller,
        callee,
        trunk,
        priority,
        skill,
        entered_at,
        asked_at,
        expires,
        due,
        *rest,
    ) = row
    attempts, stage, legs, lines, since, owner, said, closed_at, ending, reason, closed_by, _ = rest
    return Request(
        id=id_,
        queue=queue,
        account=account,
        number=number,
        caller=caller,
        callee=callee,
        trunk=trunk,
        priority=priority,
        skill=skill,
        entered_at=_moment(entered_at),
        asked_at=_moment(asked_at),
        expires_at=_moment(expires),
        due_at=_moment(due),
        attempts=attempts,
        stage=Stage(stage),
        legs=tuple(legs.split()),
        lines=tuple(lines.split()),
        since=_moment(since) if since else None,
        owner=owner,
        said=said,
        closed_at=_moment(closed_at) if closed_at else None,
        ending=Ending(ending) if ending else None,
        reason=reason,
        closed_by=closed_by,
    )
