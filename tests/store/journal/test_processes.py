"""Written by one process, seen by every other, and never lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.store.journal import KEEP, Journal
from tests.store.journal.told import (
    CALLER,
    DAY,
    FAMILIAR,
    NOW,
    NUMBER,
    PROJECT,
    call,
    count,
    rung,
    taken,
    talk,
    uses,
)


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
