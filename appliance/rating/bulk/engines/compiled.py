"""Expressions as the SQL of an engine. They are the same for every file, so each is written once."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.sqlite import compiler
from ibis.backends.sql.dialects import SQLite

from appliance.rating.bulk.expressions import SQLITE


def sql_of(rows: ir.Table, dialect: str) -> str:
    """What computes the rows."""
    return _sql_of(rows.op(), dialect)


def schema_of(rows: ir.Table) -> pa.Schema:
    """The columns of the rows."""
    schema: pa.Schema = rows.schema().to_pyarrow()
    return schema


@lru_cache(maxsize=64)
def _sql_of(rows: ops.Relation, dialect: str) -> str:
    if dialect == SQLITE:
        return str(compiler.to_sqlglot(rows.to_expr()).sql(dialect=_WholeNumbers))
    return str(ibis.to_sql(rows.to_expr(), dialect=dialect))


#: Functions that SQLite has no exact ones for.
_OPERATORS = {"whole_division": "/", "mod": "%"}


class _WholeNumbers(SQLite):  # type: ignore[misc]
    """SQLite's operators of whole numbers: its function ``mod`` computes with floats, and it has none to divide."""

    class Generator(SQLite.Generator):  # type: ignore[misc]
        TRANSFORMS: ClassVar = {
            **SQLite.Generator.TRANSFORMS,
            sge.Anonymous: lambda self, part: self.whole(part),
        }

        def whole(self, part: sge.Anonymous) -> str:
            """A function as an operator, where there is one."""
            operator = _OPERATORS.get(part.name.lower())
            if operator is None:
                return str(self.anonymous_sql(part))
            of, by = (self.sql(each) for each in part.expressions)
            return f"(({of}) {operator} ({by}))"
