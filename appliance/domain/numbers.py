"""Telephone numbers: the 400 number, the caller, the line.

A national number is kept as one dials it inside the country: a mobile as eleven digits, a fixed line with
its area code; a foreign one as ``+`` and country code. Numbering: 《电信网编号计划》(YD/T 1636).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from appliance.errors import InvalidNumber

_SEPARATORS = re.compile(r"[\s\-().]+", re.ASCII)
_FOUR_HUNDRED = re.compile(r"400[0-9]{7}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Area codes: 010, 02x (three digits, eight behind most), 03xx to 09xx (four digits, seven or eight behind);
# 400 and 800 behind a zero are service numbers, not places.
_FIXED = re.compile(r"0(?:10|2[0-9]|(?!400|800)[3-9][0-9]{2})[2-8][0-9]{6,7}")
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")
#: Digits of a number that may be shown to a line; E.164 has fifteen.
_LONGEST = 20
_DIGITS = re.compile(r"\+?[0-9]{3,24}")

#: Fourth digit of a 400 number → the carrier it was given to.
CARRIERS = {"0": "unicom", "6": "unicom", "1": "mobile", "7": "mobile", "8": "telecom", "9": "telecom"}


#: Mobile ranges of virtual operators.
VIRTUAL = frozenset({"162", "165", "167", "170", "171"})


class CallerKind(StrEnum):
    """What a caller calls from; plans price by it."""

    MOBILE = "mobile"
    FIXED = "fixed"
    OVERSEAS = "overseas"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller: ``number`` as kept (empty: withheld or unreadable) and its kind."""

    number: str
    kind: CallerKind


WITHHELD = Caller("", CallerKind.UNKNOWN)


def compact(text: str) -> str:
    """Strip separators, and the country code of a 400 number.

    >>> compact(" 400-800-1234 ")
    '4008001234'
    >>> compact("+86 400 800 1234")
    '4008001234'
    """
    digits = _SEPARATORS.sub("", text)
    for prefix in ("+86", "0086", "86", "0"):
        if digits.startswith(prefix + "400"):
            return digits.removeprefix(prefix)
    return digits


def validate(text: str) -> str:
    """The 400 number that ``text`` writes, as ten digits.

    >>> validate("400-800-1234")
    '4008001234'
    >>> validate("400800123")
    Traceback (most recent call last):
        ...
    appliance.errors.InvalidNumber: not a 400 number (400 and seven digits): 400800123

    :raises InvalidNumber: it is not ``400`` and seven ASCII digits.
    """
    number = compact(text)
    if not _FOUR_HUNDRED.fullmatch(number):
        raise InvalidNumber(f"not a 400 number (400 and seven digits): {text}")
    return number


def is_valid(text: str) -> bool:
    """Whether ``text`` writes a 400 number.

    >>> is_valid("4008001234"), is_valid("8008001234"), is_valid("４００８００１２３４")
    (True, False, False)
    """
    return bool(_FOUR_HUNDRED.fullmatch(compact(text)))


def format(text: str) -> str:
    """The 400 number as people write it.

    >>> format("4008001234")
    '400-800-1234'
    """
    number = validate(text)
    return f"{number[:3]}-{number[3:6]}-{number[6:]}"


def carrier(text: str) -> str | None:
    """Who gave the number out: ``unicom``, ``mobile``, ``telecom``, or None for a range nobody has.

    >>> carrier("4008001234"), carrier("4001234567"), carrier("4002345678")
    ('telecom', 'mobile', None)
    """
    return CARRIERS.get(validate(text)[3])


def caller(raw: str, home_area_code: str = "") -> Caller:
    """Read a calling number as trunks write it.

    >>> caller("013800138000")
    Caller(number='13800138000', kind=<CallerKind.MOBILE: 'mobile'>)
    >>> caller("+8613800138000").number, caller("008602161234567").number
    ('13800138000', '02161234567')
    >>> caller("+862161234567")
    Caller(number='02161234567', kind=<CallerKind.FIXED: 'fixed'>)
    >>> caller("61234567", home_area_code="021")
    Caller(number='02161234567', kind=<CallerKind.FIXED: 'fixed'>)
    >>> caller("+14155550100")
    Caller(number='+14155550100', kind=<CallerKind.OVERSEAS: 'overseas'>)
    >>> caller("anonymous")
    Caller(number='', kind=<CallerKind.UNKNOWN: 'unknown'>)

    Digits that fit no rule are kept, their kind unknown; anything else is kept as a withheld number.
    """
    read = _read(_SEPARATORS.sub("", raw), home_area_code)
    # What is left of it may be no number that can be dialled or shown.
    return read if 3 <= len(read.number) <= _LONGEST else WITHHELD


