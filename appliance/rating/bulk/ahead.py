"""Work done ahead of whoever takes it: on threads, for NumPy and Arrow do most of theirs outside Python's lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")

_THREADS = 2


def ahead(items: Iterable[_Item], work: Callable[[_Item], _Done]) -> Iterator[tuple[_Item, _Done]]:
    """Each item with what the work makes of it, in order; no more than a few are under way.

    >>> [done for _, done in ahead([1, 2, 3], str)]
    ['1', '2', '3']
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        under_way: deque[tuple[_Item, Future[_Done]]] = deque()
        for item in items:
            under_way.append((item, threads.submit(work, item)))
            if len(under_way) > _THREADS:
                first, done = under_way.popleft()
                yield first, done.result()
        for first, done in under_way:
            yield first, done.result()
