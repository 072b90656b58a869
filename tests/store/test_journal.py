"""What calls did: counted right, seen by every process, and never lost once it was written."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from appliance.domain.calendar import SHANGHAI
from appliance.domain.hunt import Hunt, LineUse, Strategy, Uses
from appliance.store import journal_file as module
from appliance.store.journal import KEEP, Journal, Started, Talked, TrunkState

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
NUMBER, OTHER = "4008001234", "4008005678"
CALLER, STRANGER = "13800138000", "02188886666"
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
ROTATE = Hunt(("a", "b", "c"), Strategy.ROTATE)
IDLE = Hunt(("a", "b", "c"), Strategy.LONGEST_IDLE)
FAMILIAR = Hunt(("a", "b", "c"), Strategy.LAST_SPOKEN)
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journals(file: Path) -> Iterator[Callable[..., Journal]]:
    """Makes journals, all on one file unless another is named; closed in the end."""
    with contextlib.ExitStack() as opened:

        def make(where: Path = file, **options: bool) -> Journal:
            made = Journal(where, **options)
            opened.callback(made.close)
            return made

        yield make


@pytest.fixture
def journal(journals: Callable[..., Journal]) -> Journal:
    return journals()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock by which a journal waits before it tries again; stands still until it is set."""
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


#: Caps that are never reached.
MANY = (10**6, 10**6)


def call(
    uuid: str, at: datetime = NOW, number: str = NUMBER, caller: str = CALLER, *, admitted: bool = True
) -> Started:
    return Started(uuid, at, number, "demo", "t", caller, admitted)


def talk(uuid: str, line: str = "a", began: datetime = NOW, number: str = NUMBER, caller: str = CALLER) -> Talked:
    return Talked(uuid, number, caller, line, began, began + MINUTE)


def count(journal: Journal, number: str = NUMBER, caller: str | None = None) -> int:
    """Calls that were let in during the last day."""
    return journal.admitted_since(number, NOW - DAY, caller)


def uses(
    journal: Journal, hunt: Hunt = ROTATE, *capped: str, now: datetime = NOW + 10 * MINUTE, caller: str = CALLER
) -> Uses:
    return journal.uses("h", hunt, NUMBER, caller, dict.fromkeys(capped, MANY), now)


def rung(journal: Journal, name: str = "h") -> list[str]:
    """The lines of a hunt in the order in which they were rung last."""
    found = journal.uses(name, ROTATE, NUMBER, CALLER, {}, NOW).lines
    return sorted(found, key=lambda line: found[line].rung_at or NOW)


def taken(journal: Journal, line: str, now: datetime) -> tuple[int, int]:
    """Calls of the day and of the month."""
    use = uses(journal, Hunt(), line, now=now).of(line)
    return use.today, use.this_month


# -- What it answers -------------------------------------------------------------------------------------------


def test_an_empty_journal_knows_nothing(journal: Journal) -> None:
    assert count(journal) == 0 and journal.started("u") is None
    assert journal.started_between(NOW - DAY, NOW + DAY) == []
    for hunt in (ROTATE, IDLE, FAMILIAR, Hunt(("a",))):
        assert uses(journal, hunt) == Uses({}, "")
    assert uses(journal, ROTATE, "a") == Uses({"a": LineUse()}, "")


def test_calls_are_counted_by_number_and_caller(journal: Journal) -> None:
    journal.call_started(call("1"))
    journal.call_started(call("2", caller=STRANGER))
    journal.call_started(call("3", caller=""))
    journal.call_started(call("4", number=OTHER))
    journal.call_started(call("5", admitted=False))
    assert (count(journal), count(journal, OTHER), count(journal, "4000000000")) == (3, 1, 0)
    assert [count(journal, NUMBER, caller) for caller in (CALLER, STRANGER, "", "1")] == [1, 1, 1, 0]
    assert [count(journal, OTHER, caller) for caller in (CALLER, STRANGER)] == [1, 0]


def test_calls_are_counted_behind_an_instant_and_before_another(journal: Journal) -> None:
    for number in range(5):
        journal.call_started(call(str(number), NOW + number * SECOND))

    def counted(since: float, until: float | None = None) -> int:
        limit = None if until is None else NOW + until * SECOND
        return journal.admitted_since(NUMBER, NOW + since * SECOND, CALLER, until=limit)

    # Behind the one, up to the other.
    assert [counted(since) for since in (-1, 0, 0.5, 3, 4)] == [5, 4, 4, 1, 0]
    assert [counted(-1, until) for until in (0, 0.5, 1, 4, 5)] == [1, 1, 2, 5, 5]
    assert counted(1, 3) == 2 and counted(3, 1) == 0
    assert journal.admitted_since(NUMBER, NOW.astimezone(SHANGHAI)) == 4, "whatever the offset"


