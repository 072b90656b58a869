"""Fixtures of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store.unit import Store
from tests.support.databases import *  # noqa: F403
from tests.support.databases import sqlite_database


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Store]:
    """For what does not hang on the kind of database: a store on SQLite alone."""
    with Store(sqlite_database(tmp_path / "light.db")) as made:
        yield made
