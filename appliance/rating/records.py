"""Call records in CSV: rows become calls to be rated, or are rejected with a reason (rules 1 and 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from appliance.domain.numbers import CallerKind
from appliance.domain.pricing import MeteredCall
from appliance.errors import RatingError
from appliance.rating.times import parse_time

COLUMNS = (
    "call_id",
    "number",
    "caller",
    "caller_kind",
    "started_at",
    "answered_at",
    "billsec",
    "bridged_seconds",
)

# One cell and what ends it. A quoted cell may hold anything, its quotes doubled; a bare one may hold a quote,
# but not begin with one.
_CELL = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",\n][^,\n]*+|))(,|\n|\Z)')
_CLOSES = re.compile(r'"(?:[^"]++|"")*+')
_CALL_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}", re.ASCII)
_NUMBER = re.compile(r"400[0-9]{7}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,7}", re.ASCII)
_KINDS = frozenset(CallerKind)


class Row(NamedTuple):
    """A row of the file. ``line`` is where it begins, the header being line 1; no ``cells``: no CSV."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not rated. ``call_id`` is empty where the row is malformed."""

    line: int
    call_id: str
    reason: str


def rows(text: str) -> Iterator[Row]:
    """Cut CSV into rows. Only ``\\n`` ends a row; a quote that never closes spoils its line, not the file.

    >>> [row.cells for row in rows('a,"b ""c"" d"\\n\\n"e\\nf",g')]
    [('a', 'b "c" d'), ('',), ('e\\nf', 'g')]
    >>> list(rows('"a\\nb'))
    [Row(line=1, cells=()), Row(line=2, cells=('b',))]
    """
    at, line = 0, 1
    # Up to here, a quoted cell that holds a line break never closes as it must: a row whose line ends earlier ends
    # there too, or is none. Without it a file of open quotes would be read again for each of them.
    doomed = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        plain = text[at:end]
        if '"' not in plain:
            yield Row(line, tuple(plain.split(",")))
            at, line = end + 1, line + 1
            continue
        cells, after = _quoted(text, at, end if end < doomed else len(text))
        if cells:
            after = max(after, end + 1)
        else:
            doomed = max(doomed, after)
            after = end + 1
        yield Row(line, cells)
        line += text.count("\n", at, after)
        at = after


def _quoted(text: str, at: int, end: int) -> tuple[tuple[str, ...], int]:
    """The cells of a row that holds quotes, and where the next row begins.

    No cells: they are no CSV up to ``end``, and a quoted cell closes wrongly, or not at all, where it says.
    """
    cells = []
    while found := _CELL.match(text, at, end):
        quoted, bare, ended_by = found.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if ended_by != ",":
            return tuple(cells), at
    closes = _CLOSES.match(text, at, end)
    return (), closes.end() if closes else at


def read_records(text: str) -> tuple[list[tuple[int, MeteredCall]], list[Reject]]:
    """Read call records: good ones with their lines, and the rows that are malformed or come twice.

    :raises RatingError: the header does not have exactly the columns.
    """
    read = rows(text)
    header = next(read, Row(1, ()))
    if header.cells != COLUMNS:
        raise RatingError(f"line 1: the columns must be exactly {','.join(COLUMNS)}")
    good: list[tuple[int, MeteredCall]] = []
    rejects: list[Reject] = []
    seen: set[str] = set()
    for row in read:
        call = _call(row.cells)
        if isinstance(call, str):
            rejects.append(Reject(row.line, "", f"malformed:{call}"))
        elif call.call_id in seen:
            rejects.append(Reject(row.line, call.call_id, "duplicate"))
        else:
            seen.add(call.call_id)
            good.append((row.line, call))
    return good, rejects


def _call(cells: tuple[str, ...]) -> MeteredCall | str:
    """The call of a row; or what is bad: ``row``, or the first bad column in the order of rule 1."""
    if len(cells) != len(COLUMNS):
        return "row"
    call_id, number, _, caller_kind, started_at, answered_at, billsec, bridged_seconds = cells
    if not _CALL_ID.fullmatch(call_id):
        return "call_id"
    if not _NUMBER.fullmatch(number):
        return "number"
    if caller_kind not in _KINDS:
        return "caller_kind"
    started = parse_time(started_at)
    if started is None:
        return "started_at"
    answered = parse_time(answered_at)
    if answered is None and answered_at:
        return "answered_at"
    for column, text in (("billsec", billsec), ("bridged_seconds", bridged_seconds)):
        if not _SECONDS.fullmatch(text):
            return column
    return MeteredCall(
        call_id=call_id,
        number=number,
        caller_kind=caller_kind,
        started_at=started,
        answered_at=answered,
        billsec=int(billsec),
        bridged_seconds=int(bridged_seconds),
    )
