"""Whatever is written in whatever order: against a plain list."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from appliance.domain.calendar import SHANGHAI
from appliance.store import journal_file as module
from appliance.store.journal import KEEP, Journal, Started, Talked
from tests.store.journal.told import (
    CALLER,
    DAY,
    FAMILIAR,
    IDLE,
    MINUTE,
    NOW,
    NUMBER,
    OTHER,
    SECOND,
    STRANGER,
    allow_pages,
    call,
    rung,
    taken,
)


class Rung(NamedTuple):
    hunt: str
    line: str


class AgainstAList(RuleBasedStateMachine):
    """Whatever is written, in whatever order, with the file locked, without room, or opened anew in between: the
    answers are those of a list."""

    def __init__(self) -> None:
        super().__init__()
        self.patched = pytest.MonkeyPatch()
        self.seconds = 0.0
        self.patched.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.seconds))
        self.patched.setattr(module, "_LOCKED_MS", 1)
        self.around = contextlib.ExitStack()
        self.around.enter_context(capture_logs())
        self.folder = Path(self.around.enter_context(tempfile.TemporaryDirectory()))
        self.calls: dict[str, Started] = {}
        self.talks: dict[str, Talked] = {}
        self.rung: list[Rung] = []
        self.told = 0
        self.now = NOW
        self.lock: sqlite3.Connection | None = None
        self.full = False
        self.journal = Journal(self.folder / "journal.db")
        self.journal.talked([])  # so that the file is there to be locked

    def blocked(self) -> bool:
        return self.lock is not None or self.full or bool(self.journal._file._waiting)

    @rule(
        number=st.sampled_from([NUMBER, OTHER]),
        caller=st.sampled_from([CALLER, STRANGER, ""]),
        refusal=st.sampled_from([None, "", "holiday", "region"]),
    )
    def call(self, number: str, caller: str, refusal: str | None) -> None:
        self.told += 1
        made = call(f"c{self.told}", self.now, number, caller, admitted=refusal is None)
        made = made._replace(refusal=refusal or "")
        self.calls[made.uuid] = made
        self.journal.call_started(made)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), admitted=st.booleans())
    def call_again(self, data: Any, admitted: bool) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.calls)))
        self.calls[uuid] = self.calls[uuid]._replace(admitted=admitted, refusal="", at=self.now)
        self.journal.call_started(self.calls[uuid])

    @rule(
        line=st.sampled_from("abcx"),
        before=st.integers(0, 50),
        long=st.integers(1, 90),
        number=st.sampled_from([NUMBER, OTHER]),
        caller=st.sampled_from([CALLER, STRANGER, ""]),
    )
    def talk(self, line: str, before: int, long: int, number: str, caller: str) -> None:
        # No two talks end at once: which of two was the last nobody could say.
        self.told += 1
        ended = self.now - before * DAY / 10 + timedelta(milliseconds=self.told)
        made = Talked(f"t{self.told}", number, caller, line, ended - long * MINUTE, ended)
        self.talks[made.uuid] = made
        self.journal.talked([made])

    @precondition(lambda self: self.talks)
    @rule(data=st.data(), line=st.sampled_from("abc"))
    def talk_again(self, data: Any, line: str) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.talks)))
        self.talks[uuid] = self.talks[uuid]._replace(line=line)
        self.journal.talked([self.talks[uuid], self.talks[uuid]])

    @rule(hunt=st.sampled_from(["h", "g"]), line=st.sampled_from("abc"))
    def ring(self, hunt: str, line: str) -> None:
        self.rung.append(Rung(hunt, line))
        self.journal.line_rung(hunt, [line], self.now)

    @rule(seconds=st.integers(-3600, 100_000))
    def clock_is_set(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(seconds=st.sampled_from([0.5, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.seconds += seconds

    @precondition(lambda self: self.lock is None)
    @rule()
    def another_takes_the_file(self) -> None:
        self.lock = sqlite3.connect(self.folder / "journal.db", isolation_level=None)
        self.lock.execute("BEGIN IMMEDIATE")

    @precondition(lambda self: self.lock is not None)
    @rule()
    def it_is_given_back(self) -> None:
        assert self.lock is not None
        self.lock.close()
        self.lock = None

    @rule(full=st.booleans())
    def room(self, full: bool) -> None:
        self.full = full
        allow_pages(self.journal, 0 if full else 100_000)

    @precondition(lambda self: self.lock is None)
    @rule()
    def opened_anew(self) -> None:
        if self.full:
            self.room(False)
        self.journal.close()
        self.journal = Journal(self.folder / "journal.db")

    @precondition(lambda self: not self.blocked())
    @rule()
    def forget(self) -> None:
        self.journal.forget(self.now)
        before = self.now - KEEP
        self.calls = {one.uuid: one for one in self.calls.values() if one.at >= before}
        self.talks = {one.uuid: one for one in self.talks.values() if one.ended_at >= before}

    @invariant()
    def beginnings_are_as_they_were_told(self) -> None:
        for since, until in ((2 * KEEP, None), (DAY, None), (DAY, MINUTE), (MINUTE, None)):
            limit = None if until is None else self.now - until
            for number in (NUMBER, OTHER):
                for caller in (None, CALLER, ""):
                    expected = sum(
                        one.admitted
                        and one.number == number
                        and caller in (None, one.caller)
                        and self.now - since < one.at
                        and (limit is None or one.at <= limit)
                        for one in self.calls.values()
                    )
                    found = self.journal.admitted_since(number, self.now - since, caller, until=limit)
                    assert found == expected
        whole = (self.now - 4 * KEEP, self.now + 4 * KEEP)
        assert sorted(self.journal.started_between(*whole)) == sorted(self.calls.values())
        assert all(self.journal.started(uuid) == one for uuid, one in self.calls.items())

    @invariant()
    def uses_are_as_they_were_told(self) -> None:
        for hunt in ("h", "g"):
            lines = [one.line for one in self.rung if one.hunt == hunt]
            order = sorted(set(lines), key=lambda line: len(lines) - lines[::-1].index(line))
            assert rung(self.journal, hunt) == order
        # Talks that end ahead of the clock, since it was set back, are not over.
        over = [one for one in self.talks.values() if one.ended_at <= self.now]
        idle = {}
        for line in "abc":
            ended = [one.ended_at for one in over if one.line == line]
            if ended:
                idle[line] = max(ended)
        found = self.journal.uses("h", IDLE, NUMBER, CALLER, {}, self.now).lines
        assert {line: use.talked_until for line, use in found.items()} == idle
        for caller in (CALLER, STRANGER):
            spoke = [one for one in over if (one.number, one.caller) == (NUMBER, caller)]
            last = max(spoke, key=lambda one: one.ended_at).line if spoke else ""
            assert self.journal.uses("h", FAMILIAR, NUMBER, caller, {}, self.now).last_spoken == last
        local = self.now.astimezone(SHANGHAI)
        for line in "abx":
            joined = [one.joined_at for one in self.talks.values() if one.line == line]
            began = [at.astimezone(SHANGHAI) for at in joined if at <= self.now]
            today = sum(at.date() == local.date() for at in began)
            month = sum((at.year, at.month) == (local.year, local.month) for at in began)
            assert taken(self.journal, line, self.now) == (today, month)

    def teardown(self) -> None:
        if self.lock is not None:
            self.lock.close()
        if self.full:
            self.room(False)
        self.journal.close()
        kept = Journal(self.folder / "journal.db", reads_only=True)
        found = kept.started_between(NOW - 9 * KEEP, NOW + 99 * KEEP)
        kept.close()
        self.around.close()
        self.patched.undo()
        assert sorted(found) == sorted(self.calls.values()), "nothing is lost"


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
