"""Callers who wait in the filled box's queues, and lines that are signed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from appliance.config import Settings
from appliance.domain.queue import Waiting
from appliance.store.journal import Journal
from appliance.store.models import Queue
from appliance.store.unit import Store
from appliance.store.waitlist import Kept, Waitlist
from tests.support.seed import NUMBER

#: The newest call.
FIRST = "00000000-0000-4000-8000-000000000000"
NOW = datetime.now(UTC)
#: What a page sends that asks for its live part alone.
LIVE = {"HX-Request": "true", "HX-Target": "live"}


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    """The box's journal, as handlers have it."""
    with closing(Journal(settings.journal_file)) as opened:
        yield opened


@pytest.fixture
def asks(store: Store) -> Store:
    """The first account's queue asks for signing in."""
    with store.work() as session:
        session.execute(update(Queue).where(Queue.id == "hotline").values(sign_in=True))
        session.commit()
    return store


def waits(
    journal: Journal, caller: str, seconds: int = 60, queue: str = "hotline", account: str = "east", **more: object
) -> None:
    """A caller has been waiting for so long."""
    waiting = Waiting(
        f"uuid-{caller}",
        queue,
        NOW - timedelta(seconds=seconds),
        NUMBER,
        caller,
        **more,  # type: ignore[arg-type]
    )
    Waitlist(journal.file).keep(Kept(waiting, account, "1@2"))
