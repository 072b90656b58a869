"""Killed at every step of rating, posting, closing and correcting: done again, everything is there once."""

from __future__ import annotations

import functools
import multiprocessing
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.pricing import MeteredCall
from appliance.rating import again, run
from appliance.rating.again import rate_again
from appliance.rating.close import close_month
from appliance.rating.run import rate_all
from appliance.store import charging, closing, rerating, seals
from appliance.store.models import ClosedMonth, Correction, LedgerSeal, Price
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, WHO, call, faults, pack, yuan
from tests.rating.stored import charged, clock, put_book, put_calls
from tests.support.databases import sqlite_database
from tests.support.killed import killed_at_each

#: Every step that writes, as (where, name).
STEPS: list[tuple[Any, str]] = [
    (run, "save"),
    (charging, "post_charges"),
    (closing, "finish"),
    (seals, "add"),
    (again, "save"),
    (rerating, "correct"),
    (rerating, "append"),
    (Session, "commit"),
]
HALF = {"plan_code": "pack", "caller": "any", "effective_text": "half", "initial_seconds": 1, "step_seconds": 1}


def all_of_it(store: Store) -> None:
    """Rate, close January, and book what a price of the past changes."""
    rate_all(store, clock)
    close_month(store, MONTH, clock, grace=timedelta(), who=WHO)
    with store.reading() as session:
        published = session.scalar(select(Price.id).where(Price.effective_text == "half"))
    if published is None:
        with store.work() as session:
            session.add(Price(effective_from=JANUARY + DAY, per_minute=30_000_000, **HALF))
            session.commit()
    rate_again(store, clock, book=WHO)


def calls() -> list[MeteredCall]:
    """Two of January, one of February: 10, 10 and 20 yuan beyond what is included."""
    return [call("a", JANUARY, 110), call("b", JANUARY + 2 * DAY, 10), call("f", JANUARY + 40 * DAY, 120)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    filled = tmp_path / "filled.db"
    with Store(sqlite_database(filled)) as store:
        put_book(store, pack())
        put_calls(store, calls())
    for owner, name in STEPS:
        shutil.copy(filled, tmp_path / f"{name}.db")
        with Store(f"sqlite:///{tmp_path}/{name}.db") as store:
            run_all = functools.partial(all_of_it, store)
            sound = functools.partial(_is_sound, store)
            assert killed_at_each(run_all, owner, name, monkeypatch, after=after, then=sound) > 0, name
            all_of_it(store)
            _is_whole(store)


def _is_sound(store: Store) -> None:
    assert faults(store) == []


def _is_whole(store: Store) -> None:
    found = {uuid: charge.amount // 1_000_000 for uuid, charge in charged(store).items()}
    assert found == {"a": 10, "b": 10, "f": 10}
    # b was 10 yuan in a month that is closed, and half of that is given back.
    assert yuan(store) == -25 and faults(store) == []
    with store.reading() as session:
        assert [one.amount for one in session.scalars(select(Correction))] == [-5_000_000]
        assert len(session.scalars(select(ClosedMonth)).all()) == 1
        assert session.scalars(select(LedgerSeal)).first() is not None


def _work(url: str) -> None:
    with Store(url) as store:
        for _ in range(3):
            all_of_it(store)


def test_two_jobs_at_once_book_everything_once(store: Store, database_url: str) -> None:
    put_book(store, pack())
    put_calls(
        store, [call("a", JANUARY, 110), call("b", JANUARY + 2 * DAY, 10), call("f", JANUARY + 40 * DAY, 120)]
    )
    with store.work() as session:
        session.add(Price(effective_from=JANUARY + DAY, per_minute=30_000_000, **HALF))
        session.commit()
    store.engine.dispose()
    jobs = [multiprocessing.get_context("fork").Process(target=_work, args=(database_url,)) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert [job.exitcode for job in jobs] == [0, 0]
    assert yuan(store) == -25 and faults(store) == []
    with store.reading() as session:
        assert len(session.scalars(select(ClosedMonth)).all()) == 1
        assert session.scalars(select(Correction)).all() == []
