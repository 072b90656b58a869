"""Charges and rejects as the lines of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from appliance.rating.bulk.ahead import ahead
from appliance.rating.bulk.parse import MALFORMED, Malformed
from appliance.rating.bulk.tables import Book
from appliance.rating.files import cell

_FIGURES = ("metered", "units", "included", "charged")


def charge_lines(batches: Iterable[pa.RecordBatch], book: Book) -> Iterator[tuple[int, pa.Buffer]]:
    """Charges (``expressions.charge``) as text, and how many they are."""
    plans = pa.array([cell(plan.code) for plan in book.plans], pa.string())
    prices = pa.array([cell(price.effective_text) for price in book.priced], pa.string())

    def text_of(batch: pa.RecordBatch) -> pa.Buffer:
        columns = {name: batch.column(name) for name in batch.schema.names}
        cells = [
            columns["call_id"],
            columns["number"],
            plans.take(columns["plan"]),
            prices.take(columns["price"]).fill_null(""),
            *(columns[name].cast(pa.string()) for name in _FIGURES),
            _amounts(columns["millions"], columns["yuan"], columns["micro"]),
            columns["reason"],
        ]
        return _lines(cells)

    for batch, text in ahead(batches, text_of):
        yield len(batch), text


def reject_lines(batches: Iterable[pa.RecordBatch], malformed: Malformed) -> Iterator[tuple[int, pa.Buffer]]:
    """Rejects as text, and how many they are: the rows that are none among the calls that are not charged.

    :param batches: ``expressions.refused``, by line.
    :param malformed: by line.
    """
    reasons = pa.array([f"malformed:{what}" for what in MALFORMED], pa.string())
    done = 0
    for batch in batches:
        lines = batch.column("line").to_numpy(zero_copy_only=False)
        if not len(lines):
            continue
        upto = int(np.searchsorted(malformed.lines, lines[-1]))
        taken = 0
        # However many rows are none before the next call, so many of them at once lie in memory as text.
        for begin in range(done, upto - _ROWS, _ROWS):
            end = int(np.searchsorted(lines, malformed.lines[begin + _ROWS - 1]))
            yield _merged(malformed, slice(begin, begin + _ROWS), reasons, batch.slice(taken, end - taken))
            done, taken = begin + _ROWS, end
        yield _merged(malformed, slice(done, upto), reasons, batch.slice(taken))
        done = upto
    for begin in range(done, len(malformed.lines), _ROWS):
        yield _merged(malformed, slice(begin, begin + _ROWS), reasons, None)


_ROWS = 100_000


def _merged(
    malformed: Malformed, part: slice, reasons: pa.StringArray, batch: pa.RecordBatch | None
) -> tuple[int, pa.Buffer]:
    lines = malformed.lines[part]
    found = [
        pa.array(lines),
        pa.array([""], pa.string()).take(pa.array(np.zeros(len(lines), np.int64))),
        reasons.take(pa.array(malformed.reasons[part])),
    ]
    if batch is not None:
        calls = [batch.column(name) for name in ("line", "call_id", "refusal")]
        found = [pa.concat_arrays([own, other.cast(own.type)]) for own, other in zip(found, calls, strict=True)]
        order = pc.sort_indices(found[0])
        found = [column.take(order) for column in found]
    return len(found[0]), _lines([found[0].cast(pa.string()), *found[1:]])


def _amounts(millions: pa.Int64Array, yuan: pa.Int64Array, micro: pa.Int64Array) -> pa.StringArray:
    """``money.format`` of an amount in its three parts."""
    whole = yuan.cast(pa.string())
    if pc.any(pc.greater(millions, 0)).as_py():
        padded = pc.utf8_lpad(whole, 6, "0")
        long = pc.binary_join_element_wise(millions.cast(pa.string()), padded, "")
        whole = pc.if_else(pc.greater(millions, 0), long, whole)
    return pc.binary_join_element_wise(whole, pc.utf8_lpad(micro.cast(pa.string()), 6, "0"), ".")


def _lines(cells: list[pa.StringArray]) -> pa.Buffer:
    """Cells joined to lines: the array's own bytes are the text."""
    *front, last = cells
    ended = pc.binary_join_element_wise(last, "", "\n")
    lines = pc.binary_join_element_wise(*front, ended, ",").cast(pa.large_string())
    _, offsets, data = lines.buffers()
    if data is None:
        return pa.py_buffer(b"")
    first, end = (int(np.frombuffer(offsets, np.int64)[at]) for at in (lines.offset, lines.offset + len(lines)))
    return data.slice(first, end - first)
