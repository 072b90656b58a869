"""A caller who waits, as the process knows him that has his leg."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.domain.queue import Waiting
from appliance.domain.routing import Line


@dataclass(slots=True)
class Ticket:
    """A caller of ours who waits.

    :param lines: those that are to ring for him; he is woken for them.
    :param asleep: he hears music; otherwise he will look himself.
    :param wake_at: when he is to be woken at the latest.
    :param tell: tells him his position over his music, when ``tell_at`` has come (None: never).
    """

    waiting: Waiting
    account: str
    wake_at: datetime
    lines: tuple[Line, ...] = ()
    asleep: bool = False
    tell: Callable[[], None] = lambda: None
    tell_at: datetime | None = None
