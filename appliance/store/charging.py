"""Charges are written: by whom they are paid, in which month they are booked, and into the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from appliance.domain.closing import booked_month
from appliance.domain.grants import month_of
from appliance.domain.rerating import Figures
from appliance.store.charges import AT, PAYER
from appliance.store.ledger import post_charges
from appliance.store.models import Call, Charge, ClosedMonth
from appliance.store.parts import parts

#: The columns of a charge that rating decides.
RATED = tuple(getattr(Charge, name) for name in Figures._fields)
_MOST = 5000


def save(session: Session, rated: Mapping[str, Figures], now: datetime) -> list[str]:
    """Write and post the charges of calls; returns the calls whose charge is new or another one than before.

    A charge that stays as it was is not touched, and a final one never is. One whose month is closed is booked in
    the first month that is open. The caller has taken his turn (``charges.take_turn``).
    """
    all_changed: list[str] = []
    for part in parts(rated, _MOST):
        # Not by the session: it would make objects of what goes into a table as it is, and that is half the work.
        rows = (
            session.connection()
            .execute(
                select(Call.uuid, PAYER, AT, Charge.id, Charge.final, Charge.account_id, Charge.month, *RATED)
                .join(Charge, Charge.call_uuid == Call.uuid, isouter=True)
                .where(Call.uuid.in_(part))
            )
            .all()
        )
        closed = closed_through(session, {row[1] for row in rows})
        changed: list[str] = []
        new, other = [], []
        for uuid, account_id, at, charge_id, final, *before in rows:
            figures, month = rated[uuid], month_of(at)
            if charge_id is not None and (final or before == [account_id, month, *figures]):
                continue
            values: dict[str, Any] = {
                "account_id": account_id,
                "month": month,
                "booked_month": booked_month(month, closed.get(account_id)),
                "rated_at": now,
                **figures._asdict(),
            }
            changed.append(uuid)
            if charge_id is None:
                new.append({"call_uuid": uuid, "final": False, **values})
            else:
                other.append({"id": charge_id, **values})
        if new:
            session.connection().execute(insert(Charge.__table__), new)  # type: ignore[arg-type]
        if other:
            session.execute(update(Charge), other)
        post_charges(session, changed, now)
        all_changed += changed
    return all_changed


def closed_through(session: Session, account_ids: Collection[str]) -> dict[str, int]:
    """The last closed month of each account that has one."""
    rows = session.execute(
        select(ClosedMonth.account_id, func.max(ClosedMonth.month).label("month"))
        .where(ClosedMonth.account_id.in_(account_ids))
        .group_by(ClosedMonth.account_id)
    )
    return {row.account_id: row.month for row in rows}
