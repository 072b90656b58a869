"""A child process of a test: waited for by line or port, stopped for certain, its output kept."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class ProcessFailed(AssertionError):
    """The process ended or stayed silent too long; the message carries its last output."""


class Process:
    """A running command, used as a context manager; it leads a process group of its own.

    ``env`` is added to this process's environment. Output and errors are one text, read by a thread so that a
    full pipe never blocks the child.
    """

    def __init__(
        self, args: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.args = [str(arg) for arg in args]
        self._lines: list[str] = []
        self._fresh = threading.Condition()
        self._child = subprocess.Popen(
            self.args,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._child.poll()

    @property
    def output(self) -> str:
        """Everything it has written so far."""
        with self._fresh:
            return "".join(self._lines)

    def wait_for_line(self, pattern: str, timeout: float = 10.0) -> re.Match[str]:
        """Waits until a line matches the regular expression (``re.search``), old lines included."""
        sought, seen, deadline = re.compile(pattern), 0, time.monotonic() + timeout
        while True:
            with self._fresh:
                for line in self._lines[seen:]:
                    found = sought.search(line)
                    if found:
                        return found
                seen = len(self._lines)
                left = deadline - time.monotonic()
                ended = not self._reader.is_alive()
                if left > 0 and not ended:
                    self._fresh.wait(min(left, 0.2))
                    continue
            raise self.failure(f"no line with {pattern!r} " + ("before its end" if ended else f"in {timeout} s"))

    def wait_for_port(self, port: int, timeout: float = 10.0, *, host: str = "127.0.0.1") -> None:
        """Waits until something accepts TCP on the port."""
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host, port), 0.5):
                return
            if self.returncode is not None:
                raise self.failure(f"ended before port {port} was open")
            if time.monotonic() > deadline:
                raise self.failure(f"port {port} was not open in {timeout} s")
            time.sleep(0.05)

    def wait(self, timeout: float = 10.0) -> int:
        """Waits for its end; the exit status."""
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.failure(f"did not end in {timeout} s") from None
        self._reader.join(1.0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process alone."""
        self._child.send_signal(number)

    def stop(self, timeout: float = 5.0) -> int:
        """TERM to its group, KILL after ``timeout`` s; reaps it and returns its exit status.

        The group gets a KILL in every case, so that no grandchild outlives the test.
        """
        if self.returncode is None:
            self._signal_group(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout)
        self._signal_group(signal.SIGKILL)
        status = self._child.wait()
        self._reader.join(2.0)
        return status

    def failure(self, what: str) -> ProcessFailed:
        """An error that names the command, what is wrong, and its last 40 lines."""
        tail = "".join(self.output.splitlines(keepends=True)[-40:])
        state = "running" if self.returncode is None else f"exit status {self.returncode}"
        return ProcessFailed(f"{' '.join(self.args)} ({state}): {what}\n--- its last output ---\n{tail}")

    def _signal_group(self, number: signal.Signals) -> None:
        # The group outlives its leader only while a grandchild is alive; otherwise there is nobody to signal.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as stream:
            for line in stream:
                with self._fresh:
                    self._lines.append(line.decode("utf-8", "replace"))
                    self._fresh.notify_all()
        with self._fresh:
            self._fresh.notify_all()
