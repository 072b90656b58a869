"""Several processes as one, for a machine without systemd: trying, demonstration, tests.

On a customer's box systemd does this (``ansible/``); the order and the restarts are the same there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.errors import ApplianceError
from appliance.ops.alive import ALIVE_WITHIN_S
from appliance.ops.tether import tethered

#: How long a part may take to end.
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Part:
    """A process of the box. It is up when it has printed a line that starts with ``READY``, or ``is_up()``.

    One that has given a sign of life (``ops.alive``) must go on giving them, or it is killed.
    """

    name: str
    argv: Sequence[str]
    is_up: Callable[[], bool] | None = None
    up_within_s: float = 30.0
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Starts parts, waits until all are up, starts again what dies, ends them in the reverse order.

    A thread of its own does that, so no signal's exception comes between the birth of a process and the note of it,
    and the parts are tethered to it: whatever becomes of this process, they do not outlive it.

    :param log_dir: each part's output goes to ``NAME.log`` there.
    :param keep_up: start again what dies; the demonstration wants to see a death instead.
    """

    def __init__(self, parts: Sequence[Part], log_dir: Path, *, keep_up: bool = True) -> None:
        self._parts = {part.name: part for part in parts}
        self._log_dir = log_dir
        self._keep_up = keep_up
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        #: Where the output of a part's present process begins in its log.
        self._log_from: dict[str, int] = {}
        self._signs = {part.name: _Signs() for part in parts}
        #: All were started, or could not be; all are up; the end is wanted.
        self._begun, self._up, self._ending = threading.Event(), threading.Event(), threading.Event()
        self._fault: Exception | None = None
        self._owner = threading.Thread(target=self._own, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            self._owner.start()
            self._begun.wait()
            if self._fault is not None:
                raise self._fault
            for part in self._parts.values():
                self._wait_until_up(part)
        except BaseException:
            self.stop()
            raise
        self._up.set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def pid(self, name: str) -> int:
        """Process id of a part that runs."""
        return self._running[name].pid

    def log(self, name: str) -> str:
        """What a part's present process has printed so far; bytes that are no text are replaced."""
        return self._log_path(name).read_bytes()[self._log_from[name] :].decode("utf-8", "replace")

    def dead(self) -> list[str]:
        """Parts that are not running."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def stop(self) -> None:
        """End every part: SIGTERM in reverse order, SIGKILL to one that takes more than 10 s."""
        self._ending.set()
        if self._owner.is_alive():
            self._owner.join()
        for signs in self._signs.values():
            signs.close()

    def _own(self) -> None:
        try:
            try:
                for part in self._parts.values():
                    if not self._ending.is_set():
                        self._start(part)
            except (OSError, ValueError) as error:
                self._fault = error
            finally:
                self._begun.set()
            while not self._ending.wait(0.2):
                if self._keep_up and self._up.is_set():
                    self._watch()
        finally:
            for process in reversed(list(self._running.values())):
                _end(process)

    def _log_path(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"

    def _start(self, part: Part) -> None:
        self._signs[part.name].forget()
        with self._log_path(part.name).open("ab") as log:
            self._log_from[part.name] = log.tell()
            self._running[part.name] = subprocess.Popen(
                tethered(part.argv, os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **part.environment, "NOTIFY_SOCKET": self._signs[part.name].address},
                # A group of its own, so that its children end with it; ^C reaches us only.
                start_new_session=True,
            )

    def _wait_until_up(self, part: Part) -> None:
        """:raises ApplianceError: it died, or was not up in time; the end of its output is in the text."""
        process = self._running[part.name]
        deadline = time.monotonic() + part.up_within_s
        while time.monotonic() < deadline:
            if part.is_up() if part.is_up is not None else "\nREADY " in "\n" + self.log(part.name):
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        how = "did not come up" if process.poll() is None else f"ended with {process.returncode}"
        tail = "\n".join(self.log(part.name).splitlines()[-15:])
        raise ApplianceError(f"{part.name} {how}:\n{tail}")

    def _watch(self) -> None:
        for name, signs in self._signs.items():
            if signs.have_stopped():
                self._running[name].kill()
                self._running[name].wait()
        for name in self.dead():
            # No memory, no room for its log: perhaps there is some a moment later.
            with contextlib.suppress(OSError):
                self._start(self._parts[name])


class _Signs:
    """Where one part's signs of life arrive."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("")  # an abstract address that the kernel chooses: no file, nothing left behind
        self._last: float | None = None

    @property
    def address(self) -> str:
        """As ``NOTIFY_SOCKET`` has it."""
        name: bytes = self._socket.getsockname()
        return "@" + name[1:].decode()

    def forget(self) -> None:
        """A new process: what the old one said does not count."""
        self._read()
        self._last = None

    def have_stopped(self) -> bool:
        """Whether there were signs, and are none any more."""
        if self._read():
            self._last = time.monotonic()
        return self._last is not None and time.monotonic() - self._last > ALIVE_WITHIN_S

    def _read(self) -> bool:
        seen = False
        with contextlib.suppress(BlockingIOError):
            while told := self._socket.recv(4096):
                # Others say other things here: gunicorn READY=1, once, when it is up.
                seen |= b"WATCHDOG=1" in told.splitlines()
        return seen

    def close(self) -> None:
        self._socket.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
