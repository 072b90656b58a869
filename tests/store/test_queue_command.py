"""``appliance queue``: list, report, signing in and out."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, update

from appliance import bootstrap, config
from appliance.cli.queue import queue
from appliance.domain.queue import Waiting
from appliance.errors import ApplianceError
from appliance.store import signing_records
from appliance.store.journal import Journal
from appliance.store.models import Queue, QueueStay
from appliance.store.signing import Means, Signing, Signings
from appliance.store.unit import Store
from appliance.store.waitlist import Kept, Waitlist
from tests.support import seed

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled box's folder; copied for each test."""
    folder = tmp_path_factory.mktemp("filled")
    seed.make(folder, NOW).close()
    return folder


@pytest.fixture
def box(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A filled box whose first queue asks for signing in."""
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("APPLIANCE_DATABASE_URL", raising=False)
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    store = Store(f"sqlite:///{tmp_path / 'appliance.db'}")
    with store.work() as session:
        session.execute(update(Queue).where(Queue.id == "hotline").values(sign_in=True))
        session.commit()
    return store


def said(*words: str) -> list[str]:
    """The lines of what the command prints; it must go well."""
    result = CliRunner().invoke(queue, words)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_the_list_tells_callers_and_lines(box: Store, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal.db")) as journal:
        waitlist = Waitlist(journal.file)
        first = Waiting("a", "hotline", NOW - timedelta(minutes=3), seed.NUMBER, "13912345678", 5, "english")
        second = Waiting("b", "hotline", NOW - timedelta(minutes=1), rung=("desk-1",), rung_at=NOW)
        waitlist.keep(Kept(first, "east", "1@2"))
        waitlist.keep(Kept(second, "east", "1@2"))
        waitlist.rest({"sales-2": NOW + timedelta(seconds=30)})
        waitlist.sign("desk-1", NOW - timedelta(hours=1), signed_in=True)
    assert said("list") == [
        "hotline           热线队列: 1 waiting, 1 of 2 signed in",
        "  desk-1            signed in since 2026-11-22 11:00:00",
        "  sales-2           signed out, rests until 2026-11-22 12:00:30",
        "  ->  withheld since 2026-11-22 11:59:00, rings or talks to 前台 since 2026-11-22 12:00:00",
        "  1.  13912345678 since 2026-11-22 11:57:00, priority 5, english",
        "counter           柜台队列: 0 waiting",
        "  west-1",
    ]


def test_a_box_without_queues(box: Store) -> None:
    with box.work() as session:
        session.execute(delete(QueueStay))
        session.execute(delete(Queue))
        session.commit()
    for command in ("list", "report"):
        assert said(command) == ["no queues; a site file names them"]


def test_the_report_counts_today_unless_told_otherwise(box: Store) -> None:
    with box.work() as session:
        session.execute(delete(QueueStay).where(QueueStay.call_uuid != "00000000-0000-4000-8000-000000000000"))
        session.execute(update(QueueStay).values(entered_at=NOW - timedelta(hours=13), wait_ms=9_000))
        session.commit()
    nothing = (
        "0 came, 0 answered, service level -, mean wait -, longest 0 s; 0 gave up (0 at once), "
        "0 waited too long, 0 full, 0 nobody there, 0 left by a key, "
        "0 asked to be called back, 0 lost"
    )
    assert said("report") == [f"counter           {nothing}", f"hotline           {nothing}"], "yesterday's"
    assert said("report", "--since", "2026-11-21 00:00", "--until", "2026-11-22 00:00")[1] == (
        "hotline           1 came, 1 answered, service level 100.0 %, mean wait 9 s, longest 9 s; "
        "0 gave up (0 at once), 0 waited too long, 0 full, 0 nobody there, 0 left by a key, "
        "0 asked to be called back, 0 lost"
    )


def test_a_line_is_signed_in_and_out(box: Store, tmp_path: Path) -> None:
    assert said("sign-in", "desk-1") == ["desk-1 is signed in"]
    assert said("sign-in", "desk-1") == ["desk-1 is signed in"]
    with closing(Journal(tmp_path / "journal.db", reads_only=True)) as journal:
        assert Waitlist(journal.file).signed_in() == {"desk-1": NOW}
    assert said("sign-out", "desk-1") == ["desk-1 is signed out"]
    with closing(Journal(tmp_path / "journal.db", reads_only=True)) as journal:
        assert Waitlist(journal.file).signed_in() == {}


def test_who_signed_in_and_out_is_told(box: Store) -> None:
    assert said("signings") == ["nobody signed in or out"]
    said("sign-in", "desk-1")
    until = "2026-11-22T12:00:01+08:00"
    (told,) = said("signings", "--until", until)
    assert told.startswith("2026-11-22 12:00:00  desk-1            in   by command, ")
    assert said("signings", "--since", until, "--until", until) == ["nobody signed in or out"]


def test_who_signed_in_long_ago_is_told_of_the_database(box: Store) -> None:
    """The journal has forgotten it; what stands in both is told once."""
    said("sign-in", "desk-1")
    with closing(Journal(config.load().journal_file, reads_only=True)) as journal:
        (newest,) = Signings(journal.file).history(NOW - timedelta(days=1), NOW + timedelta(days=1))
    long_ago = Signing("desk-1", True, NOW - timedelta(days=90), "13800138000", Means.CALL)
    with box.work() as session:
        signing_records.write(session, [newest, long_ago])
        session.commit()
    told = said("signings", "--since", "2026-01-01", "--until", "2026-11-22T12:00:01+08:00")
    assert [line.partition("by ")[2].partition(",")[0] for line in told] == ["call", "command"]
    assert told[0] == "2026-08-24 12:00:00  desk-1            in   by call, 13800138000"


@pytest.mark.parametrize("command", ["sign-in", "sign-out"])
@pytest.mark.parametrize("line", ["gone", "sales-1", "west-1", ""])
def test_a_line_that_no_queue_asks_for(box: Store, tmp_path: Path, command: str, line: str) -> None:
    result = CliRunner().invoke(queue, [command, line])
    assert isinstance(result.exception, ApplianceError)
    assert not (tmp_path / "journal.db").exists()
