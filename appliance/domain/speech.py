"""Mandarin numbers as a row of prompts: what an announcement is put together of.

The prompts are ``n-0`` to ``n-10`` (零 to 十), ``n-1-yao`` (幺), ``n-2-liang`` (两), ``n-100`` (百), ``n-1000``,
``n-10000`` and ``n-100000000`` (千, 万, 亿), ``t-…`` of times and dates, and ``m-…`` of money; an enterprise
records its own under these names.
"""

from __future__ import annotations

import re
from datetime import date as Date

#: The greatest number that can be said.
MOST = 999


def number_prompts(number: int) -> tuple[str, ...]:
    """The prompts that say a number, ``0`` to ``MOST``; a greater one is said as ``MOST``.

    >>> number_prompts(7), number_prompts(12), number_prompts(20), number_prompts(35)
    (('n-7',), ('n-10', 'n-2'), ('n-2', 'n-10'), ('n-3', 'n-10', 'n-5'))
    >>> number_prompts(100), number_prompts(105), number_prompts(110)
    (('n-1', 'n-100'), ('n-1', 'n-100', 'n-0', 'n-5'), ('n-1', 'n-100', 'n-1', 'n-10'))
    >>> number_prompts(999) == number_prompts(5000)
    True
    """
    hundreds, rest = divmod(max(0, min(number, MOST)), 100)
    tens, ones = divmod(rest, 10)
    said: list[str] = [f"n-{hundreds}", "n-100"] if hundreds else []
    if tens:
        # 十二, but 一百一十二.
        said += ["n-10"] if tens == 1 and not hundreds else [f"n-{tens}", "n-10"]
    elif ones and hundreds:
        said.append("n-0")
    if ones or not said:
        said.append(f"n-{ones}")
    return tuple(said)


def minutes_prompts(minutes: int) -> tuple[str, ...]:
    """A count of minutes, which are 两, not 二, where they are two.

    >>> minutes_prompts(2), minutes_prompts(12)
    (('n-2-liang', 'queue-minutes'), ('n-10', 'n-2', 'queue-minutes'))
    """
    said = ("n-2-liang",) if minutes == 2 else number_prompts(minutes)
    return (*said, "queue-minutes")


def position_prompts(place: int, minutes: int | None) -> tuple[str, ...]:
    """您目前排在第 N 位，预计等待 M 分钟.

    Without the second half where nobody knows (``minutes`` None), and with 很快 for less than a minute.

    >>> position_prompts(3, None)
    ('queue-place', 'n-3', 'queue-place-end')
    >>> position_prompts(1, 0)
    ('queue-place', 'n-1', 'queue-place-end', 'queue-soon')
    >>> position_prompts(2, 12)[3:]
    ('queue-wait', 'n-10', 'n-2', 'queue-minutes')
    """
    said = ("queue-place", *number_prompts(place), "queue-place-end")
    if minutes is None:
        return said
    if minutes < 1:
        return (*said, "queue-soon")
    return (*said, "queue-wait", *minutes_prompts(minutes))


def callback_prompts(key: str) -> tuple[str, ...]:
    """如需回电请按 the key; nothing where there is none.

    >>> callback_prompts("9"), callback_prompts("")
    (('queue-callback', 'n-9'), ())
    """
    return ("queue-callback", *number_prompts(int(key))) if key else ()


def digits_prompts(digits: str) -> tuple[str, ...]:
    """Digits one by one, as a telephone number is said: 1 is 幺. Other signs are passed over.

    >>> digits_prompts("120-8")
    ('n-1-yao', 'n-2', 'n-0', 'n-8')
    """
    return tuple("n-1-yao" if digit == "1" else f"n-{digit}" for digit in digits if digit in _DIGITS)


def whispered_prompts(number: str) -> tuple[str, ...]:
    """由四零零八零零一二三四转入: by which number somebody calls, digit by digit.

    >>> whispered_prompts("4001")
    ('whisper-from', 'n-4', 'n-0', 'n-0', 'n-1-yao', 'whisper-to')
    """
    return ("whisper-from", *digits_prompts(number), "whisper-to")


_DIGITS = "0123456789"
#: Units of four digits each: 万, 亿.
_FOURS = ("", "n-10000", "n-100000000")
#: The greatest amount that can be said: below a thousand 亿.
_GREATEST = 10**12 - 1


def amount_prompts(amount: int) -> tuple[str, ...]:
    """A whole number up to below 10,000 亿; a greater one, or one below zero, is said digit by digit.

    >>> amount_prompts(0), amount_prompts(15), amount_prompts(2000)
    (('n-0',), ('n-10', 'n-5'), ('n-2', 'n-1000'))
    >>> amount_prompts(1005), amount_prompts(100_000)
    (('n-1', 'n-1000', 'n-0', 'n-5'), ('n-10', 'n-10000'))
    >>> amount_prompts(10_203)
    ('n-1', 'n-10000', 'n-0', 'n-2', 'n-100', 'n-0', 'n-3')
    >>> amount_prompts(100_005_000)
    ('n-1', 'n-100000000', 'n-0', 'n-5', 'n-1000')
    >>> amount_prompts(200_000_050)[:4], amount_prompts(-1)
    (('n-2', 'n-100000000', 'n-0', 'n-5'), ('n-1-yao',))
    """
    if not 0 <= amount <= _GREATEST:
        return digits_prompts(str(amount))
    if amount == 0:
        return ("n-0",)
    said: list[str] = []
    skipped = False
    for power in (2, 1, 0):
        four, amount = divmod(amount, 10_000**power)
        if four:
            # 零 once for all places that are skipped between two that are said.
            said += ["n-0"] if said and (skipped or four < 1000) else []
            said += [*_four(four, first=not said), *([_FOURS[power]] if power else [])]
        skipped = bool(said) and not four
    return tuple(said)


