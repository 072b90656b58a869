"""A circuit breaker: who fails several times in a row is left alone for a while, then tried once.

So a system that is down costs callers a moment each, not the whole timeout, and is not held down by our questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from appliance.errors import RuleError


class State(StrEnum):
    """Whether it is asked."""

    #: It is asked.
    CLOSED = "closed"
    #: It is left alone.
    OPEN = "open"
    #: One question is under way that will show how it fares; nobody else asks.
    TRIAL = "trial"


class Event(StrEnum):
    """What happens to a breaker."""

    ANSWERED = "answered"
    #: One failure more, not yet too many.
    FAILED = "failed"
    #: The failure that is one too many.
    FAILED_TOO_OFTEN = "failed-too-often"
    #: Somebody wants to ask, and the rest is over.
    ASKED_RESTED = "asked-rested"
    #: Somebody wants to ask within the rest.
    ASKED = "asked"


class Step(NamedTuple):
    """What follows: the new state, and whether who asked may ask."""

    state: State
    may_ask: bool = False


#: What is asked in the state CLOSED may be answered in any later one: such an answer, late, changes nothing.
TABLE: Mapping[tuple[State, Event], Step] = {
    (State.CLOSED, Event.ANSWERED): Step(State.CLOSED),
    (State.CLOSED, Event.FAILED): Step(State.CLOSED),
    (State.CLOSED, Event.FAILED_TOO_OFTEN): Step(State.OPEN),
    (State.CLOSED, Event.ASKED): Step(State.CLOSED, may_ask=True),
    (State.CLOSED, Event.ASKED_RESTED): Step(State.CLOSED, may_ask=True),
    (State.OPEN, Event.ANSWERED): Step(State.OPEN),
    (State.OPEN, Event.FAILED): Step(State.OPEN),
    (State.OPEN, Event.FAILED_TOO_OFTEN): Step(State.OPEN),
    (State.OPEN, Event.ASKED): Step(State.OPEN),
    (State.OPEN, Event.ASKED_RESTED): Step(State.TRIAL, may_ask=True),
    (State.TRIAL, Event.ANSWERED): Step(State.CLOSED),
    (State.TRIAL, Event.FAILED): Step(State.OPEN),
    (State.TRIAL, Event.FAILED_TOO_OFTEN): Step(State.OPEN),
    (State.TRIAL, Event.ASKED): Step(State.TRIAL),
    # Whoever tried never said how it went: its call was broken off.
    (State.TRIAL, Event.ASKED_RESTED): Step(State.TRIAL, may_ask=True),
}


def step(state: State, event: Event) -> Step:
    """One step of the table.

    :raises RuleError: the table has no such step.
    """
    try:
        return TABLE[state, event]
    except KeyError as error:
        raise RuleError(f"a breaker that is {state} knows no {event}") from error


@dataclass(frozen=True, slots=True)
class Limits:
    """``failures`` in a row, and it is left alone for ``rest``."""

    failures: int = 5
    rest: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Breaker:
    """One system's breaker. ``rested_at``: when the rest, or a trial that nobody ended, is over."""

    state: State = State.CLOSED
    failures: int = 0
    rested_at: datetime | None = None

    @property
    def is_new(self) -> bool:
        """Whether it knows nothing that a new one would not."""
        return self.state is State.CLOSED and not self.failures


def asked(breaker: Breaker, now: datetime, limits: Limits) -> tuple[Breaker, bool]:
    """Somebody wants to ask: the breaker from now on, and whether he may."""
    is_rested = breaker.rested_at is None or not (now < breaker.rested_at <= now + limits.rest)
    found = step(breaker.state, Event.ASKED_RESTED if is_rested else Event.ASKED)
    tries = found.may_ask and found.state is State.TRIAL
    return replace(breaker, state=found.state, rested_at=now + limits.rest if tries else breaker.rested_at), (
        found.may_ask
    )


def ended(breaker: Breaker, now: datetime, limits: Limits, *, answered: bool) -> Breaker:
    """A question ended: there was an answer, whatever it said, or none."""
    if answered:
        state = step(breaker.state, Event.ANSWERED).state
        return Breaker() if state is State.CLOSED else replace(breaker, state=state)
    failures = breaker.failures + 1
    event = Event.FAILED_TOO_OFTEN if failures >= limits.failures else Event.FAILED
    state = step(breaker.state, event).state
    opens = state is State.OPEN and breaker.state is not State.OPEN
    return Breaker(state, failures, now + limits.rest if opens else breaker.rested_at)
