"""Nothing that a supervisor has started outlives it: not when it is killed, nor when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.ops.supervise import Part, Supervisor
from appliance.ops.tether import tethered
from tests.support.process import Process

#: Ends only by SIGKILL, and tells its name in a file, so that one that nobody knows of is found.
STUBBORN = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file, new = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1] + ".new")
new.write_text(str(os.getpid()))
new.rename(file)
print("READY to stay", flush=True)
time.sleep(600)
"""
SUPERVISES = """
import sys, time
from pathlib import Path
from appliance.ops.supervise import Part, Supervisor
folder = Path(sys.argv[1])
with Supervisor([Part("part", [sys.executable, "-c", sys.argv[2], str(folder / "pid")])], folder / "log") as box:
    print("UP", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for file in tmp_path.glob("pid"):
        if psutil.pid_exists(int(file.read_text())):
            os.kill(int(file.read_text()), signal.SIGKILL)


def pid_in(file: Path, but: int = 0, within_s: float = 20.0) -> int:
    """The program's process id, as soon as it runs."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if file.exists() and (found := int(file.read_text())) != but:
            return found
        time.sleep(0.05)
    raise AssertionError("not started")


def is_gone(pid: int, within_s: float = 20.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_what_a_killed_supervisor_had_started_is_gone(folder: Path) -> None:
    """Also what it started again, later than its beginning."""
    with Process([sys.executable, "-c", SUPERVISES, folder, STUBBORN]) as supervisor:
        supervisor.wait_for_line("UP", 30)
        first = pid_in(folder / "pid")
        assert not is_gone(first, 0.5)
        os.kill(first, signal.SIGKILL)
        again = pid_in(folder / "pid", but=first)
        os.kill(supervisor.pid, signal.SIGKILL)
        assert is_gone(again)


def test_a_start_that_is_interrupted_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """^C comes between the birth of the process and the note of it; on a busy machine that is a long time."""
    real = subprocess.Popen
    born: list[int] = []

    def slow(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        made = real(*arguments, **options)
        pid_in(folder / "pid")
        born.append(made.pid)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        return made

    monkeypatch.setattr("appliance.ops.supervise.subprocess.Popen", slow)
    monkeypatch.setattr("appliance.ops.supervise._PATIENCE_S", 0.2)
    part = Part("part", [sys.executable, "-c", STUBBORN, str(folder / "pid")])
    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), Supervisor([part], folder / "log"):
            raise AssertionError("it was interrupted")
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(born) == 1
    assert is_gone(pid_in(folder / "pid"), 5)


def test_a_program_that_cannot_be_started_is_told_and_the_others_end(folder: Path) -> None:
    parts = [
        Part("part", [sys.executable, "-c", "import time; time.sleep(600)"]),
        Part("none", ["a\0b"]),
    ]
    before = psutil.Process().children()
    with pytest.raises(ValueError, match="null"), Supervisor(parts, folder / "log"):
        raise AssertionError("it was not started")
    assert set(psutil.Process().children()) <= set(before)


def test_whose_starter_is_gone_already_is_not_started(folder: Path) -> None:
    """It died before the kernel was asked to tell."""
    program = [sys.executable, "-c", "print('started')"]
    orphan = subprocess.run(tethered(program, os.getppid()), capture_output=True, text=True, check=False)
    assert (orphan.returncode, orphan.stdout) == (1, "")
    child = subprocess.run(tethered(program, os.getpid()), capture_output=True, text=True, check=False)
    assert (child.returncode, child.stdout) == (0, "started\n")


def test_arguments_arrive_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["a b", "$HOME `id` \"'", "--", "-c", "", "线"]
    program = [sys.executable, "-c", "import sys; print(sys.argv[1:])", *said]
    done = subprocess.run(tethered(program, os.getpid()), capture_output=True, text=True, check=True)
    assert done.stdout == f"{said}\n"
    monkeypatch.setenv("PATH", "/nowhere")
    assert tethered(program, 1) == program
