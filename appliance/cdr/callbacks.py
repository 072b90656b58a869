"""What stored calls say of requests to be called back, and the requests themselves into the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from appliance.store import callback_records as records
from appliance.store.callbacks import Callbacks
from appliance.store.unit import Store


def tell(session: Session, requests: Callbacks, which: ColumnElement[bool], now: datetime) -> None:
    """Tell the journal how the calls back among these ended, and who was answered in a queue that he may have asked
    to be called back by. Told twice it is the same."""
    for call in records.calls_back(session, which):
        requests.recorded(call.callback_id, call.uuid, now, reached=call.joined_at is not None)
    for one in records.answered(session, which):
        requests.answered(one.queue, one.caller, one.call, one.joined_at, now)


def keep(store: Store, requests: Callbacks) -> None:
    """Copy to the database what has changed in the journal.

    :raises StoreError: the database is away; it is copied later.
    """
    changed = requests.unstored()
    if not changed:
        return
    with store.work() as session:
        records.write(session, [request for request, _ in changed])
        session.commit()
    requests.are_stored([(request.id, version) for request, version in changed])
