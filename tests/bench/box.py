"""``appliance rating run`` against the database's own bulk insert of the same rows, on both databases.

The job reads calls, prices them, and writes charges, postings and balances, in units of work that keep nobody
waiting for long. What it is held to only writes: the same charges into the same table with its indexes and
references, out of memory, in the same order and the same units, on SQLite with the same memory for pages. On
PostgreSQL that is COPY, on SQLite a prepared statement. Beside it stands what no box may do, all charges in one
transaction and in the order that is quickest for the indexes, and the same with the postings, which the job writes.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg

from appliance.rating.records import read_records
from appliance.rating.run import TOGETHER
from appliance.store import schema
from appliance.store.unit import Store
from tests.bench import corpus
from tests.bench.rating import Cost, cost
from tests.rating.stored import put_book, sample_book
from tests.support.postgres import Server, Unavailable, shared_server

LIMIT = 3.0
ROWS = 2_000_000
_JOB = """
import sys
from datetime import UTC, datetime
from appliance.rating.run import rate_all
from appliance.store.unit import Store
with Store(sys.argv[1]) as store:
    rated = rate_all(store, lambda: datetime(2026, 6, 1, tzinfo=UTC))
assert rated.calls == rated.changed == int(sys.argv[2]), rated
"""
_TABLES = ("charges", "ledger_postings")
_AT = "2026-06-01 00:00:00.000000"
_CALL = {
    "account_id": "east",
    "trunk_id": "inbound",
    "caller": "13800000000",
    "caller_name": "",
    "line_id": "line-1",
    "flow": "front",
    "keys": "ask=1",
    "way": "ask=1;ring=answered",
    "mark": "",
    "tried": "line-1=answered",
    "outcome": "answered",
    "because": "",
    "hangup_cause": "NORMAL_CLEARING",
    "talks": "line-1=61000",
    "recording": "",
    "messages": "",
    "notice": "",
    "unrecorded": "",
    "callback_id": "",
    "settled": "",
    "collected_at": _AT,
}
_RATED_BY = ("uuid", "started_at", "number", "caller_kind", "answered_at", "ended_at", "bill_ms", "bridged_ms")


def box(rows: int = ROWS) -> bool:
    """Print the ratios of both databases; whether they are within the limit."""
    print(f"Rating {rows:,} stored calls in the database, against its own bulk insert")
    with tempfile.TemporaryDirectory(prefix="bench-box-") as name:
        good = _measured("SQLite", _Lite(Path(name)), rows)
        try:
            server = shared_server()
        except Unavailable as error:
            print(f"  PostgreSQL: not measured, {error}\n")
            return good
        return _measured("PostgreSQL", _Postgres(server), rows) and good


def _measured(name: str, database: _Lite | _Postgres, rows: int) -> bool:
    url = database.made()
    with Store(url) as store:
        put_book(store, sample_book())
    database.put("calls", (*_RATED_BY, *_CALL), [_calls(rows)])
    apart, in_units = database.copy(url, "apart"), database.copy(url, "in_units")
    with database.measured() as took:
        found = cost(_JOB, url, str(rows))
    job = Cost(found.wall_s, found.cpu_s + took.server_s, found.memory_mb)
    columns, written = database.rows(url, "charges", "order by id")
    parts = database.parts(written, TOGETHER)
    with database.measured() as units:
        database.put("charges", columns, parts, in_units)
    del written, parts
    database.drop(in_units)
    inserts = []
    for table in _TABLES:
        columns, written = database.rows(url, table, _SOONEST[table])
        with database.measured() as took:
            database.put(table, columns, [written], apart)
        inserts.append(took)
        print(f"  {name}: {len(written):,} rows into {table} {took}")
        del written
    database.drop(url, apart)
    charges, postings = inserts
    both = _Took(charges.wall_s + postings.wall_s, charges.cpu_s + postings.cpu_s, 0)
    ratio = job.wall_s / units.wall_s
    print(f"  {name}: the job {job}")
    print(f"  {name}: the charges in the same units {units}")
    print(f"  {name}: to those {ratio:.2f}, CPU {job.cpu_s / units.cpu_s:.2f} (limit {LIMIT})")
    print(
        f"  {name}: to the charges at once {job.wall_s / charges.wall_s:.2f}, CPU {job.cpu_s / charges.cpu_s:.2f}"
    )
    print(f"  {name}: with the postings {job.wall_s / both.wall_s:.2f}, CPU {job.cpu_s / both.cpu_s:.2f}\n")
    return ratio <= LIMIT


class _Took(NamedTuple):
    """Seconds; ``cpu_s`` with what the server took of it."""

    wall_s: float
    cpu_s: float
    server_s: float

    def __str__(self) -> str:
        return f"{self.wall_s:7.2f} s ({self.cpu_s:6.2f} s of CPU)"


class _Taken:
    """A ``_Took`` that is known when the block has ended."""

    def __init__(self, server: Callable[[], float]) -> None:
        # What was copied and filled before is written now, and not in somebody's time.
        os.sync()
        self._server = server
        self._begun = time.monotonic(), time.process_time(), server()

    def done(self) -> None:
        wall, cpu, server = self._begun
        self.server_s = self._server() - server
        self.wall_s = time.monotonic() - wall
        self.cpu_s = time.process_time() - cpu + self.server_s

    def __str__(self) -> str:
        return str(_Took(self.wall_s, self.cpu_s, self.server_s))


@contextmanager
def _taking(server: Callable[[], float]) -> Iterator[_Taken]:
    taken = _Taken(server)
    yield taken
    taken.done()


class _Lite:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def made(self) -> str:
        url = f"sqlite:///{self._folder}/box.db"
        schema.upgrade(url)
        return url

    def copy(self, url: str, name: str) -> str:
        shutil.copy(url.removeprefix("sqlite:///"), self._folder / f"{name}.db")
        return f"sqlite:///{self._folder}/{name}.db"

    def measured(self) -> Any:
        return _taking(lambda: 0.0)

    def put(self, table: str, columns: Sequence[str], parts: Iterable[Any], url: str = "") -> None:
        """Rows, each part of them in a transaction."""
        with closing(self._opened(url or f"sqlite:///{self._folder}/box.db")) as connection:
            names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
            for rows in parts:
                connection.execute("begin immediate")
                connection.executemany(f"insert into {table} ({names}) values ({marks})", rows)
                connection.execute("commit")
            connection.execute("pragma wal_checkpoint(truncate)")

    def rows(self, url: str, table: str, order: str) -> tuple[list[str], list[Any]]:
        with closing(self._opened(url)) as connection:
            found = connection.execute(f"select {table}.* from {table} {order}")
            return [column[0] for column in found.description], found.fetchall()

    @staticmethod
    def parts(rows: list[Any], size: int) -> list[list[Any]]:
        return [rows[at : at + size] for at in range(0, len(rows), size)]

    def drop(self, *urls: str) -> None:
        for url in urls:
            Path(url.removeprefix("sqlite:///")).unlink()

    @staticmethod
    def _opened(url: str) -> sqlite3.Connection:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("foreign_keys = on", "synchronous = full", "cache_size = -65536"):
            connection.execute(f"pragma {pragma}")
        return connection


#: The order in which the rows of a table go in soonest.
_SOONEST = {"charges": "order by call_uuid", "ledger_postings": "order by id"}


class _Text:
    """Rows as COPY reads them and writes them."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = list(map(bytes, parts))

    def __len__(self) -> int:
        return sum(part.count(b"\n") for part in self.parts)


