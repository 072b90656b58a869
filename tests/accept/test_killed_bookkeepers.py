"""Collecting, rating, closing and booking, killed at any moment: nothing is lost, nothing is booked twice."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance.cdr.collect import collect_once
from appliance.rating.again import rate_again
from appliance.store import ledger, ledger_check
from appliance.store.models import Charge, ClosedMonth, Correction
from appliance.store.unit import Store
from tests.cdr.test_collect_faults import PROJECT, _price_book
from tests.rating.killed import WHO, keep_books, later
from tests.support.databases import *  # noqa: F403

pytestmark = [pytest.mark.accept, pytest.mark.timeout(600)]
CALLS, KILLS = 300, 50


def test_the_ledger_stays_in_order(tmp_path: Path, database_url: str) -> None:
    store = Store(database_url)
    _price_book(store)
    seed = random.randrange(10**6)
    arguments = [str(tmp_path), database_url, str(CALLS), str(KILLS), str(seed)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.rating.killed", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
    )
    found = re.search(r"KILLS (\d+) WORKED (\d+)", done.stdout)
    assert found, f"seed {seed}: {done.stdout}\n{done.stderr[-3000:]}"
    assert int(found[1]) == KILLS and int(found[2]) > 0
    collect_once(tmp_path / "spool", store, later)
    keep_books(database_url)
    assert rate_again(store, later, book=WHO) == [], f"seed {seed}"
    with store.reading() as session:
        assert list(ledger_check.faults(session)) == [], f"seed {seed}"
        charges, amount = session.execute(select(func.count(Charge.id), func.sum(Charge.amount))).one()
        corrected = session.scalar(select(func.coalesce(func.sum(Correction.amount), 0)))
        assert charges == CALLS, f"seed {seed}"
        assert session.scalar(select(func.count(ClosedMonth.month))) == 1
        assert ledger.balance(session, "east") == -(amount + corrected), f"seed {seed}"
    store.close()
