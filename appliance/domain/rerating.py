"""Rating again: what a call is rated as, by what that differs from what is booked; closed months replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from appliance.domain.grants import Grants, allowance_of, month_of
from appliance.domain.pricing import Assessment, Charge, MeteredCall, Unratable, settle

#: Begins the reason of a call that cannot be priced.
REJECT = "reject:"
#: The reason of a call that a person waived: no rule gives it.
WAIVED_REASON = "waived"


class Figures(NamedTuple):
    """What a call is rated as, as it is stored: the columns of a charge."""

    plan_code: str
    price_from: str
    metered_seconds: int
    billable_units: int
    included_units: int
    charged_units: int
    amount: int
    reason: str

    @property
    def is_ratable(self) -> bool:
        """Whether a subscription and a price were found, or somebody waived it."""
        return not self.reason.startswith(REJECT)


#: A call that a person waived.
WAIVED = Figures("", "", 0, 0, 0, 0, 0, WAIVED_REASON)


def figures_of(charge: Charge | Unratable) -> Figures:
    """A charge as it is stored. A call that cannot be priced has figures too: it was looked at, and why is said."""
    if isinstance(charge, Unratable):
        return Figures("", "", 0, 0, 0, 0, 0, f"{REJECT}{charge.reason}")
    return Figures(
        charge.plan,
        charge.price_from,
        charge.metered_seconds,
        charge.billable_units,
        charge.included_units,
        charge.charged_units,
        charge.amount,
        charge.reason.value,
    )


class Cause(StrEnum):
    """The first thing by which a call is rated otherwise."""

    UNRATED = "unrated"
    SETTLED = "settled"
    RATABLE = "ratable"
    PLAN = "plan"
    PRICE = "price"
    DURATION = "duration"
    UNITS = "units"
    GRANTS = "grants"


def cause(old: Figures | None, new: Figures) -> Cause:
    """Why ``new`` is not ``old``.

    >>> a = Figures("p", "t", 60, 60, 0, 60, 100, "charged")
    >>> cause(None, a), cause(a, a._replace(price_from="u", amount=90)), cause(a, a._replace(included_units=60))
    (<Cause.UNRATED: 'unrated'>, <Cause.PRICE: 'price'>, <Cause.GRANTS: 'grants'>)
    """
    if old is None:
        return Cause.UNRATED
    if (old.reason == WAIVED_REASON) != (new.reason == WAIVED_REASON):
        return Cause.SETTLED
    if old.is_ratable != new.is_ratable:
        return Cause.RATABLE
    if old.plan_code != new.plan_code:
        return Cause.PLAN
    if old.price_from != new.price_from:
        return Cause.PRICE
    if old.metered_seconds != new.metered_seconds:
        return Cause.DURATION
    if old.billable_units != new.billable_units:
        return Cause.UNITS
    return Cause.GRANTS if old.included_units != new.included_units else Cause.PRICE


@dataclass(slots=True)
class Difference:
    """What rating again changes for one account and month: sums in millionths of a yuan, and calls by cause.

    ``old`` and ``new`` are sums of the calls that differ; the others stay what they are.
    """

    account_id: str
    month: int
    closed: bool
    old: int = 0
    new: int = 0
    causes: Counter[Cause] = field(default_factory=Counter)

    def add(self, why: Cause, old: int, new: int) -> None:
        """One more call."""
        self.old += old
        self.new += new
        self.causes[why] += 1

    @property
    def calls(self) -> int:
        """How many calls differ."""
        return self.causes.total()


def replay(
    booked: Iterable[tuple[int, MeteredCall, Assessment]],
) -> Iterator[tuple[MeteredCall, Charge]]:
    """Charge the calls of one subscription as they were when their months were closed, one after the other.

    A call that came when its month was closed used what was left then; so calls go by the month that they were
    booked in, and within it in the order of the rules. With the same book and calls the charges are those that
    are final.

    :param booked: calls with the month they were booked in.
    """
    answered: list[tuple[int, datetime, str, MeteredCall, Assessment]] = []
    for month, call, assessed in booked:
        if call.answered_at is None:
            yield call, settle(assessed)
        else:
            answered.append((month, call.answered_at, call.call_id, call, assessed))
    if not answered:
        return
    answered.sort(key=lambda entry: entry[:3])
    grants = Grants(allowance_of(answered[0][4]))
    for _, at, _, call, assessed in answered:
        yield call, settle(assessed, grants.take(month_of(at), assessed.units))
