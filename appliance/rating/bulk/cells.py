"""Cells of many rows at once, as arrays of bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: So many bytes lie before and behind a text, so that a window around any cell lies within.
MARGIN = 32


def windows(text: Bytes, starts: Ints, width: int) -> Bytes:
    """The bytes from each start on: a row a cell, a column a byte; ``width`` is at most ``MARGIN``."""
    pieces = np.ndarray((len(text) - width + 1,), f"V{width}", text, strides=(1,))
    return pieces[starts].view(np.uint8).reshape(-1, width)


def digits(cells: Bytes) -> Bytes:
    """What each byte is worth as a digit; above 9: it is none."""
    return cells - np.uint8(ord("0"))


def pair(of: Bytes, at: int) -> Ints:
    """The number that two columns of digits write."""
    return of[:, at].astype(np.int64) * 10 + of[:, at + 1]


def whole_numbers(of: Bytes, first: Ints, last: Ints) -> tuple[Ints, Flags]:
    """The number that the columns from ``first`` up to ``last`` write in each row, and whether they are digits.

    Columns outside count as 0, so that digits that end before the last column are shifted to it.
    """
    value = np.zeros(len(of), np.int64)
    good = np.ones(len(of), np.bool_)
    for place in range(of.shape[1]):
        inside = (place >= first) & (place < last)
        good &= ~inside | (of[:, place] < 10)
        value = value * 10 + np.where(inside, of[:, place], 0)
    return value, good
