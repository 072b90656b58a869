"""Lines without quotes read into typed columns: rule 1 of ``docs/rating.md``, a block at once.

The same as ``records`` and ``times`` do cell by cell, done on the bytes with NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appliance.domain.numbers import CallerKind
from appliance.rating.bulk.blocks import Lines
from appliance.rating.bulk.cells import MARGIN, Bytes, Flags, Ints, Shape, whole_numbers, word, words
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

_ID_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-"
#: What is left of a word that begins with a cell of so many bytes; of more than it holds, nothing.
_FIRST = np.array([*(2 ** (8 * length) - 1 for length in range(9)), 0], np.uint64)
#: 1 for a byte that no name of a call holds.
_NOT_OF_ID = bytes(byte not in _ID_CHARACTERS for byte in range(256))
_NUMBER = Shape("400#####"), Shape("##      ")
_KINDS = {kind: word(kind) for kind in CallerKind}

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Malformed:
    """Rows that are none: their lines, and for each an index into ``MALFORMED``."""

    lines: Ints
    reasons: npt.NDArray[np.int8]


def parse(lines: Lines) -> tuple[pa.RecordBatch, Malformed]:
    """Read a block: its good rows (``CALLS``) and the others, each in the order of the block."""
    margin = bytes(MARGIN)
    text = np.frombuffer(margin + lines.data + margin, np.uint8)
    starts, ends, whole = _cells(text)
    numbers = lines.numbers[whole] if len(starts[0]) < len(whole) else lines.numbers
    cells = dict(zip(COLUMNS, zip(starts, ends, strict=True), strict=True))

    call_ids = _texts(text, *cells["call_id"])
    called, number_good = _numbers(text, *cells["number"])
    kinds, kind_good = _kinds(text, *cells["caller_kind"])
    started, started_good = instants(text, *cells["started_at"])
    answered, answered_good = instants(text, *cells["answered_at"])
    unanswered = np.equal(*cells["answered_at"])
    billsec, billsec_good = _seconds(text, *cells["billsec"])
    bridged, bridged_good = _seconds(text, *cells["bridged_seconds"])
    # In the order of ``MALFORMED``: of several bad columns the first one counts.
    good = [
        _call_ids_good(call_ids),
        number_good,
        kind_good,
        started_good,
        answered_good | unanswered,
        billsec_good,
        bridged_good,
    ]
    ok = np.logical_and.reduce(good)
    spoilt = np.flatnonzero(~ok)
    rows = np.flatnonzero(ok) if len(spoilt) else slice(None)

    def kept(values: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
        return values[rows]

    no_answer, answered_us = kept(unanswered), kept(answered)
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(kept(numbers)),
            call_ids.take(pa.array(rows)) if len(spoilt) else call_ids,
            _of_ten(kept(called)),
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
        np.concatenate([no_rows, numbers[spoilt]]),
        np.concatenate([np.zeros(len(no_rows), np.int8), _first(good, spoilt)]),
    )
    return batch, bad


def _first(good: list[Flags], rows: Ints) -> npt.NDArray[np.int8]:
    """The first column that is bad in each of the rows, an index into ``MALFORMED``."""
    verdict = np.zeros(len(rows), np.int8)
    for index in range(len(good), 0, -1):
        verdict[~good[index - 1][rows]] = index
    return verdict


def _cells(text: Bytes) -> tuple[list[Ints], list[Ints], Flags]:
    """Where the cells of each column start and end, of the lines that have as many as there are columns.

    The flags are for all lines: whether it is such a one.
    """
    width = len(COLUMNS)
    held = text[MARGIN:-MARGIN]
    marks = np.flatnonzero((held == ord(",")) | (held == ord("\n"))) + MARGIN
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


def _call_ids_good(texts: pa.StringArray) -> Flags:
    """Which of the texts may name a call."""
    _, offsets, held = texts.buffers()
    begins = np.frombuffer(offsets, np.int32)[: len(texts) + 1]
    length = np.diff(begins)
    good: Flags = (length >= 1) & (length <= 128)
    if held is not None:
        wrong = np.flatnonzero(np.frombuffer(bytes(held).translate(_NOT_OF_ID), np.uint8))
        good[np.searchsorted(begins, wrong, side="right") - 1] = False
    return good


def _numbers(text: Bytes, starts: Ints, ends: Ints) -> tuple[Bytes, Flags]:
    """Ten bytes of each cell, and which cells are no more than that, and a number."""
    found = words(text, starts, 2)
    (_, bad), (_, bad_end) = (shape.read(found[:, at]) for at, shape in enumerate(_NUMBER))
    return found.view(np.uint8), (ends - starts == 10) & ((bad | bad_end) == 0)


def _of_ten(found: Bytes) -> pa.StringArray:
    """The first ten bytes of each row as texts."""
    size = len(found)
    offsets = np.arange(0, 10 * size + 1, 10, dtype=np.int32)
    ten = np.ascontiguousarray(found[:, :10])
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(ten))


def _kinds(text: Bytes, starts: Ints, ends: Ints) -> tuple[npt.NDArray[np.int8], Flags]:
    """Each cell's kind of caller, an index, and whether it is one."""
    length = ends - starts
    found = words(text, starts, 1)[:, 0] & np.take(_FIRST, length, mode="clip")
    kinds = np.zeros(len(starts), np.int8)
    good = np.zeros(len(starts), np.bool_)
    for index, (kind, name) in enumerate(_KINDS.items()):
        # A zero is no padding where the cell goes on.
        same = (found == name) & (length == len(kind))
        kinds[same] = index
        good |= same
    return kinds, good


def _seconds(text: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Flags]:
    """Durations of one to seven digits."""
    length = ends - starts
    value, good = whole_numbers(text, ends, length)
    return value, good & (length >= 1) & (length <= 7)
