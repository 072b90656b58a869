"""Who spoke with the caller, and how long: a line's side may send him on, so a call has several talks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.domain.cdr import Leg


@dataclass(frozen=True, slots=True)
class Talked:
    """A line's leg was joined with the caller's over ``[since, until)``."""

    leg: Leg
    since: datetime
    until: datetime

    @property
    def lasted_ms(self) -> int:
        """Whole milliseconds."""
        return (self.until - self.since) // timedelta(milliseconds=1)


def talks_of(caller: Leg, lines: Sequence[Leg]) -> list[Talked]:
    """The talks, in their order.

    A line that another one asked while the caller heard music (its leg was made by that line's) spoke with the
    caller only once the other had left them; joined by all three's talk (``three_way``), from the asking on. How
    long it was spoken to before that is no talk with the caller, though no leg says when the three were joined.
    """
    by_uuid = {leg.uuid: leg for leg in lines}
    askers = {leg.facts.get("originator", "") for leg in lines if leg.bridged_at is not None}
    made = []
    for leg in lines:
        if leg.answered_at is None or leg.bridged_at is None:
            continue
        since = _before_asking(caller, leg.answered_at, leg.bridged_at) if leg.uuid in askers else leg.bridged_at
        asker = by_uuid.get(leg.facts.get("originator", ""))
        if asker is not None and leg.facts.get("current_application") != "three_way":
            since = max(since, asker.ended_at)
        until = min(leg.ended_at, caller.ended_at)
        if since < until:
            made.append(Talked(leg, since, until))
    return sorted(made, key=lambda talk: (talk.since, talk.leg.uuid))


def _before_asking(caller: Leg, answered_at: datetime, asked_at: datetime) -> datetime:
    """When a line was joined that has spoken to another one since: of its own leg's bridges the switch notes the
    last one, and on the caller's the first. Where that was with somebody else: when the line answered."""
    joined_at = caller.bridged_at
    return joined_at if joined_at is not None and answered_at <= joined_at <= asked_at else answered_at


def together_ms(talks: Sequence[Talked]) -> int:
    """Milliseconds over which at least one line was there."""
    total = timedelta()
    covered = None
    for talk in talks:
        since = talk.since if covered is None else max(talk.since, covered)
        if talk.until > since:
            total += talk.until - since
            covered = talk.until
    return total // timedelta(milliseconds=1)
