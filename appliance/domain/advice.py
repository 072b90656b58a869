"""What a number's calls would have cost under a plan, month by month (``docs/advice.md``).

A plan is tried as if it had been subscribed to from the first moment on that is looked at; the calls are priced by
``pricing`` and ``grants`` as all others are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from appliance.domain import grants
from appliance.domain.grants import month_of, month_start
from appliance.domain.pricing import (
    ANY,
    Assessment,
    MeteredCall,
    Plan,
    Price,
    PriceBook,
    Subscription,
    Unratable,
    assess,
)

#: A talk below this is a short one, seconds.
SHORT = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """A number's calls of some months.

    :param since: from when on plans are tried: the beginning of the first month, or of its first subscription if
        that is later.
    :param full: those of ``months`` in which a plan holds from beginning to end: a minimum counts in them alone.
    """

    number: str
    since: datetime
    months: tuple[int, ...]
    full: frozenset[int]
    calls: Sequence[MeteredCall]


@dataclass(slots=True)
class MonthCost:
    """One month under a plan. Amounts are millionths of a yuan.

    :param topped_up: what the plan's minimum adds to it.
    :param unpriced: calls that the plan has no price for, or that no plan held for: the amount lacks them.
    :param backdated: calls from before the plan's first price, which are priced by that one.
    """

    calls: int = 0
    units: int = 0
    included: int = 0
    amount: int = 0
    topped_up: int = 0
    unpriced: int = 0
    backdated: int = 0

    @property
    def total(self) -> int:
        """As the bill has it, before it is rounded to the fen."""
        return self.amount + self.topped_up


@dataclass(frozen=True, slots=True)
class PlanCost:
    """A plan's months, in order; ``unpriced_kinds``: kinds of callers that it has no price for."""

    plan: Plan
    months: Mapping[int, MonthCost]
    unpriced_kinds: Mapping[str, int] = field(default_factory=dict)

    def sum_of(self, name: str) -> int:
        """A field of the months, summed."""
        return sum(getattr(month, name) for month in self.months.values())

    @property
    def total(self) -> int:
        """Of all months."""
        return self.sum_of("total")

    @property
    def is_whole(self) -> bool:
        """Whether every call has its price: only then can the plan be the cheapest."""
        return not self.sum_of("unpriced")


@dataclass(frozen=True, slots=True)
class Profile:
    """How a number is called.

    :param days: of the months that are looked at.
    :param talked: calls in which somebody spoke: ``talk_seconds`` together, ``short`` of them below ``SHORT``.
    """

    days: int
    calls: int
    answered: int
    talked: int
    talk_seconds: int
    short: int
    kinds: Mapping[str, int]

    def plus(self, other: Profile) -> Profile:
        """Both numbers together, over the same days."""
        return Profile(
            max(self.days, other.days),
            self.calls + other.calls,
            self.answered + other.answered,
            self.talked + other.talked,
            self.talk_seconds + other.talk_seconds,
            self.short + other.short,
            Counter(self.kinds) + Counter(other.kinds),
        )


def under_plan(plan: Plan, usage: Usage) -> PlanCost:
    """What the calls would have cost, with grants, rollover and the monthly minimum."""
    months = {month: MonthCost() for month in usage.months}
    unpriced: Counter[str] = Counter()
    priced: list[tuple[MeteredCall, Assessment]] = []
    book = _book(plan, usage)
    for call in usage.calls:
        month = months[month_of(call.answered_at or call.started_at)]
        month.calls += 1
        assessed = assess(call, book)
        if isinstance(assessed, Unratable):
            assessed = _backdated(plan, usage, call)
            if isinstance(assessed, Unratable):
                month.unpriced += 1
                unpriced[call.caller_kind] += 1
                continue
            month.backdated += 1
        priced.append((call, assessed))
    for call, charge in grants.charges(priced):
        month = months[month_of(call.answered_at or call.started_at)]
        month.units += charge.billable_units
        month.included += charge.included_units
        month.amount += charge.amount
    for each in usage.full:
        months[each].topped_up = max(plan.minimum_monthly - months[each].amount, 0)
    return PlanCost(plan, months, unpriced)


def profile(usage: Usage) -> Profile:
    """How the number is called."""
    days = sum((month_start(month + 1) - month_start(month)) // timedelta(days=1) for month in usage.months)
    talks = [call.bridged_seconds for call in usage.calls if call.answered_at is not None and call.bridged_seconds]
    return Profile(
        days=days,
        calls=len(usage.calls),
        answered=sum(call.answered_at is not None for call in usage.calls),
        talked=len(talks),
        talk_seconds=sum(talks),
        short=sum(talk < SHORT for talk in talks),
        kinds=Counter(call.caller_kind for call in usage.calls),
    )


def whole_months(subscriptions: Iterable[Subscription], months: Iterable[int]) -> dict[int, Subscription]:
    """Months that one subscription holds from beginning to end, with it: those whose bill has a minimum."""
    held = list(subscriptions)
    found = {}
    for month in months:
        since, until = month_start(month), month_start(month + 1)
        for one in held:
            if one.starts_at <= since and (one.ends_at is None or until <= one.ends_at):
                found[month] = one
    return found


def _book(plan: Plan, usage: Usage) -> PriceBook:
    held = Subscription(usage.number, plan.code, usage.since)
    return PriceBook({plan.code: plan}, {usage.number: (held,)})


def _backdated(plan: Plan, usage: Usage, call: MeteredCall) -> Assessment | Unratable:
    """By the plan's first price for such a caller, as if it had held already: a plan that is new has no other."""
    first = _first_price(plan, call.caller_kind)
    at = call.answered_at or call.started_at
    prices = () if first is None else (replace(first, effective_from=at),)
    return assess(call, _book(replace(plan, prices=prices), usage))


def _first_price(plan: Plan, caller_kind: str) -> Price | None:
    for caller in (caller_kind, ANY):
        fitting = [price for price in plan.prices if price.caller == caller]
        if fitting:
            return min(fitting, key=lambda price: price.effective_from)
    return None
