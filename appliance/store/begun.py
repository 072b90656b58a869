"""Calls that have begun and are not stored yet, in the journal's file: what is left of them when the switch dies.

A row is written with the call's beginning, and taken away once the call is stored. Handlers note the call's facts
in it every two seconds, and at once when the switch is gone; the collector notes what the switch says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from appliance.domain.lost import Begun
from appliance.domain.queue import Stay
from appliance.store.journal_file import JournalFile, Row

_BEGAN = "INSERT OR IGNORE INTO begun (uuid, at, facts, noted_at) VALUES (?, ?, ?, ?)"
_NOTED = "UPDATE begun SET facts = ?, noted_at = ? WHERE uuid = ?"
_SEEN = "UPDATE begun SET seen_at = MAX(seen_at, ?) WHERE uuid = ?"
_JOINED = "UPDATE begun SET joined_at = ? WHERE uuid = ? AND joined_at = 0"
_SETTLED = "DELETE FROM begun WHERE uuid = ?"
# No rule counts a call back among the calls of whoever is called: it has no start, and its facts say what it is.
_OPEN = """
SELECT b.uuid, b.at, COALESCE(s.at, b.at), COALESCE(s.number, ''), COALESCE(s.account, ''), COALESCE(s.trunk, ''),
    COALESCE(s.caller, ''), COALESCE(s.refusal, ''), b.facts, b.noted_at, b.joined_at, b.seen_at,
    w.queue, w.entered_at
FROM begun b LEFT JOIN started s ON s.uuid = b.uuid LEFT JOIN waiting w ON w.uuid = b.uuid
WHERE s.uuid IS NOT NULL OR b.facts <> ''
"""


def began(uuid: str, at: datetime, facts: str = "") -> Row:
    """A call begins; one that is told twice began the first time. Written together with its start, if it has one.

    :param facts: what is known of it already, packed.
    """
    return _BEGAN, (uuid, at.timestamp(), facts, at.timestamp() if facts else 0)


class BegunCalls:
    """This part of a journal. One a process; for one thread at a time."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def calls_back(self, uuid: str, facts: str, at: datetime) -> None:
        """A line has answered to call somebody back: the call begins, with these facts (packed)."""
        self._file.write([began(uuid, at, facts)])

    def noted(self, facts: Mapping[str, str], at: datetime) -> None:
        """What is known of calls by now (packed facts by UUID); of one that is stored already nothing is kept."""
        self._file.write([(_NOTED, (text, at.timestamp(), uuid)) for uuid, text in facts.items()])

    def seen(self, uuids: Iterable[str], joined: Mapping[str, datetime], at: datetime) -> None:
        """The switch has these calls now, some of them joined with a line since then."""
        rows: list[Row] = [(_SEEN, (at.timestamp(), uuid)) for uuid in uuids]
        self._file.write(rows + [(_JOINED, (since.timestamp(), uuid)) for uuid, since in joined.items()])

    def settled(self, uuids: Iterable[str]) -> None:
        """These calls are stored."""
        self._file.write([(_SETTLED, (uuid,)) for uuid in uuids])

    def open(self) -> list[Begun]:
        """All that are not stored, as far as anybody has said."""
        return [_begun(row) for row in self._file.look(_OPEN, ())]


def _begun(row: Any) -> Begun:
    uuid, at, decided_at, number, account, trunk, caller, refusal, facts, *times, queue, entered_at = row
    noted_at, joined_at, seen_at = (_moment(time) if time else None for time in times)
    return Begun(
        uuid=uuid,
        began_at=_moment(at),
        decided_at=_moment(decided_at),
        number=number,
        account=account,
        trunk=trunk,
        caller=caller,
        refusal=refusal,
        facts=facts,
        noted_at=noted_at,
        joined_at=joined_at,
        seen_at=seen_at,
        queue=None if queue is None else Stay(queue, _moment(entered_at)),
    )


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
