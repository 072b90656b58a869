"""Extensions dialled while a menu plays (菜单中直拨分机): when the digits so far are enough to go by.

A key that is an exit of the menu may begin an extension as well. Nobody can tell the two apart but by what follows,
so then the pause between two digits decides. A key that begins none is an exit at once, as in any menu.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from appliance.domain.talk import LONGEST_EXTENSION


class Standing(Enum):
    """What the keys so far are."""

    #: No extension begins with the first of them.
    KEY = auto()
    #: A longer extension begins with them.
    PART = auto()
    #: They are an extension, and begin no longer one.
    WHOLE = auto()
    #: They begin as an extension does, and are none.
    STRAY = auto()


#: Whether the next digit is waited for. Behind a stray one, too: who keys an extension that is not there keys all
#: of it, and its last digits must not be taken for the menu's next key.
_WAITS = {Standing.KEY: False, Standing.PART: True, Standing.WHOLE: False, Standing.STRAY: True}


def standing(keys: str, extensions: Iterable[str]) -> Standing:
    """What keys are, at least one, among an account's extensions.

    >>> [standing(keys, ["801", "80123", "9012"]).name for keys in ("1", "8", "801", "80123", "803", "9")]
    ['KEY', 'PART', 'PART', 'WHOLE', 'STRAY', 'PART']
    """
    near = [one for one in extensions if one[0] == keys[0]]
    if not near:
        return Standing.KEY
    if any(one != keys and one.startswith(keys) for one in near):
        return Standing.PART
    return Standing.WHOLE if keys in near else Standing.STRAY


def awaits_more(keys: str, extensions: Iterable[str]) -> bool:
    """Whether another digit is waited for behind these keys.

    >>> [awaits_more(keys, ["801", "80123"]) for keys in ("1", "8", "801", "80123", "80999999")]
    [False, True, True, False, False]
    """
    return len(keys) < LONGEST_EXTENSION and _WAITS[standing(keys, extensions)]
