"""Rating files: in bulk against DuckDB's own floor and against the plain loop, and how its cost grows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench import corpus

#: Our time to that of a query that only parses, deduplicates, sorts and writes; the loop's time to ours.
FLOOR_LIMIT = 3.0
LOOP_LIMIT = 10.0
MEMORY_LIMIT_MB = 4096
ROUNDS = 3
ROWS = 2_000_000
#: The loop keeps every call as an object: it is measured on a part, and its cost a call compared.
LOOP_ROWS = 200_000
SIZES = (100_000, 500_000, ROWS, 10_000_000)

_FLOOR = """
import sys, duckdb
duckdb.execute("set enable_progress_bar = false")
duckdb.sql(f'''
copy (
    select * exclude (line, turn) from (
        select *, row_number() over (partition by call_id order by line) as turn from (
            select row_number() over () as line, call_id, number, caller, caller_kind,
                try_cast(started_at as timestamptz) as started_at,
                try_cast(answered_at as timestamptz) as answered_at,
                try_cast(billsec as bigint) as billsec, try_cast(bridged_seconds as bigint) as bridged_seconds
            from read_csv('{sys.argv[1]}', auto_detect = false, header = true, delim = ',', quote = '"',
                escape = '"', strict_mode = false, ignore_errors = true, columns = {{
                    'call_id': 'varchar', 'number': 'varchar', 'caller': 'varchar', 'caller_kind': 'varchar',
                    'started_at': 'varchar', 'answered_at': 'varchar', 'billsec': 'varchar',
                    'bridged_seconds': 'varchar'
                }})
        )
    ) where turn = 1 order by call_id
) to '{sys.argv[2]}' (header)''')
"""
_OURS = """
import sys
from pathlib import Path
from appliance.rating.{module} import rate_files
book, cdrs, charges, rejects = map(Path, sys.argv[1:])
rate_files(book, cdrs, charges, rejects)
"""


class Cost(NamedTuple):
    """What a process took."""

    wall_s: float
    cpu_s: float
    memory_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:7.2f} s ({self.cpu_s:6.2f} s of CPU, {self.memory_mb:5.0f} MB)"


def rating() -> bool:
    """Print the ratios and the growth; whether all are within their limits."""
    with tempfile.TemporaryDirectory(prefix="bench-rating-") as name:
        folder = Path(name)
        records = {rows: folder / f"{rows}.csv" for rows in sorted({*SIZES, LOOP_ROWS})}
        for rows, path in records.items():
            corpus.write(path, rows)
        good = _ratios(folder, records)
        return _growth(folder, records) and good


def _ratios(folder: Path, records: dict[int, Path]) -> bool:
    print(f"Rating a file of {ROWS:,} rows, the best of {ROUNDS} rounds")
    floors, ours = [], []
    for _ in range(ROUNDS):
        floors.append(cost(_FLOOR, records[ROWS], folder / "floor.csv"))
        ours.append(rate_apart("bulk.files", folder, records[ROWS]))
    floor, bulk = min(floors), min(ours)
    loop = rate_apart("files", folder, records[LOOP_ROWS])
    all_s, all_cpu_s = (seconds / LOOP_ROWS * ROWS for seconds in (loop.wall_s, loop.cpu_s))
    faster = all_s / bulk.wall_s
    print(f"  DuckDB's floor {floor}\n  in bulk        {bulk}\n  plain loop     {loop} for {LOOP_ROWS:,}")
    print(
        f"  to the floor {bulk.wall_s / floor.wall_s:.2f}, CPU {bulk.cpu_s / floor.cpu_s:.2f} (limit {FLOOR_LIMIT})"
    )
    print(f"  faster than the loop {faster:.1f} times, CPU {all_cpu_s / bulk.cpu_s:.1f} (at least {LOOP_LIMIT})\n")
    return bulk.wall_s <= FLOOR_LIMIT * floor.wall_s and faster >= LOOP_LIMIT


def _growth(folder: Path, records: dict[int, Path]) -> bool:
    print("Growth")
    good = True
    for rows in SIZES:
        took = rate_apart("bulk.files", folder, records[rows])
        good &= took.memory_mb <= MEMORY_LIMIT_MB
        wall, cpu = (1e6 * seconds / rows for seconds in (took.wall_s, took.cpu_s))
        print(f"  {rows:>10,} rows {took}: {wall:5.2f} µs a row, {cpu:.2f} of CPU")
    print(f"  (memory limit {MEMORY_LIMIT_MB} MB)\n")
    return good


def rate_apart(module: str, folder: Path, records: Path) -> Cost:
    """Rate records by a module of ``appliance.rating`` in a process of its own, into ``folder``."""
    written = folder / "charges.csv", folder / "rejects.csv"
    return cost(_OURS.format(module=module), corpus.BOOK, records, *written)


def cost(program: str, *arguments: str | Path) -> Cost:
    """Run a program in a process of its own."""
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a process of the bench failed ({process.returncode})")
    return Cost(time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
