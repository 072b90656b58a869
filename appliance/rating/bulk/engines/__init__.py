"""Where the expressions are computed: DuckDB in this process, a PostgreSQL, or Spark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import ibis.expr.types as ir
import pyarrow as pa

from appliance.errors import RatingError
from appliance.rating.backend import Backend


class Engine(Protocol):
    """A database with tables of our own, which are gone when it is closed. Text is ordered by its codes."""

    dialect: str
    """Its SQL, as Ibis names it."""

    def load(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Make a table of the rows.

        :raises RatingError: it cannot be done; so do the other verbs.
        """

    def keep(self, name: str, rows: ir.Table) -> None:
        """Compute rows and keep them as a table."""

    def drop(self, name: str) -> None:
        """Give back what a table takes."""

    def read(self, rows: ir.Table) -> Iterator[pa.RecordBatch]:
        """Compute rows and read them, in their order."""

    def close(self) -> None:
        """Forget everything."""


def opened(backend: Backend, folder: Path, url: str = "") -> Engine:
    """Open an engine.

    :param folder: an empty folder for what does not fit into memory.
    :param url: the database of ``postgres``, the master of ``pyspark`` (empty: this machine).
    :raises RatingError: it is not installed, or cannot be reached.
    """
    try:
        if backend == "duckdb":
            from appliance.rating.bulk.engines.duckdb import DuckDB

            return DuckDB(folder)
        if backend == "postgres":
            from appliance.rating.bulk.engines.postgres import Postgres

            return Postgres(url)
        from appliance.rating.bulk.engines.pyspark import Spark

        return Spark(folder, url)
    except ImportError as error:
        raise RatingError(f"{backend} is not installed here: {error}") from error