def test_a_call_counts_as_what_was_said_of_it_last(journal: Journal) -> None:
    """It was asked for a password, and then let in."""
    journal.call_started(call("u", admitted=False))
    assert count(journal) == 0
    journal.call_started(call("u", NOW + SECOND))
    journal.call_started(call("u", NOW + SECOND))
    assert count(journal) == 1
    assert journal.started("u") == call("u", NOW + SECOND)


def test_a_call_does_not_count_against_itself(journal: Journal) -> None:
    for uuid in ("1", "2"):
        journal.call_started(call(uuid))
        journal.call_started(call(f"r{uuid}", admitted=False)._replace(refusal="holiday"))
    since = NOW - DAY
    assert [journal.admitted_since(NUMBER, since, but=but) for but in ("", "1", "3")] == [2, 1, 2]
    assert [journal.admitted_since(NUMBER, since, CALLER, but=but) for but in ("", "1", "3")] == [2, 1, 2]
    assert [journal.refused_since(NUMBER, "holiday", since, but=but) for but in ("", "r2", "2")] == [2, 1, 2]


def test_refused_calls_are_counted_by_reason_number_and_caller(journal: Journal) -> None:
    wrong = "wrong-password"
    refused = [
        *[(wrong, CALLER, NUMBER), (wrong, CALLER, NUMBER), (wrong, STRANGER, NUMBER), (wrong, CALLER, OTHER)],
        *[("holiday", CALLER, NUMBER), (wrong, "", NUMBER)],
    ]
    for serial, (reason, caller, number) in enumerate(refused):
        made = call(str(serial), NOW - serial * SECOND, number, caller, admitted=False)
        journal.call_started(made._replace(refusal=reason))
    hour = NOW - 60 * MINUTE

    def counted(number: str, reason: str, caller: str | None) -> int:
        return journal.refused_since(number, reason, hour, caller)

    assert [counted(NUMBER, wrong, caller) for caller in (None, CALLER, STRANGER, "", "1")] == [4, 2, 1, 1, 0]
    assert [counted(OTHER, wrong, CALLER), counted(NUMBER, "holiday", CALLER)] == [1, 1]
    assert counted(NUMBER, "region", None) == count(journal) == 0
    # Behind the one instant and up to the other.
    assert journal.refused_since(NUMBER, wrong, NOW - SECOND, CALLER) == 1
    assert journal.refused_since(NUMBER, wrong, hour, CALLER, until=NOW - SECOND) == 1
    # A call that was asked again, and keyed the right one.
    journal.call_started(call("0"))
    assert (counted(NUMBER, wrong, CALLER), count(journal)) == (1, 1)


def test_trunks_are_as_they_were_found_last(journal: Journal, journals: Callable[..., Journal]) -> None:
    assert journal.trunks() == {}
    journal.trunk_is("b", True, NOW)
    journal.trunk_is("a", False, NOW - SECOND)
    assert list(journal.trunks().items()) == [
        ("a", TrunkState(False, NOW - SECOND)),
        ("b", TrunkState(True, NOW)),
    ]
    journal.trunk_is("b", False, NOW + SECOND)
    journal.trunk_forgotten("a")
    journal.trunk_forgotten("c")
    journal.forget(NOW + 2 * KEEP)
    assert journal.trunks() == journals().trunks() == {"b": TrunkState(False, NOW + SECOND)}


def test_beginnings_in_their_order(journal: Journal) -> None:
    made = [call("b", NOW + SECOND), call("a", NOW, admitted=False), call("c", NOW + 2 * SECOND, OTHER, "")]
    for one in made:
        journal.call_started(one)
    assert journal.started_between(NOW, NOW + 2 * SECOND) == [made[1], made[0]]
    assert journal.started_between(NOW, NOW + 3 * SECOND) == [made[1], made[0], made[2]]
    assert journal.started("c") == made[2] and journal.started("d") is None


