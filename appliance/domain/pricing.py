"""What one call costs. This is the only place where a price is decided.

Everything comes as arguments: the call, the price book, and how many included units are left for the call
(``grants`` folds those over the months). ``docs/rating.md`` has the rules; their numbers stand at the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.domain.money import round_half_up

#: A price with this ``caller`` is for every kind of caller.
ANY = "any"


class ChargeBy(StrEnum):
    """Whether a plan's units are seconds or calls."""

    TIME = "time"
    CALL = "call"


class Meter(StrEnum):
    """When a plan's meter starts: at the gateway's answer, or when a line answers."""

    ANSWER = "answer"
    BRIDGE = "bridge"


class Reason(StrEnum):
    """Why a charge is what it is."""

    UNANSWERED = "unanswered"
    FREE = "free"
    INCLUDED = "included"
    PART_INCLUDED = "part-included"
    CHARGED = "charged"


class Refusal(StrEnum):
    """Why a call cannot be priced."""

    NO_SUBSCRIPTION = "no-subscription"
    NO_PRICE = "no-price"


@dataclass(frozen=True, slots=True)
class Price:
    """A price from an instant on. Amounts are millionths of a yuan, durations seconds.

    ``effective_text`` is the instant as the book writes it: a charge names its price so. ``caller`` is ``any``
    or a caller's kind.
    """

    effective_from: datetime
    effective_text: str
    caller: str = ANY
    initial_seconds: int = 60
    step_seconds: int = 60
    free_seconds: int = 0
    connect_fee: int = 0
    per_minute: int = 0
    per_call: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: ``included`` units (seconds or calls) are granted a month, and live ``rollover_months`` longer."""

    code: str
    name: str
    charge_by: ChargeBy
    meter: Meter
    prices: tuple[Price, ...]
    included: int = 0
    rollover_months: int = 0
    minimum_monthly: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """A number's plan over ``[starts_at, ends_at)``; ``ends_at`` None: no end."""

    number: str
    plan: str
    starts_at: datetime
    ends_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the subscription holds ``at`` (rule 3)."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Plans by code and subscriptions by number. Whoever makes it sees to it that a number's never overlap."""

    plans: Mapping[str, Plan]
    subscriptions: Mapping[str, tuple[Subscription, ...]]


@dataclass(frozen=True, slots=True)
class MeteredCall:
    """A call as rating sees it. Durations are whole seconds; ``answered_at`` None: not answered."""

    call_id: str
    number: str
    caller_kind: str
    started_at: datetime
    answered_at: datetime | None
    billsec: int
    bridged_seconds: int


@dataclass(frozen=True, slots=True)
class Unratable:
    """A call that no subscription or no price holds for."""

    reason: Refusal


@dataclass(frozen=True, slots=True)
class Assessment:
    """A call read against the book, before grants: ``units`` are billable. ``price`` None: unanswered."""

    subscription: Subscription
    plan: Plan
    price: Price | None
    metered_seconds: int
    units: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call costs; ``amount`` in millionths of a yuan, ``price_from`` as the book writes it."""

    plan: str
    price_from: str
    metered_seconds: int
    billable_units: int
    included_units: int
    charged_units: int
    amount: int
    reason: Reason


def whole_seconds(milliseconds: int) -> int:
    """Metered milliseconds as billed seconds: rounded up.

    >>> whole_seconds(0), whole_seconds(1), whole_seconds(60_000), whole_seconds(60_001)
    (0, 1, 60, 61)
    """
    return -(-milliseconds // 1000)


def price_call(call: MeteredCall, book: PriceBook, included_available: int = 0) -> Charge | Unratable:
    """Price one call.

    :param included_available: granted units that this call may use (rule 8); 0: none.
    """
    assessed = assess(call, book)
    return assessed if isinstance(assessed, Unratable) else settle(assessed, included_available)


def assess(call: MeteredCall, book: PriceBook) -> Assessment | Unratable:
    """Find the call's subscription and price and count its units: rules 3 to 7."""
    subscription = _subscription(call, book)
    if subscription is None:
        return Unratable(Refusal.NO_SUBSCRIPTION)
    plan = book.plans[subscription.plan]
    metered = call.billsec if plan.meter is Meter.ANSWER else call.bridged_seconds
    if call.answered_at is None or metered == 0:
        return Assessment(subscription, plan, None, 0, 0)
    price = _price(plan, call.caller_kind, call.answered_at)
    if price is None:
        return Unratable(Refusal.NO_PRICE)
    units = 0 if metered <= price.free_seconds else _units(plan, price, metered)
    return Assessment(subscription, plan, price, metered, units)


def settle(assessed: Assessment, included_available: int = 0) -> Charge:
    """The charge of an assessed call that may use so many granted units: rules 9 and 10."""
    plan, price = assessed.plan, assessed.price
    if price is None:
        return Charge(plan.code, "", 0, 0, 0, 0, 0, Reason.UNANSWERED)
    included = min(assessed.units, included_available)
    charged = assessed.units - included
    if assessed.units == 0:
        reason = Reason.FREE
    elif charged == 0:
        reason = Reason.INCLUDED
    else:
        reason = Reason.PART_INCLUDED if included else Reason.CHARGED
    return Charge(
        plan=plan.code,
        price_from=price.effective_text,
        metered_seconds=assessed.metered_seconds,
        billable_units=assessed.units,
        included_units=included,
        charged_units=charged,
        amount=amount_of(plan, price, charged),
        reason=reason,
    )


def amount_of(plan: Plan, price: Price, charged_units: int) -> int:
    """Rule 9: what so many units cost, millionths of a yuan, rounded half up once."""
    if charged_units == 0:
        return 0
    if plan.charge_by is ChargeBy.CALL:
        return price.connect_fee + price.per_call
    # The connect fee is whole already, so rounding the rest is rounding the sum.
    return price.connect_fee + round_half_up(charged_units * price.per_minute, 60)


def _subscription(call: MeteredCall, book: PriceBook) -> Subscription | None:
    at = call.started_at if call.answered_at is None else call.answered_at
    return next((held for held in book.subscriptions.get(call.number, ()) if held.holds(at)), None)


def _price(plan: Plan, caller_kind: str, answered_at: datetime) -> Price | None:
    """Rule 5: a price for the caller's kind before one for any, then the latest."""
    begun = [price for price in plan.prices if price.effective_from <= answered_at]
    for caller in (caller_kind, ANY):
        fitting = [price for price in begun if price.caller == caller]
        if fitting:
            return max(fitting, key=lambda price: price.effective_from)
    return None


def _units(plan: Plan, price: Price, metered: int) -> int:
    """Rule 7."""
    if plan.charge_by is ChargeBy.CALL:
        return 1
    beyond = max(metered - price.initial_seconds, 0)
    return price.initial_seconds + -(-beyond // price.step_seconds) * price.step_seconds
