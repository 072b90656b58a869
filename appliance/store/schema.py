"""Whether a database is ours and of this version, and bringing it there.

Alembic is imported where it is called: every program asks whether its database is of this version, and Alembic with
all the migrations is a fifth of such a program's start.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from appliance.errors import StoreError
from appliance.store import engine as engines
from appliance.store.faults import shown, translated
from appliance.store.unit import Store

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_VERSIONS = "alembic_version"
#: A table of the first revision: who has it and a version has a database of ours.
_OURS = "site_state"
#: Key of PostgreSQL's advisory lock, so that two programs that start at once do not both migrate.
_LOCK = 400_400_400


class State(StrEnum):
    """How a database stands to this version of the code."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"
    FOREIGN = "foreign"


def config() -> Config:
    """Alembic's configuration; there is no ini file, so it works wherever the package is installed."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return made


def state(connection: Connection) -> tuple[State, str]:
    """The state, and the revision found (empty: none). Nothing is written."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return State.EMPTY, ""
    if _VERSIONS not in tables:
        return State.FOREIGN, ""
    found = list(connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalars())  # noqa: S608
    if not found and tables == {_VERSIONS}:
        return State.EMPTY, ""
    if len(found) != 1 or _OURS not in tables:
        return State.FOREIGN, ""
    if found[0] == newest():
        return State.CURRENT, found[0]
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    return (State.OLDER if found[0] in known else State.NEWER), found[0]


def newest() -> str:
    """This version's revision: files of migrations are named by revision (``0002_rules.py``), which only ascend."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def check(url: str) -> str:
    """Refuse a database that this version must not work on; give its revision. Nothing is written.

    :raises StoreError: it is not ours, newer than the code, needs an upgrade, or cannot be reached.
    """
    parsed = engines.parse(url)
    engine = engines.engine(parsed)
    try:
        with translated(parsed), engine.connect() as connection:
            found, revision = state(connection)
            _usable(engine, connection)
    finally:
        engine.dispose()
    _refuse(found, revision, shown(parsed))
    if found is State.EMPTY:
        raise StoreError(f"{shown(parsed)}: empty; run `appliance db upgrade`")
    if found is State.OLDER:
        raise StoreError(
            f"{shown(parsed)}: at version {revision}, older than this program; run `appliance db upgrade`"
        )
    return revision


def upgrade(url: str) -> tuple[str, str]:
    """Bring a database of ours, or an empty one, to this version: all of it or nothing.

    A missing SQLite file is made, with its folder. Returns the revisions before (empty: none) and after.

    :raises StoreError: it is not ours, newer than the code, cannot be reached, or the disk is full.
    """
    from alembic import command

    parsed = engines.parse(url)
    _make_file(parsed.database if parsed.get_backend_name() == "sqlite" else None)
    engine = engines.engine(parsed, create=True, statement_timeout_s=0)
    try:
        with translated(parsed):
            with engine.connect() as connection:
                found, before = state(connection)
                _refuse(found, before, shown(parsed))
                _usable(engine, connection)
            _set_journal(engine, shown(parsed))
            rebuilding = {engines.WRITES: True, engines.REBUILDS: True}
            with engine.execution_options(**rebuilding).begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                alembic = config()
                alembic.attributes["connection"] = connection
                command.upgrade(alembic, "head")
                if engine.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).all():
                    raise StoreError(f"{shown(parsed)}: rows refer to what is not there; nothing was changed")
            with engine.connect() as connection:
                return before, state(connection)[1]
    finally:
        engine.dispose()


def opened(url: str) -> Store:
    """A store on a database that was checked; ``with`` closes it.

    :raises StoreError: as ``check``.
    """
    check(url)
    return Store(url)


def _refuse(found: State, revision: str, name: str) -> None:
    if found is State.FOREIGN:
        raise StoreError(f"{name}: not a database of this appliance: it holds tables of another program")
    if found is State.NEWER:
        raise StoreError(f"{name}: at version {revision}, newer than this program; install the newer program")


def _usable(engine: Engine, connection: Connection) -> None:
    """:raises StoreError: the server keeps text in an encoding that cannot hold Chinese."""
    if engine.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreError(f"{shown(engine.url)}: its encoding is {encoding}; make it with encoding UTF8")


def _make_file(file: str | None) -> None:
    """A SQLite file, where there is none yet; SQLite takes an empty one for a new database."""
    if file is None:
        return
    path = Path(file).resolve()
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Callers' numbers and password hashes: nobody else reads it. Its journals inherit the mode.
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"database {file}: cannot be made: {error.strerror}") from error


def _set_journal(engine: Engine, name: str) -> None:
    """Write-ahead journal: readers and the one writer do not wait for each other. The file remembers it."""
    if engine.dialect.name != "sqlite":
        return
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA query_only = OFF")
        cursor.execute("PRAGMA journal_mode = WAL")
        row = cursor.fetchone()
    finally:
        raw.close()
    if row is None or row[0] != "wal":
        raise StoreError(f"{name}: this file system cannot hold it (no shared memory); choose a local disk")
