"""A PostgreSQL by its URL. Everything is in temporary tables, so that the role needs no right but to connect."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import ibis.expr.types as ir
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql

from appliance.errors import RatingError
from appliance.rating.bulk.engines.compiled import schema_of, sql_of

_ROWS = 20_000
_TYPES = {"int64": "bigint", "bool": "boolean", "string": 'text collate "C"'}


class Postgres:
    """See ``Engine``. Texts are in the collation "C", which orders them by their codes."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        with _told():
            # SQLAlchemy's way of naming the driver is taken too, for the appliance's own database is written so.
            self._connection = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1))
            self._connection.execute("set work_mem = '128MB'")
            self._connection.execute("set temp_buffers = '64MB'")
            # Indexes there are none, and the small tables have but to be hashed.
            self._connection.execute("set jit = off")

    def load(self, name: str, rows: pa.RecordBatchReader) -> None:
        """See ``Engine``."""
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_TYPES[str(field.type)]))
            for field in rows.schema
        )
        table = sql.Identifier(name)
        with _told(), self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("create temp table {} ({})").format(table, columns))
            with cursor.copy(sql.SQL("copy {} from stdin (format csv)").format(table)) as copy:
                for batch in rows:
                    copy.write(_csv(batch))
            cursor.execute(sql.SQL("analyze {}").format(table))

    def keep(self, name: str, rows: ir.Table) -> None:
        """See ``Engine``."""
        with _told():
            query = sql_of(rows, self.dialect)
            self._connection.execute(f"create temp table {name} as {query}")
            self._connection.execute(f"analyze {name}")

    def drop(self, name: str) -> None:
        """See ``Engine``."""
        with _told():
            self._connection.execute(f"drop table {name}")

    def read(self, rows: ir.Table) -> Iterator[pa.RecordBatch]:
        """See ``Engine``."""
        schema = schema_of(rows)
        with _told(), self._connection.cursor(name="rated") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(sql_of(rows, self.dialect))
            while found := cursor.fetchmany(_ROWS):
                columns = zip(*found, strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, names=schema.names)

    def close(self) -> None:
        """See ``Engine``."""
        self._connection.close()


def _csv(batch: pa.RecordBatch) -> bytes:
    text = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False)
    pyarrow.csv.write_csv(batch, text, options)
    return text.getvalue()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise RatingError(f"PostgreSQL: {error}") from error
