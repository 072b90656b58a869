"""The price book of the box."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from appliance.domain import pricing
from appliance.store.models import Plan, Price, Subscription

if TYPE_CHECKING:
    from appliance.store.queries.scope import Reader


def load_book(session: Session | Reader, numbers: Collection[str]) -> pricing.PriceBook:
    """The subscriptions of ``numbers``, in the order of their start, and the plans they name."""
    held: dict[str, list[pricing.Subscription]] = {}
    rows = session.scalars(
        select(Subscription).where(Subscription.number.in_(numbers)).order_by(Subscription.starts_at)
    )
    for row in rows:
        held.setdefault(row.number, []).append(
            pricing.Subscription(row.number, row.plan_code, row.starts_at, row.ends_at)
        )
    codes = {subscription.plan for subscriptions in held.values() for subscription in subscriptions}
    return pricing.PriceBook(
        plans={plan.code: plan for plan in load_plans(session, Plan.code.in_(codes))},
        subscriptions={number: tuple(subscriptions) for number, subscriptions in held.items()},
    )


def load_plans(session: Session | Reader, which: ColumnElement[bool]) -> list[pricing.Plan]:
    """Plans with their prices, by code."""
    rows = session.scalars(select(Plan).where(which).order_by(Plan.code).options(selectinload(Plan.prices)))
    return [_plan(row) for row in rows]


def _plan(row: Plan) -> pricing.Plan:
    return pricing.Plan(
        code=row.code,
        name=row.name,
        charge_by=pricing.ChargeBy(row.charge_by),
        meter=pricing.Meter(row.meter),
        prices=tuple(map(_price, row.prices)),
        included=row.included,
        rollover_months=row.rollover_months,
        minimum_monthly=row.minimum_monthly,
    )


def _price(row: Price) -> pricing.Price:
    return pricing.Price(
        effective_from=row.effective_from,
        effective_text=row.effective_text,
        caller=row.caller,
        initial_seconds=row.initial_seconds,
        step_seconds=row.step_seconds,
        free_seconds=row.free_seconds,
        connect_fee=row.connect_fee,
        per_minute=row.per_minute,
        per_call=row.per_call,
    )
