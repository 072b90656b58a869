"""A database to look at: two enterprises, their lines, numbers, plans, and some sixty calls with recordings.

``python -m tests.support.seed FOLDER`` fills ``FOLDER/appliance.db`` and ``FOLDER/recordings``, and adds the
operators ``admin`` (every account), ``desk`` (the first account) and ``other`` (the second), password
``correct horse``. The same seed gives the same calls.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from appliance.store.unit import Store
from tests.support.databases import sqlite_database
from tests.support.seed.calls import add_call, add_foreign_call, add_stays
from tests.support.seed.kept import keep, make_tasks
from tests.support.seed.site import NUMBER, OTHER_NUMBER, PASSWORD, SHANGHAI, add_site
from tests.support.seed.voices import add_prompt

__all__ = ["NUMBER", "OTHER_NUMBER", "PASSWORD", "SHANGHAI", "fill", "make"]


def fill(session: Session, recordings: Path | None, now: datetime, calls: int = 60) -> None:
    """Put everything in; the caller commits. Without a folder no recording is spoken."""
    add_site(session)
    dice = random.Random(400)
    at = now - timedelta(minutes=4)
    for serial in range(calls):
        add_call(session, recordings, dice, serial, at)
        at -= timedelta(minutes=dice.choice([3, 7, 18, 42, 95, 240, 700]), seconds=dice.randrange(60))
    add_foreign_call(session, now - timedelta(hours=2))
    add_stays(session)
    if recordings:
        add_prompt(session, recordings.parent / "prompts", now)


def make(folder: Path, now: datetime | None = None) -> Store:
    """A filled store in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(sqlite_database(folder / "appliance.db"))
    with store.work() as session:
        fill(session, folder / "recordings", now or datetime.now(UTC))
        session.commit()
    keep(store, folder / "recordings", now or datetime.now(UTC))
    make_tasks(store, now or datetime.now(UTC))
    return store
