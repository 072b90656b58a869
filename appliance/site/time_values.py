"""Values of a site file that are times, days, hours or amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BeforeValidator

from appliance.domain import calendar, money
from appliance.site.values import as_text, fail

_TIME = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the file writes it, and the instant that it is (UTC)."""

    text: str
    at: datetime


def read_moment(text: str) -> Moment | None:
    """Read a time, or None: the form is that of the price book (``docs/site.md``, Times).

    >>> read_moment("2026-01-01T00:00:00+08:00").at.isoformat()
    '2025-12-31T16:00:00+00:00'
    >>> read_moment("2026-01-01 00:00:00+08:00") is read_moment("2026-02-30T00:00:00Z") is None
    True
    """
    if not _TIME.fullmatch(text):
        return None
    try:
        return Moment(text, datetime.fromisoformat(text).astimezone(UTC))
    except ValueError:
        return None


def _moment(value: object) -> Moment:
    text = as_text(value)
    read = read_moment(text)
    if read is None:
        fail("not-a-time", value=text[:80])
    return read


def _end(value: object) -> Moment | None:
    return None if value is None or value == "" else _moment(value)


#: The most that an amount of a price or a cost may be, millionths of a yuan. A call of seven days, rounded up by an
#: interval of a day, comes to 1.2e16 at it: 2**63 holds the sum of hundreds of them, and what rating multiplies
#: before it divides by 60.
MOST_PRICE = 1_000_000 * money.YUAN


def read_amount(text: str) -> int | None:
    """Millionths of a yuan, exactly, or None.

    >>> read_amount("0.11"), read_amount("1.3333333"), read_amount("-1"), read_amount(".5")
    (110000, None, None, None)
    """
    return None if text.startswith("-") or not money.is_valid(text) else money.parse(text)


def written_amount(micro: int) -> str:
    """Millionths of a yuan as a site file writes them.

    >>> written_amount(110000), written_amount(50000000)
    ('0.11', '50')
    """
    return money.format(micro).rstrip("0").rstrip(".")


def _price_amount(value: object) -> int:
    micro = _amount(value)
    if micro > MOST_PRICE:
        fail("price-too-high", value=written_amount(micro)[:80], most=written_amount(MOST_PRICE))
    return micro


def _amount(value: object) -> int:
    text = as_text(value)
    micro = read_amount(text)
    if micro is None:
        fail("not-an-amount", value=text[:80])
    return micro


def _hours(value: object) -> str:
    text = as_text(value)
    if calendar.read_hours(text) is None:
        fail("not-hours", value=text[:80])
    return text


def _date(value: object) -> str:
    text = as_text(value)
    try:
        if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        fail("not-a-date", value=text[:80])
    return text


def weekdays(value: object) -> tuple[str, ...]:
    """``mon``, or ``mon-fri``: the days it names, Monday first; ``sat-mon`` goes round.

    >>> weekdays("mon-wed"), weekdays("sat-mon")
    (('mon', 'tue', 'wed'), ('sat', 'sun', 'mon'))
    """
    first, dash, last = as_text(value).partition("-")
    days = calendar.WEEKDAYS
    if first not in days or (dash and last not in days):
        fail("not-a-weekday", value=str(value)[:80])
    begin = days.index(first)
    length = (days.index(last) - begin) % 7 + 1 if dash else 1
    return tuple(days[(begin + step) % 7] for step in range(length))


def _weekday_key(value: object) -> str:
    weekdays(value)
    return str(value)


HoursText = Annotated[str, BeforeValidator(_hours)]


DateText = Annotated[str, BeforeValidator(_date)]


WeekdayKey = Annotated[str, BeforeValidator(_weekday_key)]


Time = Annotated[Moment, BeforeValidator(_moment)]


End = Annotated[Moment | None, BeforeValidator(_end)]


Amount = Annotated[int, BeforeValidator(_amount)]
#: Of the price book and of costs: at most ``MOST_PRICE``.
PriceAmount = Annotated[int, BeforeValidator(_price_amount)]
