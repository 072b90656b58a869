"""One look at the switch: its legs, and what the handlers have noted on them.

A look is one list of all legs, and of those that have moved since the last one their facts. The list comes from the
switch's own table (``show detailed_calls``), so a look costs no call anything, and what a look missed the next one
sees: there is nothing that could be lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from appliance.domain.cdr import unpacked
from appliance.domain.live.calls import Leg
from appliance.errors import SwitchError, SwitchRefused, UnsafeArgument
from appliance.switch import escape

_LIST = "show detailed_calls as json"
#: What a leg's facts are, and what stands beside them on a line's leg.
_FACTS, _LINE, _CALL = "gw_facts", "gw_line", "gw_call"
#: Commands that are sent before the first answer is waited for: the switch keeps what it has not read in its
#: socket's buffer.
_AT_ONCE = 200
#: Callers whose facts are read again although nothing has moved, the longest unread first.
_READ_AGAIN = 25
_UNDEFINED = "_undef_"


class Answer(Protocol):
    """An answer of the switch that is still to come."""

    def wait(self) -> str:
        """Its text; raises ``SwitchError``."""


class Asked(Protocol):
    """A connection to the switch; ``live.connection``."""

    def ask(self, command: str) -> Answer:
        """Send an API command."""


class _Known(NamedTuple):
    """A leg's facts, and what its row was when they were read; ``read_at`` counts looks."""

    row: tuple[str, ...]
    facts: Mapping[str, str]
    read_at: int


class Look:
    """Looks, one after the other, over one connection. Bounded by the legs that there are."""

    def __init__(self, switch: Asked) -> None:
        self._switch = switch
        self._known: dict[str, _Known] = {}
        self._looks = 0

    def legs(self) -> list[Leg]:
        """All legs.

        :raises SwitchError: the switch is away, or says what cannot be read.
        """
        self._looks += 1
        rows = read_rows(self._switch.ask(_LIST).wait())
        self._read_facts(rows)
        return [
            Leg(
                uuid=row.uuid,
                inbound=row.inbound,
                created_at=row.created_at,
                application=row.application,
                call_uuid=row.call_uuid,
                peer=row.peer,
                joined_at=row.joined_at,
                facts=self._known[row.uuid].facts,
                proxy=row.proxy,
            )
            for row in rows
            if row.uuid in self._known
        ]

    def _read_facts(self, rows: Sequence[Row]) -> None:
        there = {row.uuid for row in rows}
        self._known = {uuid: known for uuid, known in self._known.items() if uuid in there}
        moved = [row for row in rows if self._has_moved(row)]
        fresh = {row.uuid for row in moved}
        still = sorted(
            (row for row in rows if row.inbound and row.uuid not in fresh),
            key=lambda row: self._known[row.uuid].read_at,
        )
        wanted = moved + still[:_READ_AGAIN]
        for start in range(0, len(wanted), _AT_ONCE):
            asked = [(row, self._asked(row)) for row in wanted[start : start + _AT_ONCE]]
            for row, answers in asked:
                facts = _facts(answers)
                if facts is None:
                    self._known.pop(row.uuid, None)  # it has ended meanwhile
                else:
                    self._known[row.uuid] = _Known(row.moves, facts, self._looks)

    def _has_moved(self, row: Row) -> bool:
        """A line's leg has its facts from its beginning; a caller's change with what is carried out on it."""
        known = self._known.get(row.uuid)
        return known is None or (row.moves != known.row if row.inbound else not known.facts)

    def _asked(self, row: Row) -> dict[str, Answer]:
        names = (_FACTS,) if row.inbound else (_FACTS, _LINE, _CALL)
        return {name: self._switch.ask(f"uuid_getvar {row.uuid} {name}") for name in names}


class Row(NamedTuple):
    """A leg as the switch lists it."""

    uuid: str
    inbound: bool
    created_at: datetime
    application: str
    call_uuid: str
    peer: str
    joined_at: datetime | None
    proxy: str
    #: What changes when a call goes on.
    moves: tuple[str, ...]


def read_rows(answer: str) -> list[Row]:
    """The legs of ``show detailed_calls as json``; a row that is none is passed over.

    :raises SwitchError: it is no such list.
    """
    try:
        listed = json.loads(answer).get("rows", [])
    except (ValueError, AttributeError):
        raise SwitchError(f"no list of calls: {answer[:80]!r}") from None
    rows: list[Row] = []
    for one in listed:
        other = str(one.get("b_uuid") or "")
        joined_at = _moment(one.get("call_created_epoch")) if other else None
        rows += _row(one, "", other, joined_at)
        if other:
            rows += _row(one, "b_", str(one.get("uuid") or ""), joined_at)
    return rows


def _row(one: Mapping[str, Any], prefix: str, peer: str, joined_at: datetime | None) -> list[Row]:
    def column(name: str) -> str:
        return str(one.get(prefix + name) or "")

    uuid, created_at = column("uuid"), _moment(column("created_epoch"))
    try:
        escape.identifier(uuid)
    except UnsafeArgument:
        return []
    if created_at is None:
        return []
    moves = (column("application"), column("application_data"), column("callstate"), peer)
    proxy = column("name").rpartition("@")[2]
    inbound = column("direction") == "inbound"
    return [
        Row(uuid, inbound, created_at, column("application"), column("call_uuid"), peer, joined_at, proxy, moves)
    ]


def _facts(answers: Mapping[str, Answer]) -> Mapping[str, str] | None:
    """What is noted on a leg; None: it is gone."""
    try:
        said = {name: answer.wait().rstrip("\n") for name, answer in answers.items()}
    except SwitchRefused:
        for answer in answers.values():
            _let_come(answer)
        return None
    told = {name: value for name, value in said.items() if value != _UNDEFINED}
    facts = unpacked(told.pop(_FACTS, ""))
    # Where several ring at once each leg has its own line beside the facts.
    facts |= {name: value for name, value in told.items() if value}
    return {name.removeprefix("gw_"): value for name, value in facts.items()}


def _let_come(answer: Answer) -> None:
    """The other answers about a leg that is gone."""
    try:
        answer.wait()
    except SwitchRefused:
        return


def _moment(epoch: object) -> datetime | None:
    """Seconds since 1970; nothing, 0 and what is no number: none."""
    text = str(epoch or "")
    if not (text.isascii() and text.isdigit() and len(text) <= 11) or int(text) == 0:
        return None
    return datetime.fromtimestamp(int(text), UTC)
