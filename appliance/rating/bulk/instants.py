"""Times read and counted, a column at once: what ``rating.times`` and ``domain.grants.month_of`` do for one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from appliance.rating.bulk.cells import Bytes, Flags, Ints, Shape, Words, byte, whole_numbers, words

SECOND = 1_000_000
DAY = 86_400 * SECOND
#: What microseconds are counted from.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHANGHAI = 8 * 3600 * SECOND

_HEAD = len("2026-01-01T00:00:00")
_OFFSET = len("+08:00")
_YEAR_MONTH, _DAY_HOUR_MINUTE, _SECOND = Shape("20##-##-"), Shape("##T##:##"), Shape(":##     ")
_HOURS_MINUTES = Shape("   ##:##")
#: What the digits behind a point count, by their bytes with it.
_MICRO = np.array([0, 0, *(10 ** (7 - length) for length in range(2, 8))], np.int64)

# The months of the years 2000 to 2099: the day, counted from 1970, before each begins, and how many it has.
_FIRST_DAYS = np.array(
    [(date(2000 + at // 12, at % 12 + 1, 1) - date(1970, 1, 1)).days for at in range(1200)]
    + [(date(2100, 1, 1) - date(1970, 1, 1)).days],
    np.int64,
)
_DAYS = np.diff(_FIRST_DAYS)
_DAY_BEFORE_MONTH_S = (_FIRST_DAYS - 1) * 86_400
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

    :param text: at least 32 more bytes lie before and behind the cells.
    """
    # What ends a cell has no place in a time: one that is too short has a bad head.
    head = words(text, starts, 3)
    date_, bad = _YEAR_MONTH.read(head[:, 0])
    hour_, bad_hour = _DAY_HOUR_MINUTE.read(head[:, 1])
    second_, bad_second = _SECOND.read(head[:, 2])
    month_of_year, day, hour, minute, second = (
        byte(of, at) for of, at in ((date_, 5), (hour_, 0), (hour_, 3), (hour_, 6), (second_, 1))
    )
    month = byte(date_, 2) * 12 + month_of_year - 1
    good = (bad | bad_hour | bad_second) == 0
    good &= (month_of_year >= 1) & (month_of_year <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    good &= (day >= 1) & (day <= np.take(_DAYS, month, mode="clip"))
    value = np.take(_DAY_BEFORE_MONTH_S, month, mode="clip") + day * 86_400 + hour * 3600 + minute * 60 + second

    last = words(text, ends - 8, 1)[:, 0]
    zulu = (last >> np.uint64(56)) == ord("Z")
    shift, offset_good = _offsets(last)
    good &= zulu | offset_good
    value = (value - shift * ~zulu) * SECOND

    point = ends - starts - _HEAD - np.where(zulu, 1, _OFFSET)
    with_point = np.flatnonzero(point)
    if len(with_point):
        fraction, fraction_good = _fractions(text, starts[with_point] + _HEAD, point[with_point])
        value[with_point] += fraction
        good[with_point] &= fraction_good
    return value, good


def _offsets(last: Words) -> tuple[Ints, Flags]:
    """``±hh:mm`` up to 14:59 in seconds, at the end of each word, and which words have one."""
    figures, bad = _HOURS_MINUTES.read(last)
    hours, minutes, sign = byte(figures, 3), byte(figures, 6), byte(last, 2)
    west = sign == ord("-")
    good = (bad == 0) & (west | (sign == ord("+"))) & (hours <= 14) & (minutes < 60)
    seconds = hours * 3600 + minutes * 60
    return np.where(west, -seconds, seconds), good


def _fractions(text: Bytes, starts: Ints, length: Ints) -> tuple[Ints, Flags]:
    """``.`` and one to six digits, so many bytes in all, in microseconds, and which cells are that."""
    value, good = whole_numbers(text, starts + length, length - 1)
    good &= (length >= 2) & (length <= 7) & (text[starts] == ord("."))
    return value * np.take(_MICRO, length, mode="clip"), good
