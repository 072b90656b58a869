"""DuckDB, in this process: what a box rates files with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis.expr.types as ir
import pyarrow as pa

from appliance.errors import RatingError
from appliance.rating.bulk.engines.compiled import sql_of

#: What DuckDB may keep in memory; beyond that it writes to the folder. The rest takes less than that again.
MEMORY = "1200MB"
_ROWS = 100_000


class DuckDB:
    """See ``Engine``. Nothing is ever fetched: what is used is in the core."""

    dialect = "duckdb"

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect(
            config={
                "memory_limit": MEMORY,
                "temp_directory": str(folder / "duckdb"),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        # Progress is told by whoever rates, and on a terminal only.
        self._connection.execute("set enable_progress_bar = false")

    def load(self, name: str, rows: pa.RecordBatchReader) -> None:
        """See ``Engine``."""
        with _told():
            self._connection.register("incoming", rows)
            self._connection.execute(f"create table {name} as select * from incoming")  # noqa: S608
            self._connection.unregister("incoming")

    def keep(self, name: str, rows: ir.Table) -> None:
        """See ``Engine``."""
        with _told():
            self._connection.execute(f"create table {name} as {sql_of(rows, self.dialect)}")

    def drop(self, name: str) -> None:
        """See ``Engine``."""
        with _told():
            self._connection.execute(f"drop table {name}")

    def read(self, rows: ir.Table) -> Iterator[pa.RecordBatch]:
        """See ``Engine``."""
        with _told():
            found = self._connection.sql(sql_of(rows, self.dialect))
            yield from found.to_arrow_reader(_ROWS)

    def close(self) -> None:
        """See ``Engine``."""
        self._connection.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise RatingError(f"DuckDB: {error}") from error
