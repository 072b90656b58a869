"""Nothing is lost and nothing is stored twice, wherever the collector ends and whatever fails around it."""

from __future__ import annotations

import errno
import itertools
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.cdr import collect as collecting
from appliance.cdr import spool as spooling
from appliance.cdr.collect import collect_once
from appliance.domain.grants import month_of
from appliance.errors import StoreError
from appliance.rating.again import rate_again
from appliance.rating.run import rate_all
from appliance.store import calls as repository
from appliance.store import ledger, ledger_check
from appliance.store.models import Account, Charge, Number, Plan, Price, Subscription
from appliance.store.unit import Store
from tests.cdr.spooled import (
    NOW,
    START,
    aside,
    caller_leg,
    clock,
    left,
    legs,
    line_leg,
    noted_aside,
    put,
    put_bytes,
    put_calls,
    stored,
)
from tests.support.databases import sqlite_database
from tests.support.killed import killed_at_each

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


#: Every step of a run, as (where, name).
STEPS: list[tuple[Any, str]] = [
    (Path, "read_bytes"),
    (repository, "add_legs"),
    (repository, "derive_calls"),
    (repository, "forget_set_aside"),
    (repository, "note_set_aside"),
    (Session, "commit"),
    (collecting, "remove"),
    (collecting, "set_aside"),
    (Path, "mkdir"),
    (Path, "write_text"),
    (Path, "rename"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_killed_at_every_step(
    spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool
) -> None:
    """Killed at the step's first, second … time until it is not killed any more, then once more in peace."""
    put_calls(spool, ["one", "two", "three"])
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    kills = killed_at_each(
        lambda: collect_once(spool, store, clock, batch=3), owner, name, monkeypatch, after=after
    )
    assert kills > 0
    collect_once(spool, store, clock)
    assert legs(store) == ["one", "one-line", "three", "three-line", "two", "two-line"]
    assert {uuid: call.bridged_ms for uuid, call in stored(store).items()} == dict.fromkeys(
        ["one", "two", "three"], 20_000
    )
    assert left(spool) == []
    assert aside(spool) == noted_aside(store) == {"a_bad.cdr.json": "no variables in it"}


def test_a_disk_that_is_full_leaves_the_files(spool: Path, tmp_path: Path) -> None:
    url = sqlite_database(tmp_path / "small.db")
    store = Store(url)
    put_calls(spool, [f"call-{n}" for n in range(50)])
    with store.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        pages = raw.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[union-attr]
        raw.execute(f"PRAGMA max_page_count = {pages + 2}")  # type: ignore[union-attr]
    with pytest.raises(StoreError, match="full"):
        collect_once(spool, store, clock)
    assert len(left(spool)) == 100
    store.close()
    store = Store(url)
    assert stored(store) == {}
    assert len(collect_once(spool, store, clock).stored) == 50
    assert left(spool) == []
    store.close()


def test_a_disk_that_fills_up_keeps_the_batches_before(spool: Path, store: Store, monkeypatch: Any) -> None:
    put_calls(spool, [f"call-{n}" for n in range(10)])
    real, batches = repository.derive_calls, itertools.count(1)

    def full(*args: Any, **named: Any) -> Any:
        if next(batches) == 3:
            raise StoreError("the disk is full")
        return real(*args, **named)

    told: list[str] = []
    monkeypatch.setattr(repository, "derive_calls", full)
    with pytest.raises(StoreError):
        collect_once(spool, store, clock, batch=5, after_batch=told.extend)
    assert len(left(spool)) == 10
    assert sorted(set(told)) == sorted(stored(store))
    collect_once(spool, store, clock)
    assert (len(stored(store)), left(spool)) == (10, [])


@pytest.mark.parametrize("url", ["sqlite:////nowhere/appliance.db", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_is_gone_leaves_the_files(spool: Path, url: str) -> None:
    put_calls(spool, ["one"])
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    with pytest.raises(StoreError):
        collect_once(spool, Store(url), clock)
    assert len(left(spool)) == 3 and not (spool / "aside").exists()


@pytest.mark.parametrize("name", ["mkdir", "write_text", "rename", "unlink"])
def test_a_spool_that_cannot_be_written_is_tidied_later(
    spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    put_calls(spool, ["one"])
    put_bytes(spool, "a_bad.cdr.json", b"[]")

    def full(*args: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, name, full)
        for _ in range(2):
            collect_once(spool, store, clock)
    assert (list(stored(store)), list(noted_aside(store))) == (["one"], ["a_bad.cdr.json"])
    collect_once(spool, store, clock)
    assert (left(spool), list(aside(spool))) == ([], ["a_bad.cdr.json"])


def test_a_file_that_cannot_be_read_is_left(spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_calls(spool, ["one"])
    real = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name.startswith("a_"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refused)
        assert collect_once(spool, store, clock) == ((), ())
    assert (legs(store), left(spool)) == (["one-line"], ["a_one.cdr.json"])


def test_a_value_that_the_database_refuses_holds_up_no_other(
    spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_calls(spool, ["one", "poison", "two"])
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    real = repository.add_legs

    def picky(session: Session, found: Any) -> Any:
        found = list(found)
        if any(leg.uuid == "poison" for leg in found):
            raise IntegrityError("INSERT", {}, ValueError("not this one"))
        return real(session, found)

    monkeypatch.setattr(repository, "add_legs", picky)
    collected = collect_once(spool, store, clock)
    assert sorted(collected.stored) == ["one", "two"]
    assert aside(spool)["a_poison.cdr.json"] == "the database refuses it: not this one"
    assert sorted(aside(spool)) == sorted(noted_aside(store)) == ["a_bad.cdr.json", "a_poison.cdr.json"]
    assert left(spool) == []


def test_a_fault_that_no_file_is_guilty_of_is_not_hidden(
    spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_bytes(spool, "a_bad.cdr.json", b"[]")

    def broken(*args: Any) -> None:
        raise IntegrityError("INSERT", {}, ValueError("a fault of ours"))

    monkeypatch.setattr(repository, "note_set_aside", broken)
    with pytest.raises(IntegrityError):
        collect_once(spool, store, clock)
    assert left(spool) == ["a_bad.cdr.json"]


def test_two_collectors_at_once(spool: Path, store: Store) -> None:
    put_calls(spool, [f"call-{n}" for n in range(60)])
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    faults: list[BaseException] = []
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        try:
            collect_once(spool, store, clock, batch=7)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert (len(stored(store)), len(legs(store)), left(spool)) == (60, 120, [])
    assert all(call.bridged_ms == 20_000 for call in stored(store).values())


def test_a_file_that_is_gone_meanwhile(spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(spool, caller_leg("one"))
    put(spool, line_leg("two"))
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    real: Callable[[Path], Any] = spooling.waiting

    def and_then_gone(folder: Path) -> Any:
        files = real(folder)
        (folder / "a_one.cdr.json").unlink()
        return files

    with monkeypatch.context() as patched:
        patched.setattr(collecting, "waiting", and_then_gone)
        collect_once(spool, store, clock)
    assert (legs(store), left(spool)) == (["two-line"], [])
    bad = spooling.CdrFile(spool / "a_bad.cdr.json", NOW.timestamp(), 2)
    spooling.set_aside(bad, "again")
    assert list(aside(spool)) == ["a_bad.cdr.json"]
    assert not (spool / "aside" / "a_bad.cdr.json.2.reason").exists()


@pytest.mark.parametrize(("calls", "kills"), [(120, 5), pytest.param(400, 30, marks=pytest.mark.accept)])
def test_collectors_killed_at_random(tmp_path: Path, database_url: str, calls: int, kills: int) -> None:
    """Real processes, SIGKILL, while files go on being written; then one run in peace."""
    store = Store(database_url)
    _price_book(store)
    seed = random.randrange(10**6)
    done = subprocess.run(
        [sys.executable, "-m", "tests.cdr.killed", str(tmp_path), database_url, str(calls), str(kills), str(seed)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=110,
    )
    found = re.search(r"KILLS (\d+) WORKED (\d+)", done.stdout)
    assert found, f"seed {seed}: {done.stdout}\n{done.stderr[-3000:]}"
    assert int(found[1]) >= kills and int(found[2]) > 0
    collect_once(tmp_path / "spool", store, clock)
    rate_all(store, clock)
    uuids = [f"call-{n:05d}" for n in range(calls)]
    assert sorted(stored(store)) == uuids, f"seed {seed}"
    assert legs(store) == sorted([*uuids, *(f"{uuid}-line" for uuid in uuids)]), f"seed {seed}"
    assert all(call.bridged_ms == 20_000 for call in stored(store).values()), f"seed {seed}"
    assert (left(tmp_path / "spool"), aside(tmp_path / "spool")) == ([], {}), f"seed {seed}"
    with store.reading() as session:
        charged = list(session.execute(select(Charge.call_uuid, Charge.included_units).order_by(Charge.call_uuid)))
    # A minute each, the first hundred minutes of the month included.
    assert [tuple(row) for row in charged] == [(uuid, 60 if n < 100 else 0) for n, uuid in enumerate(uuids)]
    assert rate_again(store, clock, month=month_of(START)) == []
    with store.reading() as session:
        # What is beyond the hundred: 0.1 yuan each.
        assert ledger.balance(session, "east") == -max(calls - 100, 0) * 100_000
        assert list(ledger_check.faults(session)) == []
    store.close()


def _price_book(store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="east", name="East"))
        session.add(
            Plan(code="pack", name="pack", charge_by="time", meter="answer", included=6000, rollover_months=1)
        )
        session.flush()
        session.add(Number(number="4008001234", account_id="east"))
        since = START.replace(day=1)
        session.add(Price(plan_code="pack", effective_from=since, effective_text="t", per_minute=100_000))
        session.flush()
        session.add(Subscription(number="4008001234", plan_code="pack", starts_at=since))
        session.commit()