def _read(text: str, home_area_code: str) -> Caller:
    if not _DIGITS.fullmatch(text):
        return WITHHELD
    foreign = text.startswith(("+", "00"))
    digits = text.removeprefix("+") if text.startswith("+") else text.removeprefix("00")
    if digits.startswith("86"):
        # Behind the country code an area code stands without its zero.
        inland = _inland(digits[2:]) or _inland("0" + digits[2:])
        if inland is not None:
            return inland
    if foreign:
        if digits.startswith("86"):
            return Caller(digits[2:], CallerKind.UNKNOWN)
        return Caller("+" + digits, CallerKind.OVERSEAS) if len(digits) >= 6 else Caller(digits, CallerKind.UNKNOWN)
    return _inland(text, home_area_code) or Caller(text, CallerKind.UNKNOWN)


def _inland(digits: str, home_area_code: str = "") -> Caller | None:
    """A number as dialled inside the country, or None."""
    without_zero = digits.removeprefix("0")
    if _MOBILE.fullmatch(without_zero):
        return Caller(without_zero, CallerKind.MOBILE)
    if _FIXED.fullmatch(digits):
        return Caller(digits, CallerKind.FIXED)
    if home_area_code and _LOCAL.fullmatch(digits):
        return Caller(home_area_code + digits, CallerKind.FIXED)
    return None


def area_code(number: str) -> str:
    """The area code of a fixed line as it is kept, with its zero; empty: it is none.

    >>> area_code("02161234567"), area_code("051261234567"), area_code("13800138000")
    ('021', '0512', '')
    """
    if not _FIXED.fullmatch(number):
        return ""
    return number[:3] if number[1] in "12" else number[:4]


def is_virtual(number: str) -> bool:
    """Whether a mobile belongs to a virtual operator (转售), which no enterprise may bind as a line.

    >>> is_virtual("17012345678"), is_virtual("13800138000")
    (True, False)
    """
    return bool(_MOBILE.fullmatch(number)) and number[:3] in VIRTUAL


def dialable(number: str) -> str:
    """A line's number as it is kept: a national number as dialled inside the country, or a short one.

    >>> dialable("+86 21 6123 4567"), dialable("138 0013 8000")
    ('02161234567', '13800138000')
    >>> dialable("8001;tag=1")
    Traceback (most recent call last):
        ...
    appliance.errors.InvalidNumber: not a number that can be dialled: 8001;tag=1

    :raises InvalidNumber: it holds anything but digits, or is no number a line can have; a 400 number is
        refused as well, for a call would go round in a ring.
    """
    if is_valid(number):
        raise InvalidNumber(f"a line may not be a 400 number (the call would come back): {number}")
    read = caller(number)
    if not read.number or len(read.number) > 20:
        raise InvalidNumber(f"not a number that can be dialled: {number}")
    return read.number


class NumberFormat(StrEnum):
    """How a trunk wants a national number written."""

    NATIONAL = "national"
    PLUS_86 = "plus86"
    COUNTRY_86 = "86"
    WITH_ZERO = "with-zero"
    #: Lines of the trunk's own area without the area code.
    LOCAL = "local"


def written_for(number: str, how: NumberFormat, area: str = "") -> str:
    """``number`` (as kept) the way a trunk wants it.

    :param area: the trunk's own area code, for ``LOCAL``.

    >>> written_for("02161234567", NumberFormat.PLUS_86), written_for("13800138000", NumberFormat.WITH_ZERO)
    ('+862161234567', '013800138000')
    >>> [written_for(one, NumberFormat.LOCAL, "021") for one in ("02161234567", "051261234567", "13800138000")]
    ['61234567', '051261234567', '13800138000']
    >>> written_for("+14155550100", NumberFormat.NATIONAL)
    '0014155550100'
    """
    if number.startswith("+"):
        return number if how is NumberFormat.PLUS_86 else "00" + number[1:]
    match how:
        case NumberFormat.PLUS_86:
            return "+86" + number.removeprefix("0")
        case NumberFormat.COUNTRY_86:
            return "86" + number.removeprefix("0")
        case NumberFormat.WITH_ZERO:
            return "0" + number if _MOBILE.fullmatch(number) else number
        case NumberFormat.LOCAL:
            return number.removeprefix(area) if area and area_code(number) == area else number
        case NumberFormat.NATIONAL:
            return number
        case _:
            assert_never(how)
