"""Who signed in and out: from the journal into the database, once, and kept there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from appliance.cdr.signings import SigningCopy
from appliance.errors import StoreError
from appliance.store.journal import KEEP, Journal
from appliance.store.models import Account, Line, LineSigning
from appliance.store.queries import Scope, reading
from appliance.store.queries.signings import SigningView, signings
from appliance.store.signing import Means, Signing, Signings
from appliance.store.unit import Store

NOW = datetime(2026, 11, 27, 10, 0, 0, 123457, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(file: Path) -> Iterator[Journal]:
    with closing(Journal(file)) as opened:
        yield opened


def sign(journal: Journal, line: str, minutes: float, signed_in: bool = True, means: Means = Means.CALL) -> None:
    Signings(journal.file).sign(Signing(line, signed_in, NOW + timedelta(minutes=minutes), "13800138000", means))


def kept(store: Store, account: str | None = None, at_most: int = 100) -> list[SigningView]:
    with reading(store, Scope(account)) as reader:
        return list(signings(reader, NOW - DAY, NOW + 100 * DAY, at_most))


def told(store: Store) -> list[tuple[str, float, bool]]:
    return [(one.line, (one.at - NOW).total_seconds() / 60, one.signed_in) for one in reversed(kept(store))]


def test_each_is_copied_once_whoever_copies(journal: Journal, store: Store) -> None:
    sign(journal, "a", 0)
    sign(journal, "b", 1, means=Means.PHONE)
    copy = SigningCopy(Signings(journal.file))
    copy.keep(store)
    sign(journal, "a", 2, signed_in=False)
    copy.keep(store)
    copy.keep(store)
    SigningCopy(Signings(journal.file)).keep(store)  # a collector that was started again
    assert told(store) == [("a", 0, True), ("b", 1, True), ("a", 2, False)]
    newest = kept(store, at_most=1)[0]
    assert (newest.line, newest.who, newest.means, newest.line_name) == ("a", "13800138000", "call", "")


def test_one_that_was_written_down_late_is_copied(journal: Journal, file: Path, store: Store) -> None:
    """A process that could not write for a while has older ones."""
    copy = SigningCopy(Signings(journal.file))
    sign(journal, "a", 5)
    copy.keep(store)
    sign(journal, "b", -5)
    copy.keep(store)
    assert told(store) == [("b", -5, True), ("a", 5, True)]


def test_they_stay_when_the_journal_has_forgotten_them_or_is_begun_anew(
    journal: Journal, file: Path, store: Store
) -> None:
    copy = SigningCopy(Signings(journal.file))
    for minute, signed_in in enumerate((True, False, True)):
        sign(journal, "a", minute, signed_in)
    copy.keep(store)
    journal.forget(NOW + KEEP + DAY)
    assert Signings(journal.file).newest() == 0
    copy.keep(store)
    sign(journal, "b", 9)
    copy.keep(store)
    assert told(store) == [("a", 0, True), ("a", 1, False), ("a", 2, True), ("b", 9, True)]


def test_a_database_that_is_away_gets_them_later(
    journal: Journal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = SigningCopy(Signings(journal.file))
    sign(journal, "a", 0)

    def away(*_: Any) -> None:
        raise StoreError("away")

    with monkeypatch.context() as patched, pytest.raises(StoreError):
        patched.setattr("appliance.store.signing_records.write", away)
        copy.keep(store)
    assert kept(store) == []
    copy.keep(store)
    assert told(store) == [("a", 0, True)]


def test_an_account_sees_those_of_its_lines(journal: Journal, store: Store) -> None:
    """Also when the line is gone, and nobody else when another account has its name by then."""
    with store.work() as session:
        session.add_all([Account(id="east", name="E"), Account(id="west", name="W")])
        session.flush()
        session.add(Line(id="desk", account_id="east", name="前台", number="", kind="phone"))
        session.commit()
    sign(journal, "desk", 0)
    sign(journal, "gone", 1)
    SigningCopy(Signings(journal.file)).keep(store)
    assert [(one.line, one.line_name) for one in kept(store, "east")] == [("desk", "前台")]
    assert kept(store, "west") == []
    assert len(kept(store)) == 2
    with store.work() as session:
        line = session.get(Line, "desk")
        assert line is not None
        line.account_id, line.name = "west", "他人"
        session.commit()
    assert [(one.line, one.line_name) for one in kept(store, "east")] == [("desk", "")]
    assert kept(store, "west") == []


def test_a_row_is_never_there_twice(journal: Journal, store: Store) -> None:
    """Of two collectors at once one fails as a whole, and finds everything done the next time."""
    with store.work() as session:
        session.add(LineSigning(line_id="a", at=NOW, signed_in=True, who="x", means="call"))
        session.commit()
    with pytest.raises(IntegrityError), store.work() as session:
        session.add(LineSigning(line_id="a", at=NOW, signed_in=True, who="x", means="call"))
        session.commit()


def test_the_journals_form_is_as_it_was(journal: Journal, file: Path) -> None:
    sign(journal, "a", 0)
    with closing(sqlite3.connect(file)) as plain:
        assert [row[1] for row in plain.execute("PRAGMA table_info(signings)")] == [
            "line",
            "signed_in",
            "at",
            "who",
            "means",
        ]
