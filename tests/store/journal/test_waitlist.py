"""Who waits, which lines rest, who is signed in: told by one process, seen by all, whatever the file allows."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.domain.queue import Waiting
from appliance.store import journal_file as module
from appliance.store.journal import KEEP, Journal, Talked
from appliance.store.waitlist import Kept, Waitlist
from tests.store.journal.told import (
    CALLER,
    DAY,
    MINUTE,
    NOW,
    NUMBER,
    PROJECT,
    SECOND,
    allow_pages,
    call,
    count,
    rung,
    taken,
    talk,
)


@pytest.fixture
def waitlist(journal: Journal) -> Waitlist:
    return Waitlist(journal.file)


@pytest.fixture
def others(journals: Callable[..., Journal]) -> Waitlist:
    """Another process's, on the same file."""
    return Waitlist(journals().file)


def kept(uuid: str, owner: str = "here", **changed: Any) -> Kept:
    return Kept(Waiting(uuid, **{"queue": "q", "entered_at": NOW, **changed}), "demo", owner)


def names(found: list[Kept]) -> list[str]:
    return sorted(one.waiting.uuid for one in found)


@contextlib.contextmanager
def no_room(journal: Journal, clock: SimpleNamespace) -> Iterator[None]:
    """What is told meanwhile cannot be written; a line that is rung makes the file's last room be used up."""
    allow_pages(journal, 0)
    with capture_logs():
        journal.talked([talk(f"long{number}" * 40) for number in range(200)])
        assert journal.file._waiting
        clock.now += 10
        yield
    allow_pages(journal, 100_000)
    clock.now += 10


def test_an_empty_list(waitlist: Waitlist) -> None:
    assert waitlist.here() == [] and waitlist.resting(NOW) == {} and waitlist.signed_in() == {}
    assert waitlist.talked_until(["a"], NOW - DAY) == {} and waitlist.handling(["a"], NOW) is None


def test_a_caller_is_found_as_he_was_told(waitlist: Waitlist, others: Waitlist) -> None:
    whole = Waiting("1", "q", NOW + SECOND / 8, NUMBER, CALLER, 7, "english", ("a", "b"), NOW + MINUTE)
    waitlist.keep(Kept(whole, "demo", "here"))
    waitlist.keep(kept("2"))
    for one in (waitlist, others):
        assert {found.waiting.uuid: found for found in one.here()} == {
            "1": Kept(whole, "demo", "here"),
            "2": kept("2"),
        }


def test_what_is_told_last_of_a_caller_holds(waitlist: Waitlist, others: Waitlist) -> None:
    waitlist.keep(kept("1"))
    rings = kept("1", rung=("a",), rung_at=NOW)
    waitlist.keep(rings)
    assert others.here() == [rings]
    waitlist.keep(kept("1"))
    assert others.here() == [kept("1")], "it rings no more"
    others.keep(kept("1", "there"))
    assert waitlist.here() == [kept("1", "there")], "another process has him now"


def test_who_has_left_is_not_there(waitlist: Waitlist, others: Waitlist) -> None:
    for uuid in "123":
        waitlist.keep(kept(uuid))
    waitlist.keep(kept("2"), left_at=NOW + SECOND)
    assert names(others.here()) == ["1", "3"]
    others.keep(kept("3", "there"), left_at=NOW)
    assert names(waitlist.here()) == ["1"]


def test_those_of_one_process_can_be_left_out(waitlist: Waitlist) -> None:
    waitlist.keep(kept("1"))
    waitlist.keep(kept("2", "there"))
    assert [names(waitlist.here(but=owner)) for owner in ("here", "there", "", "x")] == [
        ["2"],
        ["1"],
        ["1", "2"],
        ["1", "2"],
    ]


def test_lines_rest_until_then(waitlist: Waitlist, others: Waitlist) -> None:
    waitlist.rest({"a": NOW + 30 * SECOND, "b": NOW + SECOND})
    assert others.resting(NOW) == {"a": NOW + 30 * SECOND, "b": NOW + SECOND}
    assert others.resting(NOW + SECOND) == {"a": NOW + 30 * SECOND}
    others.rest({"a": NOW + 2 * SECOND})
    assert waitlist.resting(NOW) == {"a": NOW + 2 * SECOND, "b": NOW + SECOND}, "what is said last"
    others.rest({})
    assert waitlist.resting(NOW + MINUTE) == {}


