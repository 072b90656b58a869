"""Health: the page for people, the word for machines, the reading behind both."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psutil
import pytest
from flask import Flask

from appliance.config import Settings
from appliance.domain.bans import Ban
from appliance.errors import StoreError
from appliance.ops import health
from appliance.ops.health import Probes, State, TrunkPart, greeted, read_health
from appliance.store import outbox
from appliance.store.bans import Bans
from appliance.store.journal import Journal
from appliance.store.outbox import Fill
from appliance.store.unit import Store
from tests.webui.conftest import SignIn

LAST = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def fine() -> None:
    """A part that answers."""


def gone() -> None:
    raise ConnectionRefusedError(111, "Connection refused")


def no_database() -> datetime:
    raise StoreError("the database is locked")


@pytest.fixture(autouse=True)
def calm_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may be as busy as it likes, and its disk as full."""
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.1, 0.1, 0.1))
    usage = SimpleNamespace(total=100 * 2**30, used=25 * 2**30, free=75 * 2**30, percent=25.0)
    monkeypatch.setattr(psutil, "disk_usage", lambda _path: usage)


def test_all_is_well(settings: Settings) -> None:
    found = read_health(settings, Probes(fine, fine, lambda: LAST))
    parts = (found.cpu, found.memory, found.switch, found.handlers, found.database, found.spool)
    assert [part.state for part in parts] == [State.GOOD] * 6
    assert found.last_cdr_at == LAST
    assert 0 < found.disk.used < found.disk.total
    assert found.up_since < datetime.now(UTC)


@pytest.mark.parametrize("part", ["switch", "handlers"])
def test_a_part_that_does_not_answer(settings: Settings, part: str) -> None:
    found = read_health(settings, replace(Probes(fine, fine, lambda: LAST), **{part: gone}))
    assert found.state is State.BAD
    assert getattr(found, part).state is State.BAD
    assert getattr(found, part).fault == "Connection refused"


@pytest.mark.parametrize(
    ("up", "state"),
    [([], State.GOOD), ([True, True], State.GOOD), ([True, False], State.WATCH), ([False, False], State.BAD)],
)
def test_trunks_that_do_not_answer(settings: Settings, up: list[bool], state: State) -> None:
    trunks = [TrunkPart(f"t{index}", one, LAST) for index, one in enumerate(up)]
    found = read_health(settings, Probes(fine, fine, lambda: LAST, lambda: trunks))
    assert (found.trunks.state, found.state) == (state, state)


@pytest.mark.parametrize(
    ("fill", "state", "says"),
    [
        (Fill(2, LAST, 0, LAST), State.BAD, "Nobody sends them."),
        (Fill(3, LAST, 2), State.WATCH, "2 given up in the last 7 days"),
        (Fill(), State.GOOD, "Messages waiting to be sent"),
    ],
)
def test_messages_that_do_not_go_out(
    settings: Settings,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
    fill: Fill,
    state: State,
    says: str,
) -> None:
    found = read_health(settings, Probes(fine, fine, lambda: LAST, outbox=lambda: fill))
    assert (found.messages.state, found.state) == (state, state)
    monkeypatch.setattr(outbox, "fill", lambda file, dead_since: fill)
    text = sign_in("admin").get("/health").text
    assert says in text and ("the oldest made" in text) is (state is State.WATCH)


def test_the_page_names_a_trunk_that_is_down(sign_in: SignIn, settings: Settings) -> None:
    journal = Journal(settings.journal_file)
    journal.trunk_is("telecom", False, LAST)
    journal.trunk_is("unicom", True, LAST)
    journal.close()
    text = sign_in("admin").get("/health").text
    assert "telecom" in text and "unicom" in text
    assert "2026-11-22" in text


def test_addresses_that_guess_passwords(sign_in: SignIn, settings: Settings) -> None:
    assert "line bans" not in sign_in("admin").get("/health").text
    journal = Journal(settings.journal_file)
    at = datetime.now(UTC)
    Bans(journal.file).put(Ban("198.51.100.7", at, at + timedelta(hours=1), 10, "desk"))
    journal.close()
    assert "appliance line bans" in sign_in("admin").get("/health").text
    found = read_health(settings, Probes(fine, fine, lambda: LAST, banned=lambda: 1))
    assert (found.banned.state, found.state) == (State.WATCH, State.WATCH)


def test_a_database_that_does_not_answer(settings: Settings) -> None:
    found = read_health(settings, Probes(fine, fine, no_database))
    assert (found.database.state, found.database.fault) == (State.BAD, "the database is locked")
    assert found.last_cdr_at is None


