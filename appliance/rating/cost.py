"""Legs that went out get their cost: as their calls are collected, and again when somebody asks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.domain.cost import leg_cost
from appliance.domain.grants import month_start
from appliance.store import costs
from appliance.store.unit import Store


def cost_calls(session: Session, call_uuids: Collection[str]) -> int:
    """Cost the legs of these calls that went out; the caller commits. Returns how many costs are new or other.

    Doing it again changes nothing. A call that is priced, refused or closed as ``abnormal`` makes no difference:
    the carrier takes what it takes.
    """
    book = costs.load_costs(session)
    return costs.save(
        session, [(went, leg_cost(went.leg, book)) for went in costs.outward_legs(session, call_uuids)]
    )


def cost_all(store: Store, *, again: bool = False, month: int | None = None) -> int:
    """Cost every leg that has none yet, or every one (``again``), some hundred calls in a unit of work.

    :param month: only calls of that month (``domain.grants.month_of``).
    :raises StoreError: the database is full or gone; what was done before stays done.
    """
    since, until = _span(month)
    with store.reading() as session:
        parts = list(costs.calls_to_cost(session, again=again, since=since, until=until))
    changed = 0
    for part in parts:
        with store.work() as session:
            changed += cost_calls(session, part)
            session.commit()
    return changed


def _span(month: int | None) -> tuple[datetime | None, datetime | None]:
    return (None, None) if month is None else (month_start(month), month_start(month + 1))
