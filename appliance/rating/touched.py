"""Which calls a new one touches: those behind it that may draw on the same grants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from appliance.domain import grants
from appliance.domain.pricing import Plan, Subscription
from appliance.store import charges

#: From an instant on, up to another; None: without an end.
Span = tuple[datetime, datetime | None]


class Rated(NamedTuple):
    """Counts of calls: looked at, given a new or another charge, and not ratable."""

    calls: int = 0
    changed: int = 0
    rejects: int = 0

    def plus(self, other: Rated) -> Rated:
        """Both together."""
        return Rated(*(one + more for one, more in zip(self, other, strict=True)))


def touched_spans(plan: Plan, subscription: Subscription, first: Mapping[int, datetime]) -> Iterator[Span]:
    """From each first call on: to the end of its month, or of the subscription where units roll over.

    :param first: when the first new call of each month was answered.
    """
    if plan.rollover_months:
        yield min(first.values()), subscription.ends_at
        return
    for month, since in first.items():
        end = grants.month_start(month + 1)
        yield since, end if subscription.ends_at is None else min(end, subscription.ends_at)


def units_taken(session: Session, subscription: Subscription, plan: Plan, span: Span) -> list[tuple[int, int]]:
    """Included units that the calls of a subscription before a span have used, and those in it that are final:
    ``(month, units)`` in order."""
    since, until = span
    begin, end = subscription.starts_at, subscription.ends_at
    if not plan.rollover_months:
        begin, end = max(begin, grants.month_start(grants.month_of(since))), until
    return charges.units_taken(session, subscription.number, begin, end, since)
