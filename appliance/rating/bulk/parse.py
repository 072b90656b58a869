"""Lines without quotes read into typed columns: rule 1 of ``docs/rating.md``, a block at once.

The same as ``records`` and ``times`` do cell by cell, done on the bytes with NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appliance.domain.numbers import CallerKind
from appliance.rating.bulk.blocks import Lines
from appliance.rating.bulk.cells import MARGIN, Bytes, Flags, Ints, digits, whole_numbers, windows
from appliance.rating.bulk.instants import instants, months
from appliance.rating.records import COLUMNS

#: Good rows. Instants are microseconds since 1970, null: not answered; ``month`` is the one of ``answered_us`` as
#: ``domain.grants`` counts them (0: not answered); durations are seconds.
CALLS = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),
        pa.field("call_id", pa.string(), nullable=False),
        pa.field("number", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("started_us", pa.int64(), nullable=False),
        pa.field("answered_us", pa.int64()),
        pa.field("month", pa.int64(), nullable=False),
        pa.field("billsec", pa.int64(), nullable=False),
        pa.field("bridged_seconds", pa.int64(), nullable=False),
    ]
)

#: What is wrong with a row, by the number that ``Malformed`` holds; the order is that of rule 1.
MALFORMED = ("row", "call_id", "number", "caller_kind", "started_at", "answered_at", "billsec", "bridged_seconds")

# After this, all that ends a cell lies below ``-``; what no good cell holds is ``?``, and ``+``, which only an
# offset does, is ``>``: their codes differ in the last bit alone.
_GOOD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@-,\n"
_TABLE = bytes(byte if byte in _GOOD else ord(">") if byte == ord("+") else ord("?") for byte in range(256))
_KINDS = tuple(CallerKind)


@dataclass(frozen=True, slots=True)
class Malformed:
    """Rows that are none: their lines, and for each an index into ``MALFORMED``."""

    lines: Ints
    reasons: npt.NDArray[np.int8]


def parse(lines: Lines) -> tuple[pa.RecordBatch, Malformed]:
    """Read a block: its good rows (``CALLS``) and the others, each in the order of the block."""
    margin = bytes(MARGIN)
    text = np.frombuffer(margin + lines.data.translate(_TABLE) + margin, np.uint8)
    starts, ends, whole = _cells(text)
    numbers = lines.numbers[whole]
    ends_of = dict(zip(COLUMNS, ends, strict=True))
    starts_of = dict(zip(COLUMNS, starts, strict=True))

    def cell(column: str) -> tuple[Ints, Ints]:
        return starts_of[column], ends_of[column]

    verdict = np.zeros(len(numbers), np.int8)
    kinds, kind_good = _kinds(text, *cell("caller_kind"))
    started, started_good = instants(text, *cell("started_at"))
    answered, answered_good = instants(text, *cell("answered_at"))
    unanswered = starts_of["answered_at"] == ends_of["answered_at"]
    billsec, billsec_good = _seconds(text, *cell("billsec"))
    bridged, bridged_good = _seconds(text, *cell("bridged_seconds"))
    good = {
        "call_id": _call_ids_good(text, *cell("call_id")),
        "number": _numbers_good(text, *cell("number")),
        "caller_kind": kind_good,
        "started_at": started_good,
        "answered_at": answered_good | unanswered,
        "billsec": billsec_good,
        "bridged_seconds": bridged_good,
    }
    for index in range(len(MALFORMED) - 1, 0, -1):
        verdict[~good[MALFORMED[index]]] = index

    ok = verdict == 0
    all_ok = bool(ok.all())

    def kept(values: Ints) -> Ints:
        return values if all_ok else values[ok]

    no_answer = kept(unanswered)
    answered_us = kept(answered)
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(kept(numbers)),
            _texts(text, *map(kept, cell("call_id"))),
            _texts(text, *map(kept, cell("number"))),
            pa.array(list(_KINDS), pa.string()).take(pa.array(kept(kinds))),
            pa.array(kept(started)),
            pa.array(answered_us, mask=no_answer),
            pa.array(np.where(no_answer, 0, months(answered_us))),
            pa.array(kept(billsec)),
            pa.array(kept(bridged)),
        ],
        schema=CALLS,
    )
    no_rows = np.concatenate([lines.no_rows, lines.numbers[~whole]])
    bad = Malformed(
        np.concatenate([no_rows, numbers[~ok]]),
        np.concatenate([np.zeros(len(no_rows), np.int8), verdict[~ok]]),
    )
    return batch, bad


def _cells(text: Bytes) -> tuple[list[Ints], list[Ints], Flags]:
    """Where the cells of each column start and end, of the lines that have as many as there are columns.

    The flags are for all lines: whether it is such a one.
    """
    width = len(COLUMNS)
    marks = np.flatnonzero(text[MARGIN:-MARGIN] < ord("-")) + MARGIN
    line_ends = np.flatnonzero(text[marks] == ord("\n"))
    counts = np.diff(line_ends, prepend=-1)
    whole = counts == width
    line_starts = np.concatenate([[MARGIN], marks[line_ends[:-1]] + 1]) if len(line_ends) else line_ends
    if whole.all():
        table = marks.reshape(-1, width)
    else:
        table = marks[line_ends[whole][:, None] + np.arange(1 - width, 1)]
        line_starts = line_starts[whole]
    ends = [np.ascontiguousarray(table[:, column]) for column in range(width)]
    starts = [line_starts, *(end + 1 for end in ends[:-1])]
    return starts, ends, whole


def _texts(text: Bytes, starts: Ints, ends: Ints) -> pa.StringArray:
    """The cells as texts; they are ASCII."""
    # Every other piece of the text between these is a cell.
    offsets = np.empty(2 * len(starts) + 1, np.int32)
    offsets[0:-1:2], offsets[1::2] = starts, ends
    offsets[-1] = offsets[-2] if len(starts) else 0
    pieces = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(text))
    return pieces.take(pa.array(np.arange(0, 2 * len(starts), 2)))


def _call_ids_good(text: Bytes, starts: Ints, ends: Ints) -> Flags:
    length = ends - starts
    bad = np.flatnonzero((text | 1) == ord("?"))
    # A bad byte lies in the id whose start is the last one before it, if that has not ended yet.
    owner = np.searchsorted(starts, bad, side="right") - 1
    mine = (owner >= 0) & (bad < ends[owner]) if len(starts) else np.zeros(len(bad), np.bool_)
    good = (length >= 1) & (length <= 128)
    good[owner[mine]] = False
    return good


def _numbers_good(text: Bytes, starts: Ints, ends: Ints) -> Flags:
    found = windows(text, starts, 10)
    good: Flags = (
        (ends - starts == 10)
        & (found[:, 0] == ord("4"))
        & (found[:, 1] == ord("0"))
        & (found[:, 2] == ord("0"))
        & (digits(found[:, 3:]) < 10).all(axis=1)
    )
    return good


def _kinds(text: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Flags]:
    """Each cell's kind of caller, an index, and whether it is one."""
    length = ends - starts
    words = windows(text, starts, 8).view(np.uint64).ravel()
    kinds = np.zeros(len(starts), np.int64)
    good = np.zeros(len(starts), np.bool_)
    for index, kind in enumerate(_KINDS):
        name = kind.encode()
        mask = np.frombuffer((b"\xff" * len(name)).ljust(8, b"\0"), np.uint64)[0]
        same = (length == len(name)) & ((words & mask) == np.frombuffer(name.ljust(8, b"\0"), np.uint64)[0])
        kinds[same] = index
        good |= same
    return kinds, good


def _seconds(text: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Flags]:
    """Durations of one to seven digits."""
    length = ends - starts
    value, good = whole_numbers(digits(windows(text, ends - 7, 7)), 7 - length, np.full_like(length, 7))
    return value, good & (length >= 1) & (length <= 7)
