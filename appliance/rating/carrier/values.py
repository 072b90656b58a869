"""What stands in the cells of carriers' bills: times, durations, amounts and numbers as they are written there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from appliance.domain import numbers
from appliance.domain.grants import SHANGHAI
from appliance.domain.money import FEN, YUAN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Year first, as every bill writes it; day first and month first cannot be told apart and are read by nobody.
_TIME = re.compile(
    r"(20\d\d)(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d\d)(\d\d))"
    r"[ T]*(?:(\d{1,2})[:：时](\d{1,2})(?:[:：分](\d{1,2})(?:\.(\d{1,6})\d*)?秒?|分)?|(\d\d)(\d\d)(\d\d))"
    r" *(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,6}):(\d{1,2})(?:\.0+)?", re.ASCII)
_SPOKEN = re.compile(
    r"(?=.)(?:(\d{1,4})(?:小时|时|h))?(?:(\d{1,6})(?:分钟|分|min|m))?(?:(\d{1,7})(?:秒钟|秒|s))?", re.ASCII
)
_SECONDS = re.compile(r"(\d{1,7})(?:\.0+)?", re.ASCII)
_DECIMAL = re.compile(r"\d{1,7}(?:\.\d{1,6})?", re.ASCII)
_AMOUNT = re.compile(
    r"([¥￥]?)(-?(?:\d{1,3}(?:,\d{3})+|\d{1,12}|(?=\.\d)))(?:\.(\d{1,8}))? ?([元角分厘]?)", re.ASCII
)
#: What a cell or a heading may say that amounts count in, millionths of a yuan.
MONEY = {"元": YUAN, "角": YUAN // 10, "分": FEN, "厘": FEN // 10}
#: How bills write that they do not know the caller.
_WITHHELD = frozenset({"", "-", "--", "0", "anonymous", "unknown", "withheld", "未知", "保密", "匿名", "隐藏号码"})


def clean(cell: str) -> str:
    """A cell without what spreadsheets put around numbers to keep them whole.

    >>> clean('="02161234567"'), clean("13800138000\\t"), clean("'400 800 1234 ")
    ('02161234567', '13800138000', '400 800 1234')
    """
    text = cell.strip(" \t\u3000\xa0\r\n\ufeff")
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text.removeprefix("'").strip()


def read_start(text: str) -> int | None:
    """A time as milliseconds since 1970; without an offset it is Shanghai's. None: it is none.

    >>> read_start("2026-02-01 10:00:05") == read_start("2026/2/1 10:00:05") == read_start("20260201100005")
    True
    >>> read_start("2026年2月1日 10时00分05秒") == read_start("2026-02-01T02:00:05Z") == 1769911205000
    True
    >>> read_start("2026-02-01 10:00"), read_start("2026-02-30 10:00:00"), read_start("01/02/2026 10:00")
    (1769911200000, None, None)
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, month2, day2, hour, minute, second, fraction, hour2, minute2, second2, zone = found.groups()
    try:
        at = datetime(
            int(year),
            int(month or month2),
            int(day or day2),
            int(hour or hour2),
            int(minute or minute2),
            int(second or second2 or 0),
            int((fraction or "0").ljust(6, "0")),
            tzinfo=SHANGHAI,
        )
        if zone:
            at = datetime.fromisoformat(at.replace(tzinfo=None).isoformat() + ("+00:00" if zone == "Z" else zone))
    except ValueError:
        return None
    return (at - _EPOCH) // timedelta(milliseconds=1)


def read_seconds(text: str, unit: int = 1) -> int | None:
    """A duration: a number, ``hh:mm:ss``, ``mm:ss``, or in words. None: it is none.

    :param unit: seconds that a mere number counts in; decimals of minutes and hours are rounded to the second.

    >>> read_seconds("125"), read_seconds("00:02:05"), read_seconds("2:05"), read_seconds("2分5秒")
    (125, 125, 125, 125)
    >>> read_seconds("90.0"), read_seconds("00:61:00"), read_seconds("1.5"), read_seconds("")
    (90, None, None, None)
    >>> read_seconds("5", 60), read_seconds("1.33", 60), read_seconds("5:30", 60), read_seconds("2:05", 3600)
    (300, 80, 330, None)
    """
    if unit > 1 and _DECIMAL.fullmatch(text):
        return int(Fraction(text) * unit + Fraction(1, 2))
    whole = _SECONDS.fullmatch(text)
    if whole is not None:
        return int(whole[1])
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        # Hours and minutes, or minutes and seconds: in a column of hours nobody knows.
        if unit == 3600 and clock[1] is None:
            return None
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return (
            hours * 3600 + minutes * 60 + seconds if seconds < 60 and (clock[1] is None or minutes < 60) else None
        )
    spoken = _SPOKEN.fullmatch(text)
    if spoken is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in spoken.groups())
    return hours * 3600 + minutes * 60 + seconds


def read_amount(text: str, unit: int) -> int | None:
    """An amount as millionths of a yuan, exactly; None: it is none, or finer than that.

    :param unit: millionths of what the column counts in; a unit in the cell itself goes before it.

    >>> read_amount("1,234.50", YUAN), read_amount("¥0.11", YUAN), read_amount("11", FEN), read_amount("-.5", YUAN)
    (1234500000, 110000, 110000, -500000)
    >>> read_amount(".5元", FEN), read_amount("12分", YUAN), read_amount("¥5", FEN), read_amount("5 厘", YUAN)
    (500000, 120000, 5000000, 5000)
    >>> read_amount("¥5分", YUAN), read_amount("0.0000001", YUAN), read_amount("1e3", YUAN)
    (None, None, None)
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    mark, whole, decimals, told = found[1], found[2].replace(",", ""), found[3] or "", found[4]
    if mark and told not in ("", "元"):
        return None
    unit = YUAN if mark else MONEY.get(told, unit)
    micro = Fraction(int(f"{whole.lstrip('-') or '0'}{decimals}") * unit, 10 ** len(decimals))
    if micro.denominator != 1:
        return None
    return -int(micro) if whole.startswith("-") else int(micro)


@lru_cache(maxsize=65_536)
def read_number(text: str, home_area_code: str = "") -> str | None:
    """A telephone number as we keep it; empty: withheld. None: it is none (``1.38E+10``).

    :param home_area_code: completes a local number, as it does our callers'.

    >>> read_number("+86 138 0013 8000"), read_number("400-800-1234"), read_number("保密"), read_number("1.38E+10")
    ('13800138000', '4008001234', '', None)
    >>> read_number("6123 4567"), read_number("6123 4567", "021")
    ('61234567', '02161234567')
    """
    if text.lower() in _WITHHELD:
        return ""
    if numbers.is_valid(text):
        return numbers.compact(text)
    return numbers.caller(text, home_area_code).number or None


#: Units that a column of amounts may count in.
UNITS = {"yuan": YUAN, "fen": FEN}
