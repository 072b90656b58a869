"""Many things in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def parts(items: Iterable[_Item], size: int = 500) -> Iterator[list[_Item]]:
    """The items in lists of at most ``size``: no statement grows without an end.

    >>> list(parts("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
