"""A journal that is held for a moment: talks out of waiting files are told all the same, and never over what the
collector told of the stored call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.cdr.untold import UntoldTalks
from appliance.store import journal_file
from appliance.store.journal import Journal, Talked
from tests.cdr.spooled import START, caller_leg, line_leg, put, put_calls
from tests.store.journal.test_locked import locked


class Held:
    """A spool whose calls cannot be stored, and the two journals of the collector's process."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.file = folder / "journal.db"
        self.collectors = Journal(self.file)
        self.talked()
        self.untolds = Journal(self.file)
        self.now = 9.0
        self.untold = UntoldTalks(self.spool, self.untolds, clock=lambda: self.now, stalled_s=0.0)

    def talked(self) -> dict[str, tuple[str, float]]:
        """Who has the journal's file open learns so much: the line, and seconds to the talk's end."""
        rows = self.collectors.file.look("SELECT uuid, line, ended_at FROM talked", ())
        return {uuid: (line, ended - START.timestamp()) for uuid, line, ended in rows}

    def store(self, line: str, ended_s: float) -> None:
        """The collector has stored the call, and tells of its talk."""
        joined, ended = (START + timedelta(seconds=s) for s in (10, ended_s))
        self.collectors.talked([Talked("one", "4008001234", "13800138000", line, joined, ended)])


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    # No pause behind a write that failed: the next look tries again.
    monkeypatch.setattr(journal_file, "_RETRY_S", 0.0)
    found = Held(tmp_path)
    yield found
    found.untolds.close()
    found.collectors.close()


def test_a_talk_that_met_a_held_journal_is_told_by_the_next_look(held: Held) -> None:
    put_calls(held.spool, ["one"])
    with locked(held.file):
        held.untold.look()
    assert held.talked() == {}
    held.untold.look()
    assert held.talked() == {"one": ("sales", 30.0)}


def test_it_is_told_while_calls_are_stored_again_too(held: Held) -> None:
    put_calls(held.spool, ["one"])
    with locked(held.file):
        held.untold.look()
    held.untold._stalled_s = 1.0
    held.untold.stored()
    held.untold.look()
    assert held.talked() == {"one": ("sales", 30.0)}


def test_what_was_told_of_a_stored_call_stays(held: Held) -> None:
    """The caller's leg alone says the talk ended with it; the collector has had the line's as well."""
    put(held.spool, caller_leg("one"))
    with locked(held.file):
        held.untold.look()
    held.store("support", 31)
    held.untold.look()
    held.untolds.close()
    assert held.talked() == {"one": ("support", 31.0)}


@pytest.mark.parametrize("stored", [False, True])
def test_what_is_known_better_replaces_only_what_was_told_here(held: Held, stored: bool) -> None:
    put(held.spool, caller_leg("one"))
    held.untold.look()
    assert held.talked() == {"one": ("sales", 40.0)}
    put(held.spool, line_leg("one"))
    with locked(held.file):
        held.untold.look()
    if stored:
        held.store("support", 31)
    held.untold.look()
    held.untolds.close()
    assert held.talked() == {"one": ("support", 31.0) if stored else ("sales", 30.0)}
