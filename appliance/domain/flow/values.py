"""A call's variables: those that every call has, those that its flow sets, and texts that they are filled into."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow.kinds import PLACEHOLDER, VARIABLE
from appliance.domain.numbers import Caller
from appliance.domain.places import Place

#: Longest value; what is longer is cut.
MOST = 200
#: Most variables that a call keeps.
_MOST_KEPT = 30


def built_in(caller: Caller, place: Place | None, number: str, now: datetime) -> dict[str, str]:
    """The variables that every call has (``graph.BUILT_IN``). ``weekday`` is 1 (Monday) to 7."""
    here = now.astimezone(SHANGHAI)
    return {
        "caller": caller.number,
        "kind": caller.kind.value,
        "province": place.province if place else "",
        "city": place.cities[0] if place and len(place.cities) == 1 else "",
        "number": number,
        "date": f"{here:%Y-%m-%d}",
        "time": f"{here:%H:%M}",
        "weekday": str(here.isoweekday()),
    }


def tidy(value: str) -> str:
    """A value as it may be kept: one line, without control characters, not too long.

    >>> tidy("a\\nb\\u2028c"), len(tidy("x" * 500))
    ('a b c', 200)
    """
    return "".join(sign if sign.isprintable() else " " for sign in value)[:MOST]


def fill(template: str, variables: Mapping[str, str]) -> str:
    """A text with its ``{placeholders}`` filled in, once: what is filled in is not looked at again.

    >>> fill("{caller} pressed {key}{unknown}", {"caller": "138", "key": "{caller}"})
    '138 pressed {caller}'
    """
    return tidy(PLACEHOLDER.sub(lambda found: variables.get(found[1], ""), template))


def written(variables: Mapping[str, str]) -> str:
    """Variables as one text that goes into a call's notes: letters, digits and ``=&%+-_.`` only.

    >>> written({"name": "张 & 李", "n": "7"})
    'name=%E5%BC%A0+%26+%E6%9D%8E&n=7'
    >>> read(written({"name": "张 & 李", "n": "7"}))
    {'name': '张 & 李', 'n': '7'}
    """
    # A declared value may hold half a surrogate pair, which no text in UTF-8 can.
    return urlencode(dict(list(variables.items())[:_MOST_KEPT]), errors="replace")


def read(text: str) -> dict[str, str]:
    """Variables as they were ``written``; what is no variable is left out."""
    pairs = parse_qsl(text, keep_blank_values=True) if len(text) < 100_000 else []
    return {name: tidy(value) for name, value in pairs[:_MOST_KEPT] if VARIABLE.fullmatch(name)}
