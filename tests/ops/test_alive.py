"""Names of processes, and whether they are still there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from appliance.ops.alive import is_running, process_name

TELLS = "from appliance.ops.alive import process_name; print(process_name(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """A process that tells its name and waits."""
    made = subprocess.Popen([sys.executable, "-c", TELLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield made
    made.kill()
    made.communicate()


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_has_one_name() -> None:
    assert process_name() == process_name()
    assert process_name().startswith(f"{os.getpid()}@") and is_running(process_name())


def test_another_process_is_known_by_its_name(other: subprocess.Popen[str]) -> None:
    name = name_of(other)
    assert name != process_name() and is_running(name)
    other.kill()
    other.wait()
    assert not is_running(name)


def test_a_process_that_was_killed_and_that_nobody_has_waited_for_is_dead(other: subprocess.Popen[str]) -> None:
    name = name_of(other)
    os.kill(other.pid, 9)
    deadline = time.monotonic() + 5
    while psutil.Process(other.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not is_running(name)


def test_a_process_that_has_the_number_of_a_dead_one_is_another() -> None:
    pid, _, began = process_name().partition("@")
    assert not is_running(f"{pid}@{float(began) - 60:.2f}")


def test_the_clock_may_be_set(other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's time of its start, by which psutil reckons, goes with the clock."""
    name, ours = name_of(other), process_name()
    boot = psutil.boot_time()
    for module in (psutil, psutil._pslinux):
        monkeypatch.setattr(module, "boot_time", lambda: boot + 3600)
    assert is_running(name) and is_running(ours) and process_name() == ours


@pytest.mark.parametrize("name", ["", "@", "x@1", "-1@1", "0@1", f"{10**30}@1", "1", "²@1", "１@1"])
def test_what_is_no_name(name: str) -> None:
    assert not is_running(name)
