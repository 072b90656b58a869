"""Spark: on this machine, or on the cluster whose master is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from appliance.errors import RatingError
from appliance.rating.bulk.engines.compiled import schema_of, sql_of


class Spark:
    """See ``Engine``. Tables are Parquet in the folder, which a cluster's machines see under the same name."""

    dialect = "pyspark"

    def __init__(self, folder: Path, master: str) -> None:
        self._folder = folder.absolute()
        with _told():
            self._session = (
                SparkSession.builder.master(master or "local[*]")
                .appName("gateway400 rating")
                .config("spark.ui.enabled", "false")
                .config("spark.ui.showConsoleProgress", "false")
                .config("spark.sql.session.timeZone", "UTC")
                .config("spark.sql.ansi.enabled", "true")
                .config("spark.local.dir", str(self._folder / "spark"))
                .config("spark.sql.warehouse.dir", str(self._folder / "warehouse"))
                .getOrCreate()
            )
            self._session.sparkContext.setLogLevel("ERROR")

    def load(self, name: str, rows: pa.RecordBatchReader) -> None:
        """See ``Engine``."""
        path = self._folder / f"{name}.parquet"
        with pyarrow.parquet.ParquetWriter(path, rows.schema) as writer:
            for batch in rows:
                writer.write_batch(batch)
        self._view(name, path)

    def keep(self, name: str, rows: ir.Table) -> None:
        """See ``Engine``."""
        path = self._folder / f"{name}.parquet"
        with _told():
            self._session.sql(sql_of(rows, self.dialect)).write.parquet(path.as_uri())
        self._view(name, path)

    def drop(self, name: str) -> None:
        """See ``Engine``."""
        self._session.catalog.dropTempView(name)

    def read(self, rows: ir.Table) -> Iterator[pa.RecordBatch]:
        """See ``Engine``."""
        schema = schema_of(rows)
        path = self._folder / "read.parquet"
        with _told():
            # One file after the other in the order of the rows: nothing is held in memory as a whole.
            found = self._session.sql(sql_of(rows, self.dialect))
            found.write.mode("overwrite").parquet(path.as_uri())
        for part in sorted(path.glob("part-*.parquet")):
            for batch in pyarrow.parquet.ParquetFile(part).iter_batches():
                yield pa.Table.from_batches([batch]).cast(schema).combine_chunks().to_batches()[0]

    def close(self) -> None:
        """See ``Engine``."""
        self._session.stop()

    def _view(self, name: str, path: Path) -> None:
        with _told():
            self._session.read.parquet(path.as_uri()).createOrReplaceTempView(name)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PySparkException as error:
        raise RatingError(f"Spark: {error}") from error