def test_the_line_a_caller_spoke_to_last_is_that_of_the_talk_that_ended_last(journal: Journal) -> None:
    journal.talked([talk("1", "a", NOW), talk("2", "b", NOW - MINUTE)])
    journal.talked([talk("3", "c", NOW + MINUTE, OTHER), talk("4", "d", NOW + MINUTE, caller=STRANGER)])
    assert uses(journal, FAMILIAR) == Uses({}, "a")
    assert uses(journal, FAMILIAR, caller=STRANGER).last_spoken == "d"
    assert journal.uses("h", FAMILIAR, OTHER, CALLER, {}, NOW + 10 * MINUTE).last_spoken == "c"
    assert uses(journal, FAMILIAR, caller="10086").last_spoken == ""
    # Only a hunt that goes by it looks.
    assert uses(journal, IDLE).last_spoken == "" and uses(journal, ROTATE).last_spoken == ""


def test_callers_without_a_number_are_not_one_caller(journal: Journal) -> None:
    journal.talked([talk("1", "b", caller="")])
    assert uses(journal, FAMILIAR, caller="").last_spoken == ""


def test_when_each_line_ended_its_last_talk(journal: Journal) -> None:
    journal.talked([talk("1", "a"), talk("2", "a", NOW - MINUTE), talk("3", "b", NOW - DAY, OTHER), talk("4", "x")])
    assert uses(journal, IDLE).lines == {
        "a": LineUse(talked_until=NOW + MINUTE),
        "b": LineUse(talked_until=NOW - DAY + MINUTE),
    }


def test_a_talk_that_is_told_twice_counts_once(journal: Journal) -> None:
    journal.talked([talk("1"), talk("1")])
    journal.talked([talk("1"), talk("2", "b")])
    assert [taken(journal, line, NOW) for line in "ab"] == [(1, 1), (1, 1)]
    # What is told last holds: a leg that came late may have made the talk longer.
    journal.talked([Talked("1", NUMBER, CALLER, "c", NOW, NOW + 5 * MINUTE)])
    assert [taken(journal, line, NOW) for line in "ac"] == [(0, 0), (1, 1)]
    assert uses(journal, IDLE).of("c").talked_until == NOW + 5 * MINUTE


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-30T23:59:59+08:00", (1, 3)),
        ("2026-12-01T00:00:00+08:00", (1, 1)),
        ("2026-11-30T16:00:00+00:00", (1, 1)),
        ("2026-11-30T15:59:59+00:00", (1, 3)),
        ("2026-12-01T23:59:59+08:00", (1, 1)),
        ("2026-12-02T00:00:00+08:00", (0, 1)),
        ("2027-01-01T00:00:00+08:00", (0, 0)),
    ],
)
def test_days_and_months_of_a_lines_caps_are_those_of_shanghai(
    journal: Journal, now: str, expected: tuple[int, int]
) -> None:
    began = ("10-31T23:59:59", "11-01T00:00:00", "11-29T23:59:59", "11-30T00:00:00", "12-01T00:00:00")
    at = datetime.fromisoformat(now)
    for number, text in enumerate(began):
        moment = datetime.fromisoformat(f"2026-{text}+08:00")
        if moment <= at:  # what calls did before
            journal.talked([talk(str(number), "a", moment), talk(f"b{number}", "b", moment)])
    assert taken(journal, "a", at) == expected
    assert taken(journal, "c", at) == (0, 0)


def test_nothing_is_counted_beyond_the_caps(journal: Journal) -> None:
    """They are asked for with every call."""
    journal.talked([talk(str(number), "a", NOW - number * DAY) for number in range(4)])
    journal.talked([talk(f"b{number}", "a", NOW - number * MINUTE) for number in range(4)])
    for caps in ((2, 3), (99, 99), (0, 6), (4, 0), (5, 8)):
        use = journal.uses("h", Hunt(), NUMBER, CALLER, {"a": caps}, NOW).of("a")
        assert (use.today, use.this_month) == (min(caps[0], 5), min(caps[1], 8))


def test_a_talk_over_midnight_belongs_to_the_day_on_which_it_began(journal: Journal) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=SHANGHAI)
    journal.talked([talk("1", "a", midnight - SECOND)])
    assert taken(journal, "a", midnight) == (0, 0)


