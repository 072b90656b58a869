"""Column types that both databases keep alike."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Integer
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware ``datetime``; kept in UTC, given back in UTC, microseconds kept.

    SQLite has no zone in its column, so the value goes in naive and comes back with ``UTC``.

    :raises ValueError: a naive ``datetime`` is bound.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset may not be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: Row numbers: SQLite counts up only in an ``INTEGER`` primary key.
RowId = BigInteger().with_variant(Integer(), "sqlite")

#: Millionths of a yuan.
MicroYuan = BigInteger

#: Hundredths of a yuan.
Fen = BigInteger
