"""Stays in queues, as the database has them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from appliance.store.models import Call, QueueStay
from appliance.store.unit import Store


class StayRow(NamedTuple):
    """A caller's stay, ``wait_ms`` long."""

    caller: str
    left: str
    entered_at: datetime
    wait_ms: int


def stays(database_url: str) -> list[StayRow]:
    """Every stay, in the order of arrival."""
    query = (
        select(Call.caller, QueueStay.left, QueueStay.entered_at, QueueStay.wait_ms)
        .join(Call, Call.uuid == QueueStay.call_uuid)
        .order_by(QueueStay.entered_at, QueueStay.id)
    )
    with Store(database_url) as store, store.reading() as session:
        return [StayRow(*row) for row in session.execute(query)]
