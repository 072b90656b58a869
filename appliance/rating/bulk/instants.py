"""Times read and counted, a column at once: what ``rating.times`` and ``domain.grants.month_of`` do for one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from appliance.rating.bulk.cells import Bytes, Flags, Ints, digits, pair, whole_numbers, windows

SECOND = 1_000_000
DAY = 86_400 * SECOND
#: What microseconds are counted from.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHANGHAI = 8 * 3600 * SECOND

_HEAD = len("2026-01-01T00:00:00")
_OFFSET = len("+08:00")
_DIGITS = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_MARKS = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))

# The months of the years 2000 to 2099: the day, counted from 1970, before each begins, and how many it has.
_FIRST_DAYS = np.array(
    [(date(2000 + at // 12, at % 12 + 1, 1) - date(1970, 1, 1)).days for at in range(1200)]
    + [(date(2100, 1, 1) - date(1970, 1, 1)).days],
    np.int64,
)
_DAYS = np.diff(_FIRST_DAYS)
# The month of each day, counted from 1970. An offset may carry a time a day over either end of the hundred years.
_DAY_BEFORE = int(_FIRST_DAYS[0]) - 1
_MONTH_OF_DAY = 2000 * 12 + np.concatenate([[-1], np.repeat(np.arange(1200), _DAYS), [1200]]).astype(np.int64)


def microseconds(at: datetime) -> int:
    """An instant in microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def months(instants: Ints) -> Ints:
    """The month of Asia/Shanghai of each instant; an instant outside the years that a time may have: any."""
    day = (instants + _SHANGHAI) // DAY - _DAY_BEFORE
    return _MONTH_OF_DAY[np.clip(day, 0, len(_MONTH_OF_DAY) - 1)]


def instants(text: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Flags]:
    """Microseconds since 1970 of the cells, and which of them are times; a cell that is none has any number.

    :param text: good bytes as they are, ``>`` for ``+`` (``parse``); at least 32 more lie before and behind.
    """
    head = windows(text, starts, 32)[:, :_HEAD]
    figures = digits(head)
    good = (head[:, 0] == ord("2")) & (head[:, 1] == ord("0"))
    for place in _DIGITS:
        good &= figures[:, place] < 10
    for place, mark in _MARKS:
        good &= head[:, place] == ord(mark)
    month_of_year, day, hour, minute, second = (pair(figures, at) for at in (5, 8, 11, 14, 17))
    good &= (month_of_year >= 1) & (month_of_year <= 12) & (day >= 1)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    month = np.clip(pair(figures, 2) * 12 + month_of_year - 1, 0, 1199)
    good &= day <= _DAYS[month]
    value = (((_FIRST_DAYS[month] + day - 1) * 24 + hour) * 60 + minute) * 60 + second

    tail = ends - starts - _HEAD
    zulu = (tail >= 1) & (text[ends - 1] == ord("Z"))
    shift, offset_good = _offsets(windows(text, ends - _OFFSET, _OFFSET))
    good &= zulu | (offset_good & (tail >= _OFFSET))
    value = (value - np.where(zulu, 0, shift)) * SECOND

    point = tail - np.where(zulu, 1, _OFFSET)
    good &= (point == 0) | ((point >= 2) & (point <= 7))
    with_point = np.flatnonzero(good & (point > 0))
    if len(with_point):
        cells = windows(text, starts[with_point] + _HEAD, 7)
        length = point[with_point]
        fraction, fraction_good = whole_numbers(digits(cells), np.ones_like(length), length)
        value[with_point] += fraction
        good[with_point] &= fraction_good & (cells[:, 0] == ord("."))
    return value, good


def _offsets(cells: Bytes) -> tuple[Ints, Flags]:
    """``±hh:mm`` up to 14:59 in seconds, and which cells are that."""
    figures = digits(cells)
    hours, minutes = pair(figures, 1), pair(figures, 4)
    good = ((cells[:, 0] == ord(">")) | (cells[:, 0] == ord("-"))) & (cells[:, 3] == ord(":"))
    good &= (hours <= 14) & (minutes < 60)
    for place in (1, 2, 4, 5):
        good &= figures[:, place] < 10
    seconds = (hours * 60 + minutes) * 60
    return np.where(cells[:, 0] == ord("-"), -seconds, seconds), good
