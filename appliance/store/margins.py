"""What calls bring and what they cost, month by month: the operator's own report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from appliance.domain.cost import CostReason
from appliance.store.models import Call, Charge, LegCost


@dataclass(frozen=True, slots=True)
class Margin:
    """One number's calls of a span: ``charged`` less ``cost``, millionths of a yuan.

    :param unrated: calls without a charge, or that no price held for: what they bring is not known.
    :param uncosted: answered legs that nothing says the cost of: the margin is too high by what they took.
    """

    account_id: str
    number: str
    calls: int
    charged: int
    unrated: int
    legs: int
    cost: int
    uncosted: int

    @property
    def margin(self) -> int:
        """What is left of the charges."""
        return self.charged - self.cost


class Spent(NamedTuple):
    """What legs cost, millionths of a yuan. ``uncosted``: answered legs that nothing says the cost of."""

    cost: int
    uncosted: int


def spent_on_bill(session: Session, account_id: str, month: int) -> Spent:
    """The cost of the calls that stand on an account's bill of a month, late ones of earlier months among them."""
    statement = (
        select(
            func.coalesce(func.sum(LegCost.amount), 0),
            func.coalesce(func.sum(case((LegCost.reason == CostReason.NO_COST.value, 1), else_=0)), 0),
        )
        .join(Charge, Charge.call_uuid == LegCost.call_uuid)
        .where(Charge.account_id == account_id, Charge.booked_month == month)
    )
    cost, uncosted = session.execute(statement).one()
    return Spent(int(cost), int(uncosted))


def margins(session: Session, since: datetime, until: datetime, account_id: str | None = None) -> Sequence[Margin]:
    """By account and number, the calls answered in ``[since, until)``, or begun in it if nobody answered."""
    at = func.coalesce(Call.answered_at, Call.started_at)
    spent = (
        select(
            LegCost.call_uuid.label("call_uuid"),
            func.count().label("legs"),
            func.sum(LegCost.amount).label("cost"),
            func.sum(case((LegCost.reason == CostReason.NO_COST.value, 1), else_=0)).label("uncosted"),
        )
        .where(LegCost.reason.in_([CostReason.CHARGED.value, CostReason.NO_COST.value]))
        .group_by(LegCost.call_uuid)
        .subquery()
    )
    rated = case((Charge.id.is_(None), 1), (Charge.reason.startswith("reject:"), 1), else_=0)
    statement = (
        select(
            Call.account_id,
            Call.number,
            func.count(Call.id),
            func.coalesce(func.sum(Charge.amount), 0),
            func.sum(rated),
            func.coalesce(func.sum(spent.c.legs), 0),
            func.coalesce(func.sum(spent.c.cost), 0),
            func.coalesce(func.sum(spent.c.uncosted), 0),
        )
        .join_from(Call, Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .join(spent, spent.c.call_uuid == Call.uuid, isouter=True)
        .where(at >= since, at < until)
        .group_by(Call.account_id, Call.number)
    )
    if account_id is not None:
        statement = statement.where(Call.account_id == account_id)
    rows = session.execute(statement).all()
    found = [Margin(account or "", number, *map(int, sums)) for account, number, *sums in rows]
    return sorted(found, key=lambda row: (row.account_id, row.number))
