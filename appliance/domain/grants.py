"""Included units: granted for each calendar month, used oldest first, expiring (rule 8 of ``docs/rating.md``).

A month is one whole number (``year * 12 + month - 1``), so that months can be counted with.
"""

from __future__ import annotations

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


class Grants:
    """What is left of a subscription's grants, by month.

    Uses may come in any order: a call of a month may use the grants of that month and of the ``rollover_months``
    before it, the oldest first, whatever later calls have taken already.

    >>> left = Grants(Allowance(first_month=0, included=100, rollover_months=1))
    >>> left.take(1, 150), left.take(0, 80), left.take(1, 10)
    (150, 0, 10)
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._left: dict[int, int] = {}
        #: Every month before it is used up: a long rollover must not be walked through for each call.
        self._first = allowance.first_month

    def available(self, month: int) -> list[tuple[int, int]]:
        """The grants that a call of ``month`` may use, the oldest first: their months and what is left of each."""
        months = range(max(self._first, month - self._allowance.rollover_months), month + 1)
        there = [(granted, self._left.get(granted, self._allowance.included)) for granted in months]
        return [(granted, remaining) for granted, remaining in there if remaining]

    def take(self, month: int, units: int) -> int:
        """How many of the units of a call of ``month`` the grants cover; they are used up by it.

        :raises RuleError: the month lies before the first grant.
        """
        if month < self._allowance.first_month:
            raise RuleError(f"month {month} before the first grant, {self._allowance.first_month}")
        included, covered = self._allowance.included, 0
        granted = max(self._first, month - self._allowance.rollover_months)
        while granted <= month and covered < units:
            remaining = self._left.get(granted, included)
            taken = min(remaining, units - covered)
            covered += taken
            self._left[granted] = remaining - taken
            if granted == self._first and taken == remaining:
                self._first += 1
            granted += 1
        return covered


def cover(allowance: Allowance, uses: Iterable[tuple[int, int]]) -> Iterator[int]:
    """How many of each use's units the grants cover.

    :param uses: ``(month, units)`` in the order in which they use the grants. Uses of one month may be summed
        into one where only what comes after them matters: they draw on the same grants.
    :raises RuleError: a month comes after a later one, or before the first.

    >>> list(cover(Allowance(first_month=0, included=100, rollover_months=1), [(0, 30), (1, 150), (1, 40), (2, 5)]))
    [30, 150, 20, 5]
    """
    grants, latest = Grants(allowance), allowance.first_month
    for month, units in uses:
        if month < latest:
            raise RuleError(f"month {month} after month {latest}, or before {allowance.first_month}")
        latest = month
        yield grants.take(month, units)


class Drawn(NamedTuple):
    """What one use took of the grant of a ``month`` that was not used up: ``taken`` of the ``before``, which may be
    nothing."""

    month: int
    before: int
    taken: int


def draw(allowance: Allowance, before: Iterable[tuple[int, int]], month: int, units: int) -> list[Drawn]:
    """What a call takes of each grant that something is left of, the oldest first.

    :param before: units that others have used already, ``(month, units)``.

    >>> [tuple(one) for one in draw(Allowance(first_month=0, included=100, rollover_months=1), [(0, 30)], 1, 80)]
    [(0, 70, 70), (1, 100, 10)]
    """
    grants = Grants(allowance)
    for used_in, used in before:
        grants.take(used_in, used)
    there = grants.available(month)
    grants.take(month, units)
    after = dict(grants.available(month))
    return [Drawn(granted, left, left - after.get(granted, 0)) for granted, left in there]


@dataclass(frozen=True, slots=True)
class GrantUse:
    """What became of a month's grant in another month, in units.

    ``left`` is what may still be used afterwards; what lapses at that month's end is ``lapsed`` and not ``left``.
    """

    granted: int
    before: int
    used: int
    left: int
    lapsed: int


def statement(allowance: Allowance, uses: Iterable[tuple[int, int]], month: int) -> list[GrantUse]:
    """What became of each grant in a month: the oldest first, the month's own last.

    :param uses: ``(month, units)``, units used up to and with that month, in the order of months.

    >>> allowance = Allowance(first_month=0, included=100, rollover_months=1)
    >>> for use in statement(allowance, [(0, 30), (1, 90)], 1):
    ...     print(use)
    GrantUse(granted=0, before=70, used=70, left=0, lapsed=0)
    GrantUse(granted=1, before=100, used=20, left=80, lapsed=0)
    """
    if month < allowance.first_month:
        return []
    oldest = max(allowance.first_month, month - allowance.rollover_months)
    left = dict.fromkeys(range(allowance.first_month, month + 1), allowance.included)
    before: dict[int, int] = {}
    by_month: dict[int, int] = {}
    for used_in, units in uses:
        by_month[used_in] = by_month.get(used_in, 0) + units
    for each in range(allowance.first_month, month + 1):
        before = dict(left)
        units = by_month.get(each, 0)
        for granted in range(max(allowance.first_month, each - allowance.rollover_months), each + 1):
            taken = min(left[granted], units)
            left[granted] -= taken
            units -= taken
    made = []
    for granted in range(oldest, month + 1):
        lapses = month - granted >= allowance.rollover_months
        rest = left[granted]
        used = before[granted] - rest
        made.append(GrantUse(granted, before[granted], used, 0 if lapses else rest, rest if lapses else 0))
    return made


def charges(
    called: Iterable[tuple[MeteredCall, Assessment]], before: Iterable[tuple[int, int]] = ()
) -> Iterator[tuple[MeteredCall, Charge]]:
    """Charge the calls of one subscription, in the rules' order whatever order they come in.

    :param called: each call with its assessment under that one subscription.
    :param before: units that are used already, ``(month, units)`` summed by month, in order: those of calls before
        the first of them, and of calls of whatever month that are final.
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
    grants = Grants(allowance_of(answered[0][3]))
    for month, units in before:
        grants.take(month, units)
    for at, _, call, assessed in answered:
        yield call, settle(assessed, grants.take(month_of(at), assessed.units))


def allowance_of(assessed: Assessment) -> Allowance:
    """What the subscription of an assessed call is granted."""
    subscription, plan = assessed.subscription, assessed.plan
    return Allowance(month_of(subscription.starts_at), plan.included, plan.rollover_months)
