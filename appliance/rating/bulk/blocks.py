"""Call records cut into lines, block by block, by the rules of ``records.rows``.

Almost every line holds no quote and is handed on as it stands, many at once. A row with quotes is read cell by
cell and written again as a line without any, so that one way of reading does for all. That loses nothing: but for
``caller``, which is not read at all, no good cell holds a comma, a quote, a line break or anything else that is
no ASCII. Memory is bounded by the block: a row that fills one is skimmed, and only the beginnings of its cells
are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from appliance.errors import RatingError
from appliance.rating.bulk.skim import KEPT, Row, skim
from appliance.rating.records import COLUMNS

#: Bytes that are read at once.
BLOCK = 4 * 1024 * 1024

# ``records._CELL`` in bytes. UTF-8 uses an ASCII byte for nothing else, so that cutting bytes is cutting text.
_CELL = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^",\n][^,\n]*+|))(,|\n|\Z)')
_CLOSES = re.compile(rb'"(?:[^"]++|"")*+')

#: What no good cell holds becomes a question mark, which none holds either.
_CLEAN = bytes.maketrans(b',"\n', b"???")


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines without quotes, each with its ``\\n``, and the number of each in the file.

    ``no_rows`` are the numbers of lines that hold no row of eight cells; they are not among the others.
    """

    data: bytes
    numbers: npt.NDArray[np.int64]
    no_rows: npt.NDArray[np.int64]
    read: int
    """Bytes of the file that are read so far."""


def blocks(file: BinaryIO, size: int = BLOCK) -> Iterator[Lines]:
    """The lines of a file that can be sought in, without its header.

    :raises RatingError: the header does not have exactly the columns.
    """
    reader = _Reader(file, size)
    return reader.blocks(reader.header())


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._line = 1
        # Up to here in the file, a quoted cell that holds a line break never closes as it must: a row whose line
        # ends earlier ends there too, or is none. Without it a file of open quotes would be read again for each.
        self._doomed = 0

    def blocks(self, at: int) -> Iterator[Lines]:
        """The lines from there on."""
        while True:
            self._file.seek(at)
            data = self._file.read(self._size)
            if not data:
                return
            last = len(data) < self._size
            found, used = self._block(data, at, last)
            if used:
                at += used
                yield found
                continue
            row = self._skim(at)
            at = row.after
            yield self._lines([], [], [(self._line, row)], at)
            self._line += row.lines

    def header(self) -> int:
        """Read it; where the next row begins."""
        row = self._skim(0)
        if row.cells != tuple(column.encode() for column in COLUMNS):
            raise RatingError(f"line 1: the columns must be exactly {','.join(COLUMNS)}")
        self._line += row.lines
        return row.after

    def _skim(self, at: int) -> Row:
        row = skim(self._file, at, self._size, self._doomed)
        self._doomed = max(self._doomed, row.doomed)
        return row

    def _block(self, data: bytes, at: int, last: bool) -> tuple[Lines, int]:
        """The rows that end in a block, and how many of its bytes they are."""
        if last and not data.endswith(b"\n"):
            data += b"\n"
        end = data.rfind(b"\n") + 1
        plain: list[bytes] = []
        numbers: list[npt.NDArray[np.int64]] = []
        quoted: list[tuple[int, Row]] = []
        begin = 0
        while begin < end:
            quote = data.find(b'"', begin, end)
            row_at = end if quote < 0 else data.rfind(b"\n", begin, quote) + 1 or begin
            if row_at > begin:
                count = _line_ends(data, begin, row_at)
                plain.append(data[begin:row_at])
                numbers.append(np.arange(self._line, self._line + count))
                self._line += count
                begin = row_at
            if quote < 0:
                break
            row = self._quoted(data, begin, at, last)
            if row is None:
                break
            quoted.append((self._line, row))
            self._line += row.lines
            begin = row.after
        return self._lines(plain, numbers, quoted, at + begin), begin

    def _quoted(self, data: bytes, begin: int, at: int, last: bool) -> Row | None:
        """The row that begins there, ``after`` counted in the block; None: it does not end in the block."""
        line_end = data.find(b"\n", begin)
        if line_end < 0:
            return None
        end = line_end if at + line_end < self._doomed else len(data)
        cells, here = [], begin
        while found := _CELL.match(data, here, end):
            quoted, bare, ended_by = found.groups()
            cells.append(bare if quoted is None else quoted.replace(b'""', b'"'))
            here = found.end()
            if ended_by == b",":
                continue
            if end == line_end:
                here = line_end + 1
            elif not ended_by and not last:
                return None
            return Row(tuple(cells), here, max(1, data.count(b"\n", begin, here)))
        if end != line_end:
            closes = _CLOSES.match(data, here)
            closed_at = closes.end() if closes else here
            if closed_at == len(data) and not last:
                return None
            self._doomed = max(self._doomed, at + closed_at)
        return Row((), line_end + 1, 1)

    @staticmethod
    def _lines(
        plain: list[bytes], numbers: list[npt.NDArray[np.int64]], quoted: list[tuple[int, Row]], read: int
    ) -> Lines:
        rows = [(line, row.cells) for line, row in quoted if len(row.cells) == len(COLUMNS)]
        plain.extend(_again(cells) for _, cells in rows)
        numbers.append(np.array([line for line, _ in rows], np.int64))
        no_rows = [line for line, row in quoted if len(row.cells) != len(COLUMNS)]
        data = plain[0] if len(plain) == 1 else b"".join(plain)
        return Lines(data, np.concatenate(numbers), np.array(no_rows, np.int64), read)


def _line_ends(data: bytes, begin: int, end: int) -> int:
    """How many there are; counting bytes one after the other takes several times as long."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, end - begin, begin) == ord("\n")))


def _again(cells: tuple[bytes, ...]) -> bytes:
    """A row's cells as a line without quotes that is good or bad in the same column."""
    kept = [cell[:KEPT].translate(_CLEAN) for cell in cells]
    kept[COLUMNS.index("caller")] = b""
    return b",".join(kept) + b"\n"
