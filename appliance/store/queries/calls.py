"""Stored calls: a page of them, their sums, one with its legs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from appliance.domain import numbers
from appliance.store.models import Account, Call, CallLeg, Charge, Line, NumberList, Schedule, Settlement, Trunk
from appliance.store.queries.call_views import Attempt, CallDetail, CallRow, LegView, Place, SettlementView, Totals
from appliance.store.queries.charges import charge_view
from appliance.store.queries.scope import Reader

#: First words of ``Call.outcome`` that a filter may ask for.
OUTCOMES = ("answered", "abandoned", "failed", "refused", "ended", "abnormal")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls. Empty fields filter nothing; ``since`` is inclusive, ``until`` is not.

    :param number: a 400 number in any writing.
    :param caller: part of a caller's number, or of the name that was sent with it.
    :param outcome: one of ``OUTCOMES``.
    """

    number: str = ""
    caller: str = ""
    line_id: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


def count(reader: Reader, wanted: CallFilter) -> int:
    """How many calls a filter finds; much quicker than their sums."""
    found = reader.row(select(func.count(Call.id)).where(*_conditions(wanted)))
    return found[0] if found else 0


def totals(reader: Reader, wanted: CallFilter) -> Totals:
    """Count and sum the calls of a filter."""

    def counted(outcome: str) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((_is_outcome(outcome), 1), else_=0)), 0)

    found = reader.row(
        select(
            func.count(Call.id),
            counted("answered"),
            counted("abandoned"),
            counted("failed"),
            counted("refused"),
            func.coalesce(func.sum(Call.bridged_ms), 0),
            func.coalesce(func.sum(Charge.amount), 0),
        )
        .join_from(Call, Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .where(*_conditions(wanted))
    )
    return Totals(*(int(value) for value in found)) if found else Totals()


def page(
    reader: Reader, wanted: CallFilter, *, limit: int, offset: int = 0, after: Place | None = None
) -> Sequence[CallRow]:
    """Calls of a filter, newest first: ``limit`` of them, from ``offset`` on or behind the place ``after``."""
    statement = _rows().where(*_conditions(wanted))
    if after is not None:
        statement = statement.where(
            or_(
                Call.started_at < after.started_at,
                and_(Call.started_at == after.started_at, Call.id < after.id),
            )
        )
    statement = statement.order_by(Call.started_at.desc(), Call.id.desc()).limit(limit).offset(offset)
    return [_row(*found) for found in reader.rows(statement)]


def one(reader: Reader, uuid: str) -> CallDetail | None:
    """The call of that UUID with its trail, or None: there is none that this reader may see."""
    found = reader.row(_rows().where(Call.uuid == uuid))
    if found is None:
        return None
    call, line, charge = found
    legs = reader.scalars(select(CallLeg).where(CallLeg.call_uuid == uuid).order_by(CallLeg.started_at, CallLeg.id))
    tried = _pairs(call.tried)
    line_ids = {line_id for line_id, _ in tried} | {_line_of(leg) for leg in legs}
    lines = {line.id: line for line in reader.scalars(select(Line).where(Line.id.in_(line_ids)))}
    accounts = reader.scalars(select(Account.name).where(Account.id == call.account_id))
    trunks = reader.scalars(select(Trunk.name).where(Trunk.id == call.trunk_id))
    return CallDetail(
        row=_row(call, line, charge),
        account_name=next(iter(accounts), ""),
        trunk_name=next(iter(trunks), ""),
        flow=call.flow,
        mark=call.mark,
        because=call.because,
        named=_named(reader, call.because),
        notice=call.notice,
        unrecorded=call.unrecorded,
        hangup_cause=call.hangup_cause,
        sip_status=call.sip_status,
        tried=tuple(
            Attempt(line_id, lines[line_id].name, lines[line_id].number, how)
            if line_id in lines
            else Attempt(line_id, "", "", how)
            for line_id, how in tried
        ),
        legs=tuple(_leg(leg, lines) for leg in legs),
        charge=charge_view(reader, charge, call.caller_kind) if charge else None,
        talks=_talks(call.talks),
        callback_id=call.callback_id,
        settlement=_settlement(reader, uuid),
    )


def _settlement(reader: Reader, uuid: str) -> SettlementView | None:
    found = reader.scalars(
        select(Settlement).where(Settlement.call_uuid == uuid).order_by(Settlement.id.desc()).limit(1)
    )
    return SettlementView(found[0].action, found[0].by_login, found[0].reason, found[0].at) if found else None


def _named(reader: Reader, because: str) -> Mapping[str, str]:
    """The names of what a record's ``because`` speaks of, for ``CallDetail.named``."""
    parts = [part.partition("=") for part in because.split()]
    found: dict[str, str] = {}
    for kind, table in (("list", NumberList), ("schedule", Schedule)):
        asked = {value for name, _, value in parts if name == kind}
        if asked:
            rows = reader.rows(select(table.id, table.name).where(table.id.in_(asked), table.name != ""))
            found |= {f"{kind}={id_}": name for id_, name in rows}
    # A line that was passed over stands before its reason.
    lines = {name for name, equals, _ in parts if equals}
    if lines:
        rows = reader.rows(select(Line.id, Line.name).where(Line.id.in_(lines), Line.name != ""))
        found |= {f"line={id_}": name for id_, name in rows}
    return found


def any_call(reader: Reader) -> bool:
    """Whether this reader may see any call at all."""
    return reader.row(select(Call.id).limit(1)) is not None


def recording_of(reader: Reader, uuid: str) -> CallRow | None:
    """The call of that UUID if it has a recording that this reader may hear."""
    found = reader.row(_rows().where(Call.uuid == uuid, Call.recording != ""))
    return _row(*found) if found else None


def _rows() -> Select[Call, Line | None, Charge | None]:
    statement: Any = (
        select(Call, Line, Charge)
        .join_from(Call, Line, Line.id == Call.line_id, isouter=True)
        .join(Charge, Charge.call_uuid == Call.uuid, isouter=True)
    )
    return statement  # type: ignore[no-any-return]  # outer joins: what is missing comes as None


def _conditions(wanted: CallFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.number:
        conditions.append(Call.number == numbers.compact(wanted.number))
    if wanted.caller:
        conditions.append(_caller_matches(wanted.caller))
    if wanted.line_id:
        conditions.append(Call.line_id == wanted.line_id)
    if wanted.outcome:
        conditions.append(_is_outcome(wanted.outcome))
    if wanted.since is not None:
        conditions.append(Call.started_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Call.started_at < wanted.until)
    return conditions


def _caller_matches(text: str) -> ColumnElement[bool]:
    """The number as written or as kept (``+86 138 …`` finds ``138…``); else the name."""
    by_name = Call.caller_name.icontains(text.strip(), autoescape=True)
    return or_(caller_matches(Call.caller, text), by_name)


def caller_matches(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """A caller's number as written or as kept; what is no part of a number matches none."""
    digits = re.sub(r"[\s\-().]+", "", text)
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return false()
    kept = numbers.caller(digits).number or digits
    return or_(column.contains(digits, autoescape=True), column.contains(kept, autoescape=True))


def _is_outcome(outcome: str) -> ColumnElement[bool]:
    return or_(Call.outcome == outcome, Call.outcome.startswith(outcome + ":", autoescape=True))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``A=1;B=2`` read; what is not a pair is passed over."""
    split = (item.partition("=") for item in text.split(";"))
    return tuple((name, value) for name, sign, value in split if name and sign)


def _talks(text: str) -> tuple[tuple[str, int], ...]:
    return tuple((line_id, int(ms)) for line_id, ms in _pairs(text) if ms.isdecimal())


def _line_of(leg: CallLeg) -> str:
    variables = leg.facts.get("variables", leg.facts)
    return str(variables.get("gw_line", "")) if leg.role == "line" and isinstance(variables, dict) else ""


def _leg(leg: CallLeg, lines: dict[str, Line]) -> LegView:
    line_id = _line_of(leg)
    return LegView(
        role=leg.role,
        line_id=line_id,
        line_name=lines[line_id].name if line_id in lines else "",
        started_at=leg.started_at,
        answered_at=leg.answered_at,
        ended_at=leg.ended_at,
        hangup_cause=leg.hangup_cause,
    )


def _row(call: Call, line: Line | None, charge: Charge | None) -> CallRow:
    return CallRow(
        place=Place(call.started_at, call.id),
        uuid=call.uuid,
        account_id=call.account_id,
        started_at=call.started_at,
        answered_at=call.answered_at,
        joined_at=call.joined_at,
        ended_at=call.ended_at,
        number=call.number,
        trunk_id=call.trunk_id,
        caller=call.caller,
        caller_kind=call.caller_kind,
        caller_name=call.caller_name,
        line_id=call.line_id,
        line_name=line.name if line else "",
        line_number=line.number if line else "",
        outcome=call.outcome,
        keys=_pairs(call.keys),
        bridged_ms=call.bridged_ms,
        bill_ms=call.bill_ms,
        # A rejected row has no price: it is shown as not rated, never as free.
        amount=charge.amount if charge and not charge.reason.startswith("reject:") else None,
        recording=call.recording,
        flow=call.flow,
        way=_pairs(call.way),
        mark=call.mark,
        talks=_talks(call.talks),
    )