def test_lines_are_in_the_order_in_which_they_were_rung(journal: Journal) -> None:
    for line in "abcab":
        journal.line_rung("h", [line], NOW)  # by a clock that stands still
    assert rung(journal) == ["c", "a", "b"]
    journal.line_rung("h", ["c"], NOW - DAY)  # by one that was set back
    assert rung(journal) == ["a", "b", "c"]
    journal.line_rung("h", ["a"], NOW + DAY)
    journal.line_rung("h", ["b"], NOW)
    assert rung(journal) == ["c", "a", "b"]
    times = [use.rung_at for use in uses(journal).lines.values()]
    assert len(set(times)) == 3, "no two of them at once"


def test_each_hunt_takes_its_own_turns(journal: Journal) -> None:
    journal.line_rung("h", ["b"], NOW)
    journal.line_rung("demo/main/sales", ["a"], NOW)
    assert (rung(journal), rung(journal, "demo/main/sales"), rung(journal, "x")) == (["b"], ["a"], [])


def test_a_clock_that_is_right_is_what_is_written(journal: Journal) -> None:
    journal.line_rung("h", ["a", "b"], NOW)
    assert uses(journal).lines == {"a": LineUse(rung_at=NOW), "b": LineUse(rung_at=NOW)}


def test_the_order_outlives_a_restart_with_the_clock_set_back(journals: Callable[..., Journal]) -> None:
    before = journals()
    before.line_rung("h", ["a"], NOW)
    journals().line_rung("h", ["b"], NOW - DAY)
    assert rung(journals()) == ["a", "b"]


def test_what_is_older_than_two_months_is_forgotten(journal: Journal) -> None:
    old, kept = NOW - KEEP - SECOND, NOW - KEEP
    journal.call_started(call("old", old))
    journal.call_started(call("kept", kept))
    journal.line_rung("h", ["a"], old)
    journal.line_rung("h", ["b"], kept)
    journal.talked([talk("old", "a", old - MINUTE), talk("kept", "b", kept - MINUTE)])
    journal.forget(NOW)
    assert journal.started("old") is None and journal.started("kept") is not None
    assert rung(journal) == ["b"]
    assert uses(journal, IDLE).lines == {"b": LineUse(talked_until=kept)}
    assert timedelta(days=62) == KEEP


