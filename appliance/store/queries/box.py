"""Facts of the whole box that belong to no account: no call is shown by them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from appliance.store.models import Call
from appliance.store.unit import Store


def last_collected_at(store: Store) -> datetime | None:
    """When the newest stored call was collected, or None: there is none yet. Also the health of the database.

    :raises StoreError: the database cannot be reached.
    """
    with store.reading() as session:
        # Collected in the order of ids; the column has no index of its own.
        newest = select(func.max(Call.id)).scalar_subquery()
        return session.scalar(select(Call.collected_at).where(Call.id == newest))
