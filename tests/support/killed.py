"""A run that is killed at each step of it, one after another: what a SIGKILL leaves, without a process a kill.

::

    kills = killed_at_each(lambda: collect_once(spool, store, clock), repository, "add_legs", monkeypatch)
    assert kills > 0
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest


class Killed(BaseException):
    """Ends a run as a kill does: nothing catches it."""


def killed_at_each(
    run: Callable[[], object],
    owner: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    after: bool = False,
    then: Callable[[], object] = lambda: None,
) -> int:
    """Run, killed at the first call of a step, then again, killed at its second, until it is not killed any more.

    :param owner: of the step ``name``: a module or a class.
    :param after: killed behind the step, not before it.
    :param then: what is looked at behind each kill.
    :returns: how often it was killed.
    """
    real = getattr(owner, name)
    for nth in itertools.count(1):
        counted = itertools.count(1)

        def step(*args: Any, counted: Any = counted, nth: int = nth, **named: Any) -> Any:
            kill = next(counted) == nth
            if kill and not after:
                raise Killed
            result = real(*args, **named)
            if kill:
                raise Killed
            return result

        with monkeypatch.context() as patched:
            patched.setattr(owner, name, step)
            try:
                run()
                return nth - 1
            except Killed:
                then()
    raise AssertionError
