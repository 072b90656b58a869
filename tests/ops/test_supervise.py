"""Parts are started again when they die, and killed when they come to a standstill."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.ops import alive, supervise
from appliance.ops.supervise import Part, Supervisor

#: Gives signs of life as long as it is not stopped.
LIVELY = """
import time
from appliance.ops.alive import SignsOfLife
signs = SignsOfLife()
print("READY to live", flush=True)
while True:
    signs.give()
    time.sleep(0.1)
"""
SILENT = "import time; print('READY to sleep', flush=True); time.sleep(600)"


def part(program: str) -> Part:
    return Part("part", [sys.executable, "-c", program])


def within(seconds: float, done: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if done():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "ALIVE_WITHIN_S", 1.0)


def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    with Supervisor([part(SILENT)], tmp_path) as box:
        first = box.pid("part")
        os.kill(first, signal.SIGKILL)
        assert within(5, lambda: box.pid("part") != first)


def test_a_part_at_a_standstill_is_killed_and_started_again(tmp_path: Path) -> None:
    with Supervisor([part(LIVELY)], tmp_path) as box:
        first = box.pid("part")
        assert not within(2, lambda: box.pid("part") != first), "it gives signs"
        os.kill(first, signal.SIGSTOP)
        assert within(5, lambda: box.pid("part") != first)
        again = box.pid("part")
        assert not within(2, lambda: box.pid("part") != again)


def test_a_part_that_never_gave_a_sign_is_left_alone(tmp_path: Path) -> None:
    with Supervisor([part(SILENT)], tmp_path) as box:
        first = box.pid("part")
        assert not within(2, lambda: box.pid("part") != first)


def test_who_only_says_that_it_is_up_gave_no_sign(tmp_path: Path) -> None:
    """As gunicorn does, wherever it finds the socket."""
    says = (
        "import os, socket; a = os.environ['NOTIFY_SOCKET'];"
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1\\nSTATUS=booted', '\\0' + a[1:]);"
    )
    with Supervisor([part(says + SILENT)], tmp_path) as box:
        first = box.pid("part")
        assert not within(2.5, lambda: box.pid("part") != first)


def test_signs_that_nobody_wants_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    alive.SignsOfLife().give()
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody-listens-here")
    with contextlib.closing(alive.SignsOfLife()) as signs:
        signs.give()
    signs.give()


def test_the_first_sign_sets_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd reads it: sd_notify(3)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind("")
        told.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + told.getsockname()[1:].decode())
        with contextlib.closing(alive.SignsOfLife()) as signs:
            signs.give()
            signs.give()
        assert told.recv(1000) == b"WATCHDOG_USEC=4000000\nWATCHDOG=1\n"
        assert told.recv(1000) == b"WATCHDOG=1\n"