class _Postgres:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._box = ""

    def made(self) -> str:
        self._box = self._server.database()
        schema.upgrade(self._box)
        return self._box

    def copy(self, url: str, _name: str) -> str:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum analyze calls")
        return self._server.database(like=url)

    def measured(self) -> Any:
        return _taking(self._cpu)

    def put(self, table: str, columns: Sequence[str], parts: Iterable[Any], url: str = "") -> None:
        """Rows, each part of them in a transaction."""
        statement = f"copy {table} ({', '.join(columns)}) from stdin"
        with psycopg.connect(url or self._box) as connection:
            for rows in parts:
                with connection.transaction(), connection.cursor().copy(statement) as copy:
                    if isinstance(rows, _Text):
                        for lines in rows.parts:
                            copy.write(lines)
                    else:
                        for row in rows:
                            copy.write_row(row)

    def rows(self, url: str, table: str, order: str) -> tuple[list[str], _Text]:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            columns = [column.name for column in cursor.execute(f"select * from {table} limit 0").description or ()]
            with cursor.copy(f"copy (select {table}.* from {table} {order}) to stdout") as copy:
                return columns, _Text(copy)

    @staticmethod
    def parts(rows: _Text, size: int) -> list[_Text]:
        lines = b"".join(rows.parts).splitlines(keepends=True)
        return [_Text([b"".join(lines[at : at + size])]) for at in range(0, len(lines), size)]

    def drop(self, *urls: str) -> None:
        with psycopg.connect(self._server.admin, autocommit=True) as connection:
            for url in urls:
                connection.execute(f"drop database {url.rpartition('/')[2]}")

    def _cpu(self) -> float:
        """What the server has taken so far, with its processes that have ended."""
        first = psutil.Process(self._server.pid)
        taken: float = sum(first.cpu_times()[:4])
        for each in first.children():
            with suppress(psutil.NoSuchProcess):
                taken += sum(each.cpu_times()[:2])
        return taken


def _calls(rows: int) -> Iterator[tuple[Any, ...]]:
    """The corpus' good records as stored calls, by their start as a box collects them, named as a switch does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unit.csv"
        corpus.write(path, corpus.UNIT)
        records = [call for _, call in read_records(path.read_text(encoding="utf-8"))[0]]
    dice = random.Random(400)
    rest = tuple(_CALL.values())
    unit: list[tuple[Any, ...]] = [
        (
            _stored(call.started_at),
            call.number,
            call.caller_kind,
            _stored(call.answered_at),
            _stored(call.started_at),
            call.billsec * 1000 % 2**31,
            call.bridged_seconds * 1000 % 2**31,
            *rest,
        )
        for call in records
    ]
    unit.sort(key=lambda row: row[0])
    for nth in range(rows):
        yield (str(uuid.UUID(int=dice.getrandbits(128), version=4)), *unit[nth * len(unit) // rows])


def _stored(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
