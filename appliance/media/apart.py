"""Conversions in a process of their own, with limits on its memory, time and files.

The files are strangers', the library that reads them is C, and the console is one process for everybody: what
crashes or takes all there is takes nobody along. One process converts a row of files; where it dies, the file it
died of is reported and another goes on with the rest.

Run as ``python -m appliance.media.apart``: a JSON list on standard input, a JSON line for each file on standard
output.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.media.convert import ConversionFault, Fault, Limits, convert

#: Where the package lies. (``appliance.config`` knows it, too, and takes a fifth of a second to load.)
_ROOT = Path(__file__).resolve().parents[2]
#: Address space (numpy and OpenBLAS map much that they never touch) and a written file's size, in bytes.
_MEMORY, _FILE = 1 << 30, 64 << 20
#: Seconds for one file, CPU and wall alike; ten minutes of MP3 take two on a small machine.
_SECONDS_A_FILE = 30


@dataclass(frozen=True, slots=True)
class Job:
    """A file to convert, and where the prompt goes."""

    source: Path
    target: Path
    trim: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a job: its length in seconds, or why there is none."""

    seconds: float = 0.0
    fault: Fault | None = None


def convert_apart(jobs: Sequence[Job], limits: Limits) -> list[Converted]:
    """Convert files, each for itself; one result for each, in their order."""
    done: list[Converted] = []
    while len(done) < len(jobs):
        rest = jobs[len(done) :]
        told = _run(rest, limits)
        done += told
        if len(told) < len(rest):
            done.append(Converted(fault=Fault.DAMAGED))  # it died of this one
    return done


def _run(jobs: Sequence[Job], limits: Limits) -> list[Converted]:
    order = {"limits": asdict(limits), "jobs": [[str(job.source), str(job.target), job.trim] for job in jobs]}
    try:
        output = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(order).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            # numpy's threads each map memory that counts for the limit, and have nothing to do here.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            timeout=_SECONDS_A_FILE * len(jobs),
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    told = []
    for line in output.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        said = json.loads(line)
        told.append(Converted(said["seconds"], Fault(said["fault"]) if said["fault"] else None))
    return told


def main() -> None:
    """Do the jobs of standard input."""
    order = json.loads(sys.stdin.buffer.read())
    limits = Limits(**order["limits"])
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = _SECONDS_A_FILE * len(order["jobs"])
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    for source, target, trim in order["jobs"]:
        done = convert_one(Job(Path(source), Path(target), trim), limits)
        print(json.dumps(asdict(done)), flush=True)  # noqa: T201 - its way to speak


def convert_one(job: Job, limits: Limits) -> Converted:
    """Convert a file here."""
    try:
        return Converted(convert(job.source, job.target, limits, trim=job.trim))
    except ConversionFault as refused:
        return Converted(fault=refused.fault)
    except (MemoryError, OSError, ValueError):
        return Converted(fault=Fault.DAMAGED)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
