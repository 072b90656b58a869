"""How facts are written for people: times of Shanghai, durations, telephone numbers, money.

Filters of the templates; no text here needs translating except units of time.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask

from webui.i18n import gettext, language

SHANGHAI = ZoneInfo("Asia/Shanghai")
_SHORT_AREA_CODE = re.compile(r"0(?:10|2[0-9])")


def local(at: datetime) -> datetime:
    """The instant on the clocks of China."""
    return at.astimezone(SHANGHAI)


def day(at: datetime) -> str:
    """``2026-11-22``, the day of Shanghai."""
    return f"{local(at):%Y-%m-%d}"


def clock(at: datetime) -> str:
    """``11:05:30`` in Shanghai."""
    return f"{local(at):%H:%M:%S}"


def stamp(at: datetime) -> str:
    """With the offset, for machines: ``2026-11-22T11:05:30.250+08:00``."""
    return local(at).isoformat(timespec="milliseconds")


def length(milliseconds: int) -> str:
    """A duration in a table.

    >>> length(192_400), length(3_723_000), length(0)
    ('3:12', '1:02:03', '0:00')
    """
    seconds = round(milliseconds / 1000)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def until(since: datetime, end: datetime) -> str:
    """From one time to another, as in a table."""
    return length(max(0, (end - since) // timedelta(milliseconds=1)))


def duration(seconds: float) -> str:
    """A duration in a sentence: the two largest units, ``3 min 12 s``."""
    total = round(seconds)
    units = ((86400, gettext("%(n)d d")), (3600, gettext("%(n)d h")), (60, gettext("%(n)d min")))
    parts: list[tuple[int, str]] = []
    for size, text in units:
        count, total = divmod(total, size)
        if count or parts:
            parts.append((count, text))
    parts.append((total, gettext("%(n)d s")))
    between = " " if language() == "en" else ""  # 3分12秒
    return between.join(text % {"n": count} for count, text in parts[:2] if count or len(parts) == 1)


def elapsed(at: datetime, now: datetime) -> str:
    """How long since then, roughly."""
    return duration(max(0.0, (now - at) / timedelta(seconds=1)))


def ago(at: datetime, now: datetime) -> str:
    """How long ago, roughly."""
    return gettext("%(duration)s ago", duration=elapsed(at, now))


def phone(number: str) -> str:
    """A number in groups, as it is read out.

    >>> phone("4008001234"), phone("13800138000"), phone("02161234567"), phone("07551234567")
    ('400-800-1234', '138 0013 8000', '021-6123 4567', '0755-123 4567')
    >>> phone("+14155550100"), phone("10086"), phone("")
    ('+14155550100', '10086', '')
    """
    if re.fullmatch(r"400[0-9]{7}", number, re.ASCII):
        return f"{number[:3]}-{number[3:6]}-{number[6:]}"
    if re.fullmatch(r"1[3-9][0-9]{9}", number, re.ASCII):
        return f"{number[:3]} {number[3:7]} {number[7:]}"
    if re.fullmatch(r"0[1-9][0-9]{8,10}", number, re.ASCII):
        area = 3 if _SHORT_AREA_CODE.match(number) else 4
        return f"{number[:area]}-{number[area:-4]} {number[-4:]}"
    return number


def yuan(micro: int) -> str:
    """Millionths of a yuan as an amount: two decimals, more only where they are not zero.

    >>> yuan(450_000), yuan(83_333), yuan(0), yuan(-1_234_567_890)
    ('¥0.45', '¥0.083333', '¥0.00', '-¥1234.56789')
    """
    whole, part = divmod(abs(micro), 1_000_000)
    decimals = f"{part:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}¥{whole}.{decimals}"


def decimal_yuan(micro: int) -> str:
    """For machines: six decimals.

    >>> decimal_yuan(450_000), decimal_yuan(-1)
    ('0.450000', '-0.000001')
    """
    whole, part = divmod(abs(micro), 1_000_000)
    return f"{'-' if micro < 0 else ''}{whole}.{part:06}"


def size(count: int) -> str:
    """Bytes.

    >>> size(512), size(1536), size(8_589_934_592)
    ('512 B', '1.5 KB', '8.0 GB')
    """
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"


def init_shown(app: Flask) -> None:
    """Put the filters on the app's templates."""
    for filter_ in (ago, clock, day, duration, elapsed, phone, size, stamp, until, yuan):
        app.jinja_env.filters[filter_.__name__] = filter_
    app.jinja_env.filters["length_of"] = length  # `length` is Jinja's own
