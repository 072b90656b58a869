"""Collectors that are killed at random points while the switch goes on writing: ``python -m tests.cdr.killed``.

Arguments: state folder, database URL, calls, kills, seed. It forks each collector from a process that has all
imported, so that a kill meets work and not a start. Prints ``KILLS n WORKED w LEFT m``: how often it killed, how
often the killed one had stored something, and how often it left a file whose leg was stored already (killed between
the commit and the removal).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import configure_mappers

from appliance import config
from appliance.cli.cdr import Collector
from appliance.store.journal import Journal
from appliance.store.models import CallLeg
from appliance.store.unit import Store
from tests.cdr.spooled import caller_leg, line_leg


def main(folder: str, url: str, calls: str, kills: str, seed: str) -> None:
    dice = random.Random(int(seed))
    settings = config.load(state_dir=Path(folder), database_url=url, collect_interval_s=0.01, partial_cdr_s=3600)
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    # What every collector would do at first, and nobody wants to kill it in.
    configure_mappers()
    writer = forked(lambda: write(settings.spool_dir, int(calls), dice))
    done, before, found_stored, progress = 0, 0, 0, 0
    deadline = time.monotonic() + 60
    # On a slow machine a collector may come to nothing before it is killed: then more of them.
    while done < int(kills) or (progress < int(kills) // 3 and time.monotonic() < deadline):
        collector = forked(lambda: Collector(settings, Store(url), Journal(settings.journal_file)).run())
        time.sleep(dice.uniform(0.05, 0.6))
        os.kill(collector, signal.SIGKILL)
        os.waitpid(collector, 0)
        done += 1
        stored, and_there = look(settings.spool_dir, url)
        found_stored += bool(and_there)
        progress += stored > before
        before = stored
    os.waitpid(writer, 0)
    print(f"KILLS {done} WORKED {progress} LEFT {found_stored}")


def forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def write(spool: Path, calls: int, dice: random.Random) -> None:
    """Write both legs of every call in place and in two pieces, as the switch may, in any order."""
    files = []
    for number in range(calls):
        uuid = f"call-{number:05d}"
        files += [(f"{uuid}-line", line_leg(uuid, number)), (f"a_{uuid}", caller_leg(uuid, number))]
    dice.shuffle(files)
    for name, variables in files:
        data = json.dumps({"variables": variables}).encode() + b"\n"
        with (spool / f"{name}.cdr.json").open("wb", buffering=0) as file:
            cut = dice.randrange(len(data))
            file.write(data[:cut])
            if dice.random() < 0.3:
                time.sleep(0.03)
            file.write(data[cut:])


def look(spool: Path, url: str) -> tuple[int, int]:
    """How many legs are stored, and how many of their files are still there."""
    there = {path.name.removeprefix("a_").removesuffix(".cdr.json") for path in spool.glob("*.cdr.json")}
    store = Store(url)
    with store.reading() as session:
        stored = set(session.scalars(select(CallLeg.leg_uuid)))
    store.close()
    return len(stored), len(there & stored)


if __name__ == "__main__":
    main(*sys.argv[1:])
