"""A file that another holds keeps no call waiting."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.store.journal import KEEP, Journal
from tests.store.journal.told import (
    CALLER,
    DAY,
    FAMILIAR,
    IDLE,
    MINUTE,
    NOW,
    NUMBER,
    ROTATE,
    SECOND,
    call,
    count,
    rung,
    taken,
    talk,
    uses,
)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """Another process writes, and takes its time over it."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def a_calls_journal(journal: Journal, uuid: str) -> float:
    """All that a call with every rule asks and writes; how long it took."""
    began = time.monotonic()
    journal.admitted_since(NUMBER, NOW - MINUTE)
    journal.admitted_since(NUMBER, NOW - DAY, CALLER)
    journal.call_started(call(uuid))
    for hunt in (ROTATE, IDLE, FAMILIAR):
        uses(journal, hunt, "a", "b", "c")
    for line in "abc":
        journal.line_rung("h", [line], NOW)
    return time.monotonic() - began


@pytest.mark.parametrize("opened_before", [True, False])
def test_a_locked_file_holds_up_a_call_for_a_tenth_of_a_second_at_most(
    file: Path, journals: Callable[..., Journal], opened_before: bool
) -> None:
    first = journals()
    first.call_started(call("first"))
    first.flush()
    took = []
    for number in range(3):
        journal = journals()
        if opened_before:
            assert count(journal) == 1 + number
        with locked(file):
            took.append(a_calls_journal(journal, f"u{number}"))
            assert count(journal) == 2 + number and rung(journal) == ["a", "b", "c"]
            assert count(first) == 1 + number, "nothing is in the file yet"
        journal.close()
    # The best of three: the machine may have been busy with something else.
    assert min(took) <= 0.1
    assert count(first) == 4 and rung(first) == ["a", "b", "c"]


def test_a_file_that_nobody_else_may_even_read_holds_up_a_call_no_longer(
    file: Path, journals: Callable[..., Journal]
) -> None:
    """Somebody has it open with ``PRAGMA locking_mode = EXCLUSIVE``."""
    before = Journal(file)
    before.call_started(call("1"))
    before.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.executescript("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM rung;")
    took = [a_calls_journal(journals(), str(number)) for number in range(2)]
    other.close()
    assert min(took) <= 0.1


def test_writes_of_a_locked_file_come_through_with_a_later_one(
    file: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    journal, other = journals(), journals()
    journal.call_started(call("1"))
    with locked(file):
        journal.call_started(call("2"))
        journal.talked([talk("2")])
        journal.line_rung("h", ["a"], NOW)
    clock.now += 2
    journal.line_rung("h", ["b"], NOW)
    assert (count(other), taken(other, "a", NOW), rung(other)) == (2, (1, 1), ["a", "b"])
    assert (count(journal), taken(journal, "a", NOW), rung(journal)) == (2, (1, 1), ["a", "b"])
    # They come through once: what they wrote may have been written over since.
    journal.line_rung("h", ["a"], NOW)
    journal.call_started(call("3"))
    assert rung(other) == rung(journal) == ["b", "a"]


def test_a_write_that_is_refused_leaves_no_transaction_open(
    file: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    journal = journals()
    journal.call_started(call("1"))
    meddler = sqlite3.connect(file, isolation_level=None)
    meddler.execute("ALTER TABLE talked RENAME TO elsewhere")
    journal.talked([talk("1")])
    assert taken(journal, "a", NOW) == (1, 1)
    meddler.execute("BEGIN IMMEDIATE")  # which another's transaction would not let it
    meddler.execute("ALTER TABLE elsewhere RENAME TO talked")
    meddler.execute("COMMIT")
    meddler.close()
    clock.now += 2
    journal.call_started(call("2"))
    again = journals()
    assert (count(again), taken(again, "a", NOW)) == (2, (1, 1))


def test_what_is_forgotten_while_the_file_is_locked_is_forgotten_later(
    file: Path, journals: Callable[..., Journal], clock: SimpleNamespace
) -> None:
    journal = journals()
    journal.call_started(call("old"))
    with locked(file):
        journal.call_started(call("waiting"))
        journal.forget(NOW + KEEP + DAY)
        journal.call_started(call("new", NOW + KEEP + DAY))
    clock.now += 2
    journal.talked([])
    # The collector comes again within the hour.
    journal.forget(NOW + KEEP + DAY)
    assert [one.uuid for one in journals().started_between(NOW - DAY, NOW + 2 * KEEP)] == ["new"]


def test_a_talk_told_again_while_the_file_is_locked_counts_once(file: Path, journal: Journal) -> None:
    journal.talked([talk("1")])
    with locked(file):
        journal.talked([talk("1")])
        assert taken(journal, "a", NOW) == (1, 1)


def test_a_call_told_again_while_the_file_is_locked_is_as_it_was_told_last(file: Path, journal: Journal) -> None:
    """It was asked for a password, another process took the file meanwhile, and it was let in."""
    journal.call_started(call("1", admitted=False))
    with locked(file):
        journal.call_started(call("1", NOW + SECOND))
        assert count(journal) == 1
        assert journal.started("1") == call("1", NOW + SECOND)
        assert journal.started_between(NOW - DAY, NOW + DAY) == [call("1", NOW + SECOND)]
