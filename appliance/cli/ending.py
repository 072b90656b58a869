"""Commands that leave nothing half done behind when they are told to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """What is told to end in this block leaves it by an exception, so that everything is cleaned up, and then ends
    with 128 and the signal's number. Told again, it goes on cleaning up.
    """
    told: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        if len(told) == 1:
            raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if told:
            # An engine that is interrupted makes an error of its own of it.
            raise SystemExit(128 + told[0])