def _four(number: int, *, first: bool) -> list[str]:
    """One to 9999, without a leading 零. ``first``: nothing stands before it, so that 10 is 十, not 一十."""
    said: list[str] = []
    skipped = False
    for unit, name in ((1000, "n-1000"), (100, "n-100"), (10, "n-10"), (1, "")):
        digit, number = divmod(number, unit)
        if not digit:
            skipped = bool(said)
            continue
        said += ["n-0"] if skipped else []
        skipped = False
        if not (unit == 10 and digit == 1 and first and not said):
            said.append(f"n-{digit}")
        said += [name] if name else []
    return said


def money_prompts(amount: str) -> tuple[str, ...]:
    """An amount in yuan with at most two decimals: 十二元五角, 两元零三分, 整 behind whole yuan; none for what is
    no such amount.

    >>> money_prompts("12.5"), money_prompts("2.03")
    (('n-10', 'n-2', 'm-yuan', 'n-5', 'm-jiao'), ('n-2-liang', 'm-yuan', 'n-0', 'n-3', 'm-fen'))
    >>> money_prompts("0.26"), money_prompts("100"), money_prompts("0")
    (('n-2', 'm-jiao', 'n-6', 'm-fen'), ('n-1', 'n-100', 'm-yuan', 't-sharp'), ('n-0', 'm-yuan'))
    >>> money_prompts("1.234"), money_prompts("-1"), money_prompts("")
    ((), (), ())
    """
    found = _MONEY.fullmatch(amount)
    if not found:
        return ()
    yuan, fen = int(found[1]), int((found[2] or "").ljust(2, "0"))
    said = [*(("n-2-liang",) if yuan == 2 else amount_prompts(yuan)), "m-yuan"] if yuan or not fen else []
    if not fen:
        return (*said, "t-sharp") if yuan else tuple(said)
    if fen >= 10:
        said += [f"n-{fen // 10}", "m-jiao"]
    elif yuan:
        said += ["n-0"]
    if fen % 10:
        said += [f"n-{fen % 10}", "m-fen"]
    return tuple(said)


_MONEY = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?", re.ASCII)


def time_prompts(time: str) -> tuple[str, ...]:
    """A time of day (``HH:MM``): 上午九点零五分, 下午两点整; none for what is no time.

    >>> time_prompts("09:05"), time_prompts("14:00")
    (('t-am', 'n-9', 't-hour', 'n-0', 'n-5', 't-minute'), ('t-pm', 'n-2-liang', 't-hour', 't-sharp'))
    >>> time_prompts("00:30"), time_prompts("24:00"), time_prompts("x")
    (('t-am', 'n-0', 't-hour', 'n-3', 'n-10', 't-minute'), (), ())
    """
    found = _TIME.fullmatch(time)
    if not found:
        return ()
    hours, minutes = int(found[1]), int(found[2])
    half, hour = ("t-am", hours) if hours < 12 else ("t-pm", hours - 12 or 12)
    said = [half, *(("n-2-liang",) if hour == 2 else number_prompts(hour)), "t-hour"]
    if not minutes:
        return (*said, "t-sharp")
    return (*said, *(("n-0",) if minutes < 10 else ()), *number_prompts(minutes), "t-minute")


_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def date_prompts(date: str) -> tuple[str, ...]:
    """A date (``YYYY-MM-DD``): 二零二六年十一月二十七日; none for what is no date.

    >>> date_prompts("2026-11-05")
    ('n-2', 'n-0', 'n-2', 'n-6', 't-year', 'n-10', 'n-1', 't-month', 'n-5', 't-day')
    >>> date_prompts("2026-02-30"), date_prompts("")
    ((), ())
    """
    try:
        day = Date.fromisoformat(date)
    except ValueError:
        return ()
    year = tuple(f"n-{digit}" for digit in str(day.year))
    return (*year, "t-year", *number_prompts(day.month), "t-month", *number_prompts(day.day), "t-day")


def spoken(what: str, value: str) -> tuple[str, ...]:
    """The prompts that say a value: as ``digits``, ``number``, ``money``, ``time`` or ``date``. A number that is
    none is said digit by digit.

    >>> spoken("number", "42"), spoken("number", "4x2"), spoken("digits", "110")
    (('n-4', 'n-10', 'n-2'), ('n-4', 'n-2'), ('n-1-yao', 'n-1-yao', 'n-0'))
    >>> spoken("date", "2026-01-01")[4:], spoken("time", "23:59")[:3]
    (('t-year', 'n-1', 't-month', 'n-1', 't-day'), ('t-pm', 'n-10', 'n-1'))
    """
    match what:
        case "number" if value.isascii() and value.isdigit() and len(value) <= 12:
            return amount_prompts(int(value))
        case "money":
            return money_prompts(value)
        case "time":
            return time_prompts(value)
        case "date":
            return date_prompts(value)
        case _:
            return digits_prompts(value)
