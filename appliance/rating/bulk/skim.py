"""One row of a file, however long it is: read in pieces, of which only the beginnings of the cells are kept."""

from __future__ import annotations

import re
from typing import BinaryIO, NamedTuple

from appliance.rating.records import COLUMNS

#: Bytes of a cell that are kept. Every good cell is shorter; one that is cut stays as bad as it was.
KEPT = 256

_BARE = re.compile(rb"[^,\n]*+")
_QUOTED = re.compile(rb'(?:[^"]++|"")*+')
#: A quoted cell with its comma. Nothing possessive stands around it: until Python 3.11.4 such a group kept what its
#: last, failing round had taken (gh-106052), and Debian 12 has 3.11.2.
_QUOTED_CELL = re.compile(rb'"(?:[^"]++|"")*+",')


class Row(NamedTuple):
    """A row's cells, none if it is no CSV; where the next row begins, and how many lines this one takes.

    ``doomed``: up to here no quoted cell that holds a line break closes as it must (0: nothing is known).
    """

    cells: tuple[bytes, ...]
    after: int
    lines: int
    doomed: int = 0


def skim(file: BinaryIO, at: int, size: int, doomed: int = 0) -> Row:
    """Read the row that begins at ``at`` in pieces of ``size`` bytes. At the file's end it has one empty cell.

    :param doomed: up to here a quoted cell that holds a line break is known never to close as it must.
    """
    return _Skimmer(file, at, size, doomed).row()


class _Skimmer:
    def __init__(self, file: BinaryIO, at: int, size: int, doomed: int) -> None:
        self._file, self._size, self._doomed = file, size, doomed
        self._base = at  # where the piece begins in the file
        self._piece = b""
        self._here = 0
        self._lines = 1
        self._line_end: int | None = None
        self._cells: list[bytes] = []
        self._cell = b""
        file.seek(at)

    def row(self) -> Row:
        """See ``skim``."""
        while True:
            if len(self._cells) > len(COLUMNS):
                self._skip()
            if self._next() == b'"':
                self._here += 1
                if not self._quoted():
                    return self._none()
            else:
                self._keep(_BARE)
            ended_by = self._next()
            if ended_by not in (b",", b"\n", b""):
                return self._none()
            self._cells.append(self._cell)
            self._cell = b""
            self._here += len(ended_by)
            if ended_by != b",":
                return Row(tuple(self._cells), self._base + self._here, self._lines)

    def _next(self) -> bytes:
        """The next byte, still to be taken; empty at the end of the file."""
        if self._here == len(self._piece):
            self._base += len(self._piece)
            self._piece, self._here = self._file.read(self._size), 0
        return self._piece[self._here : self._here + 1]

    def _keep(self, pattern: re.Pattern[bytes]) -> None:
        """Take what the pattern takes, over as many pieces as it is."""
        while self._next():
            found = pattern.match(self._piece, self._here)
            end = found.end() if found else self._here
            if len(self._cell) < KEPT:
                self._cell += self._piece[self._here : min(end, self._here + 2 * KEPT)]
            self._take_to(end)
            if end < len(self._piece) or self._lost():
                return

    def _quoted(self) -> bool:
        """Take a quoted cell and the quote that closes it; False: none does."""
        while True:
            self._keep(_QUOTED)
            if not self._next() or self._lost():
                return False
            self._here += 1
            if self._next() != b'"':
                self._cell = self._cell.replace(b'""', b'"')
                return True
            # Two that a piece's end parted.
            self._here += 1
            self._cell += b'""'

    def _skip(self) -> None:
        """Take whole cells that nobody asks for any more, as far as they lie in the piece."""
        piece, here = self._piece, self._here
        while True:
            ends = [at for at in (piece.find(b'"', here), piece.find(b"\n", here)) if at >= 0]
            # Up to the next quote or line break all cells are bare.
            here = max(here, piece.rfind(b",", here, min(ends, default=len(piece))) + 1)
            found = _QUOTED_CELL.match(piece, here)
            if found is None:
                break
            here = found.end()
        self._take_to(here)

    def _lost(self) -> bool:
        """Whether the row went beyond its line where that leads nowhere."""
        return self._line_end is not None and self._line_end < self._doomed

    def _take_to(self, end: int) -> None:
        lines = self._piece.count(b"\n", self._here, end)
        if lines and self._line_end is None:
            self._line_end = self._base + self._piece.find(b"\n", self._here)
        self._lines += lines
        self._here = end

    def _none(self) -> Row:
        """No CSV: the line is bad, and the next one is a row again."""
        doomed = self._base + self._here
        while self._line_end is None and self._next():
            found = self._piece.find(b"\n", self._here)
            if found >= 0:
                self._line_end = self._base + found
            self._here = len(self._piece)
        after = self._base + self._here if self._line_end is None else self._line_end + 1
        return Row((), after, 1, doomed)
