"""Callbacks of queued callers (回拨): a caller who waits leaves his number and hangs up, keeps his place, and is
called when it is his turn.

Pure. Only who asked is called, at the number that he confirmed. A request has exactly one end (``Ending``), so that
asked = reached + failed + expired + withdrawn + open, whatever died in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.domain.calendar import SHANGHAI
from appliance.domain.outcome import Disposition, Tried, is_trunk_trouble

#: A request of the day's last minutes is not over before anybody could call.
_AT_LEAST = timedelta(hours=1)
#: He still holds his telephone when he has asked: it is free for a call after the first time at the latest, and
#: after the second one once he has hung up.
HANGS_UP, HUNG_UP = timedelta(seconds=15), timedelta(seconds=2)
#: A talk was broken off by the handlers' death: its record says within this time whether it was one.
RECORD_COMES = timedelta(minutes=2)
#: The line that was to call him was too busy, or the number's calls at once are used up: looked at again soon.
SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a queue calls back.

    :param key: by which a caller who waits asks for it; empty: nobody is called back.
    :param attempts: calls to him, at most.
    :param gap_s: seconds between two of them.
    :param expires_min: minutes after which a request is over; 0: with the day (Asia/Shanghai).
    :param schedule: id of the schedule within which callers are called, beside the number's; empty: only that.
    :param overseas: callers from abroad are called as well.
    :param other_number: a caller may key in the number that he is to be called at.
    """

    key: str = ""
    attempts: int = 3
    gap_s: int = 300
    expires_min: int = 0
    schedule: str = ""
    overseas: bool = False
    other_number: bool = False


NO_CALLBACK = Terms()


class Ending(StrEnum):
    """The one end of a request."""

    #: He and a line have spoken.
    REACHED = "reached"
    #: He was called as often as it may be, or his number does not exist.
    FAILED = "failed"
    EXPIRED = "expired"
    #: He called again and was answered, or a clerk closed it.
    WITHDRAWN = "withdrawn"


class Stage(StrEnum):
    """How far a try to call somebody back has come."""

    #: None is under way.
    WAITS = ""
    #: The line rings.
    LINE = "line"
    #: The line has answered; its leg is on the way to the handlers.
    TAKEN = "taken"
    #: His telephone rings, or he talks to the line.
    CALLER = "caller"
    #: The line's leg has ended; only its record knows whether the two had talked.
    OVER = "over"
    #: The record says that they had not.
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be called back.

    :param id: the UUID of the call in which he asked.
    :param caller: who asked (empty: withheld), ``callee`` the number that he is to be called at, as kept.
    :param trunk: by which he had called.
    :param entered_at: when he came into the queue: his place.
    :param due_at: not to be called before.
    :param attempts: calls to him so far.
    :param legs: UUIDs of the lines' legs of the try that is under way, and ``lines`` these lines.
    :param since: when the try reached its stage.
    :param owner: the process that looks after the try.
    :param said: how the last try ended.
    :param reason: why it was closed, and ``closed_by`` by whom, where a person did it.
    """

    id: str
    queue: str
    account: str
    number: str
    caller: str
    callee: str
    trunk: str
    priority: int
    skill: str
    entered_at: datetime
    asked_at: datetime
    expires_at: datetime
    due_at: datetime
    attempts: int = 0
    stage: Stage = Stage.WAITS
    legs: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    since: datetime | None = None
    owner: str = ""
    said: str = ""
    closed_at: datetime | None = None
    ending: Ending | None = None
    reason: str = ""
    closed_by: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether a try is going on, or not yet known to be over."""
        return self.stage is not Stage.WAITS


def expires_at(asked_at: datetime, terms: Terms) -> datetime:
    """When a request is over: with its day, but not within the hour, or after the queue's own time.

    >>> from datetime import UTC
    >>> expires_at(datetime(2026, 11, 25, 2, tzinfo=UTC), NO_CALLBACK).isoformat()
    '2026-11-26T00:00:00+08:00'
    >>> expires_at(datetime(2026, 11, 25, 15, 50, tzinfo=UTC), NO_CALLBACK).isoformat()
    '2026-11-25T16:50:00+00:00'
    """
    if terms.expires_min:
        return asked_at + timedelta(minutes=terms.expires_min)
    midnight = asked_at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return max(midnight, asked_at + _AT_LEAST)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a call to him: the request's ``ending``, or (None) when he is ``due`` again and how many
    ``attempts`` count."""

    ending: Ending | None
    due_at: datetime
    attempts: int


def verdict(tried: Tried, attempts: int, terms: Terms, now: datetime) -> Verdict:
    """What follows from a call to him that was the ``attempts``-th.

    He keeps his place for the next one: he is called as soon as the gap is over and it is the turn of whoever came
    when he did. One that his trunk could not even place does not count, for he never heard of it.
    """
    if tried.disposition is Disposition.ANSWERED:
        return Verdict(Ending.REACHED, now, attempts)
    if tried.disposition is Disposition.NOT_EXISTING:
        return Verdict(Ending.FAILED, now, attempts)
    due_at = now + timedelta(seconds=terms.gap_s)
    if is_trunk_trouble(tried):
        return Verdict(None, due_at, attempts - 1)
    return Verdict(Ending.FAILED if attempts >= terms.attempts else None, due_at, attempts)


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of requests. ``asked`` is the sum of ``ended`` and ``open``."""

    ended: Mapping[Ending, int]
    open: int

    @property
    def asked(self) -> int:
        """All of them."""
        return sum(self.ended.values()) + self.open


def balance(requests: Iterable[Request]) -> Balance:
    """Count requests by their ends."""
    ended = dict.fromkeys(Ending, 0)
    open_ones = 0
    for request in requests:
        if request.ending is None:
            open_ones += 1
        else:
            ended[request.ending] += 1
    return Balance(ended, open_ones)
