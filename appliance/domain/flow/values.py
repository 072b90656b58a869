"""A call's variables: those that every call has, those that its flow sets, and texts that they are filled into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow.kinds import PLACEHOLDER, VARIABLE
from appliance.domain.numbers import Caller
from appliance.domain.places import Place

#: Longest value; what is longer is cut.
MOST = 200
#: Most variables that a call keeps.
_MOST_KEPT = 30
#: Longest text of all of them, as written: 30 whole values with the longest names, where few signs are encoded.
LONGEST = 7500
#: ASCII that is no letter or digit, nor ``-._``. What is beyond it stands for itself, and stays one sign.
_ENCODED = re.compile(r"[^A-Za-z0-9._\-\x80-\U0010ffff]")
_CODE = re.compile(r"~([0-9A-F]{2})")


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


def kept(variables: Mapping[str, str]) -> dict[str, str]:
    """What can be ``written`` of variables: so many, and the longest values cut where all are too long together.

    >>> kept({"name": "张"})
    {'name': '张'}
    """
    first = list(variables.items())[:_MOST_KEPT]
    shorter = ({name: tidy(value)[:most] for name, value in first} for most in range(MOST, 0, -10))
    return next(one for one in shorter if len(_joined(one)) <= LONGEST)


def written(variables: Mapping[str, str]) -> str:
    """Variables as one text of at most ``LONGEST`` signs that goes into a call's notes: letters, digits and
    ``=;~_.-`` only. Nothing in it is changed by one decoding more or less of ``%`` and ``+``: the switch does not
    encode a ``%3D`` once more as it tells a variable (``switch_url_encode``).

    >>> written({"name": "张 & 李", "n": "7"})
    'name=张~20~26~20李;n=7'
    >>> read(written({"name": "张 & 李", "n": "7"}))
    {'name': '张 & 李', 'n': '7'}
    """
    return _joined(kept(variables))


def _joined(variables: Mapping[str, str]) -> str:
    return ";".join(f"{name}={_ENCODED.sub(_code, value)}" for name, value in variables.items())


def _code(sign: re.Match[str]) -> str:
    return f"~{ord(sign[0]):02X}"


def read(text: str) -> dict[str, str]:
    """Variables as they were ``written``; what is no variable is left out."""
    pairs = [one.partition("=") for one in text.split(";")[:_MOST_KEPT]] if len(text) < 100_000 else []
    return {name: tidy(_CODE.sub(_sign, value)) for name, _, value in pairs if VARIABLE.fullmatch(name)}


def _sign(code: re.Match[str]) -> str:
    return chr(int(code[1], 16))
