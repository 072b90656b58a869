"""From a query string to a filter of calls: one reading for the page, the export and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

from appliance.store.queries.calls import OUTCOMES, CallFilter
from webui.i18n import gettext
from webui.shown import SHANGHAI

FIELDS = ("number", "caller", "line", "outcome", "from", "to")
#: Days that the page shows until somebody asks for others.
DEFAULT_DAYS = 30
_LONGEST = 100


#: A list's filter.
Wanted = TypeVar("Wanted")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Wanted]):
    """What was asked for: the filter, the fields as written, and what is wrong with them by field."""

    filter: Wanted
    fields: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)


def read_filter(given: Mapping[str, str]) -> Asked[CallFilter]:
    """Read the fields of ``FIELDS``; those that cannot be read filter nothing and are named in ``faults``."""
    fields = {name: given.get(name, "").strip() for name in FIELDS}
    faults = {name: gettext("is too long") for name, value in fields.items() if len(value) > _LONGEST}
    if fields["outcome"] and fields["outcome"] not in OUTCOMES:
        faults["outcome"] = gettext("is not an outcome")
    times: dict[str, datetime | None] = {}
    for name in ("from", "to"):
        try:
            times[name] = read_time(fields[name], end_of_day=name == "to")
        except ValueError:
            faults[name] = gettext("is not a date such as 2026-11-22")
            times[name] = None
    good = {name: "" if name in faults else value for name, value in fields.items()}
    wanted = CallFilter(
        number=good["number"],
        caller=good["caller"],
        line_id=good["line"],
        outcome=good["outcome"],
        since=times["from"],
        until=times["to"],
    )
    return Asked(wanted, fields, faults)


def with_default_days(given: Mapping[str, str], now: datetime) -> Mapping[str, str]:
    """The fields, with the last days where no time was asked for at all (an empty field asks for all time)."""
    if "from" in given or "to" in given:
        return given
    today = now.astimezone(SHANGHAI).date()
    return {**given, "from": str(today - timedelta(days=DEFAULT_DAYS - 1)), "to": str(today)}


def read_time(text: str, *, end_of_day: bool) -> datetime | None:
    """A day of Shanghai (``2026-11-22``; its end where asked for), or a time with its offset. Empty: None.

    >>> read_time("2026-11-22", end_of_day=True).isoformat()
    '2026-11-23T00:00:00+08:00'
    >>> read_time("2026-11-22T10:00:00 08:00", end_of_day=True).isoformat()  # a "+" that was not escaped
    '2026-11-22T10:00:00+08:00'

    :raises ValueError: it is neither.
    """
    if not text:
        return None
    if len(text) == len("2026-11-22"):
        day = _sensible(date.fromisoformat(text))
        return datetime.combine(day + timedelta(days=1) if end_of_day else day, time(), SHANGHAI)
    at = datetime.fromisoformat(text.replace(" ", "+"))
    if at.tzinfo is None:
        raise ValueError("a time needs an offset")
    return at if at.date() == _sensible(at.date()) else datetime.combine(_sensible(at.date()), time(), SHANGHAI)


def _sensible(day: date) -> date:
    """The day, or the nearest one that can be counted on from: no call is older than this world's computers, and
    ``9999-12-31`` is how some write that there is no end.

    >>> _sensible(date(9999, 12, 31)), _sensible(date(1, 1, 1))
    (datetime.date(9998, 12, 31), datetime.date(1970, 1, 2))
    """
    return min(max(day, date(1970, 1, 2)), date(9998, 12, 31))


def presets(now: datetime) -> list[tuple[str, str, str]]:
    """(name, from, to) of the ranges that are asked for most."""
    today = now.astimezone(SHANGHAI).date()
    yesterday = today - timedelta(days=1)
    return [
        (gettext("Today"), str(today), str(today)),
        (gettext("Yesterday"), str(yesterday), str(yesterday)),
        (gettext("7 days"), str(today - timedelta(days=6)), str(today)),
        (gettext("30 days"), str(today - timedelta(days=29)), str(today)),
    ]
