"""Costs of legs that went out: what carriers take, the legs that it is taken for, and what each cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain import cost, numbers
from appliance.domain.cdr import LONGEST_LEG, Role
from appliance.store.models import Call, CallLeg, LegCost, Line, TrunkCost
from appliance.store.parts import parts

#: Noted by the switch on each leg that goes out (``switch.dialling``).
_OUTWARD = "gw_outward"


@dataclass(frozen=True, slots=True)
class Went:
    """A leg that went out, as its cost is kept: what the carrier billed, beside what it hangs on."""

    leg_uuid: str
    call_uuid: str
    line_id: str
    dialled: str
    shown: str
    leg: cost.OutwardLeg


def load_costs(session: Session) -> cost.CostBook:
    """What every trunk takes; a box has some dozens of rows."""
    found: dict[str, tuple[cost.LineCost, ...]] = {}
    for row in session.scalars(select(TrunkCost).order_by(TrunkCost.effective_from)):
        made = cost.LineCost(
            trunk=row.trunk_id,
            effective_from=row.effective_from,
            effective_text=row.effective_text,
            line=row.line,
            initial_seconds=row.initial_seconds,
            step_seconds=row.step_seconds,
            connect_fee=row.connect_fee,
            per_minute=row.per_minute,
        )
        found[row.trunk_id] = (*found.get(row.trunk_id, ()), made)
    return found


def outward_legs(session: Session, call_uuids: Collection[str]) -> list[Went]:
    """The legs of these calls that went out: those of lines; of a call back both, for its line was rung first."""
    statement = (
        select(CallLeg, Call.callback_id)
        .join(Call, Call.uuid == CallLeg.call_uuid)
        .where(Call.uuid.in_(call_uuids))
        .order_by(CallLeg.id)
    )
    legs = [
        (leg, bool(callback_id and leg.role == Role.LINE))
        for leg, callback_id in session.execute(statement)
        if leg.role == Role.LINE or callback_id
    ]
    named = {str(leg.facts.get("gw_line", "")) for leg, _ in legs}
    lines = {line.id: line for line in session.scalars(select(Line).where(Line.id.in_(named)))}
    return [
        _went(leg, None if to_caller else lines.get(str(leg.facts.get("gw_line", "")))) for leg, to_caller in legs
    ]


def save(session: Session, costs: Iterable[tuple[Went, cost.LegCost]]) -> int:
    """Write what legs cost; returns how many are new or other than before."""
    changed = 0
    for part in parts(costs):
        uuids = [went.leg_uuid for went, _ in part]
        stored = {row.leg_uuid: row for row in session.scalars(select(LegCost).where(LegCost.leg_uuid.in_(uuids)))}
        for went, costed in part:
            values = _values(went, costed)
            row = stored.get(went.leg_uuid)
            if row is None:
                session.add(LegCost(leg_uuid=went.leg_uuid, **values))
            elif all(getattr(row, name) == value for name, value in values.items()):
                continue
            else:
                for name, value in values.items():
                    setattr(row, name, value)
            changed += 1
        session.flush()
    return changed


def calls_to_cost(
    session: Session, *, again: bool, since: datetime | None, until: datetime | None
) -> Iterator[list[str]]:
    """UUIDs of calls with a leg that has no cost yet, or of all calls (``again``), some hundred at a time.

    :param since: with ``until``: only calls that began in ``[since, until)``, and those before that may have
        been answered in it.
    """
    statement = (
        select(Call.uuid)
        .join(CallLeg, CallLeg.call_uuid == Call.uuid)
        .join(LegCost, LegCost.leg_uuid == CallLeg.leg_uuid, isouter=True)
        .where((CallLeg.role == Role.LINE.value) | (Call.callback_id != ""))
        .distinct()
    )
    if not again:
        statement = statement.where(LegCost.id.is_(None))
    if since is not None:
        statement = statement.where(Call.started_at >= since - LONGEST_LEG)
    if until is not None:
        statement = statement.where(Call.started_at < until)
    yield from parts(session.scalars(statement).all())


def _went(leg: CallLeg, line: Line | None) -> Went:
    """:param line: the line as it is now; None: it is gone, or this is the leg of one who is called back."""
    facts: Mapping[str, Any] = leg.facts
    dialled = numbers.caller(str(facts.get("sip_to_user") or facts.get("sip_req_user") or ""))
    number = dialled.number or (line.number if line is not None else "")
    # Legs from before the switch noted it, and those that the fallback rang, went by the line's own trunk.
    trunk = str(facts.get(_OUTWARD) or (line.trunk_id if line is not None else "") or "")
    answered_ms = 0 if leg.answered_at is None else _ms(leg.answered_at, leg.ended_at)
    kind = cost.line_kind(number, line.kind if line is not None else "")
    return Went(
        leg_uuid=leg.leg_uuid,
        call_uuid=leg.call_uuid,
        line_id=str(facts.get("gw_line", ""))[:40],
        dialled=number[:30],
        shown=numbers.caller(str(facts.get("sip_from_user", ""))).number[:30],
        leg=cost.OutwardLeg(trunk[:40], kind.value, leg.answered_at, answered_ms),
    )


def _values(went: Went, costed: cost.LegCost) -> dict[str, Any]:
    return {
        "call_uuid": went.call_uuid,
        "trunk_id": went.leg.trunk,
        "line_id": went.line_id,
        "line": went.leg.line,
        "dialled": went.dialled,
        "shown": went.shown,
        "answered_at": went.leg.answered_at,
        **asdict(costed),
        "reason": costed.reason.value,
    }


def _ms(since: datetime, until: datetime) -> int:
    """Whole milliseconds, each instant taken in whole ones, as ``domain.cdr_call`` counts them."""
    first, last = (int(at.timestamp()) * 1000 + at.microsecond // 1000 for at in (since, until))
    return max(last - first, 0)
