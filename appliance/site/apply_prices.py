"""Plans, prices and subscriptions of a file into the store. What calls were charged by is never edited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select

from appliance.site.check_prices import overlap, span
from appliance.site.findings import Path
from appliance.site.merge import Merge, differences
from appliance.site.schema import PlanPart, PricePart, SubscriptionPart
from appliance.store.models import Call, Charge, Plan, Price, Subscription

#: Fields of a plan that its calls were rated by; its name and minimum are an invoice matter.
_TERMS = ("charge_by", "meter", "included", "rollover_months")


def merge_plans(merge: Merge) -> None:
    """Plans and their prices."""
    for index, part in enumerate(merge.document.site.plans):
        values = part.model_dump(exclude={"code", "prices"})
        row = merge.session.get(Plan, part.code)
        if row is None:
            merge.add("plan", part.code, Plan(code=part.code, **values))
            merge.session.flush()
        else:
            _keep_terms(merge, index, part, row)
            merge.update("plan", part.code, row, values)
        stored = {
            (price.caller, price.effective_from): price
            for price in merge.session.scalars(select(Price).where(Price.plan_code == part.code))
        }
        for at, price in enumerate(part.prices):
            known = stored.get((price.caller, price.effective_from.at))
            _merge_price(merge, ("plans", index, "prices", at), part.code, price, known)
    merge.session.flush()


def _keep_terms(merge: Merge, index: int, part: PlanPart, row: Plan) -> None:
    edited = differences(row, {name: getattr(part, name) for name in _TERMS})
    if edited and merge.session.scalar(select(exists().where(Charge.plan_code == part.code))):
        path = ("plans", index, edited[0])
        merge.faults.append(merge.document.finding(path, "plan-charged", what=", ".join(edited)))


def _merge_price(merge: Merge, path: Path, plan: str, part: PricePart, known: Price | None) -> None:
    """A price that is not there is added; one that is there is compared only."""
    values = part.model_dump(exclude={"effective_from", "caller"})
    if known is None:
        merge.add(
            "price",
            f"{plan} {part.caller} {part.effective_from.text}",
            Price(
                plan_code=plan,
                caller=part.caller,
                effective_from=part.effective_from.at,
                effective_text=part.effective_from.text,
                **values,
            ),
        )
        return
    # The same instant written with another offset is no change: charges name the price as first written.
    edited = differences(known, values)
    if edited:
        merge.faults.append(merge.document.finding((*path, edited[0]), "price-published", what=", ".join(edited)))


def merge_subscriptions(merge: Merge) -> None:
    """Subscriptions, each known by its number and its start."""
    held: dict[str, dict[datetime, Subscription]] = {}
    for row in merge.session.scalars(select(Subscription)):
        held.setdefault(row.number, {})[row.starts_at] = row
    for index, number in enumerate(merge.document.site.numbers):
        stored = held.get(number.number, {})
        named = {part.starts_at.at for part in number.subscriptions}
        absent = [row for start, row in sorted(stored.items()) if start not in named and not merge.prune]
        for at, part in enumerate(number.subscriptions):
            path: Path = ("numbers", index, "subscriptions", at)
            for row in absent:
                if overlap(span(part), (row.starts_at, row.ends_at)):
                    value = row.starts_at.isoformat()
                    merge.faults.append(
                        merge.document.finding(path, "stored-overlap", plan=row.plan_code, value=value)
                    )
            _merge_subscription(merge, path, number.number, part, stored.get(part.starts_at.at))
    merge.session.flush()


def _merge_subscription(
    merge: Merge, path: Path, number: str, part: SubscriptionPart, row: Subscription | None
) -> None:
    ends_at = part.ends_at.at if part.ends_at else None
    key = f"{number} {part.plan} {part.starts_at.text}"
    if row is None:
        made = Subscription(number=number, plan_code=part.plan, starts_at=part.starts_at.at, ends_at=ends_at)
        merge.add("subscription", key, made)
        return
    if row.plan_code != part.plan and is_charged(merge, row):
        merge.faults.append(merge.document.finding((*path, "plan"), "subscription-charged", value=row.plan_code))
        return
    merge.update("subscription", key, row, {"plan_code": part.plan, "ends_at": ends_at})


def is_charged(merge: Merge, row: Subscription) -> bool:
    """Whether a call of the subscription's number and time was charged by its plan."""
    query = (
        select(Charge.id)
        .join(Call, Call.uuid == Charge.call_uuid)
        .where(Call.number == row.number, Charge.plan_code == row.plan_code, Call.started_at >= row.starts_at)
    )
    if row.ends_at is not None:
        query = query.where(Call.started_at < row.ends_at)
    return merge.session.scalar(query.limit(1)) is not None