@pytest.mark.parametrize(
    ("waiting", "state"), [(0, State.GOOD), (49, State.GOOD), (50, State.WATCH), (500, State.BAD)]
)
def test_cdrs_that_pile_up(settings: Settings, waiting: int, state: State) -> None:
    settings.spool_dir.mkdir()
    for number in range(waiting):
        (settings.spool_dir / f"a_{number}.cdr.json").touch()
    (settings.spool_dir / "half-written.tmp").touch()
    found = read_health(settings, Probes(fine, fine, lambda: None))
    assert (found.spool.waiting, found.spool.state) == (waiting, state)


@pytest.mark.parametrize(
    ("percent", "state"), [(10, State.GOOD), (84.9, State.GOOD), (85, State.WATCH), (95, State.BAD)]
)
def test_a_full_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch, percent: float, state: State) -> None:
    usage = SimpleNamespace(percent=percent, used=1, total=2, free=1 << 40)
    monkeypatch.setattr(psutil, "disk_usage", lambda _path: usage)
    assert read_health(settings, Probes(fine, fine, lambda: None)).disk.state is state


@pytest.mark.parametrize(
    ("free_mb", "waiting", "damaged", "state"),
    [
        (5120, 49, 0, State.GOOD),
        (5119, 0, 0, State.WATCH),
        (1023, 0, 0, State.BAD),
        (9999, 50, 0, State.WATCH),
        (9999, 500, 0, State.BAD),
        (9999, 0, 1, State.WATCH),
    ],
)
def test_recordings(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    free_mb: int,
    waiting: int,
    damaged: int,
    state: State,
) -> None:
    usage = SimpleNamespace(percent=10.0, used=1, total=2, free=free_mb << 20)
    monkeypatch.setattr(psutil, "disk_usage", lambda _path: usage)
    probes = Probes(fine, fine, lambda: None, waiting=lambda: waiting, damaged=lambda: damaged)
    assert read_health(settings, probes).recordings.state is state


@pytest.mark.parametrize(("load", "state"), [(1.9, State.GOOD), (2.0, State.WATCH), (4.0, State.BAD)])
def test_a_busy_machine(settings: Settings, monkeypatch: pytest.MonkeyPatch, load: float, state: State) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (load, 9.0, 9.0))
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
    assert read_health(settings, Probes(fine, fine, lambda: None)).cpu.state is state


def test_a_box_without_a_state_folder_yet(settings: Settings) -> None:
    early = settings.model_copy(update={"state_dir": settings.state_dir / "not" / "there"})
    assert read_health(early, Probes(fine, fine, lambda: None)).disk.total > 0


@contextlib.contextmanager
def speaks(text: bytes, *, closes: bool = False) -> Iterator[tuple[str, int]]:
    """Something that takes one connection, says ``text`` and keeps or closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(text)
                if not closes:
                    connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()
        thread.join(5)


def test_a_part_that_greets_is_there() -> None:
    with speaks(b"connect\n\n") as address:
        greeted(*address, health.HANDLERS_GREET)()
    with pytest.raises(OSError):
        greeted(*address, health.HANDLERS_GREET)()


@pytest.mark.parametrize(
    ("text", "closes", "says"),
    [
        (b"", False, "says nothing"),
        (b"conn", False, "says nothing"),
        (b"", True, "closes connections"),
        (b"HTTP/1.1 400 Bad Request", True, "something else"),
    ],
)
def test_a_part_at_a_standstill_is_not(
    monkeypatch: pytest.MonkeyPatch, text: bytes, closes: bool, says: str
) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.2)
    with speaks(text, closes=closes) as address, pytest.raises(OSError, match=says):
        greeted(*address, health.HANDLERS_GREET)()


def test_the_page_names_what_is_broken(sign_in: SignIn) -> None:
    text = sign_in().get("/health").text
    assert "Something is broken" in text
    assert "No call can come in. Is its service started?" in text
    assert "127.0.0.1:1 Connection refused" in text
    assert "Last call stored" in text


def test_a_part_of_the_page_is_renewed(sign_in: SignIn) -> None:
    text = sign_in().get("/health", headers={"HX-Request": "true", "HX-Target": "checks"}).text
    assert "<html" not in text
    assert 'class="verdict' in text


def test_machines_get_one_word(app: Flask) -> None:
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_machines_hear_of_a_database_that_is_gone(app: Flask, settings: Settings, store: Store) -> None:
    store.close()
    (settings.state_dir / "appliance.db").unlink()
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.text) == (503, "unavailable\n")


def test_a_page_without_a_database_says_so(settings: Settings, store: Store, sign_in: SignIn) -> None:
    client = sign_in()
    store.close()
    (settings.state_dir / "appliance.db").unlink()
    answer = client.get("/")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert client.get("/api/v1/calls").content_type == "application/problem+json"
