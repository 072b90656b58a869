"""Migrations and the refusal of databases that are not ours."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from appliance.errors import StoreError
from appliance.store import engine as engines
from appliance.store import schema
from appliance.store.models import Base, Role
from appliance.store.operators import ROLES
from appliance.store.unit import Store
from tests.support.postgres import Server


def execute(url: str, *statements: str) -> None:
    store = Store(url)
    with store.work() as session:
        for statement in statements:
            session.execute(text(statement))
        session.commit()
    store.close()


def foreign(url: str, *statements: str) -> None:
    """Tables of another program."""
    parsed = engines.parse(url)
    engine = create_engine(parsed)
    with engine.begin() as connection:
        for statement in statements or ("CREATE TABLE customers (id INTEGER PRIMARY KEY)",):
            connection.execute(text(statement))
    engine.dispose()


def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        checks = {
            (table, constraint["name"])
            for table in inspect(connection).get_table_names()
            for constraint in inspect(connection).get_check_constraints(table)
        }
    assert checks == {
        ("site_state", "ck_site_state_one_row"),
        ("ledger_postings", "ck_ledger_postings_amount"),
        ("ledger_postings", "ck_ledger_postings_sides"),
    }


def test_sqlite_keeps_the_same_text_as_the_models(tmp_path: Path) -> None:
    """Defaults, collations and the order of columns, which a comparison of metadata overlooks."""
    migrated, made = f"sqlite:///{tmp_path}/a.db", create_engine(f"sqlite:///{tmp_path}/b.db")
    schema.upgrade(migrated)
    Base.metadata.create_all(made)
    made.dispose()

    def tables(file: str) -> dict[str, list[str]]:
        connection = sqlite3.connect(tmp_path / file)
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        connection.close()
        # A table that was rebuilt has its name in quotes.
        return {
            name: sorted(line.strip(" ,\t\n").replace('"', "") for line in sql.splitlines()) for name, sql in rows
        }

    ours = tables("a.db")
    assert ours.pop("alembic_version")
    assert ours == tables("b.db")


def test_one_head_and_numbers_in_order() -> None:
    scripts = ScriptDirectory.from_config(schema.config())
    assert scripts.get_heads() == [schema.newest()]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)


def test_a_new_database_has_the_roles_and_revision_0(store: Store) -> None:
    with store.reading() as session:
        assert set(session.scalars(text("SELECT name FROM roles"))) == set(ROLES)
        assert session.scalar(text("SELECT revision FROM site_state WHERE id = 1")) == 0
        assert session.query(Role).count() == len(ROLES)


def test_upgrade_twice_changes_nothing(empty_url: str) -> None:
    before, after = schema.upgrade(empty_url)
    assert before == "" and after == schema.check(empty_url)
    assert schema.upgrade(empty_url) == (after, after)


def test_upgrade_makes_the_folder_and_keeps_the_file_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "a.db"
    schema.upgrade(f"sqlite:///{file}")
    assert file.stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        schema.upgrade(f"sqlite:///{tmp_path}/file/a.db")


def test_an_empty_database_asks_for_an_upgrade(empty_url: str, tmp_path: Path) -> None:
    if empty_url.startswith("sqlite"):
        (tmp_path / "appliance.db").touch()
    with pytest.raises(StoreError, match="empty; run `appliance db upgrade`"):
        schema.check(empty_url)


@pytest.mark.parametrize("use", [schema.check, schema.upgrade])
def test_tables_of_another_program_are_refused(empty_url: str, tmp_path: Path, use: object) -> None:
    foreign(empty_url)
    before = digest(tmp_path)
    with pytest.raises(StoreError, match="not a database of this appliance") as caught:
        use(empty_url)  # type: ignore[operator]
    assert caught.value.exit_code == 4
    assert digest(tmp_path) == before
    assert tables(empty_url) == {"customers"}


@pytest.mark.parametrize("use", [schema.check, schema.upgrade])
def test_another_program_that_uses_alembic_too_is_refused(empty_url: str, use: object) -> None:
    foreign(
        empty_url,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('0001')",
    )
    with pytest.raises(StoreError, match="not a database of this appliance"):
        use(empty_url)  # type: ignore[operator]
    assert tables(empty_url) == {"customers", "alembic_version"}


@pytest.mark.parametrize("use", [schema.check, schema.upgrade])
def test_a_newer_database_is_refused(database_url: str, use: object) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="version 9999, newer than this program"):
        use(database_url)  # type: ignore[operator]


def test_an_older_database_asks_for_an_upgrade(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "newest", lambda: "9998")
    with pytest.raises(StoreError, match="older than this program; run `appliance db upgrade`"):
        schema.check(database_url)


@pytest.mark.parametrize("use", [schema.check, schema.upgrade])
def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path, use: object) -> None:
    file = tmp_path / "a.db"
    file.write_text("a letter, not a database\n" * 100)
    before = digest(tmp_path)
    with pytest.raises(StoreError, match="no SQLite database"):
        use(f"sqlite:///{file}")  # type: ignore[operator]
    assert digest(tmp_path) == before


def test_an_upgrade_without_room_leaves_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    prepare = engines._prepare

    def limited(connection: sqlite3.Connection, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA max_page_count = 12")

    with monkeypatch.context() as patch:
        patch.setattr(engines, "_prepare", limited)
        with pytest.raises(StoreError, match="is full; nothing was stored"):
            schema.upgrade(url)
    assert tables(url) == set()
    assert schema.upgrade(url)[0] == ""


@pytest.mark.postgres
def test_a_database_that_cannot_hold_chinese_is_refused(postgres_server: Server) -> None:
    url = postgres_server.database(encoding="SQL_ASCII")
    with pytest.raises(StoreError, match="make it with encoding UTF8"):
        schema.upgrade(url)
    assert tables(url) == set()


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def tables(url: str) -> set[str]:
    engine = engines.engine(engines.parse(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
