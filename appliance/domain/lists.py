"""Black and white lists: whom an entry means.

An entry is one of

- a number, whole: ``13800138000``, ``02161234567``, ``+14155550100``;
- a prefix: ``1380013*``, ``+1*``;
- an area code: ``0512``, every fixed line there;
- a mobile segment, three to seven digits: ``1700``, ``1380013``;
- a word: ``withheld`` (no number that can be read), ``overseas``, ``virtual`` (a mobile of a virtual operator).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from appliance.domain import numbers
from appliance.domain.numbers import Caller, CallerKind
from appliance.errors import InvalidNumber

_PREFIX = re.compile(r"\+?[0-9]{1,14}\*")
# 400 and 800 behind a zero are service numbers, not places.
_AREA = re.compile(r"0(?:10|2[0-9]|(?!400|800)[3-9][0-9]{2})")
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")
_SEGMENT = re.compile(r"1[3-9][0-9]{1,5}")


class Word(StrEnum):
    """Kinds of callers that an entry may name."""

    WITHHELD = "withheld"
    OVERSEAS = "overseas"
    VIRTUAL = "virtual"


_WORDS = frozenset(Word)


def validate(text: str) -> str:
    """An entry as it is kept.

    >>> [validate(text) for text in ("138 0013 8000", "+86 21 6123 4567", "1700*", "0512", "170")]
    ['13800138000', '02161234567', '1700*', '0512', '170']
    >>> validate("1*0")
    Traceback (most recent call last):
        ...
    appliance.errors.InvalidNumber: not a number, a prefix (138*), an area code, a mobile segment or a word: 1*0

    :raises InvalidNumber: it is none of the forms above.
    """
    entry = re.sub(r"[\s\-().]+", "", text)
    if entry.endswith("*"):
        entry = _national(entry)
    if entry in _WORDS or any(form.fullmatch(entry) for form in (_PREFIX, _AREA, _SEGMENT)):
        return entry
    caller = numbers.caller(entry)
    # A local number would never fit: callers are known with their area code. What is shorter than a service number
    # is a typing error.
    if caller.kind is not CallerKind.UNKNOWN or (len(caller.number) >= 5 and not _LOCAL.fullmatch(entry)):
        return caller.number
    raise InvalidNumber(f"not a number, a prefix (138*), an area code, a mobile segment or a word: {text}")


def _national(prefix: str) -> str:
    """A prefix as callers are kept: inland without the country's code, a mobile without a zero before it, a foreign
    one with ``+``.

    >>> [_national(one) for one in ("+86138*", "86138*", "0138*", "00852*", "021*", "+8621*")]
    ['138*', '138*', '138*', '+852*', '021*', '021*']
    """
    for code in ("+86", "0086"):
        if prefix.startswith(code):
            rest = prefix.removeprefix(code)
            return rest if rest.startswith(("0", "1", "*")) and not rest.startswith("10*") else f"0{rest}"
    if re.match(r"860?1[3-9]", prefix):
        prefix = prefix.removeprefix("86")
    if prefix.startswith("00"):
        return f"+{prefix[2:]}"
    return prefix[1:] if re.match(r"01[3-9]", prefix) else prefix


@dataclass(frozen=True, slots=True)
class NumberList:
    """A named list, made ready for looking up: ``entries`` as ``validate`` keeps them."""

    id: str
    account: str
    entries: frozenset[str]

    def match(self, caller: Caller) -> str:
        """The entry that means the caller, the most exact first; empty: none.

        >>> shops = NumberList("shops", "demo", frozenset({"13800138000", "138*", "0512", "1700", "overseas"}))
        >>> [shops.match(numbers.caller(n)) for n in ("13800138000", "13911112222", "051261234567", "17001112222")]
        ['13800138000', '', '0512', '1700']
        >>> shops.match(numbers.caller("13899998888")), shops.match(numbers.caller("+14155550100"))
        ('138*', 'overseas')
        """
        return next((entry for entry in _forms(caller) if entry in self.entries), "")


def find(lists: Iterable[NumberList], caller: Caller) -> tuple[str, str] | None:
    """(list, entry) of the first list that means the caller."""
    for one in lists:
        entry = one.match(caller)
        if entry:
            return one.id, entry
    return None


def _forms(caller: Caller) -> Iterator[str]:
    """Every entry that would mean the caller, the most exact first."""
    number = caller.number
    if not number:
        yield Word.WITHHELD.value
        return
    yield number
    for length in range(len(number), 0, -1):
        start = number[:length]
        if caller.kind is CallerKind.MOBILE and 3 <= length <= 7:
            yield start
        if caller.kind is CallerKind.FIXED and start == numbers.area_code(number):
            yield start
        yield f"{start}*"
    if caller.kind is CallerKind.OVERSEAS:
        yield Word.OVERSEAS.value
    if numbers.is_virtual(number):
        yield Word.VIRTUAL.value
