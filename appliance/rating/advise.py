"""Which plan would have been the cheapest for an account's calls of some months, by how much, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from appliance.domain.advice import MonthCost, PlanCost, Profile, Usage, profile, under_plan, whole_months
from appliance.domain.grants import month_of, month_start
from appliance.domain.pricing import MeteredCall, Plan
from appliance.errors import RatingError
from appliance.store.queries.advice import NumberUse, account_name, all_plans, number_uses
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class Actual:
    """What was charged, as the bill has it: ``months`` from the charges that are stored.

    :param plans: codes of the plans that held.
    :param unrated: calls that have no charge yet.
    """

    months: dict[int, MonthCost]
    plans: tuple[str, ...]
    unrated: int

    @property
    def total(self) -> int:
        """Of all months."""
        return sum(month.total for month in self.months.values())


@dataclass(frozen=True, slots=True)
class NumberAdvice:
    """One number: its ``months``, what was charged, and every plan, the cheapest first."""

    number: str
    name: str
    months: tuple[int, ...]
    profile: Profile
    actual: Actual
    plans: tuple[PlanCost, ...]

    @property
    def best(self) -> PlanCost | None:
        """The cheapest plan that has a price for every call; what holds already is kept when nothing is cheaper."""
        return _best(self.plans, self.actual.plans)


@dataclass(frozen=True, slots=True)
class Advice:
    """An account: its numbers, and the same plan for all of them, the cheapest first."""

    account: str
    name: str
    months: tuple[int, ...]
    numbers: tuple[NumberAdvice, ...]
    profile: Profile
    plans: tuple[PlanCost, ...]
    present: tuple[str, ...] = field(default=())

    @property
    def best(self) -> PlanCost | None:
        """As of a number."""
        return _best(self.plans, self.present)

    @property
    def actual(self) -> int:
        """What was charged for all of it."""
        return sum(one.actual.total for one in self.numbers)

    @property
    def each_its_own(self) -> int | None:
        """With the cheapest plan for each number; None: one of them has none."""
        bests = [one.best for one in self.numbers]
        return sum(best.total for best in bests if best) if all(bests) else None


def last_months(now: datetime, count: int) -> tuple[int, int]:
    """The first and the last of so many whole months before this one."""
    return month_of(now) - count, month_of(now) - 1


def advise(reader: Reader, account: str, first: int, last: int, number: str | None = None) -> Advice:
    """Rate an account's calls of the months ``first`` to ``last`` under every plan of the book.

    :raises RatingError: there is no such account that this reader may see, no such number of it, or no plan.
    """
    name = account_name(reader, account)
    if name is None:
        raise RatingError(f"no such account: {account}")
    plans = all_plans(reader)
    if not plans:
        raise RatingError("the price book has no plan")
    uses = number_uses(reader, account, first, last, number)
    if not uses:
        raise RatingError(f"the account {account} has no number" + (f" {number}" if number else ""))
    months = tuple(range(first, last + 1))
    numbers = tuple(_number(use, plans, months) for use in uses)
    profiles = [one.profile for one in numbers]
    whole = profiles[0]
    for one in profiles[1:]:
        whole = whole.plus(one)
    present = {code for one in numbers for code in one.actual.plans}
    return Advice(
        account=account,
        name=name,
        months=months,
        numbers=numbers,
        profile=whole,
        plans=_sorted([_together(plan, numbers, months) for plan in plans]),
        present=tuple(sorted(present)),
    )


def _number(use: NumberUse, plans: Sequence[Plan], asked: tuple[int, ...]) -> NumberAdvice:
    usage = _usage(use, asked)
    by_code = {plan.code: plan for plan in plans}
    actual = _actual(use, usage, by_code)
    costs = [under_plan(plan, usage) for plan in plans]
    if _held_throughout(use, usage) and not actual.unrated:
        # What it was charged is the truth of its own plan: units that an earlier month left over are in it.
        read = _actual(
            replace(use, calls=[one for one in use.calls if _at(one.call) >= usage.since]), usage, by_code
        )
        costs = [
            PlanCost(one.plan, read.months, one.unpriced_kinds) if one.plan.code in actual.plans else one
            for one in costs
        ]
    return NumberAdvice(use.number, use.name, usage.months, profile(usage), actual, _sorted(costs))


def _usage(use: NumberUse, asked: tuple[int, ...]) -> Usage:
    """From its first subscription on; a number that never had one is taken for the whole time."""
    since = month_start(asked[0])
    if use.subscriptions:
        since = max(since, use.subscriptions[0].starts_at)
    months = tuple(month for month in asked if month >= month_of(since)) or asked
    full = frozenset(whole_months(use.subscriptions, months)) if use.subscriptions else frozenset(months)
    at = [(_at(one.call), one.call) for one in use.calls]
    # What came before it hangs on no plan.
    calls = [call for when, call in at if when >= since and month_of(when) in months]
    return Usage(use.number, since, months, full, calls)


def _at(call: MeteredCall) -> datetime:
    return call.answered_at or call.started_at


def _actual(use: NumberUse, usage: Usage, plans: dict[str, Plan]) -> Actual:
    months = {month: MonthCost() for month in usage.months}
    unrated = 0
    for one in use.calls:
        month = months.get(month_of(_at(one.call)))
        if month is None:
            continue
        month.calls += 1
        month.units += one.units
        month.included += one.included
        month.amount += one.amount or 0
        month.unpriced += one.refused
        unrated += one.amount is None
    for each, held in whole_months(use.subscriptions, usage.months).items():
        months[each].topped_up = max(plans[held.plan].minimum_monthly - months[each].amount, 0)
    until = month_start(usage.months[-1] + 1)
    codes = {
        held.plan
        for held in use.subscriptions
        if held.starts_at < until and (held.ends_at is None or held.ends_at > usage.since)
    }
    return Actual(months, tuple(sorted(codes)), unrated)


def _held_throughout(use: NumberUse, usage: Usage) -> bool:
    """Whether one subscription holds from the first moment that is looked at to the last."""
    until = month_start(usage.months[-1] + 1)
    return any(
        held.starts_at <= usage.since and (held.ends_at is None or held.ends_at >= until)
        for held in use.subscriptions
    )


def _together(plan: Plan, numbers: Sequence[NumberAdvice], months: tuple[int, ...]) -> PlanCost:
    sums = {month: MonthCost() for month in months}
    kinds: dict[str, int] = {}
    for number in numbers:
        cost = next(one for one in number.plans if one.plan.code == plan.code)
        for month, one in cost.months.items():
            for name in MonthCost.__slots__:
                setattr(sums[month], name, getattr(sums[month], name) + getattr(one, name))
        for kind, count in cost.unpriced_kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return PlanCost(plan, sums, kinds)


def _sorted(costs: Sequence[PlanCost]) -> tuple[PlanCost, ...]:
    return tuple(sorted(costs, key=lambda one: (not one.is_whole, one.total, one.plan.code)))


def _best(costs: Sequence[PlanCost], present: Sequence[str]) -> PlanCost | None:
    whole = [one for one in costs if one.is_whole]
    return min(whole, key=lambda one: (one.total, one.plan.code not in present, one.plan.code), default=None)
