"""Who waits in which queue, which lines rest, and at which lines somebody is signed in: shared by the handlers'
processes in the journal's file, and still there when one of them dies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from appliance.domain.queue import Waiting
from appliance.store.journal_file import JournalFile

_WAITING = "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RESTING = "INSERT OR REPLACE INTO resting VALUES (?, ?)"
_SIGNED = "INSERT OR REPLACE INTO signed VALUES (?, ?, ?)"
_HERE = "SELECT * FROM waiting WHERE left_at = 0 AND owner <> ?"
#: Talks that the handling time of a queue is measured by.
_MEASURED = 20


class Kept(NamedTuple):
    """A caller who waits, and the handlers that look after him (``owner``: a process)."""

    waiting: Waiting
    account: str
    owner: str


class Waitlist:
    """The queues' part of a journal. One a process; for one thread at a time."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    @property
    def file(self) -> JournalFile:
        """The journal's file, for what else is kept in it (``store.callbacks``)."""
        return self._file

    def keep(self, kept: Kept, left_at: datetime | None = None) -> None:
        """A caller waits, lines ring for him or ring no more; ``left_at``: he has left."""
        one = kept.waiting
        row = (
            *(one.uuid, one.queue, kept.account, one.number, one.caller, one.priority, one.skill),
            *(one.entered_at.timestamp(), " ".join(one.rung), _seconds(one.rung_at), kept.owner, _seconds(left_at)),
        )
        self._file.write([(_WAITING, row)])

    def here(self, but: str = "") -> list[Kept]:
        """All who wait now, except those of the process ``but``."""
        return [_kept(row) for row in self._file.look(_HERE, (but,))]

    def rest(self, lines: Mapping[str, datetime]) -> None:
        """Lines are left alone until then; what is said last holds."""
        self._file.write([(_RESTING, (line, until.timestamp())) for line, until in lines.items()])

    def resting(self, now: datetime) -> dict[str, datetime]:
        """Lines that are left alone, and until when."""
        # What could not be written yet comes last, and is the newer, be it over already.
        told = dict(self._file.look("SELECT line, until FROM resting", ()))
        return {line: _moment(until) for line, until in told.items() if until > now.timestamp()}

    def sign(self, line: str, at: datetime, *, signed_in: bool) -> None:
        """Somebody signs in at a line, or out."""
        self._file.write([(_SIGNED, (line, int(signed_in), at.timestamp()))])

    def signed_in(self) -> dict[str, datetime]:
        """Lines at which somebody is signed in, and since when."""
        found: dict[str, datetime] = {}
        for line, signed_in, since in self._file.look("SELECT line, signed_in, since FROM signed", ()):
            found.pop(line, None)
            if signed_in:
                found[line] = _moment(since)
        return found

    def talked_until(self, lines: Iterable[str], since: datetime) -> dict[str, datetime]:
        """When the last talk of each line ended, of those that had one since then."""
        query = "SELECT MAX(ended_at) FROM talked WHERE line = ? AND ended_at > ?"
        found: dict[str, datetime] = {}
        for line in lines:
            for (ended_at,) in self._file.look(query, (line, since.timestamp())):
                if ended_at is not None:
                    found[line] = max(_moment(ended_at), found.get(line, since))
        return found

    def left_alone(self, wrap_up: Mapping[str, int], now: datetime) -> dict[str, datetime]:
        """Lines that rest, or whose last talk was a moment ago, and until when.

        :param wrap_up: line → for how many seconds it is left alone after a talk.
        """
        rests = self.resting(now)
        longest = max(wrap_up.values(), default=0)
        ended = self.talked_until(wrap_up, now - timedelta(seconds=longest)) if longest else {}
        for line, at in ended.items():
            until = at + timedelta(seconds=wrap_up[line])
            if until > now:
                rests[line] = max(until, rests.get(line, until))
        return rests

    def handling(self, lines: Iterable[str], now: datetime) -> timedelta | None:
        """How long the last talks of these lines took on the average; None: there was none."""
        query = (
            "SELECT ended_at, ended_at - joined_at FROM talked WHERE line = ? AND ended_at <= ?"
            " ORDER BY ended_at DESC LIMIT ?"
        )
        talks: list[tuple[float, float]] = []
        for line in lines:
            talks += self._file.look(query, (line, now.timestamp(), _MEASURED))
        newest = sorted(talks, reverse=True)[:_MEASURED]
        if not newest:
            return None
        return timedelta(seconds=sum(length for _, length in newest) / len(newest))


def _seconds(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _kept(row: Any) -> Kept:
    uuid, queue, account, number, caller, priority, skill, entered_at, rung, rung_at, owner, _ = row
    waiting = Waiting(
        uuid=uuid,
        queue=queue,
        entered_at=_moment(entered_at),
        number=number,
        caller=caller,
        priority=priority,
        skill=skill,
        rung=tuple(rung.split()),
        rung_at=_moment(rung_at) if rung_at else None,
    )
    return Kept(waiting, account, owner)