def test_signing_in_and_out(waitlist: Waitlist, others: Waitlist) -> None:
    waitlist.sign("a", NOW, signed_in=True)
    waitlist.sign("b", NOW + SECOND, signed_in=True)
    assert others.signed_in() == {"a": NOW, "b": NOW + SECOND}
    others.sign("a", NOW + MINUTE, signed_in=False)
    others.sign("c", NOW, signed_in=False)
    assert waitlist.signed_in() == {"b": NOW + SECOND}
    waitlist.sign("a", NOW + 2 * MINUTE, signed_in=True)
    assert waitlist.signed_in() == {"a": NOW + 2 * MINUTE, "b": NOW + SECOND}


def test_when_lines_talked_last(journal: Journal, waitlist: Waitlist) -> None:
    journal.talked([talk("1", "a", NOW - 2 * MINUTE), talk("2", "a", NOW - 5 * MINUTE), talk("3", "b", NOW - DAY)])
    assert waitlist.talked_until("abc", NOW - 2 * MINUTE) == {"a": NOW - MINUTE}
    assert waitlist.talked_until("abc", NOW - MINUTE) == {}, "behind that instant"
    assert set(waitlist.talked_until("abc", NOW - 2 * DAY)) == {"a", "b"}


def test_how_long_talks_take(journal: Journal, waitlist: Waitlist) -> None:
    lengths = {"1": 60, "2": 120, "3": 30}
    for at, (uuid, seconds) in enumerate(lengths.items()):
        ended = NOW - at * MINUTE
        line = "a" if uuid != "3" else "b"
        journal.talked([Talked(uuid, NUMBER, CALLER, line, ended - seconds * SECOND, ended)])
    assert waitlist.handling("a", NOW) == 90 * SECOND
    assert waitlist.handling("ab", NOW) == 70 * SECOND
    assert waitlist.handling("b", NOW) == 30 * SECOND and waitlist.handling("c", NOW) is None
    # What has not ended by then, by a clock that was set back, is not measured.
    assert waitlist.handling("a", NOW - SECOND) == 120 * SECOND


def test_the_newest_twenty_talks_of_all_lines_are_measured(journal: Journal, waitlist: Waitlist) -> None:
    for number in range(40):
        ended, line = NOW - number * MINUTE, "ab"[number % 2]
        seconds = 10 if number < 20 else 1000
        journal.talked([Talked(str(number), NUMBER, CALLER, line, ended - seconds * SECOND, ended)])
    assert waitlist.handling("ab", NOW) == 10 * SECOND


def test_what_could_not_be_written_yet_is_found(
    journal: Journal, waitlist: Waitlist, others: Waitlist, clock: SimpleNamespace
) -> None:
    for uuid in "123":
        waitlist.keep(kept(uuid))
    others.keep(kept("4", "there"))
    waitlist.rest({"a": NOW + MINUTE, "b": NOW + MINUTE})
    waitlist.sign("a", NOW, signed_in=True)
    waitlist.sign("b", NOW, signed_in=True)
    before = others.here(), others.resting(NOW), others.signed_in()
    with no_room(journal, clock):
        waitlist.keep(kept("1", rung=("a",)))
        waitlist.keep(kept("2"), left_at=NOW)
        waitlist.keep(kept("4"))  # who came from another process
        waitlist.keep(kept("5"))
        waitlist.keep(kept("6"))
        waitlist.keep(kept("6"), left_at=NOW)
        waitlist.rest({"a": NOW + 2 * SECOND, "b": NOW - SECOND, "c": NOW + SECOND})
        waitlist.sign("a", NOW + SECOND, signed_in=False)
        waitlist.sign("c", NOW + SECOND, signed_in=True)
        journal.talked([Talked("t", NUMBER, CALLER, "z", NOW - 50 * SECOND, NOW)])
        assert (others.here(), others.resting(NOW), others.signed_in()) == before, "others know nothing of it"

        def as_told() -> None:
            for one in (waitlist,) if journal.file._waiting else (waitlist, others):
                assert names(one.here()) == ["1", "3", "4", "5"]
                assert names(one.here(but="here")) == []
                assert {found.waiting.uuid: found for found in one.here()}["1"] == kept("1", rung=("a",))
                assert one.resting(NOW) == {"a": NOW + 2 * SECOND, "c": NOW + SECOND}
                assert one.signed_in() == {"b": NOW, "c": NOW + SECOND}
                assert one.talked_until("z", NOW - DAY) == {"z": NOW}
                assert one.handling("z", NOW) == 50 * SECOND

        as_told()
    waitlist.keep(kept("5"))
    assert not journal.file._waiting, "written"
    as_told()


