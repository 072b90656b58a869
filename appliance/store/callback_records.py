"""Requests to be called back in the database, and what its calls say of them. Written by the collector."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from appliance.domain.callback import Request
from appliance.domain.queue import Left
from appliance.store.models import Call, Callback, QueueStay


class Answered(NamedTuple):
    """A caller who waited in a queue talked to a line, in a call."""

    queue: str
    caller: str
    call: str
    joined_at: datetime


def of_calls(call_uuids: Collection[str]) -> ColumnElement[bool]:
    """These calls, for ``calls_back`` and ``answered``."""
    return Call.uuid.in_(call_uuids)


def since(moment: datetime) -> ColumnElement[bool]:
    """All calls that began since then."""
    return Call.started_at >= moment


def calls_back(session: Session, which: ColumnElement[bool]) -> Sequence[Call]:
    """Those of the calls that were made to call somebody back."""
    return session.scalars(select(Call).where(which, Call.callback_id != "")).all()


def answered(session: Session, which: ColumnElement[bool]) -> list[Answered]:
    """Callers who can be told apart and were answered in a queue, or by the fallback after the queue had lost
    them, in these calls."""
    by_fallback = and_(QueueStay.left == Left.LOST.value, Call.joined_at >= QueueStay.entered_at)
    rows = session.execute(
        select(QueueStay.queue_id, Call.caller, Call.uuid, Call.joined_at)
        .join_from(QueueStay, Call, Call.uuid == QueueStay.call_uuid)
        .where(which, or_(QueueStay.left == Left.ANSWERED.value, by_fallback), Call.caller != "")
    )
    return [Answered(queue, caller, uuid, at) for queue, caller, uuid, at in rows if at is not None]


def write(session: Session, requests: Iterable[Request]) -> None:
    """Keep requests as they are now."""
    by_id = {request.id: request for request in requests}
    stored = {row.id: row for row in session.scalars(select(Callback).where(Callback.id.in_(by_id)))}
    for request in by_id.values():
        values = _values(request)
        row = stored.get(request.id)
        if row is None:
            session.add(Callback(id=request.id, **values))
            continue
        for name, value in values.items():
            setattr(row, name, value)


def _values(request: Request) -> dict[str, Any]:
    return {
        "queue_id": request.queue,
        "account_id": request.account,
        "number": request.number,
        "caller": request.caller,
        "callee": request.callee,
        "entered_at": request.entered_at,
        "asked_at": request.asked_at,
        "expires_at": request.expires_at,
        "attempts": request.attempts,
        "said": request.said[:60],
        "closed_at": request.closed_at,
        "ending": request.ending.value if request.ending is not None else "",
        "reason": request.reason[:200],
        "closed_by": request.closed_by[:100],
    }
