"""Wrong passwords are counted, the switch is told whom to refuse, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.calls.guard import PhoneGuard
from appliance.domain.bans import BanRule
from appliance.errors import SwitchGone
from appliance.store.bans import Bans
from appliance.store.journal import Journal
from appliance.switch.wire import Headers

RULE = BanRule(2, timedelta(minutes=10), timedelta(hours=1))


class Told:
    """The switch: what it was told last."""

    def __init__(self) -> None:
        self.addresses: list[Sequence[str]] = []
        self.is_away = False

    def __call__(self, addresses: Sequence[str]) -> None:
        if self.is_away:
            raise SwitchGone("away")
        self.addresses.append(list(addresses))


class Clock:
    now = datetime(2026, 11, 27, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def failure(address: str, user: str = "desk") -> Headers:
    return Headers(f"Event-Name: CUSTOM\nnetwork-ip: {address}\nto-user: {user}\n".encode())


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db")


def guard(journal: Journal, told: Told, clock: Clock) -> PhoneGuard:
    return PhoneGuard(RULE, Bans(journal.file), told, clock)


def test_a_ban_comes_holds_and_ends(journal: Journal) -> None:
    told, clock = Told(), Clock()
    watching = guard(journal, told, clock)
    watching.look()
    for address in ("198.51.100.7", "198.51.100.8", "198.51.100.7"):
        watching.hear(failure(address))
    with capture_logs() as log:
        watching.look()
    assert told.addresses == [[], ["198.51.100.7"]]
    assert [entry["address"] for entry in log if entry["log_level"] == "error"] == ["198.51.100.7"]
    # What fails from there now is no news, and makes it no longer.
    for _ in range(9):
        watching.hear(failure("198.51.100.7"))
    watching.look()
    (ban,) = Bans(journal.file).all(clock.now)
    assert ban.until == clock.now + timedelta(hours=1)
    assert len(told.addresses) == 2
    # Handlers that come up anew tell a switch that may have forgotten.
    other = Told()
    guard(journal, other, clock).look()
    assert other.addresses == [["198.51.100.7"]]
    clock.now += timedelta(hours=1)
    watching.look()
    assert told.addresses[-1] == [] and Bans(journal.file).all(clock.now) == []


def test_one_that_is_lifted_is_let_in(journal: Journal) -> None:
    told, clock = Told(), Clock()
    watching = guard(journal, told, clock)
    for _ in range(2):
        watching.hear(failure("198.51.100.7"))
    watching.look()
    Bans(journal.file).lifted("198.51.100.7")
    for _ in range(2):  # it could not know yet
        watching.hear(failure("198.51.100.7"))
    watching.look()
    assert told.addresses == [["198.51.100.7"], []]


def test_a_switch_that_is_away_is_told_later(journal: Journal) -> None:
    told, clock = Told(), Clock()
    told.is_away = True
    watching = guard(journal, told, clock)
    for _ in range(2):
        watching.hear(failure("2001:db8::7", "\u7206"))
    with capture_logs() as log:
        watching.look()
        watching.look()
    assert [entry["event"] for entry in log].count("phones: the switch does not know yet whom to refuse") == 1
    told.is_away = False
    watching.look()
    assert told.addresses == [["2001:db8::7"]]


def test_who_only_reads_a_journal_without_bans_finds_none(tmp_path: Path) -> None:
    reader = Journal(tmp_path / "none.db", reads_only=True)
    assert Bans(reader.file).all(Clock.now) == []
    Journal(tmp_path / "old.db").close()
    assert Bans(Journal(tmp_path / "old.db", reads_only=True).file).all(Clock.now) == []
