"""Callers' stays in queues, written with their calls from the same legs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from appliance.domain.queue import Left, Stay
from appliance.store.models import Call, QueueStay

_VALUES = ("queue_id", "account_id", "number", "entered_at", "wait_ms", "left", "line_id")
#: What the column holds; a wait that is noted as longer is none.
_LONGEST_MS = 2**31 - 1


def write_stays(
    session: Session, stays: Mapping[str, Sequence[Stay]], calls: Mapping[str, Call], stored: Collection[str]
) -> None:
    """Give calls the stays that their legs tell; those that have them already are left as they are.

    :param stays: by the call's UUID; a call that is not named, or has none, loses those that it had.
    :param calls: all calls in question, by UUID.
    :param stored: those of them that were stored before: only they can have stays already.
    """
    there = _there(session, stored)
    wanted = {uuid: [_values(stay, calls[uuid]) for stay in several] for uuid, several in stays.items() if several}
    differing = sorted(uuid for uuid in there.keys() | wanted.keys() if there.get(uuid) != wanted.get(uuid))
    outdated = [uuid for uuid in differing if uuid in there]
    if outdated:
        session.execute(delete(QueueStay).where(QueueStay.call_uuid.in_(outdated)))
    rows = [
        {"call_uuid": uuid, "ordinal": ordinal, **values}
        for uuid in differing
        for ordinal, values in enumerate(wanted.get(uuid, ()), start=1)
    ]
    if rows:
        session.flush()  # they refer to their calls
        session.execute(insert(QueueStay), rows)


def _there(session: Session, call_uuids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Stored stays by call, in their order."""
    found: dict[str, list[dict[str, Any]]] = {}
    if call_uuids:
        rows = session.scalars(
            select(QueueStay).where(QueueStay.call_uuid.in_(call_uuids)).order_by(QueueStay.ordinal)
        )
        for row in rows:
            found.setdefault(row.call_uuid, []).append({name: getattr(row, name) for name in _VALUES})
    return found


def _values(stay: Stay, call: Call) -> dict[str, Any]:
    left = stay.left or Left.LOST
    return {
        "queue_id": stay.queue,
        "account_id": call.account_id,
        "number": call.number,
        "entered_at": stay.entered_at,
        "wait_ms": min(stay.waited // timedelta(milliseconds=1), _LONGEST_MS),
        "left": left.value,
        "line_id": call.line_id if left is Left.ANSWERED else "",
    }
