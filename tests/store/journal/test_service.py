"""Signings, tries and takes in the journal's file: told once, counted across processes, and there without a new
form of the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.domain.pin import OF_A_LINE, OF_AN_ACCOUNT
from appliance.errors import StoreError
from appliance.store import signing, tries
from appliance.store import takes as taken
from appliance.store.journal import KEEP, Journal
from appliance.store.signing import Means, Signing, Signings
from appliance.store.takes import GOOD_FOR, MOST_AT_ONCE, Takes, give_code, newest_take
from appliance.store.tries import Try
from appliance.store.waitlist import Waitlist

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def signed(line: str, signed_in: bool, minutes: int = 0, who: str = "desk-1") -> Signing:
    return Signing(line, signed_in, NOW + timedelta(minutes=minutes), who, Means.CONSOLE)


def test_a_signing_is_noted_once_and_holds_since_then(journal: Journal, file: Path) -> None:
    first = signed("a", True)
    signing.sign(file, first)
    signing.sign(file, signed("a", True, 5, "desk-2"))
    signing.sign(file, signed("b", False))
    assert Signings(journal.file).history(NOW - DAY, NOW + DAY) == [first]
    assert Waitlist(journal.file).signed_in() == {"a": NOW}
    out = signed("a", False, 9)
    assert Signings(journal.file).sign(out) and not Signings(journal.file).sign(out)
    assert Signings(journal.file).history(NOW + timedelta(minutes=1), NOW + DAY) == [out]


def test_a_signing_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        signing.sign(tmp_path / "no-folder" / "journal.db", signed("a", True))


def test_old_signings_tries_and_codes_are_forgotten(journal: Journal) -> None:
    Signings(journal.file).sign(signed("a", True))
    Try(journal.file, {"line a": OF_A_LINE}, NOW)
    assert Takes(journal.file).give("demo", "welcome", "", "x", NOW) is not None
    journal.forget(NOW + KEEP + DAY)
    for table in ("signings", "tries", "codes"):
        assert journal.file.look(f"SELECT * FROM {table}", ()) == []
    assert Waitlist(journal.file).signed_in() == {"a": NOW}, "who is signed in stays so"


def test_of_many_tries_at_once_no_more_get_through_than_allowed(journals: Callable[..., Journal]) -> None:
    """Several processes, each of which counts before it compares."""
    files = [journals().file for _ in range(3)]
    made = [Try(files[n % 3], {"line a": OF_A_LINE}, NOW + timedelta(milliseconds=n)) for n in range(30)]
    assert [one.is_locked for one in made] == [False] * 5 + [True] * 25
    assert not Try(files[0], {"line b": OF_A_LINE}, NOW).is_locked


def test_a_right_one_clears_its_line_and_no_more(journal: Journal) -> None:
    locks = {"line a": OF_A_LINE, "account demo": OF_AN_ACCOUNT}
    for _ in range(4):
        Try(journal.file, locks, NOW)
    Try(journal.file, locks, NOW).was_right(anew="line a")
    left = journal.file.look("SELECT subject FROM tries", ())
    assert left == [("account demo",)] * 4


def test_a_new_pin_lifts_the_lock(journal: Journal, file: Path) -> None:
    for _ in range(5):
        Try(journal.file, {"line a": OF_A_LINE}, NOW)
    tries.lift(file, "line a")
    assert not Try(journal.file, {"line a": OF_A_LINE}, NOW).is_locked


def test_tries_that_cannot_be_written_count_all_the_same(tmp_path: Path, journals: Callable[..., Journal]) -> None:
    unwritable = journals(tmp_path / "no-folder" / "journal.db").file
    made = [Try(unwritable, {"line a": OF_A_LINE}, NOW).is_locked for _ in range(7)]
    assert made == [False] * 5 + [True] * 2


def test_a_code_and_its_take(journal: Journal, file: Path) -> None:
    code = give_code(file, "demo", "welcome", "欢迎", "desk-1", NOW)
    assert len(code.digits) == 6 and code.digits.isdigit() and code.until == NOW + GOOD_FOR
    takes = Takes(journal.file)
    assert takes.find("demo", code.digits, NOW) == code
    assert takes.find("other", code.digits, NOW) is None and takes.find("demo", "", NOW) is None
    assert takes.find("demo", code.digits, NOW + GOOD_FOR) is None, "too late"
    opened = newest_take(file, "demo", "welcome")
    assert opened is not None and (opened.file, opened.at, opened.ended_at) == ("", None, None)
    assert takes.keep(code, "takes/one.wav", "13800138000", NOW)
    assert not takes.keep(code, "takes/two.wav", "13800138000", NOW), "one take a code"
    assert takes.find("demo", code.digits, NOW) is None
    (waits,) = takes.waiting()
    assert waits.file == "takes/one.wav" and waits.code.title == "欢迎"
    takes.ended(waits, NOW + DAY, version=3)
    assert takes.waiting() == []
    ended = newest_take(file, "demo", "welcome")
    assert ended is not None and (ended.version, ended.fault, ended.ended_at) == (3, "", NOW + DAY)


def test_a_newer_code_of_the_prompt_replaces_the_one_before(journal: Journal) -> None:
    takes = Takes(journal.file)
    first, other = takes.give("demo", "welcome", "", "x", NOW), takes.give("demo", "bye", "", "x", NOW)
    second = takes.give("demo", "welcome", "", "x", NOW)
    assert first and second and other
    assert takes.find("demo", first.digits, NOW) is None
    assert takes.find("demo", second.digits, NOW) == second and takes.find("demo", other.digits, NOW) == other
    assert not takes.keep(first, "takes/one.wav", "", NOW)


def test_so_many_codes_are_open_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(f"{n // 2:06}" for n in range(1000))
    monkeypatch.setattr(taken, "_digits", lambda: next(drawn))
    made = [give_code(file, "demo", f"prompt-{n}", "", "x", NOW).digits for n in range(MOST_AT_ONCE)]
    assert len(set(made)) == MOST_AT_ONCE, "no two are alike, whatever is drawn"
    with pytest.raises(StoreError, match="open"):
        give_code(file, "demo", "one-more", "", "x", NOW)
    give_code(file, "other", "one-more", "", "x", NOW)
    give_code(file, "demo", "one-more", "", "x", NOW + GOOD_FOR)


def test_a_code_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        give_code(tmp_path / "no-folder" / "journal.db", "demo", "welcome", "", "x", NOW)


def test_a_journal_made_before_gets_the_tables(file: Path, journals: Callable[..., Journal]) -> None:
    journals().close()
    with sqlite3.connect(file) as old:
        (form,) = old.execute("PRAGMA user_version").fetchone()
        for table in ("signings", "tries", "codes", "takes"):
            old.execute(f"DROP TABLE {table}")
    assert newest_take(file, "demo", "welcome") is None, "one who only reads makes none"
    assert Signings(journals().file).sign(signed("a", True))
    with sqlite3.connect(file) as new:
        assert new.execute("PRAGMA user_version").fetchone() == (form,)
