"""Cells of many rows at once: bytes in columns, and words of eight bytes whose digits are read together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: So many bytes lie before and behind a text, so that a window around any cell lies within.
MARGIN = 32

_WORD = 8
_EIGHT = np.uint64(8)
_TEN = np.uint64(10)
_BYTE = np.uint64(0xFF)


def windows(text: Bytes, starts: Ints, width: int) -> Bytes:
    """The bytes from each start on: a row a cell, a column a byte; ``width`` is at most ``MARGIN``."""
    pieces = np.ndarray((len(text) - width + 1,), f"V{width}", text, strides=(1,))
    return pieces[starts].view(np.uint8).reshape(-1, width)


def words(text: Bytes, starts: Ints, count: int) -> Words:
    """The same in words: a row a cell, a column eight bytes, the first of them the lowest."""
    found: Words = windows(text, starts, count * _WORD).view("<u8")
    return found


def word(text: str) -> np.uint64:
    """Up to eight characters as a word; behind them are zeros."""
    return np.uint64(int.from_bytes(text.encode("ascii"), "little"))


class Shape:
    """What eight characters must look like: ``#`` is a digit, a space anything, all else stands for itself.

    A good word has the upper half of each byte clear once ``0`` is taken from its digits, and what must stand there
    from the others; a digit above 9, and anything else that is left of a character, reaches it when 6, or 15, is
    added. Nothing carries into the next byte before it was noticed in its own.
    """

    def __init__(self, characters: str) -> None:
        def of(digit: int, any_: int, itself: int | None = None) -> np.uint64:
            each = {"#": digit, " ": any_}
            return np.uint64(
                int.from_bytes(
                    bytes(each.get(c, ord(c) if itself is None else itself) for c in characters), "little"
                )
            )

        self._taken = of(ord("0"), 0)
        self._added = of(6, 0, 15)
        self._looked_at = of(0xFF, 0, 0xFF)
        self._upper = of(0xF0, 0, 0xF0)

    def read(self, found: Words) -> tuple[Words, Words]:
        """Each byte with the number that it and the next one write, and what is no 0 where a word has another
        shape: its numbers are any then."""
        figures = (found ^ self._taken) & self._looked_at
        bad = (figures | (figures + self._added)) & self._upper
        return figures * _TEN + (figures >> _EIGHT), bad


def byte(of: Words, at: int) -> Ints:
    """One byte of each word."""
    found: Ints = ((of >> np.uint64(8 * at)) & _BYTE).view(np.int64)
    return found


_DIGITS = Shape("########")
_PAIRS, _HUNDRED = np.uint64(0x00FF00FF00FF00FF), np.uint64(100)
_FOURS, _TEN_THOUSAND = np.uint64(0x0000FFFF0000FFFF), np.uint64(10_000)
_ZEROS = word("00000000")
#: What is left of a word that ends with a cell of so many bytes; of none, and of more than there may be, nothing.
_LAST = np.array([0, *(2**64 - 2 ** (64 - 8 * length) for length in range(1, 9))], np.uint64)


def whole_numbers(text: Bytes, ends: Ints, length: Ints) -> tuple[Ints, Flags]:
    """The number that the last ``length`` bytes before each end write, at most eight, and whether they are digits.

    Of none, and of more than eight, the number is any.
    """
    last = np.take(_LAST, length, mode="clip")
    # What lies before the cell counts as zeros.
    pairs, bad = _DIGITS.read((words(text, ends - _WORD, 1)[:, 0] & last) | (_ZEROS & ~last))
    fours = (pairs & _PAIRS) * _HUNDRED + ((pairs >> np.uint64(16)) & _PAIRS)
    value = (fours & _FOURS) * _TEN_THOUSAND + ((fours >> np.uint64(32)) & _FOURS)
    return (value & np.uint64(0xFFFFFFFF)).view(np.int64), bad == 0
