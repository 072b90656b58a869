"""Fixtures that give a test both databases: ``from tests.support.databases import *`` in a ``conftest.py``.

``empty_url`` is a database with nothing in it, ``database_url`` one of this version, ``store`` a store on it.
SQLite always runs; PostgreSQL where a server can be started, otherwise the test is skipped and says why.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.store import schema
from appliance.store.unit import Store
from tests.support.postgres import Server, Unavailable, shared_server

__all__ = ["copy_of", "database_url", "empty_url", "kind", "postgres_server", "sqlite_database", "store"]


@pytest.fixture(scope="session")
def postgres_server() -> Server:
    """The run's PostgreSQL server."""
    try:
        return shared_server()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database that a test runs on."""
    found: str = request.param
    return found


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/appliance.db"
    server: Server = request.getfixturevalue("postgres_server")
    return server.database()


Fill = Callable[[str], object]


@functools.cache
def _filled(fill: Fill, server: Server | None) -> str:
    """The database that is only copied; migrating one for each test would take minutes."""
    if server is not None:
        url = server.database()
    else:
        folder = tempfile.TemporaryDirectory(prefix="gateway400-sqlite-")
        atexit.register(folder.cleanup)
        url = f"sqlite:///{folder.name}/appliance.db"
    fill(url)
    return url


def _copied(fill: Fill, file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_filled(fill, None).removeprefix("sqlite:///"), file)
    return f"sqlite:///{file}"


def sqlite_database(file: Path) -> str:
    """Makes a SQLite database of this version; its URL. For what needs one more, or no PostgreSQL."""
    return _copied(schema.upgrade, file)


@pytest.fixture
def copy_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Fill], str]:
    """Gives a copy of a database that a function of its URL fills; it is called once a run for each kind."""

    def copied(fill: Fill) -> str:
        if kind == "postgres":
            server: Server = request.getfixturevalue("postgres_server")
            return server.database(like=_filled(fill, server))
        return _copied(fill, tmp_path / "appliance.db")

    return copied


@pytest.fixture
def database_url(copy_of: Callable[[Fill], str]) -> str:
    """A database of this version."""
    return copy_of(schema.upgrade)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on ``database_url``."""
    with Store(database_url) as made:
        yield made
