"""A charge with the facts that explain it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.domain.closing import month_name
from appliance.store.models import Charge, Plan, Price
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price. Amounts are millionths of a yuan; ``effective_text`` is as the price book writes it."""

    effective_text: str
    caller: str
    initial_seconds: int
    step_seconds: int
    free_seconds: int
    connect_fee: int
    per_minute: int
    per_call: int


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan: ``charge_by`` time or call, ``meter`` answer or bridge, ``included`` units a month."""

    code: str
    name: str
    charge_by: str
    meter: str
    included: int
    rollover_months: int
    minimum_monthly: int


@dataclass(frozen=True, slots=True)
class ChargeView:
    """What a call costs, and by what. ``plan`` and ``price`` are None where none held.

    :param booked_late: the month whose bill has it, ``2026-02``, where the call came after its own was closed.
    """

    plan: PlanView | None
    price: PriceView | None
    metered_seconds: int
    billable_units: int
    included_units: int
    charged_units: int
    amount: int
    reason: str
    rated_at: datetime
    final: bool
    booked_late: str = ""


def charge_view(reader: Reader, charge: Charge, caller_kind: str) -> ChargeView:
    """The charge with its plan and the price it names."""
    plans = reader.scalars(select(Plan).where(Plan.code == charge.plan_code))
    prices = reader.scalars(
        select(Price).where(
            Price.plan_code == charge.plan_code,
            Price.effective_text == charge.price_from,
            Price.caller.in_([caller_kind, "any"]),
        )
    )
    # A price for the caller's kind goes before one for any (rule 5 of the rating rules).
    found = sorted(prices, key=lambda price: price.caller == "any")
    return ChargeView(
        plan=plan_view(plans[0]) if plans else None,
        price=price_view(found[0]) if found else None,
        metered_seconds=charge.metered_seconds,
        billable_units=charge.billable_units,
        included_units=charge.included_units,
        charged_units=charge.charged_units,
        amount=charge.amount,
        reason=charge.reason,
        rated_at=charge.rated_at,
        final=charge.final,
        booked_late=month_name(charge.booked_month) if charge.booked_month != charge.month else "",
    )


def plan_view(plan: Plan) -> PlanView:
    """A plan's row as a value."""
    return PlanView(
        code=plan.code,
        name=plan.name,
        charge_by=plan.charge_by,
        meter=plan.meter,
        included=plan.included,
        rollover_months=plan.rollover_months,
        minimum_monthly=plan.minimum_monthly,
    )


def price_view(price: Price) -> PriceView:
    """A price's row as a value."""
    return PriceView(
        effective_text=price.effective_text,
        caller=price.caller,
        initial_seconds=price.initial_seconds,
        step_seconds=price.step_seconds,
        free_seconds=price.free_seconds,
        connect_fee=price.connect_fee,
        per_minute=price.per_minute,
        per_call=price.per_call,
    )
