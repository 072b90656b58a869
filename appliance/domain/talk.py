"""Keys in a talk: what the line's side may ask for by a star and a digit, and where it may send a caller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.domain.routing import Line, RoutingTable

#: Digits of a line's extension.
LONGEST_EXTENSION = 8
_EXTENSION = re.compile(r"[0-9]{2,8}", re.ASCII)


class TalkKey(StrEnum):
    """What a key asks for."""

    #: The caller hears music until he is fetched back.
    HOLD = "hold"
    #: The caller is sent to another line, which rings without this one.
    BLIND = "blind"
    #: Another line is spoken to first; the caller hears music meanwhile.
    CONSULT = "consult"
    #: Nothing is recorded from here on, until it is pressed again.
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class TalkKeys:
    """Which digit behind the star asks for what; empty: nothing does."""

    hold: str = ""
    blind: str = ""
    consult: str = ""
    pause: str = ""

    def __iter__(self) -> Iterator[tuple[TalkKey, str]]:
        """What can be asked for, and its digit."""
        for key in TalkKey:
            digit: str = getattr(self, key.value)
            if digit:
                yield key, digit

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(True for _ in self)


NO_KEYS = TalkKeys()


def is_extension(text: str) -> bool:
    """Whether ``text`` may be a line's extension.

    >>> is_extension("801"), is_extension("8"), is_extension("80*1")
    (True, False, False)
    """
    return bool(_EXTENSION.fullmatch(text))


def line_of_extension(keyed: str, account: str, talking: str, table: RoutingTable) -> Line | None:
    """The line of an account that has this extension; None: none has, or it is the one that asks.

    What was keyed is only compared: it never becomes a part of what is dialled.
    """
    if not is_extension(keyed):
        return None
    for line in table.lines.values():
        if line.extension == keyed and line.account == account and line.id != talking:
            return line
    return None
