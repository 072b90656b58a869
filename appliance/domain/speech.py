"""Mandarin numbers as a row of prompts: what an announcement is put together of.

The prompts are ``n-0`` to ``n-10`` (零 to 十), ``n-2-liang`` (两) and ``n-100`` (百); an enterprise records its own
under these names.
"""

from __future__ import annotations

#: The greatest number that can be said.
MOST = 999


def number_prompts(number: int) -> tuple[str, ...]:
    """The prompts that say a number, ``0`` to ``MOST``; a greater one is said as ``MOST``.

    >>> number_prompts(7), number_prompts(12), number_prompts(20), number_prompts(35)
    (('n-7',), ('n-10', 'n-2'), ('n-2', 'n-10'), ('n-3', 'n-10', 'n-5'))
    >>> number_prompts(100), number_prompts(105), number_prompts(110)
    (('n-1', 'n-100'), ('n-1', 'n-100', 'n-0', 'n-5'), ('n-1', 'n-100', 'n-1', 'n-10'))
    >>> number_prompts(999) == number_prompts(5000)
    True
    """
    hundreds, rest = divmod(max(0, min(number, MOST)), 100)
    tens, ones = divmod(rest, 10)
    said: list[str] = [f"n-{hundreds}", "n-100"] if hundreds else []
    if tens:
        # 十二, but 一百一十二.
        said += ["n-10"] if tens == 1 and not hundreds else [f"n-{tens}", "n-10"]
    elif ones and hundreds:
        said.append("n-0")
    if ones or not said:
        said.append(f"n-{ones}")
    return tuple(said)


def minutes_prompts(minutes: int) -> tuple[str, ...]:
    """A count of minutes, which are 两, not 二, where they are two.

    >>> minutes_prompts(2), minutes_prompts(12)
    (('n-2-liang', 'queue-minutes'), ('n-10', 'n-2', 'queue-minutes'))
    """
    said = ("n-2-liang",) if minutes == 2 else number_prompts(minutes)
    return (*said, "queue-minutes")


def position_prompts(place: int, minutes: int | None) -> tuple[str, ...]:
    """您目前排在第 N 位，预计等待 M 分钟.

    Without the second half where nobody knows (``minutes`` None), and with 很快 for less than a minute.

    >>> position_prompts(3, None)
    ('queue-place', 'n-3', 'queue-place-end')
    >>> position_prompts(1, 0)
    ('queue-place', 'n-1', 'queue-place-end', 'queue-soon')
    >>> position_prompts(2, 12)[3:]
    ('queue-wait', 'n-10', 'n-2', 'queue-minutes')
    """
    said = ("queue-place", *number_prompts(place), "queue-place-end")
    if minutes is None:
        return said
    if minutes < 1:
        return (*said, "queue-soon")
    return (*said, "queue-wait", *minutes_prompts(minutes))
