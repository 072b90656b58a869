"""Engines: SQLite embedded, PostgreSQL by URL, both with the same promises.

A transaction sees one state of the database from its first statement on, one that may write holds the write
lock from its beginning, and nothing waits without a limit.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from appliance.errors import StoreError

#: Seconds that a writer waits for another one.
LOCK_WAIT_S = 10.0
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 30.0

_PAUSE_S = 0.01
#: SQLite's own wait stops every greenlet of the process, the one that holds the lock among them. It is left only
#: for moments when another process recovers or closes the journal; writers wait in ``_begin``.
_BUSY_TIMEOUT_MS = 250

_POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 20, "pool_timeout": 10}

#: Option of a connection: it may write. Without it a transaction reads.
WRITES = "appliance_writes"
#: Option of a connection that writes: tables are rebuilt in it, and what refers to them must not notice (SQLite's
#: "Making Other Kinds Of Table Schema Changes"). Whoever sets it checks the references before the commit.
REBUILDS = "appliance_rebuilds"


def parse(url: str) -> URL:
    """Read a database URL.

    :raises StoreError: it is no URL, or names a database other than SQLite and PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("database_url: not a database URL (sqlite:///FILE or postgresql://…)") from error
    if "@" in (parsed.host or ""):
        # What stands before it is the rest of a password, and must not be printed.
        raise StoreError("database_url: an @ in the user's name or password is written %40")
    if parsed.get_backend_name() in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    raise StoreError("database_url: only sqlite:///FILE and postgresql://… are known")


def engine(url: URL, *, create: bool = False, statement_timeout_s: float = STATEMENT_TIMEOUT_S) -> Engine:
    """An engine on ``url`` (from ``parse``); nothing is opened yet.

    :param create: a missing SQLite file is made; otherwise it is an error at the first statement.
    :param statement_timeout_s: PostgreSQL's limit for one statement; 0 is none.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, "rwc" if create else "rw")
    return _postgres(url, statement_timeout_s)


def _postgres(url: URL, statement_timeout_s: float) -> Engine:
    given = url.query.get("options", "")
    options = [
        given if isinstance(given, str) else " ".join(given),
        f"-c statement_timeout={int(statement_timeout_s * 1000)}",
        f"-c lock_timeout={int(LOCK_WAIT_S * 1000)}",
        # A handler that hangs inside a unit of work must not hold its locks for ever.
        "-c idle_in_transaction_session_timeout=60000",
        "-c timezone=UTC",
    ]
    arguments = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "gateway400",
        "client_encoding": "utf8",
        "options": " ".join(filter(None, options)),
    }
    return create_engine(
        url.difference_update_query(["options"]), connect_args=arguments, pool_pre_ping=True, **_POOL
    )


def _sqlite(url: URL, mode: Literal["rw", "rwc"]) -> Engine:
    address = f"file:{quote(url.database or '')}?mode={mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver begins nothing by itself, ``_begin`` does. The pool hands a
        # connection to one thread at a time.
        return sqlite3.connect(
            address, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_TIMEOUT_MS / 1000
        )

    made = create_engine(url, creator=connect, **_POOL)
    event.listen(made, "connect", _prepare)
    event.listen(made, "begin", _begin)
    return made


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # FULL, not NORMAL: a CDR file is deleted once its call is committed, so a commit has to outlive a power cut.
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    """Begin a transaction; a writer waits for its turn, and other greenlets run meanwhile."""
    raw: Any = connection.connection.dbapi_connection
    writes = connection.get_execution_options().get(WRITES, False)
    raw.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    if not writes:
        raw.execute("BEGIN DEFERRED")
        return
    if connection.get_execution_options().get(REBUILDS, False):
        raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        _take_turn(raw)
    finally:
        raw.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")


def _take_turn(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            # IMMEDIATE: a transaction that reads first and writes later cannot be refused half-way.
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_S)
