"""What explains a call's charge: the call, the price book that held, its grants, the cost of its legs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.domain import pricing
from appliance.domain.grants import month_of, month_start
from appliance.store import charges
from appliance.store.models import Call, Charge, LegCost, Line, Trunk
from appliance.store.plans import load_book
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class StoredCharge:
    """A charge as it is stored, and whether nothing changes it any more."""

    plan_code: str
    price_from: str
    billable_units: int
    included_units: int
    charged_units: int
    amount: int
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class CostedLeg:
    """A leg that went out and what it cost; ``reason`` as ``domain.cost.CostReason``."""

    trunk: str
    line: str
    kind: str
    seconds: int
    units: int
    amount: int
    cost_from: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything that a charge hangs on.

    :param used_before: units that the subscription's earlier calls used, ``(month, units)`` in order.
    :param legs: the legs that went out; None: who reads this may not see what they cost.
    """

    call: pricing.MeteredCall
    bill_ms: int
    bridged_ms: int
    outcome: str
    is_callback: bool
    charge: StoredCharge | None
    book: pricing.PriceBook
    used_before: tuple[tuple[int, int], ...]
    legs: tuple[CostedLeg, ...] | None


def explained(reader: Reader, uuid: str, *, costs: bool) -> Explained | None:
    """The call of that UUID with all of it, or None: there is none that this reader may see.

    :param costs: with what its legs cost, if the reader sees the whole box.
    """
    found = reader.row(
        select(Call, Charge).join(Charge, Charge.call_uuid == Call.uuid, isouter=True).where(Call.uuid == uuid)
    )
    if found is None:
        return None
    call, charge = found
    book = load_book(reader, {call.number})
    metered = charges.metered(call)
    return Explained(
        call=metered,
        bill_ms=call.bill_ms,
        bridged_ms=call.bridged_ms,
        outcome=call.outcome,
        is_callback=bool(call.callback_id),
        charge=None if charge is None else _stored(charge),
        book=book,
        used_before=tuple(_used_before(reader, metered, book)),
        legs=tuple(_legs(reader, uuid)) if costs and reader.scope.sees_all else None,
    )


def _stored(charge: Charge) -> StoredCharge:
    return StoredCharge(
        charge.plan_code,
        charge.price_from,
        charge.billable_units,
        charge.included_units,
        charge.charged_units,
        charge.amount,
        charge.reason,
        charge.final,
    )


def _used_before(reader: Reader, call: pricing.MeteredCall, book: pricing.PriceBook) -> list[tuple[int, int]]:
    assessed = pricing.assess(call, book)
    if call.answered_at is None or isinstance(assessed, pricing.Unratable) or not assessed.plan.included:
        return []
    begin = assessed.subscription.starts_at
    if not assessed.plan.rollover_months:
        begin = max(begin, month_start(month_of(call.answered_at)))
    statement = charges.units_by_month(call.number, begin, call.answered_at)
    used = [] if statement is None else [(int(month), int(units)) for month, units in reader.rows(statement)]
    at_once = _units_at(reader, call, call.answered_at)
    return [*used, (month_of(call.answered_at), at_once)] if at_once else used


def _units_at(reader: Reader, call: pricing.MeteredCall, at: datetime) -> int:
    """Of calls at the very instant those go before it whose id does, by ASCII code, not as the database sorts."""
    rows = reader.rows(
        select(Call.uuid, Charge.billable_units)
        .join(Charge, Charge.call_uuid == Call.uuid)
        .where(Call.number == call.number, Call.answered_at == at, Call.outcome != charges.ABNORMAL)
    )
    return sum(units for uuid, units in rows if uuid < call.call_id)


def _legs(reader: Reader, uuid: str) -> list[CostedLeg]:
    rows = reader.rows(
        select(LegCost, Line.name, Trunk.name)
        .join(Line, Line.id == LegCost.line_id, isouter=True)
        .join(Trunk, Trunk.id == LegCost.trunk_id, isouter=True)
        .where(LegCost.call_uuid == uuid)
        .order_by(LegCost.id)
    )
    return [
        CostedLeg(
            trunk=trunk or row.trunk_id,
            line=line or row.line_id,
            kind=row.line,
            seconds=row.seconds,
            units=row.units,
            amount=row.amount,
            cost_from=row.cost_from,
            reason=row.reason,
        )
        for row, line, trunk in rows
    ]
