"""Our side of a carrier's bill: calls that it brought us, or legs that went out by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.cost import CostReason
from appliance.domain.pricing import whole_seconds
from appliance.store.models import Call, Charge, LegCost, Trunk

_AT_ONCE = 2_000


class OurCall(NamedTuple):
    """A call or a leg as a bill names it; ``amount`` None: not known."""

    id: str
    called: str
    caller: str
    answered_at: datetime
    seconds: int
    amount: int | None


def landing_numbers(session: Session) -> dict[str, str]:
    """Landing number → 400 number, of all trunks: a carrier may bill by either."""
    return {landed: number for row in session.scalars(select(Trunk)) for landed, number in row.landing.items()}


def charged_calls(session: Session, since: datetime, until: datetime, trunk: str | None) -> Iterator[OurCall]:
    """Calls that came in and were answered in ``[since, until)``, with what we charge for them."""
    statement = (
        select(Call.uuid, Call.number, Call.caller, Call.answered_at, Call.bill_ms, Charge.amount, Charge.reason)
        .join_from(Call, Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .where(Call.answered_at >= since, Call.answered_at < until, Call.callback_id == "")
    )
    if trunk is not None:
        statement = statement.where(Call.trunk_id == trunk)
    for uuid, number, caller, at, bill_ms, amount, reason in session.execute(
        statement, execution_options={"yield_per": _AT_ONCE}
    ):
        known = reason is not None and not reason.startswith("reject:")
        if at is not None:
            yield OurCall(uuid, number, caller, at, whole_seconds(bill_ms), amount if known else None)


def costed_legs(session: Session, since: datetime, until: datetime, trunk: str | None) -> Iterator[OurCall]:
    """Legs that went out and were answered in ``[since, until)``, with what they cost us."""
    columns = (LegCost.leg_uuid, LegCost.dialled, LegCost.shown, LegCost.answered_at, LegCost.seconds)
    statement = select(*columns, LegCost.amount, LegCost.reason).where(
        LegCost.answered_at >= since,
        LegCost.answered_at < until,
        LegCost.reason.in_([CostReason.CHARGED.value, CostReason.NO_COST.value]),
    )
    if trunk is not None:
        statement = statement.where(LegCost.trunk_id == trunk)
    for uuid, dialled, shown, at, seconds, amount, reason in session.execute(
        statement, execution_options={"yield_per": _AT_ONCE}
    ):
        if at is not None:
            yield OurCall(uuid, dialled, shown, at, seconds, amount if reason == CostReason.CHARGED else None)
