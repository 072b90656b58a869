"""What the State Council's calendar makes of a day: the ``holidays`` package, its table for China.

The make-up days and the days off that they pay for are published year by year, each November for the year to
come; version 0.109 has them from 2001 to 2026. From 2027 on it only computes the statutory days (and, where one
falls on a weekend, the weekday after): until a new version, the box's own calendar must say the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache

from appliance.domain.calendar import DayKind

_BRIDGE_DAY = "调休休息日"
_MAKEUP_DAY = "调休上班"
# 休息日（由 2026-02-14 调休）: a weekday that is off because the weekend day named is worked.
_SUBSTITUTED = "休息日（"
# 国庆节（补假）: a weekday that is off because the holiday fell on a weekend.
_REMARK = re.compile("（.*?）")


def day_kind(day: date) -> DayKind:
    """What kind of day ``day`` is in China.

    A Saturday or Sunday beside a statutory day off is one of its period, as the State Council counts it: of 1 to 7
    October 2026 that is Sunday the 4th, and of the three days of Qingming its Saturday.

    >>> [day_kind(date(2026, 10, day)).value for day in (1, 4, 5, 7, 8, 10, 11)]
    ['holiday', 'holiday', 'holiday', 'holiday', 'workday', 'makeup', 'weekend']
    """
    named = _named_days(day.year).get(day)
    if named is not None:
        return named[0]
    if day.weekday() < 5:
        return DayKind.WORKDAY
    return DayKind.HOLIDAY if any(map(_is_off, _beside(day))) else DayKind.WEEKEND


def is_published(year: int) -> bool:
    """Whether the year's days off and worked weekends are known, and not only its statutory days.

    >>> is_published(2026), is_published(2090)
    (True, False)
    """
    return any(kind is DayKind.MAKEUP for kind, _ in _named_days(year).values())


def _beside(day: date) -> Iterator[date]:
    """The days around an unworked weekend day that may make it one of a period: its neighbours, and the one beyond
    the other day of its weekend."""
    steps = (-1, 1, 2) if day.weekday() == 5 else (-2, -1, 1)
    for step in steps:
        near = date.max if step > 0 else date.min
        if day == near or (abs(step) == 2 and _is_worked(day + timedelta(days=step // 2))):
            continue
        yield day + timedelta(days=step)


def _is_off(day: date) -> bool:
    named = _named_days(day.year).get(day)
    return named is not None and named[0] is DayKind.HOLIDAY


def _is_worked(day: date) -> bool:
    named = _named_days(day.year).get(day)
    return named is not None and named[0] is DayKind.MAKEUP


def name_of(day: date) -> str:
    """What people call the day, in Chinese; empty: it has no name of its own.

    >>> [name_of(date(2026, 10, day)) for day in (1, 4, 5, 7, 10)]
    ['国庆节', '', '国庆节', '调休休息日', '调休上班']
    """
    named = _named_days(day.year).get(day)
    return "" if named is None else named[1]


@lru_cache(maxsize=16)
def _named_days(year: int) -> Mapping[date, tuple[DayKind, str]]:
    """A year's holidays and make-up days.

    Copied out of the library's object, which fills itself while it is asked: not to be shared by threads.
    """
    from holidays import country_holidays

    # The year after as well: its New Year may be paid for with a day of this one (2011-12-31). The language is
    # named, as it would else be the process's own.
    calendar = country_holidays("CN", years=(year, year + 1), language="zh_CN")
    days = {day: (DayKind.HOLIDAY, _name(text)) for day, text in calendar.items() if day.year == year}
    days |= {day: (DayKind.MAKEUP, _MAKEUP_DAY) for day in calendar.weekend_workdays if day.year == year}
    return days


def _name(text: str) -> str:
    """The library's text, shortened.

    >>> _name("国庆节（补假）"), _name("中秋节; 国庆节"), _name("休息日（由 2026-02-14 调休）")
    ('国庆节', '中秋节、国庆节', '调休休息日')
    """
    if text.startswith(_SUBSTITUTED):
        return _BRIDGE_DAY
    if text == "农历除夕（补假）":
        return "春节"  # a day after New Year's Eve, which is not called so
    return _REMARK.sub("", text).replace("; ", "、")