def test_much_is_forgotten_a_little_at_a_time(
    journal: Journal, journals: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between, the handlers have the file."""
    many, handlers, left = 3 * module._AT_ONCE + 1, journals(), []
    journal.talked([talk(str(number)) for number in range(many)])

    def pause(seconds: float) -> None:
        handlers.call_started(call(str(len(left)), NOW + 2 * KEEP))
        left.append(taken(handlers, "a", NOW)[0])

    monkeypatch.setattr(module.JournalFile.drop, "__defaults__", (pause,))
    journal.forget(NOW + KEEP + DAY)
    assert left == [many - step * module._AT_ONCE for step in (1, 2, 3)]
    assert taken(journal, "a", NOW) == (0, 0)
    assert journal.admitted_since(NUMBER, NOW) == 3


# -- Several processes -----------------------------------------------------------------------------------------


def test_two_journals_on_one_file_see_each_others_writes(journals: Callable[..., Journal]) -> None:
    handlers, collector = journals(), journals()
    handlers.call_started(call("1"))
    assert count(collector) == 1
    collector.talked([talk("1", "b")])
    collector.call_started(call("2"))
    assert uses(handlers, FAMILIAR).last_spoken == "b" and count(handlers) == 2
    handlers.line_rung("h", ["a"], NOW)
    assert rung(collector) == ["a"]
    collector.forget(NOW + KEEP + DAY)
    assert count(handlers) == 0 and rung(handlers) == []


#: Writes call after call, and says so after each.
WRITER = f"""
import sys
from datetime import datetime, timedelta
from pathlib import Path
from appliance.store.journal import Journal, Started, Talked

journal = Journal(Path(sys.argv[1]))
now = datetime.fromisoformat({NOW.isoformat()!r})
for number in range(int(sys.argv[2])):
    journal.call_started(Started(f"w{{number}}", now, "{NUMBER}", "demo", "t", "{CALLER}", True))
    journal.talked([Talked(f"w{{number}}", "{NUMBER}", "{CALLER}", "a", now, now + timedelta(minutes=1))])
    print(number, flush=True)
print("done", flush=True)
"""


@contextlib.contextmanager
def writer(file: Path, calls: int) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), str(calls)], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_another_process_writes_at_the_same_time(file: Path, journal: Journal) -> None:
    journal.call_started(call("ours"))
    with writer(file, 300) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            journal.call_started(call(f"o{number}"))
            if line != "done\n":
                assert count(journal) >= 1 + 2 * number
        assert process.wait(20) == 0
    journal.call_started(call("last"))
    assert count(journal) == 300 + 301 + 2
    assert taken(journal, "a", NOW) == (300, 300)


@pytest.mark.parametrize("kill_after", [1, 37, 400])
def test_a_killed_process_loses_nothing_that_was_written(
    file: Path, journals: Callable[..., Journal], kill_after: int
) -> None:
    with writer(file, 100_000) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(kill_after)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
        assert process.wait(20) == -signal.SIGKILL
    written = sum(line.endswith("\n") for line in said)
    assert written >= kill_after
    again = journals()
    # What it was about to say is there too, or not.
    assert written <= count(again) <= written + 1
    assert written <= taken(again, "a", NOW)[0] <= written + 1
    again.call_started(call("after"))
    assert count(again) >= written + 1


def test_what_is_flushed_is_in_the_file_itself(file: Path, journal: Journal, tmp_path: Path) -> None:
    journal.call_started(call("1"))
    journal.flush()
    shutil.copy(file, tmp_path / "copy.db")
    copy = Journal(tmp_path / "copy.db")
    assert count(copy) == 1
    copy.close()


def test_nobody_else_reads_who_called(file: Path) -> None:
    before = os.umask(0o022)
    try:
        journal = Journal(file)
        journal.call_started(call("1"))
        assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in file.parent.iterdir()} == {0}
        journal.close()
    finally:
        os.umask(before)


# -- What goes wrong -------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(module, "_MOST_WAITING", 3)
    journal = journals(tmp_path / "none" / "journal.db")
    for number in range(10):
        journal.call_started(call(str(number)))
    assert count(journal) == 3


def allow_pages(journal: Journal, pages: int) -> None:
    """So many pages the file may have; 0: as many as it has now."""
    connection = journal._file._connection()
    connection.execute(f"PRAGMA max_page_count = {pages or 1}")


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


# -- For whoever only asks -------------------------------------------------------------------------------------


def everything(journal: Journal) -> None:
    journal.call_started(call("x"))
    journal.line_rung("h", ["x"], NOW)
    journal.talked([talk("x", "x")])
    journal.trunk_is("x", True, NOW)
    journal.forget(NOW + 2 * KEEP)
    journal.flush()


def test_who_only_asks_makes_no_file(tmp_path: Path) -> None:
    for file in (tmp_path / "journal.db", tmp_path / "none" / "journal.db"):
        journal = Journal(file, reads_only=True)
        everything(journal)
        assert count(journal) == 0 and uses(journal, FAMILIAR, "a") == Uses({"a": LineUse()}, "")
        journal.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("beside_a_writer", [True, False])
def test_who_only_asks_sees_everything_and_writes_nothing(file: Path, beside_a_writer: bool) -> None:
    writing = Journal(file)
    writing.call_started(call("1"))
    writing.talked([talk("1")])
    if not beside_a_writer:
        writing.close()
    content, there = file.read_bytes(), sorted(file.parent.iterdir())
    asking = Journal(file, reads_only=True)
    assert count(asking) == 1 and taken(asking, "a", NOW) == (1, 1)
    everything(asking)
    assert count(asking) == 1 and rung(asking) == []
    asking.close()
    assert file.read_bytes() == content and sorted(file.parent.iterdir()) == there
    if beside_a_writer:
        assert count(writing) == 1
        writing.close()


def test_who_only_asks_leaves_a_broken_file_alone(file: Path) -> None:
    file.write_bytes(b"no database " * 400)
    asking = Journal(file, reads_only=True)
    with capture_logs() as logs:
        assert count(asking) == 0
    assert [entry["event"] for entry in logs] == ["journal cannot be used, goes on in memory"]
    asking.close()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_came_later_is_of_no_matter_to_a_question_about_the_past(journal: Journal) -> None:
    """``appliance route explain --at`` of yesterday: a line's calls of today are not yesterday's."""
    journal.talked([talk("1", "a", NOW), talk("2", "a", NOW + 2 * MINUTE)])
    assert taken(journal, "a", NOW - DAY) == (0, 0)


# -- Against a plain list --------------------------------------------------------------------------------------


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
            refused = sum(one.refusal == "holiday" and one.at > self.now - since for one in self.calls.values())
            found = sum(
                self.journal.refused_since(number, "holiday", self.now - since) for number in (NUMBER, OTHER)
            )
            assert found == refused
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
