"""While nothing can be stored the journal learns of talks out of the files that wait: each once, and each file read
once."""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.cdr import spool
from appliance.cdr import untold as module
from appliance.cdr.collect import collect_once, read_file
from appliance.cdr.spool import CdrFile
from appliance.cdr.untold import UntoldTalks
from appliance.errors import StoreError
from appliance.store.calls import talks
from appliance.store.journal import Journal, Talked
from appliance.store.unit import Store
from tests.cdr.spooled import START, caller_leg, clock, left, line_leg, put, put_bytes, put_calls, stored
from tests.support.databases import sqlite_database
from tests.support.process import Process

PROJECT = Path(__file__).resolve().parents[2]
GONE = "postgresql://nobody@127.0.0.1:1/none"


class Box:
    """A spool, a journal, and how often each file was read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.journal = Journal(folder / "journal.db")
        self.now = 0.0
        self.read: Counter[str] = Counter()
        self.untold = UntoldTalks(self.spool, self.journal, clock=lambda: self.now)
        monkeypatch.setattr(module, "read_file", self._read)

    def _read(self, file: CdrFile) -> object:
        self.read[file.path.name] += 1
        return read_file(file)

    def stall(self) -> None:
        """The collector tries, and cannot store."""
        self.now += 2
        with pytest.raises(StoreError):
            collect_once(self.spool, Store(GONE), clock, after_batch=lambda uuids: self.untold.stored())
        self.untold.look()

    def talked(self) -> list[tuple[str, str, float, float]]:
        rows = self.journal.file.look("SELECT uuid, line, joined_at, ended_at FROM talked ORDER BY uuid", ())
        return [
            (uuid, line, since - START.timestamp(), until - START.timestamp()) for uuid, line, since, until in rows
        ]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    return Box(tmp_path, monkeypatch)


def test_talks_reach_the_journal_while_nothing_can_be_stored(box: Box, store: Store) -> None:
    put_calls(box.spool, ["one", "two"])
    put(box.spool, caller_leg("missed", bridge_uepoch="0", bridge_uuid=""))
    put_bytes(box.spool, "a_bad.cdr.json", b"[]")
    box.stall()
    told = [("one", "sales", 10.0, 30.0), ("two", "sales", 10.0, 30.0)]
    assert box.talked() == told
    # What is told when they are stored is the same.
    collect_once(box.spool, store, clock)
    with store.reading() as session:
        again = talks(session, ["one", "two", "missed"])
    assert (
        Talked("one", "4008001234", "13800138000", "sales", *(START + timedelta(seconds=s) for s in (10, 30)))
        in again
    )
    box.journal.talked(again)
    assert box.talked() == told


def test_no_file_is_read_again_and_again(box: Box) -> None:
    put_calls(box.spool, [f"call-{n}" for n in range(20)])
    put_bytes(box.spool, "a_half.cdr.json", b'{"variables"')
    for _ in range(3):
        box.stall()
    assert set(box.read.values()) == {1} and len(box.read) == 41 and len(box.talked()) == 20
    put(box.spool, caller_leg("half"))
    box.stall()
    assert box.read["a_half.cdr.json"] == 2 and len(box.talked()) == 21


def test_a_file_that_was_read_is_not_even_asked_for_its_size(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is away for long thousands of them wait, and each look would sort them all."""
    put_calls(box.spool, [f"call-{n}" for n in range(20)])
    put_bytes(box.spool, "a_half.cdr.json", b'{"variables"')
    box.stall()
    sized: list[str] = []

    class Counted(CdrFile):
        def __init__(self, path: Path, modified_at: float, size: int) -> None:
            super().__init__(path, modified_at, size)
            sized.append(path.name)

    monkeypatch.setattr(spool, "CdrFile", Counted)
    put_calls(box.spool, ["new"])
    box.now += 2
    box.untold.look()
    assert sorted(sized) == ["a_half.cdr.json", "a_new.cdr.json", "new-line.cdr.json"]
    assert len(box.talked()) == 21


def test_a_file_that_is_gone_is_forgotten(box: Box) -> None:
    """The same name may come again: a person put it aside, and put it back."""
    put_calls(box.spool, ["one"])
    put_bytes(box.spool, "a_half.cdr.json", b'{"variables"')
    box.stall()
    for name in left(box.spool):
        (box.spool / name).unlink()
    box.now += 2
    box.untold.look()
    put_calls(box.spool, ["one"])
    put_bytes(box.spool, "a_half.cdr.json", b'{"variables"')
    box.stall()
    assert set(box.read.values()) == {2} and len(box.read) == 3


def test_the_newest_come_first(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 4)
    for n in range(5):
        put(box.spool, line_leg(f"call-{n}"), age_s=10 - n)
        put(box.spool, caller_leg(f"call-{n}"), age_s=10 - n)
    box.stall()
    assert [uuid for uuid, *_ in box.talked()] == ["call-3", "call-4"]
    box.stall()
    box.stall()
    assert len(box.talked()) == 5 and set(box.read.values()) == {1}


@pytest.mark.parametrize("first", [caller_leg, line_leg], ids=["caller", "line"])
def test_legs_of_a_call_come_in_any_order(box: Box, first: Callable[[str], dict[str, object]]) -> None:
    put(box.spool, first("one"))
    box.stall()
    # To the end of the caller's leg, while the line's is not there.
    assert box.talked() == ([("one", "sales", 10.0, 40.0)] if first is caller_leg else [])
    put_calls(box.spool, ["one"])
    box.stall()
    assert box.talked() == [("one", "sales", 10.0, 30.0)]


def test_legs_that_are_kept_are_bounded(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 3)
    put_calls(box.spool, [f"call-{n}" for n in range(9)])
    box.stall()
    assert len(box.talked()) == 9 and len(box.untold._calls) == 3


def test_while_calls_are_stored_nothing_is_read(box: Box, store: Store) -> None:
    put_calls(box.spool, ["one"])
    for _ in range(3):
        box.now += 0.9
        box.untold.stored()
        box.untold.look()
    assert (box.read, box.talked()) == ({}, [])
    collect_once(box.spool, store, clock)
    assert left(box.spool) == []


def test_a_spool_that_is_gone(box: Box) -> None:
    box.spool.rmdir()
    box.now = 9
    box.untold.look()
    assert box.talked() == []


def test_the_collector_tells_while_the_database_holds_it(tmp_path: Path) -> None:
    """Somebody else has the database to himself: nothing fails for ten seconds, and nothing is stored either."""
    url = sqlite_database(tmp_path / "appliance.db")
    env = {"APPLIANCE_STATE_DIR": str(tmp_path), "APPLIANCE_DATABASE_URL": url}
    journal = Journal(tmp_path / "journal.db", reads_only=True)

    def known() -> list[str]:
        return [uuid for (uuid,) in journal.file.look("SELECT uuid FROM talked", ())]

    def wait_until(what: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not what():
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.05)

    with Process([sys.executable, "-m", "appliance", "cdr", "collect"], cwd=PROJECT, env=env) as collector:
        collector.wait_for_line(r"^READY spool=", 60)
        with closing(sqlite3.connect(tmp_path / "appliance.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            put_calls(tmp_path / "spool", ["one"])
            wait_until(known)
            with closing(Store(url)) as store:
                assert stored(store) == {} and len(left(tmp_path / "spool")) == 2
            other.execute("ROLLBACK")
        with closing(Store(url)) as store:
            wait_until(lambda: stored(store))
        assert known() == ["one"]
        collector.send_signal(signal.SIGTERM)
        assert collector.wait(20) == 0
        assert "Traceback" not in collector.output
    journal.close()
