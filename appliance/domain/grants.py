"""Included units: granted for each calendar month, used oldest first, expiring (rule 8 of ``docs/rating.md``).

A month is one whole number (``year * 12 + month - 1``), so that months can be counted with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from appliance.domain.pricing import Assessment, Charge, MeteredCall, settle
from appliance.errors import RuleError

# No daylight saving since 1991, and no time before 2000 is rated: the zone is a fixed offset, and rating needs
# no time zone files on the machine.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def month_of(at: datetime) -> int:
    """The calendar month of Asia/Shanghai that an instant falls in.

    >>> from datetime import UTC
    >>> month_of(datetime(2026, 1, 31, 16, 0, tzinfo=UTC)) == month_of(datetime(2026, 2, 1, tzinfo=SHANGHAI))
    True
    """
    local = at.astimezone(SHANGHAI)
    return local.year * 12 + local.month - 1


def month_start(month: int) -> datetime:
    """The instant at which a month begins.

    >>> month_start(2026 * 12).isoformat()
    '2026-01-01T00:00:00+08:00'
    """
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a subscription is granted: ``included`` units each month from ``first_month`` on, in full.

    What a month leaves over may be used in the ``rollover_months`` months after it.
    """

    first_month: int
    included: int
    rollover_months: int


def cover(allowance: Allowance, uses: Iterable[tuple[int, int]]) -> Iterator[int]:
    """How many of each use's units the grants cover.

    :param uses: ``(month, units)`` in the order in which they use the grants. Uses of one month may be summed
        into one where only what comes after them matters: they draw on the same grants.
    :raises RuleError: a month comes after a later one, or before the first.

    >>> list(cover(Allowance(first_month=0, included=100, rollover_months=1), [(0, 30), (1, 150), (1, 40), (2, 5)]))
    [30, 150, 20, 5]
    """
    for left, units in _left_for(allowance, uses):
        yield _take(left, units)


class Drawn(NamedTuple):
    """What one use took of the grant of a ``month`` that was not used up: ``taken`` of the ``before``, which may be
    nothing."""

    month: int
    before: int
    taken: int


def draw(allowance: Allowance, uses: Iterable[tuple[int, int]]) -> Iterator[list[Drawn]]:
    """As ``cover``, grant by grant: each use with every grant that something was left of, the oldest first.

    >>> [[tuple(one) for one in drawn] for drawn in draw(Allowance(0, 100, 1), [(0, 30), (1, 80)])]
    [[(0, 100, 30)], [(0, 70, 70), (1, 100, 10)]]
    """
    for left, units in _left_for(allowance, uses):
        before = list(left)
        _take(left, units)
        after = dict(left)
        yield [Drawn(month, there, there - after.get(month, 0)) for month, there in before]


def _left_for(
    allowance: Allowance, uses: Iterable[tuple[int, int]]
) -> Iterator[tuple[deque[tuple[int, int]], int]]:
    """Each use's units with the grants that they may use, ``(month, left)``, from which its consumer takes them."""
    left: deque[tuple[int, int]] = deque()
    latest = allowance.first_month - 1
    for month, units in uses:
        if month < max(latest, allowance.first_month):
            raise RuleError(f"month {month} after month {latest}, or before {allowance.first_month}")
        oldest = month - allowance.rollover_months
        left.extend((granted, allowance.included) for granted in range(max(latest + 1, oldest), month + 1))
        latest = month
        while left and left[0][0] < oldest:
            left.popleft()
        yield left, units


def _take(left: deque[tuple[int, int]], units: int) -> int:
    covered = 0
    while left and covered < units:
        granted, remaining = left.popleft()
        taken = min(remaining, units - covered)
        covered += taken
        if taken < remaining:
            left.appendleft((granted, remaining - taken))
    return covered


def charges(
    called: Iterable[tuple[MeteredCall, Assessment]], before: Iterable[tuple[int, int]] = ()
) -> Iterator[tuple[MeteredCall, Charge]]:
    """Charge the calls of one subscription, in the rules' order whatever order they come in.

    :param called: each call with its assessment under that one subscription.
    :param before: units used before the first of them, ``(month, units)`` summed by month, in order.
    """
    answered: list[tuple[datetime, str, MeteredCall, Assessment]] = []
    for call, assessed in called:
        if call.answered_at is None:
            yield call, settle(assessed)
        else:
            answered.append((call.answered_at, call.call_id, call, assessed))
    if not answered:
        return
    # call_id is ASCII, so that comparing text compares codes; instants compare whatever their offsets.
    answered.sort(key=lambda entry: entry[:2])
    subscription, plan = answered[0][3].subscription, answered[0][3].plan
    allowance = Allowance(month_of(subscription.starts_at), plan.included, plan.rollover_months)
    used = list(before)
    uses = used + [(month_of(at), assessed.units) for at, _, _, assessed in answered]
    covered = list(cover(allowance, uses))[len(used) :]
    for (_, _, call, assessed), units in zip(answered, covered, strict=True):
        yield call, settle(assessed, units)
