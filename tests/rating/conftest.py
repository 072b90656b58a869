"""Fixtures of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.domain.pricing import PriceBook
from appliance.store.unit import Store
from tests.rating.billed import fill
from tests.rating.booked import pack
from tests.rating.prepaid import Box, Boxes
from tests.rating.stored import put_book
from tests.support.databases import *  # noqa: F403
from tests.support.databases import sqlite_database


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Store]:
    """For what does not hang on the kind of database: a store on SQLite alone."""
    with Store(sqlite_database(tmp_path / "light.db")) as made:
        yield made


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[Boxes]:
    """Makes a box of a store and a price book."""
    made: list[Box] = []

    def make(store: Store, prices: PriceBook) -> Box:
        put_book(store, prices)
        made.append(Box(store, tmp_path / "journal.db"))
        made[-1].terms()
        return made[-1]

    yield make
    for box in made:
        box.close()


@pytest.fixture
def box(boxes: Boxes, on_sqlite: Store) -> Box:
    """A yuan a second, prepaid, nothing included."""
    return boxes(on_sqlite, pack(included=0))


@pytest.fixture
def billed(copy_of: Callable[[Callable[[str], None]], str]) -> Iterator[Store]:
    """``fill``, a copy for each test."""
    with Store(copy_of(fill)) as store:
        yield store
