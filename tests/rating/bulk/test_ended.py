"""Rating a file that is told to end, or whose disk is full: nothing half done is left behind."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import RatingError
from appliance.rating.bulk.engines import duckdb
from appliance.rating.bulk.files import rate_files
from tests.bench import corpus

_RATE = ("-m", "appliance", "rating", "file", "--plans", str(corpus.BOOK))


def told_to_end(folder: Path, cdrs: Path, number: int, after_s: float) -> int:
    """Send a signal so long after the work began; the exit code."""
    folder.mkdir()
    options = ("--cdrs", str(cdrs), "--charges", "charges.csv", "--rejects", "rejects.csv")
    process = subprocess.Popen([sys.executable, *_RATE, *options], cwd=folder, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".rating-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(after_s)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def test_told_to_end(tmp_path: Path) -> None:
    cdrs = tmp_path / "cdrs.csv"
    corpus.write(cdrs, 100_000)
    folder = tmp_path / "told"
    assert told_to_end(folder, cdrs, signal.SIGTERM, 0.0) == 128 + signal.SIGTERM
    assert list(folder.iterdir()) == []


@pytest.mark.accept
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_end_at_any_moment(tmp_path: Path, number: signal.Signals) -> None:
    cdrs = tmp_path / "cdrs.csv"
    corpus.write(cdrs, 300_000)
    dice, ended = random.Random(), 0
    for nth in range(10):
        folder = tmp_path / str(nth)
        code = told_to_end(folder, cdrs, number, dice.uniform(0, 3))
        left = sorted(path.name for path in folder.iterdir())
        # It may have been done before.
        assert (code, left) in [(0, ["charges.csv", "rejects.csv"]), (128 + number, [])]
        ended += code != 0
    assert ended > 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no right to mount a disk here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.accept
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("memory", "said"), [("1200MB", r"cannot write .*: No space left on device"), ("64MB", r"DuckDB: .*")]
)
def test_a_full_disk(tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, memory: str, said: str) -> None:
    """Full of the charges, or of what did not fit into memory."""
    monkeypatch.setattr(duckdb, "MEMORY", memory)
    cdrs = tmp_path / "cdrs.csv"
    corpus.write(cdrs, 600_000)
    charges, rejects = disk / "charges.csv", disk / "rejects.csv"
    charges.write_text("as it was before\n")
    with pytest.raises(RatingError, match=said):
        rate_files(corpus.BOOK, cdrs, charges, rejects)
    assert [path.name for path in disk.iterdir()] == ["charges.csv"]
    assert charges.read_text() == "as it was before\n"
