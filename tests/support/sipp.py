"""SIPp with the project's own scenarios, and the statistics it counted.

``run_sipp`` calls and waits; ``SippLine`` answers in the background. SIPp's ``play_dtmf`` needs a raw socket, so
a scenario that presses keys needs root or CAP_NET_RAW.
"""

from __future__ import annotations

import csv
import shutil
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.ports import HOST, free_port_block, free_udp_port
from tests.support.process import Process

SCENARIOS = Path(__file__).parent / "sipp"
SIPP_MISSING = "SIPp is not installed: no sipp on PATH"


def require_sipp() -> str:
    """The program; skips the test with the reason (``pytest -rs`` prints it) when there is none."""
    program = shutil.which("sipp")
    if program is None:
        pytest.skip(SIPP_MISSING)
    return program


@dataclass(frozen=True)
class SippResult:
    """What SIPp counted.

    ``rtt`` holds each response time by name, milliseconds, where ``-trace_rtt`` was given.
    ``statistics`` is the last row of its ``-trace_stat`` file by column name, ``(C)`` columns being cumulative;
    ``returncode`` is 0 when every call succeeded, 1 when one failed, 97 on its global timeout, and above that
    for wrong arguments; ``errors`` is its error log and ``output`` its screen.
    """

    returncode: int
    statistics: dict[str, str]
    errors: str
    output: str
    rtt: dict[str, list[float]]

    def delays(self, name: str) -> list[float]:
        """Every response time of one name, milliseconds."""
        return self.rtt.get(name, [])

    @property
    def created(self) -> int:
        """Calls begun."""
        return int(self.statistics.get("TotalCallCreated") or 0)

    @property
    def successes(self) -> int:
        """Calls that went through the scenario to its end."""
        return int(self.statistics.get("SuccessfulCall(C)") or 0)

    @property
    def failures(self) -> int:
        """Calls that did not."""
        return int(self.statistics.get("FailedCall(C)") or 0)

    def seconds(self, name: str) -> float:
        """The mean of a response time of the scenario (``start_rtd``/``rtd``); KeyError when it has none."""
        hours, minutes, seconds, *micro = self.statistics[f"ResponseTime{name}(C)"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) + (float(micro[0]) * 1e-6 if micro else 0)

    def check(self, calls: int) -> None:
        """AssertionError, with SIPp's own errors, unless exactly ``calls`` calls succeeded and none failed."""
        assert (self.successes, self.failures) == (calls, 0), (
            f"SIPp: {self.successes} of {calls} calls succeeded, {self.failures} failed, exit status "
            f"{self.returncode}\n{self.errors[-3000:] or self.output[-1500:]}"
        )


class SippLine:
    """SIPp as the called side, in the background, on its own reserved port.

    ``stop`` waits up to ``drain_s`` for living calls (SIPp's own orderly end) and gives the result.
    """

    def __init__(self, scenario: str, *, port: int | None = None, extra: Sequence[str] = ()) -> None:
        self.port = free_udp_port() if port is None else port
        self._run = _Run(scenario, self.port, extra)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run.close()

    def stop(self, drain_s: float = 5.0) -> SippResult:
        """Takes no new calls, waits for the living, and counts."""
        if self._run.process.returncode is None:
            self._run.process.send_signal(signal.SIGUSR1)
        return self._run.result(drain_s)


def run_sipp(
    scenario: str,
    remote: tuple[str, int],
    *,
    service: str,
    calls: int = 1,
    rate: float = 5.0,
    at_once: int = 20,
    duration_ms: int = 1000,
    timeout: float = 60.0,
    callers: Sequence[str] = ("13800138000",),
    extra: Sequence[str] = (),
) -> SippResult:
    """Calls ``service`` at ``remote`` and waits for the end of all calls.

    ``rate`` is calls a second, ``at_once`` the most at a time, ``duration_ms`` what ``<pause/>`` waits;
    ``callers`` are the numbers that a scenario with ``[field0]`` calls from, one after the other;
    ``extra`` are further arguments. Calls that still live after ``timeout`` s count as failures.
    """
    arguments = ["-s", service, "-m", str(calls), "-r", f"{rate:g}", "-l", str(at_once)]
    arguments += ["-d", str(duration_ms), "-timeout", f"{timeout:g}s", "-timeout_error", *extra]
    run = _Run(scenario, free_udp_port(), [*arguments, f"{remote[0]}:{remote[1]}"], callers)
    try:
        return run.result(timeout + 10.0)
    finally:
        run.close()


class _Run:
    """One SIPp process with its files in a temporary folder."""

    def __init__(self, scenario: str, port: int, arguments: Sequence[str], callers: Sequence[str] = ()) -> None:
        program = require_sipp()
        self._folder = tempfile.TemporaryDirectory(prefix="sipp-")
        self._stat = Path(self._folder.name) / "stat.csv"
        self._errors = Path(self._folder.name) / "errors.log"
        command: list[str | Path] = [program, "-sf", SCENARIOS / scenario, "-i", HOST, "-p", str(port)]
        command += [
            "-mp",
            str(free_port_block(4)),
            "-nostdin",
            "-skip_rlimit",
            "-trace_stat",
            "-stf",
            self._stat,
        ]
        if callers:
            injected = Path(self._folder.name) / "callers.csv"
            injected.write_text("\n".join(["SEQUENTIAL", *callers]) + "\n")
            command += ["-inf", injected]
        command += ["-fd", "1", "-trace_err", "-error_file", self._errors, *arguments]
        self.process = Process(command, cwd=Path(self._folder.name), env={"TERM": "dumb"})

    def result(self, timeout: float) -> SippResult:
        """Waits for the end; a process that does not end is stopped and what it counted is given."""
        try:
            self.process.wait(timeout)
        except AssertionError:
            self.process.stop()
        code = self.process.returncode
        assert code is not None
        errors = self._errors.read_text("utf-8", "replace") if self._errors.exists() else ""
        rtt = _response_times(Path(self._folder.name))
        return SippResult(code, _last_row(self._stat), errors, self.process.output, rtt)

    def close(self) -> None:
        """Stops the process and removes its files."""
        self.process.stop()
        self._folder.cleanup()


def _response_times(folder: Path) -> dict[str, list[float]]:
    """What ``-trace_rtt`` wrote (``DATE_TIME;MS;NAME``): milliseconds by name."""
    times: dict[str, list[float]] = {}
    for path in folder.glob("*_rtt.csv"):
        with path.open(encoding="latin-1", newline="") as stream:
            for row in list(csv.reader(stream, delimiter=";"))[1:]:
                if len(row) > 2:
                    times.setdefault(row[2].strip(), []).append(float(row[1]))
    return times


def _last_row(path: Path) -> dict[str, str]:
    """The last row of a statistics file, whose separator is ``;``; empty when there is none."""
    if not path.exists():
        return {}
    with path.open(encoding="latin-1", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    return {name: value for name, value in rows[-1].items() if name} if rows else {}
