"""The unit of work: what is kept, what is rolled back, and what is said when a database does not do its part."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from appliance.errors import StoreError
from appliance.store import engine, schema
from appliance.store.models import Account, SiteState
from appliance.store.unit import Store
from tests.support.databases import sqlite_database
from tests.support.postgres import Server


def names(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(Account.name).order_by(Account.id)))


def test_what_is_committed_is_kept(store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="a", name="甲"))
        session.commit()
    assert names(store) == ["甲"]


def test_what_is_not_committed_is_rolled_back(store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="a", name="甲"))
        session.flush()
    assert names(store) == []


def test_what_comes_after_the_commit_is_rolled_back(store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="a", name="甲"))
        session.commit()
        session.add(Account(id="b", name="乙"))
        session.flush()
    assert names(store) == ["甲"]


def test_an_exception_rolls_back_and_goes_on(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.work() as session:
        session.add(Account(id="a", name="甲"))
        session.flush()
        raise ZeroDivisionError
    assert names(store) == []


def test_a_broken_constraint_is_a_fault_of_ours(store: Store) -> None:
    with pytest.raises(IntegrityError), store.work() as session:
        session.execute(text("INSERT INTO site_state (id, revision, applied_sha256) VALUES (2, 0, '')"))
        session.commit()


def test_a_reference_to_nothing_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityError), store.work() as session:
        session.execute(text("INSERT INTO flows (id, account_id, name) VALUES (1, 'nobody', 'f')"))
        session.commit()


def test_a_reading_may_not_write(store: Store) -> None:
    with pytest.raises((DBAPIError, StoreError)), store.reading() as session:
        session.add(Account(id="a", name="甲"))
        session.commit()
    assert names(store) == []


def test_a_work_may_write_after_a_reading_on_the_same_connection(store: Store) -> None:
    for number in range(3):
        names(store)
        with store.work() as session:
            session.add(Account(id=f"a{number}", name="甲"))
            session.commit()
    assert len(names(store)) == 3


def test_a_reading_sees_one_moment(store: Store) -> None:
    with store.reading() as reading:
        assert reading.scalar(text("SELECT count(*) FROM accounts")) == 0
        with store.work() as session:
            session.add(Account(id="a", name="甲"))
            session.commit()
        assert reading.scalar(text("SELECT count(*) FROM accounts")) == 0
    assert names(store) == ["甲"]


def test_writers_wait_for_each_other_and_none_is_lost(store: Store) -> None:
    def grow() -> None:
        for _ in range(10):
            with store.work() as session:
                state = session.get_one(SiteState, 1, with_for_update=True)
                state.revision += 1
                session.commit()

    threads = [threading.Thread(target=grow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as session:
        assert session.scalar(text("SELECT revision FROM site_state")) == 40


def test_a_lock_held_too_long_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sqlite_database(tmp_path / "a.db")
    holder, waiter = Store(url), Store(url)
    monkeypatch.setattr(engine, "LOCK_WAIT_S", 0.3)
    with holder.work() as session:
        session.add(Account(id="a", name="甲"))
        session.flush()
        with pytest.raises(StoreError, match="locked by another program"), waiter.work() as second:
            second.add(Account(id="b", name="乙"))
            second.commit()
        session.commit()
    assert names(waiter) == ["甲"]
    holder.close()
    waiter.close()


def test_a_full_database_says_so_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sqlite_database(tmp_path / "a.db")
    small_disk(monkeypatch)
    store = Store(url)
    with pytest.raises(StoreError, match="is full; nothing was stored") as caught, store.work() as session:
        session.add_all(Account(id=str(number), name="甲" * 200) for number in range(2000))
        session.commit()
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert names(store) == []
    store.close()


def small_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a SQLite database has no room to grow."""
    prepare = engine._prepare

    def limited(connection: object, record: object) -> None:
        prepare(connection, record)  # type: ignore[arg-type]
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    monkeypatch.setattr(engine, "_prepare", limited)


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(StoreError, match="no such database; `appliance db upgrade` makes one"):
        names(store)
    assert not list(tmp_path.iterdir())


def test_a_database_without_tables_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    store = Store(f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(StoreError, match="not set up; run `appliance db upgrade`"):
        names(store)
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root@localhost/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///x",
        "postgresql://a:p@ss@h/x",
    ],
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(StoreError, match="database_url"):
        Store(url)


def test_an_unreachable_server_is_said_without_the_password() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = Store(f"postgresql://gateway:secret@127.0.0.1:{port}/none")
    with pytest.raises(StoreError, match=r"unreachable: .*refused") as caught:
        names(store)
    assert "secret" not in str(caught.value)


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_said(postgres_server: Server) -> None:
    url = postgres_server.database()
    schema.upgrade(url)
    store = Store(url, statement_timeout_s=0.2)
    with pytest.raises(StoreError, match="too long over one statement"), store.reading() as session:
        session.execute(text("SELECT pg_sleep(5)"))
    store.close()


@pytest.mark.postgres
def test_a_server_that_lacks_the_database_is_said(postgres_server: Server) -> None:
    store = Store(postgres_server.database().rsplit("/", 1)[0] + "/absent")
    with pytest.raises(StoreError, match=r'unreachable: .*"absent" does not exist'):
        names(store)


@pytest.mark.postgres
def test_a_connection_that_was_cut_is_replaced(postgres_server: Server) -> None:
    url = postgres_server.database()
    schema.upgrade(url)
    store = Store(url)
    assert names(store) == []
    killer = Store(url)
    with killer.work() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    time.sleep(0.1)
    assert names(store) == []
    store.close()
    killer.close()


GREENLETS = """
    from gevent import monkey
    monkey.patch_all()
    import sys, time
    import gevent
    from sqlalchemy import text
    from appliance.store.unit import Store

    store = Store(sys.argv[1])
    for_update = " FOR UPDATE" if store.engine.dialect.name == "postgresql" else ""
    beats = []

    def beat():
        while True:
            beats.append(time.monotonic())
            gevent.sleep(0.01)

    def grow():
        for _ in range(5):
            with store.work() as session:
                count = session.scalar(text("SELECT revision FROM site_state WHERE id = 1" + for_update))
                gevent.sleep(0.02)
                session.execute(text("UPDATE site_state SET revision = :to"), {"to": count + 1})
                session.commit()

    heart = gevent.spawn(beat)
    began = time.monotonic()
    gevent.joinall([gevent.spawn(grow) for _ in range(6)], raise_error=True, timeout=60)
    taken = time.monotonic() - began
    heart.kill()
    with store.reading() as session:
        assert session.scalar(text("SELECT revision FROM site_state")) == 30
    worst = max(later - earlier for earlier, later in zip(beats, beats[1:]))
    print(worst, taken)
"""


def test_greenlets_wait_for_each_other_and_the_others_run_on(database_url: str, tmp_path: Path) -> None:
    script = tmp_path / "greenlets.py"
    script.write_text(textwrap.dedent(GREENLETS))
    done = subprocess.run(
        [sys.executable, str(script), database_url],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert done.returncode == 0, done.stderr
    worst, taken = map(float, done.stdout.split())
    # A wait inside SQLite would stop every greenlet, the one that holds the lock among them.
    assert worst < 1.0
    assert taken < 5.0, "thirty units of work of 20 ms each"
