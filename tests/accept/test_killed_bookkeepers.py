"""Collecting, rating, closing and billing, killed at any moment: nothing is lost, booked twice or billed twice."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance.cdr.collect import collect_once
from appliance.domain.grants import month_of
from appliance.domain.money import FEN
from appliance.rating.again import rate_again
from appliance.rating.bill.check import check
from appliance.store import bills, ledger, ledger_check
from appliance.store.models import Bill, BilledCorrection, Charge, ClosedMonth, Correction
from appliance.store.unit import Store
from tests.cdr.test_collect_faults import PROJECT, _price_book
from tests.rating.killed import KILLS_A_MONTH, MONTH, WHO, at, keep_books
from tests.support.databases import *  # noqa: F403

pytestmark = [pytest.mark.accept, pytest.mark.timeout(1800)]
CALLS, KILLS = 300, 50
#: When all is done, a month after the last kill; and the months that are over by then, the calls' own the first.
NOW = at(KILLS // KILLS_A_MONTH + 1)
MONTHS = month_of(NOW) - MONTH


def test_the_books_stay_in_order(tmp_path: Path, database_url: str) -> None:
    store = Store(database_url)
    _price_book(store)
    seed = random.randrange(10**6)
    arguments = [str(tmp_path), database_url, str(CALLS), str(KILLS), str(seed)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.rating.killed", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=1300,
    )
    found = re.search(r"KILLS (\d+) WORKED (\d+) BILLS (\d+)", done.stdout)
    assert found, f"seed {seed}: {done.stdout}\n{done.stderr[-3000:]}"
    print(found[0], "seed", seed)
    assert int(found[1]) == KILLS and int(found[2]) > 0 and int(found[3]) > 0
    with store.reading() as session:
        issued = {row.number: row.document for row in session.scalars(select(Bill))}
        assert check(session) == [], f"seed {seed}"
        assert list(ledger_check.faults(session)) == [], f"seed {seed}"

    collect_once(tmp_path / "spool", store, lambda: NOW)
    for _ in range(2):
        keep_books(database_url, NOW)
    assert rate_again(store, lambda: NOW, book=WHO) == [], f"seed {seed}"
    with store.reading() as session:
        assert list(ledger_check.faults(session)) == [], f"seed {seed}"
        assert check(session) == [], f"seed {seed}"
        charges, amount = session.execute(select(func.count(Charge.id), func.sum(Charge.amount))).one()
        assert charges == CALLS, f"seed {seed}"
        assert session.scalar(select(func.count(ClosedMonth.month))) == MONTHS
        # Every month has its bill, numbered from 1 on, and every correction stands on one document. The first is no
        # whole month of the subscription: nothing was to be billed if it was closed before a call was collected.
        documents = session.scalars(select(Bill).order_by(Bill.sequence)).all()
        own, credits = ([one for one in documents if one.kind == kind] for kind in (bills.BILL, bills.CREDIT))
        billed = sorted(one.month for one in own)
        assert billed in (list(range(MONTH + first, MONTH + MONTHS)) for first in (0, 1)), f"seed {seed}"
        for kind in (own, credits):
            assert [one.sequence for one in kind] == list(range(1, len(kind) + 1)), f"seed {seed}"
        corrections = session.scalars(select(Correction.id).order_by(Correction.id)).all()
        assert (
            session.scalars(select(BilledCorrection.correction_id).order_by("correction_id")).all() == corrections
        )
        # What was issued while others were killed is what it was.
        assert issued.items() <= {one.number: one.document for one in documents}.items(), f"seed {seed}"
        # The charges and corrections to the millionth stand on the documents, and the documents in the ledger.
        gross = sum(one.gross for one in documents)
        assert ledger.balance(session, "east") == -gross * FEN, f"seed {seed}"
        corrected = session.scalar(select(func.coalesce(func.sum(Correction.amount), 0))) or 0
        assert gross * FEN >= amount + corrected
    store.close()
