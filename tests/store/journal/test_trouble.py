"""Files that are broken, taken away or without room: calls go on, and nothing is told twice."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from appliance.store import journal_file as module
from appliance.store.journal import Journal
from tests.store.journal.told import (
    FAMILIAR,
    NOW,
    NUMBER,
    STRANGER,
    allow_pages,
    call,
    count,
    rung,
    taken,
    talk,
    uses,
)


def put_aside(file: Path) -> bytes:
    return file.with_name(f"{file.name}.broken").read_bytes()


@pytest.mark.parametrize(
    "content", [b"a letter, not a database\n" * 400, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "header"]
)
def test_a_broken_file_is_put_aside_and_begun_anew(
    file: Path, journals: Callable[..., Journal], content: bytes
) -> None:
    file.write_bytes(content)
    for left in ("-wal", "-shm"):
        file.with_name(file.name + left).write_bytes(b"left over")
    with capture_logs() as logs:
        journal = journals()
        assert count(journal) == 0
        journal.call_started(call("1"))
    assert [entry["event"] for entry in logs] == ["journal was broken and is begun anew"]
    assert put_aside(file) == content
    assert count(journal) == 1 and count(journals()) == 1


def test_a_file_that_is_broken_behind_its_first_page_is_put_aside_too(
    file: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    before = Journal(file)
    for number in range(100):
        before.call_started(call(str(number)))
    before.flush()
    before.close()
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    journal = journals()
    for number in range(3):
        journal.call_started(call(f"new{number}"))
        clock.now += 10
    assert count(journal) == 3
    assert count(journals()) == 3, "written, not only remembered"


def test_whoever_has_a_file_open_that_was_taken_away_goes_on_with_the_new_one(
    file: Path, journals: Callable[..., Journal]
) -> None:
    handlers, collector = journals(), journals()
    handlers.call_started(call("1"))
    collector.talked([talk("1")])
    file.rename(file.with_name("elsewhere"))
    handlers.call_started(call("2"))
    collector.talked([talk("2", "b")])
    for journal in (handlers, collector, journals()):
        assert (count(journal), taken(journal, "a", NOW), taken(journal, "b", NOW)) == (1, (0, 0), (1, 1))


def test_a_file_of_another_form_is_put_aside(file: Path, journals: Callable[..., Journal]) -> None:
    other = sqlite3.connect(file)
    other.executescript("CREATE TABLE started (a); INSERT INTO started VALUES ('theirs'); PRAGMA user_version=7;")
    other.close()
    with capture_logs() as logs:
        journal = journals()
        journal.call_started(call("1"))
    assert [entry["error"] for entry in logs] == ["written by another version: 7"]
    assert b"theirs" in put_aside(file)
    assert count(journals()) == 1


def test_a_file_that_cannot_be_put_aside_is_left_and_calls_count(
    file: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    file.write_bytes(b"no database " * 400)
    taken_name = file.with_name(f"{file.name}.broken")
    taken_name.mkdir()
    (taken_name / "full").touch()
    journal = journals()
    journal.call_started(call("1"))
    assert count(journal) == 1 and file.read_bytes().startswith(b"no database")
    shutil.rmtree(taken_name)
    clock.now += 2
    journal.call_started(call("2"))
    assert count(journals()) == 2


def test_a_folder_that_is_missing_and_then_made(
    tmp_path: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    file = tmp_path / "later" / "journal.db"
    journal = journals(file)
    with capture_logs() as logs:
        journal.call_started(call("1"))
        journal.line_rung("h", ["a"], NOW)
        journal.talked([talk("1", "b")])
        journal.flush()
        assert count(journal) == 1 and rung(journal) == ["a"]
        assert uses(journal, FAMILIAR).last_spoken == "b"
        assert journal.started("1") == call("1")
        file.parent.mkdir()
        clock.now += 2
        journal.call_started(call("2"))
    assert [entry["event"] for entry in logs] == [
        "journal cannot be used, goes on in memory",
        "journal can be used again",
    ]
    again = journals(file)
    assert (count(again), rung(again), uses(again, FAMILIAR).last_spoken) == (2, ["a"], "b")


def test_a_place_that_fails_is_not_tried_with_each_call(
    tmp_path: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    file = tmp_path / "later" / "journal.db"
    journal = journals(file)
    journal.call_started(call("1"))
    file.parent.mkdir()
    clock.now += 0.99
    journal.call_started(call("2"))
    assert list(file.parent.iterdir()) == [] and count(Journal(file, reads_only=True)) == 0
    clock.now += 0.02
    journal.call_started(call("3"))
    assert count(Journal(file, reads_only=True)) == 3


def test_what_waits_is_written_at_the_end(tmp_path: Path, clock: SimpleNamespace) -> None:
    file = tmp_path / "later" / "journal.db"
    journal = Journal(file)
    journal.call_started(call("1"))
    file.parent.mkdir()
    journal.close()  # without waiting for the second to pass
    assert count(Journal(file, reads_only=True)) == 1


def test_a_journal_that_never_had_a_place_can_be_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "none" / "journal.db")
    journal.call_started(call("1"))
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_more_than_can_wait_is_not_remembered(
    tmp_path: Path, journals: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 6)  # a call's beginning is two rows
    journal = journals(tmp_path / "none" / "journal.db")
    for number in range(10):
        journal.call_started(call(str(number)))
    assert count(journal) == 3


def test_a_file_without_room(journal: Journal, journals: Callable[..., Journal], clock: SimpleNamespace) -> None:
    journal.call_started(call("before"))
    allow_pages(journal, 0)
    with capture_logs() as logs:
        for number in range(500):
            journal.call_started(call(f"u{number}", caller=STRANGER))
            clock.now += 2  # every one of them is tried
        assert count(journal) == 501 and count(journal, NUMBER, STRANGER) == 500
        assert count(journals()) < 501
        allow_pages(journal, 100_000)
        journal.talked([talk("1")])
    assert [entry["event"] for entry in logs] == [
        "journal cannot be used, goes on in memory",
        "journal can be used again",
    ]
    assert logs[0]["error"] == "database or disk is full"
    again = journals()
    assert count(again) == 501 and taken(again, "a", NOW) == (1, 1)
    assert count(journal) == 501, "and none of them twice"


def test_a_write_that_fails_half_way_leaves_nothing_in_the_file(
    file: Path, journal: Journal, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    journal.call_started(call("before"))
    allow_pages(journal, 0)
    # One transaction: the first hundreds would still fit.
    journal.talked([talk(f"u{number}") for number in range(2000)])
    assert taken(journal, "a", NOW) == (2000, 2000)
    assert taken(journals(), "a", NOW) == (0, 0)
    allow_pages(journal, 100_000)
    clock.now += 2
    journal.talked([])
    assert taken(journals(), "a", NOW) == (2000, 2000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("opened_before", [True, False])
def test_a_full_disk(
    small_disk: Path, journals: Callable[..., Journal], clock: SimpleNamespace, opened_before: bool
) -> None:
    file, filler = small_disk / "journal.db", small_disk / "filler"
    journal = journals(file)
    if opened_before:
        journal.call_started(call("before"))
    with filler.open("wb", buffering=0) as full, contextlib.suppress(OSError):
        while full.write(b"x" * 1024):
            pass
    for number in range(300):
        journal.call_started(call(str(number)))
        clock.now += 2
    assert count(journal) == 300 + opened_before
    filler.unlink()
    clock.now += 2
    journal.call_started(call("after"))
    assert count(journals(file)) == 301 + opened_before
    assert count(journal) == 301 + opened_before
