"""Fixtures that give a test both databases: ``from tests.support.databases import *`` in a ``conftest.py``.

``empty_url`` is a database with nothing in it, ``database_url`` one of this version, ``store`` a store on it.
SQLite always runs; PostgreSQL where a server can be started, otherwise the test is skipped and says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store import schema
from appliance.store.unit import Store
from tests.support.postgres import Server, Unavailable, shared_server

__all__ = ["database_url", "empty_url", "postgres_server", "store"]


@pytest.fixture(scope="session")
def postgres_server() -> Server:
    """The run's PostgreSQL server."""
    try:
        return shared_server()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/appliance.db"
    server: Server = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture
def database_url(empty_url: str) -> str:
    """A database of this version."""
    schema.upgrade(empty_url)
    return empty_url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on ``database_url``."""
    made = Store(database_url)
    yield made
    made.close()
