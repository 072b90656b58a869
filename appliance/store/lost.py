"""Stored calls of which there is no CDR: written from what is known of them, and replaced by a CDR that comes after
all (``store.calls.derive_calls`` writes a call again, whoever wrote it first)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.cdr import Role
from appliance.domain.cdr_call import CallFacts
from appliance.domain.lost import Begun, Sound, closed, stays_lost
from appliance.store.calls import accounts_of, legs_of
from appliance.store.models import Call
from appliance.store.stays import write_stays

_FACTS = tuple(field.name for field in fields(CallFacts))


def stored_of(session: Session, uuids: Collection[str]) -> set[str]:
    """Those of the calls that are stored."""
    return set(session.scalars(select(Call.uuid).where(Call.uuid.in_(uuids))))


def close(
    session: Session, lost: Sequence[Begun], sounds: Mapping[str, Sound], now: datetime, home_area_code: str = ""
) -> list[str]:
    """Store calls that are lost and not stored yet, with their stays in queues; UUIDs of those that are written.

    :param sounds: what there is of their recordings, by the call's UUID.
    """
    legs = legs_of(session, [one.uuid for one in lost])
    records = {}
    for one in lost:
        lines = [leg for leg in legs.get(one.uuid, []) if leg.role is Role.LINE]
        record = closed(one, lines, sounds.get(one.uuid), home_area_code)
        if record is not None:
            records[one.uuid] = record
    accounts = accounts_of(session, {record.number for record in records.values() if record.account_id is None})
    calls = {}
    for uuid, record in records.items():
        values = {name: getattr(record, name) for name in _FACTS}
        values["account_id"] = record.account_id or accounts.get(record.number)
        calls[uuid] = Call(**values, collected_at=now)
        session.add(calls[uuid])
    begun = {one.uuid: one for one in lost}
    stays = {uuid: stays_lost(begun[uuid], record) for uuid, record in records.items()}
    session.flush()
    write_stays(session, stays, calls, ())
    return sorted(calls)
