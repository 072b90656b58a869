"""What explains a call's charge: the call, the price book that held, its grants, the cost of its legs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, literal, or_, select

from appliance.domain import pricing
from appliance.store import charges
from appliance.store.models import Call, Charge, Correction, CorrectionItem, LegCost, Line, Settlement, Trunk
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
    #: The month whose bill has it, where the call came after its own was closed.
    booked_late: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a person decided of a call that could not be charged by itself: ``action`` charge or waive."""

    action: str
    by_login: str
    reason: str
    at: datetime


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

    :param used_before: included units that the subscription's calls had used before it was its turn,
        ``(month, units)``.
    :param settled: what a person decided of it last; None: nobody had to.
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
    settled: Settled | None = None


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
        used_before=tuple(_used_before(reader, metered, charge, book)),
        legs=tuple(_legs(reader, uuid)) if costs and reader.scope.sees_all else None,
        settled=_settled(reader, uuid),
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
        charge.booked_month if charge.booked_month != charge.month else None,
    )


def _settled(reader: Reader, uuid: str) -> Settled | None:
    newest = select(Settlement).where(Settlement.call_uuid == uuid).order_by(Settlement.id.desc()).limit(1)
    found = reader.scalars(newest)
    return Settled(found[0].action, found[0].by_login, found[0].reason, found[0].at) if found else None


def _used_before(
    reader: Reader, call: pricing.MeteredCall, charge: Charge | None, book: pricing.PriceBook
) -> list[tuple[int, int]]:
    """By calls of earlier bills, whenever they were, and by those of its own bill that go before it."""
    assessed = pricing.assess(call, book)
    if charge is None or call.answered_at is None or isinstance(assessed, pricing.Unratable):
        return []
    held = assessed.subscription
    # A charge is written anew when a correction leaves less, until its month is closed: a final one used what those
    # had left that were booked by then, which no later month than its own can have.
    last = (
        charges.last_corrections(call.number)
        .join(Correction, Correction.id == CorrectionItem.correction_id)
        .where(or_(literal(not charge.final), Correction.booked_month <= charge.booked_month))
    )
    units = func.coalesce(CorrectionItem.included_units, Charge.included_units)
    statement = (
        select(Charge.month, Call.answered_at, Call.uuid, Charge.booked_month, units)
        .join(Call, Call.uuid == Charge.call_uuid)
        .join(
            CorrectionItem,
            and_(CorrectionItem.call_uuid == Charge.call_uuid, CorrectionItem.id.in_(last)),
            isouter=True,
        )
        .where(Call.number == call.number, Call.answered_at >= held.starts_at, units > 0)
        .where(Charge.booked_month <= charge.booked_month)
        .where(Charge.month >= charge.month - assessed.plan.rollover_months)
        .where(Charge.month <= charge.month + assessed.plan.rollover_months)
    )
    if held.ends_at is not None:
        statement = statement.where(Call.answered_at < held.ends_at)
    used: dict[int, int] = {}
    for month, at, uuid, booked, taken in reader.rows(statement):
        # By ASCII code, not as the database sorts.
        if booked < charge.booked_month or (at, uuid) < (call.answered_at, call.call_id):
            used[month] = used.get(month, 0) + taken
    return sorted(used.items())


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
