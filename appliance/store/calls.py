"""Stored calls and their legs: written by the collector, each leg once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from appliance.domain.cdr import Leg, Rejected, Role, clean, read_leg
from appliance.domain.cdr_call import CallFacts, derive_call
from appliance.domain.cdr_call import stays as stays_of
from appliance.domain.queue import Stay
from appliance.store import charges
from appliance.store.journal import Talked
from appliance.store.models import Call, CallLeg, Number, SetAside
from appliance.store.stays import write_stays
from appliance.store.void import Place, place, void_charges

_FACTS = tuple(field.name for field in fields(CallFacts))
#: What a charge hangs on: when one of these changes, a provisional charge is void.
_RATED_BY = ("number", "caller_kind", "started_at", "answered_at", "bill_ms", "bridged_ms")


def add_legs(session: Session, legs: Iterable[Leg]) -> list[str]:
    """Store legs that are not stored yet; the UUIDs of the calls that new legs belong to, sorted."""
    by_uuid: dict[str, Leg] = {}
    for leg in legs:
        by_uuid.setdefault(leg.uuid, leg)
    known = set(session.scalars(select(CallLeg.leg_uuid).where(CallLeg.leg_uuid.in_(by_uuid))))
    new = [leg for leg in by_uuid.values() if leg.uuid not in known]
    if new:
        session.execute(insert(CallLeg), [_leg_row(leg) for leg in new])
    return sorted({leg.call_uuid for leg in new})


def derive_calls(
    session: Session, call_uuids: Collection[str], now: datetime, home_area_code: str = ""
) -> list[str]:
    """Write the calls again from all their legs; returns those whose caller's leg is known, and others that are to
    be rated again with them, sorted.

    A call that changes in what it is rated by loses its charge, unless that is final: it is to be rated again. If
    it gives back units that it used, so does the next one that may draw on them (``store.void``). Its stays in
    queues go with it.
    """
    derived: dict[str, CallFacts] = {}
    stays: dict[str, list[Stay]] = {}
    for call_uuid, legs in legs_of(session, call_uuids).items():
        caller = next((leg for leg in legs if leg.role is Role.CALLER), None)
        if caller is not None:
            lines = [leg for leg in legs if leg.role is Role.LINE]
            facts = derived[call_uuid] = derive_call(caller, lines, home_area_code)
            stays[call_uuid] = stays_of(caller, facts)
    accounts = accounts_of(session, {facts.number for facts in derived.values() if facts.account_id is None})
    calls = {call.uuid: call for call in session.scalars(select(Call).where(Call.uuid.in_(derived)))}
    stored = frozenset(calls)
    void: dict[str, Place] = {}
    for call_uuid, facts in derived.items():
        values = {name: getattr(facts, name) for name in _FACTS}
        values["account_id"] = facts.account_id or accounts.get(facts.number)
        if call_uuid not in stored:
            calls[call_uuid] = Call(**values, collected_at=now)
            session.add(calls[call_uuid])
        else:
            was = place(calls[call_uuid])
            if _update(calls[call_uuid], values):
                void[call_uuid] = was
    again: list[str] = []
    if void:
        charges.take_turn(session)
        session.flush()
        again = void_charges(session, {uuid: (was, place(calls[uuid])) for uuid, was in void.items()})
    write_stays(session, stays, calls, stored)
    return sorted({*derived, *again})


def talks(session: Session, call_uuids: Collection[str]) -> list[Talked]:
    """Those of the calls in which a line was joined."""
    return _talks(session, Call.uuid.in_(call_uuids))


def talks_since(session: Session, since: datetime) -> list[Talked]:
    """Those of all calls that began since then."""
    return _talks(session, Call.started_at >= since)


def _talks(session: Session, which: ColumnElement[bool]) -> list[Talked]:
    rows = session.scalars(select(Call).where(which, Call.joined_at.is_not(None)))
    return [talk for row in rows if (talk := talk_of(row)) is not None]


def talk_of(call: Call | CallFacts) -> Talked | None:
    """The talk of a call; None: no line was joined."""
    if call.joined_at is None:
        return None
    until = call.joined_at + timedelta(milliseconds=call.bridged_ms)
    return Talked(call.uuid, call.number, call.caller, call.line_id, call.joined_at, until)


def note_set_aside(session: Session, reasons: Mapping[str, str], now: datetime) -> None:
    """Note files that are set aside, by name; a name that is noted already gets the new reason."""
    by_name = {clean(name, 255): clean(reason, 1000) for name, reason in reasons.items()}
    noted = {row.file: row for row in session.scalars(select(SetAside).where(SetAside.file.in_(by_name)))}
    for name, reason in by_name.items():
        if name in noted:
            noted[name].reason = reason
        else:
            session.add(SetAside(file=name, reason=reason, at=now))


def forget_set_aside(session: Session, names: Sequence[str]) -> None:
    """Files that a person has put back and that were stored now are no longer set aside."""
    session.execute(delete(SetAside).where(SetAside.file.in_(names)))


def _leg_row(leg: Leg) -> dict[str, Any]:
    return {
        "leg_uuid": leg.uuid,
        "call_uuid": leg.call_uuid,
        "role": leg.role.value,
        "started_at": leg.started_at,
        "answered_at": leg.answered_at,
        "ended_at": leg.ended_at,
        "hangup_cause": leg.hangup_cause,
        "facts": dict(leg.facts),
    }


def legs_of(session: Session, call_uuids: Collection[str]) -> dict[str, list[Leg]]:
    """Stored legs by call, read from their facts by the same rule that read the files."""
    found: dict[str, list[Leg]] = {}
    rows = session.execute(
        select(CallLeg.call_uuid, CallLeg.role, CallLeg.facts).where(CallLeg.call_uuid.in_(call_uuids))
    )
    for call_uuid, role, facts in rows:
        leg = read_leg(facts, Role(role))
        if not isinstance(leg, Rejected):
            found.setdefault(call_uuid, []).append(leg)
    return found


def accounts_of(session: Session, called: Collection[str]) -> dict[str, str]:
    """Accounts by number: a call that the handlers never saw carries none."""
    if not called:
        return {}
    rows = session.execute(select(Number.number, Number.account_id).where(Number.number.in_(called)))
    return {row.number: row.account_id for row in rows}


def _update(call: Call, values: Mapping[str, Any]) -> bool:
    """Write what changed; whether a charge is void by it.

    What a person decided of a call that had no CDR goes when there is one after all.
    """
    changed = [name for name, value in values.items() if getattr(call, name) != value]
    for name in changed:
        setattr(call, name, values[name])
    if call.settled and "outcome" in changed:
        call.settled = ""
        return True
    return any(name in _RATED_BY for name in changed)
