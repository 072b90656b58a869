"""What databases say when something is wrong, in one sentence for the person at the machine.

Only faults of the surroundings are translated: a full disk, a lock, a server that is away, a file that is no
database of ours. A broken constraint or a wrong statement is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.errors import StoreError

if TYPE_CHECKING:
    import psycopg

_SQLITE = {
    "SQLITE_FULL": "the disk (or the size the database is allowed) is full; nothing was stored",
    "SQLITE_BUSY": "locked by another program for too long; nothing was stored",
    "SQLITE_LOCKED": "locked by another program for too long; nothing was stored",
    "SQLITE_CANTOPEN": "no such database; `appliance db upgrade` makes one",
    "SQLITE_NOTADB": "not a database of this appliance: the file is no SQLite database",
    "SQLITE_CORRUPT": "the database is damaged; restore it from a backup",
    "SQLITE_READONLY": "may not be written by this user",
    "SQLITE_PERM": "may not be opened by this user",
    "SQLITE_IOERR": "the disk does not read or write it",
    # The journal's index cannot grow: what a disk without a free block says first.
    "SQLITE_IOERR_SHMSIZE": "the disk is full; nothing was stored",
}

_POSTGRES = {
    "53100": "the server's disk is full; nothing was stored",
    "53300": "the server has no free connection",
    "55P03": "locked by another session for too long; nothing was stored",
    "40P01": "two sessions blocked each other; nothing was stored, try again",
    "40001": "another session changed the same rows; nothing was stored, try again",
    "57014": "the server took too long over one statement; nothing was stored",
    "25P03": "the server closed a transaction that waited too long; nothing was stored",
    "25006": "the server takes no writes (a standby?)",
    "42501": "the database user lacks a right",
    "28P01": "the server refuses the user or the password",
    "28000": "the server refuses the user or the password",
    "3D000": "the server has no database of that name",
    "57P01": "unreachable: the server is shutting down",
    "57P02": "unreachable: the server is shutting down",
    "57P03": "unreachable: the server is starting or shutting down",
}

_NOT_SET_UP = "not set up; run `appliance db upgrade`"


def shown(url: URL) -> str:
    """The address as it may be printed: a password is hidden."""
    if url.get_backend_name() == "sqlite":
        return f"database {url.database}"
    return f"database {url.render_as_string(hide_password=True)}"


def _sqlite(error: sqlite3.Error) -> str | None:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_"):
        # Most extended names (SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE) mean what their first half means.
        found = _SQLITE.get(name) or _SQLITE.get("_".join(name.split("_")[:2]))
        if found is not None:
            return found
    return _NOT_SET_UP if str(error).startswith("no such table") else None


def _from_postgres(error: BaseException | None) -> TypeGuard[psycopg.Error]:
    """PostgreSQL's driver is loaded by an engine that needs it, not here: SQLite's programs start without it."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, driver.Error)


def _postgres(error: psycopg.Error) -> str | None:
    import psycopg

    state = error.sqlstate
    if state is None or state.startswith("08"):
        # The connection was refused, timed out or was cut; what refused it stands at the end of the first line.
        if not isinstance(error, psycopg.OperationalError):
            return None
        why = str(error).partition("\n")[0].rpartition("failed: ")[2].strip()
        return f"unreachable: {why}"
    return _NOT_SET_UP if state in {"42P01", "3F000"} else _POSTGRES.get(state)


def sentence(error: BaseException) -> str | None:
    """What ``error`` says of the surroundings, or None when it is a fault of ours."""
    if isinstance(error, PoolTimeout):
        return "every connection is in use"
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause)
    if _from_postgres(cause):
        return _postgres(cause)
    return None


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raise faults of the surroundings as one clear sentence.

    :raises StoreError: the disk is full, the database locked, unreachable, or not one of ours.
    """
    try:
        yield
    except Exception as error:
        said = sentence(error)
        if said is None:
            raise
        raise StoreError(f"{shown(url)}: {said}") from error
