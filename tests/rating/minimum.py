"""Months with a minimum of which bills are issued."""

from __future__ import annotations

from dataclasses import replace

from appliance.rating.bill.check import check
from appliance.rating.bill.document import Document
from appliance.store import schema
from appliance.store.models import Account
from appliance.store.unit import Store
from tests.rating.booked import close, faults, pack, yuan
from tests.rating.stored import put_book

MINIMUM = 50_000_000


def fill(url: str) -> None:
    """A plan of a yuan a second, of which 50 are to be paid each month; and another enterprise."""
    schema.upgrade(url)
    with Store(url) as store:
        put(store)


def put(store: Store) -> None:
    book = pack(included=0)
    put_book(store, replace(book, plans={"pack": replace(book.plans["pack"], minimum_monthly=MINIMUM)}))
    with store.work() as session:
        session.add(Account(id="west", name="West"))
        session.commit()


def lines(document: Document | None) -> list[tuple[str, int]]:
    """Kind and whole yuan."""
    return [(line.kind.value, line.amount // 100) for line in document.lines] if document else []


def closed(store: Store, *months: int) -> None:
    for month in months:
        close(store, month)


def owed(store: Store) -> int:
    """Whole yuan that the account owes, by a ledger that agrees with its bills."""
    with store.reading() as session:
        assert check(session) == []
    assert faults(store) == []
    return -yuan(store)
