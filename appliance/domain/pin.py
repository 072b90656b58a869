"""PINs, codes and passwords keyed on a telephone: which may be one, and how many wrong ones lock for how long.

Whoever guesses has a telephone and time. So wrong ones are counted beyond the call, and each further round of them
locks for twice as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

#: Digits of an agent's PIN.
SHORTEST, LONGEST = 4, 8
#: Digits of a code that is used once.
CODE_DIGITS = 6
_DIGITS = re.compile(rf"[0-9]{{{SHORTEST},{LONGEST}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lock:
    """Every ``allowed`` wrong ones within ``window`` lock: at first for ``first``, then for twice as long as
    before, never for longer than ``longest``."""

    allowed: int
    first: timedelta
    longest: timedelta
    window: timedelta


#: The PIN of one line. Thirty tries a day, of ten thousand at the least.
OF_A_LINE = Lock(5, timedelta(minutes=15), timedelta(hours=8), timedelta(days=1))
#: All PINs of an account: somebody tries the same one at every line.
OF_AN_ACCOUNT = Lock(30, timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
#: Codes of an account. They are a few of a million.
OF_CODES = Lock(10, timedelta(minutes=15), timedelta(hours=8), timedelta(days=1))
#: The passwords of a number, as one caller keys them.
OF_A_CALLER = Lock(5, timedelta(minutes=15), timedelta(hours=8), timedelta(days=1))
#: As all callers without a number key them, who cannot be told apart: rather some more tries for one who guesses
#: than a day without access for the others.
OF_THE_WITHHELD = Lock(30, timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))


def is_pin(text: str) -> bool:
    """Whether a text may be a PIN: four to eight digits, not all the same and not in a row.

    >>> is_pin("4711"), is_pin("47110815")
    (True, True)
    >>> [is_pin(one) for one in ("471", "471108150", "47a1", "1111", "1234", "9876", "４７１１")]
    [False, False, False, False, False, False, False]
    """
    if not _DIGITS.fullmatch(text):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(text)}
    return steps not in ({0}, {1}, {-1})


def locked_until(wrong: Sequence[datetime], lock: Lock) -> datetime | None:
    """Until when nothing is taken any more; None: nothing is locked.

    :param wrong: when wrong ones were keyed since a right one, in their order.

    >>> at = [datetime(2026, 11, 27, 10, minute) for minute in range(10)]
    >>> [str(locked_until(at[:count], OF_A_LINE))[11:16] for count in (4, 5, 9, 10)]
    ['', '10:19', '10:19', '10:39']
    """
    recent = [at for at in wrong if at > wrong[-1] - lock.window]
    rounds = len(recent) // lock.allowed
    if not rounds:
        return None
    # Doubling a timedelta again and again overflows; no round is that late.
    held = min(lock.first * (1 << min(rounds - 1, 16)), lock.longest)
    return recent[rounds * lock.allowed - 1] + held