def test_while_the_file_is_held_a_place_is_kept(
    file: Path, waitlist: Waitlist, others: Waitlist, clock: SimpleNamespace
) -> None:
    waitlist.keep(kept("1"))
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder, capture_logs():
        holder.execute("BEGIN IMMEDIATE")
        waitlist.keep(kept("2"))
        waitlist.keep(kept("1"), left_at=NOW)
        assert names(waitlist.here()) == ["2"] and names(others.here()) == ["1"]
    clock.now += 10
    waitlist.rest({"a": NOW})
    assert names(others.here()) == ["2"]


def test_it_outlives_the_processes(file: Path, waitlist: Waitlist) -> None:
    code = f"""
from datetime import datetime
from pathlib import Path
from appliance.domain.queue import Waiting
from appliance.store.journal import Journal
from appliance.store.waitlist import Kept, Waitlist
now = datetime.fromisoformat({NOW.isoformat()!r})
waitlist = Waitlist(Journal(Path({str(file)!r})).file)
waitlist.keep(Kept(Waiting("1", "q", now, rung=("a",)), "demo", "gone"))
waitlist.sign("a", now, signed_in=True)
waitlist.rest({{"a": now}})
import os; os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert ended.returncode == -9
    assert waitlist.here() == [kept("1", "gone", rung=("a",))]
    assert waitlist.signed_in() == {"a": NOW} and set(waitlist.resting(NOW - SECOND)) == {"a"}


def test_who_left_long_ago_is_forgotten_and_who_waits_is_not(journal: Journal, waitlist: Waitlist) -> None:
    old = NOW - KEEP - SECOND
    waitlist.keep(kept("waits", entered_at=old))
    waitlist.keep(kept("gone", entered_at=old), left_at=old)
    waitlist.keep(kept("later", entered_at=old), left_at=NOW - KEEP)
    waitlist.rest({"a": old, "b": NOW - KEEP, "c": NOW})
    waitlist.sign("a", old, signed_in=True)
    journal.forget(NOW)

    def rows(query: str) -> set[str]:
        return {name for (name,) in journal.file.look(query, ())}

    assert rows("SELECT uuid FROM waiting") == {"waits", "later"}
    assert rows("SELECT line FROM resting") == {"b", "c"}
    assert waitlist.signed_in() == {"a": old}
    assert names(waitlist.here()) == ["waits"]


def test_much_is_forgotten_a_little_at_a_time(
    journal: Journal, waitlist: Waitlist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    pauses: list[float] = []
    monkeypatch.setattr(module.JournalFile.drop, "__defaults__", (pauses.append,))
    for number in range(8):
        waitlist.keep(kept(str(number)), left_at=NOW)
    journal.forget(NOW + KEEP + DAY)
    assert len(pauses) == 2 and journal.file.look("SELECT * FROM waiting", ()) == []


#: The file as version 1 made it.
FORM_1 = """
PRAGMA journal_mode=WAL;
CREATE TABLE started (
    uuid TEXT PRIMARY KEY, at REAL NOT NULL, number TEXT NOT NULL, account TEXT NOT NULL, trunk TEXT NOT NULL,
    caller TEXT NOT NULL, admitted INTEGER NOT NULL, refusal TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE rung (
    hunt TEXT NOT NULL, line TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (hunt, line)
) WITHOUT ROWID;
CREATE TABLE trunks (trunk TEXT PRIMARY KEY, up INTEGER NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE talked (
    uuid TEXT PRIMARY KEY, number TEXT NOT NULL, caller TEXT NOT NULL, line TEXT NOT NULL,
    joined_at REAL NOT NULL, ended_at REAL NOT NULL
) WITHOUT ROWID;
PRAGMA user_version=1;
"""


@pytest.fixture
def old(file: Path) -> Path:
    """A file of form 1 with a call, a talk, a turn and a trunk."""
    at = NOW.timestamp()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as made:
        made.executescript(FORM_1)
        made.execute("INSERT INTO started VALUES ('1', ?, ?, 'demo', 't', ?, 1, '')", (at, NUMBER, CALLER))
        made.execute("INSERT INTO talked VALUES ('1', ?, ?, 'a', ?, ?)", (NUMBER, CALLER, at, at + 60))
        made.execute("INSERT INTO rung VALUES ('h', 'b', ?)", (at,))
        made.execute("INSERT INTO trunks VALUES ('t', 1, ?)", (at,))
    return file


def form(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(file)) as opened:
        (found,) = opened.execute("PRAGMA user_version").fetchone()
    return int(found)


def test_a_file_without_queues_gets_them_and_keeps_what_it_has(old: Path, journals: Callable[..., Journal]) -> None:
    with capture_logs() as logs:
        journal = journals()
        waitlist = Waitlist(journal.file)
        assert waitlist.here() == []
        waitlist.keep(kept("1"))
        waitlist.sign("a", NOW, signed_in=True)
        waitlist.rest({"a": NOW + SECOND})
    assert logs == [] and not old.with_name("journal.db.broken").exists()
    assert form(old) == module.FORM
    assert count(journal) == 1 and taken(journal, "a", NOW + MINUTE) == (1, 1) and rung(journal) == ["b"]
    assert journal.trunks()["t"].up
    again = Waitlist(journals().file)
    assert (names(again.here()), set(again.signed_in()), set(again.resting(NOW))) == (["1"], {"a"}, {"a"})


def test_a_new_file_has_the_new_form(file: Path, journals: Callable[..., Journal]) -> None:
    Waitlist(journals().file).keep(kept("1"))
    assert form(file) == module.FORM


def test_processes_that_find_the_old_form_at_once(old: Path, journals: Callable[..., Journal]) -> None:
    code = f"""
from pathlib import Path
from appliance.store.journal import Journal
from appliance.store.waitlist import Waitlist
print(Waitlist(Journal(Path({str(old)!r})).file).here())
"""
    several = [
        subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    told = [one.communicate(timeout=30) for one in several]
    assert [out.strip().splitlines()[-1] for out, _ in told] == [b"[]"] * 3, told
    assert form(old) == module.FORM and not old.with_name("journal.db.broken").exists()
    assert count(journals()) == 1


def test_whoever_only_asks_an_old_file_finds_nobody_and_the_rest(
    old: Path, journals: Callable[..., Journal]
) -> None:
    """The simulator, before the handlers have opened the file."""
    asks = journals(reads_only=True)
    with capture_logs():
        assert Waitlist(asks.file).signed_in() == {}
        assert count(asks) == 1, "what follows is found at once"
    assert form(old) == 1, "nothing is written"


def test_whoever_only_asks_tells_nothing(waitlist: Waitlist, journals: Callable[..., Journal]) -> None:
    waitlist.keep(kept("1"))
    asks = Waitlist(journals(reads_only=True).file)
    asks.keep(kept("2"))
    asks.sign("a", NOW, signed_in=True)
    assert names(asks.here()) == names(waitlist.here()) == ["1"] and waitlist.signed_in() == {}


def test_one_who_waits_long_is_told_in_microseconds(waitlist: Waitlist) -> None:
    """The order goes by when they came."""
    at = NOW + timedelta(microseconds=123457)
    waitlist.keep(kept("1", entered_at=at))
    assert abs(waitlist.here()[0].waiting.entered_at - at) <= timedelta(microseconds=1)


def test_call_and_caller_who_waits_share_a_uuid(
    journal: Journal, waitlist: Waitlist, clock: SimpleNamespace
) -> None:
    """What waits to be written of the one does not hide the other."""
    journal.call_started(call("1"))
    with no_room(journal, clock):
        waitlist.keep(kept("1"))
        assert count(journal) == 1 and names(waitlist.here()) == ["1"]
