"""Expressions as the SQL of an engine. They are the same for every file, so each is written once."""

from __future__ import annotations

from functools import lru_cache

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa


def sql_of(rows: ir.Table, dialect: str) -> str:
    """What computes the rows."""
    return _sql_of(rows.op(), dialect)


def schema_of(rows: ir.Table) -> pa.Schema:
    """The columns of the rows."""
    schema: pa.Schema = rows.schema().to_pyarrow()
    return schema


@lru_cache(maxsize=64)
def _sql_of(rows: ops.Relation, dialect: str) -> str:
    return str(ibis.to_sql(rows.to_expr(), dialect=dialect))
