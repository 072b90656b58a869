"""What a leg that went out costs the box: the carrier's own terms, by trunk and by what was dialled.

This is the operator's side of a call; what the enterprise pays for it is ``pricing``. The two know nothing of each
other, and their difference is the margin. ``docs/decisions/0020-cost-and-margin.md`` says why they are apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.domain import numbers
from appliance.domain.money import round_half_up
from appliance.domain.numbers import CallerKind
from appliance.domain.pricing import whole_seconds

#: A cost with this ``line`` is for whatever is dialled.
ANY = "any"


class LineKind(StrEnum):
    """What is dialled; carriers price by it."""

    LANDLINE = "landline"
    MOBILE = "mobile"
    OVERSEAS = "overseas"
    UNKNOWN = "unknown"
    #: A SIP phone of the house.
    PHONE = "phone"


class CostReason(StrEnum):
    """Why a leg costs what it costs."""

    CHARGED = "charged"
    UNANSWERED = "unanswered"
    #: No carrier takes part.
    IN_HOUSE = "in-house"
    #: Nobody has said what this trunk takes for such a leg: its cost is not known, and certainly not nothing.
    NO_COST = "no-cost"


@dataclass(frozen=True, slots=True)
class LineCost:
    """What a trunk takes from an instant on. Amounts are millionths of a yuan, durations seconds.

    ``line`` is ``any`` or a ``LineKind``; ``effective_text`` the instant as the site file writes it.
    """

    trunk: str
    effective_from: datetime
    effective_text: str
    line: str = ANY
    initial_seconds: int = 60
    step_seconds: int = 60
    connect_fee: int = 0
    per_minute: int = 0


@dataclass(frozen=True, slots=True)
class OutwardLeg:
    """A leg that we placed: ``trunk`` empty for a SIP phone, or where nobody knows any more; ``line`` a
    ``LineKind``; ``answered_ms`` from its answer to its end."""

    trunk: str
    line: str
    answered_at: datetime | None
    answered_ms: int


@dataclass(frozen=True, slots=True)
class LegCost:
    """What a leg costs: ``amount`` in millionths of a yuan, ``cost_from`` as the site file writes it."""

    cost_from: str
    seconds: int
    units: int
    amount: int
    reason: CostReason


#: Costs by trunk.
CostBook = Mapping[str, tuple[LineCost, ...]]

_KINDS = {
    CallerKind.MOBILE: LineKind.MOBILE,
    CallerKind.FIXED: LineKind.LANDLINE,
    CallerKind.OVERSEAS: LineKind.OVERSEAS,
}


def line_kind(dialled: str, told: str = "") -> LineKind:
    """What was dialled: a phone, else by the number; where that has no area code, as the line is ``told``.

    >>> line_kind("013800138000").value, line_kind("51860000", "landline").value, line_kind("10086").value
    ('mobile', 'landline', 'unknown')
    """
    kind = None if told == LineKind.PHONE else _KINDS.get(numbers.caller(dialled).kind)
    if kind is not None:
        return kind
    return LineKind(told) if told in set(LineKind) else LineKind.UNKNOWN


def leg_cost(leg: OutwardLeg, book: CostBook) -> LegCost:
    """What a leg costs, whether it was joined to anybody or not: from its answer on the carrier counts."""
    if leg.line == LineKind.PHONE:
        return LegCost("", 0, 0, 0, CostReason.IN_HOUSE)
    seconds = whole_seconds(leg.answered_ms)
    if leg.answered_at is None or seconds == 0:
        return LegCost("", 0, 0, 0, CostReason.UNANSWERED)
    cost = _in_effect(book.get(leg.trunk, ()), leg.line, leg.answered_at)
    if cost is None:
        return LegCost("", seconds, 0, 0, CostReason.NO_COST)
    beyond = max(seconds - cost.initial_seconds, 0)
    units = cost.initial_seconds + -(-beyond // cost.step_seconds) * cost.step_seconds
    # The connect fee is whole already, so rounding the rest is rounding the sum.
    amount = cost.connect_fee + round_half_up(units * cost.per_minute, 60)
    return LegCost(cost.effective_text, seconds, units, amount, CostReason.CHARGED)


def _in_effect(costs: Iterable[LineCost], line: str, at: datetime) -> LineCost | None:
    """As prices are found (rule 5 of ``docs/rating.md``): its own kind before any, then the latest."""
    begun = [cost for cost in costs if cost.effective_from <= at]
    for kind in (line, ANY):
        fitting = [cost for cost in begun if cost.line == kind]
        if fitting:
            return max(fitting, key=lambda cost: cost.effective_from)
    return None
