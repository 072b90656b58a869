"""Which tests are tried again, and that a run which needs it often has failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repeats import MOST_REPEATS, may_be_repeated, too_many

_ROOT = Path(__file__).parent.parent
_TESTS = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("nth", range({count}))
def test_fails_at_first(nth):
    mark = Path(__file__).with_suffix(f".{{nth}}")
    if not mark.exists():
        mark.touch()
        raise AssertionError("for the first time")
"""


def _run(folder: Path, where: str, count: int, marked: str = "not accept") -> tuple[int, str]:
    file = folder / where / "test_once.py"
    file.parent.mkdir(parents=True)
    file.write_text(_TESTS.format(count=count))
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = accept\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-m",
        marked,
        where,
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("where", "count", "marked", "passes"),
    [
        ("tests/live", 1, "not accept", True),
        ("tests/live", MOST_REPEATS + 1, "not accept", False),
        ("tests/domain", 1, "not accept", False),
        ("tests/live", 1, "not freeswitch", False),
    ],
    ids=["an odd moment", "too often", "a rule", "timed on purpose"],
)
def test_a_run(tmp_path: Path, where: str, count: int, marked: str, passes: bool) -> None:
    code, said = _run(tmp_path, where, count, marked)
    assert (code == 0) is passes, said
    told = "tests/live/test_once.py::test_fails_at_first[0]: AssertionError: for the first time" in said
    assert told is (where == "tests/live" and marked == "not accept"), said
    assert ("may be: something fails now and then" in said) is (count > MOST_REPEATS)


def test_what_waits_by_the_clock() -> None:
    assert may_be_repeated("tests/e2e/test_calls.py::test_a[freeswitch]")
    assert not may_be_repeated("tests/rating/test_run.py::test_a")
    assert not may_be_repeated("tests/test_house.py::test_a")
    assert too_many(MOST_REPEATS) is None
