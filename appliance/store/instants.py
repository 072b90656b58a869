"""Instants as bulk rating counts them: microseconds since 1970, and months (``domain.grants``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, String, cast, extract, func, text, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

At = ColumnElement[Any] | InstrumentedAttribute[Any]


def microseconds(at: At, dialect: str) -> ColumnElement[int]:
    """Since 1970."""
    if dialect == "postgresql":
        return cast(extract("epoch", at) * 1_000_000, BigInteger)
    # ``2026-01-31 16:00:00.000000``, as SQLAlchemy writes it.
    fraction = func.substr(type_coerce(at, String), 21, 6)
    return cast(func.strftime("%s", at), Integer) * 1_000_000 + cast(fraction, Integer)


def month(at: At, dialect: str) -> ColumnElement[int]:
    """The calendar month of Asia/Shanghai."""
    if dialect == "postgresql":
        local = func.timezone(text("interval '8 hours'"), at)
        return cast(extract("year", local) * 12 + extract("month", local) - 1, BigInteger)
    year, of_year = (cast(func.strftime(part, at, "+8 hours"), Integer) for part in ("%Y", "%m"))
    return year * 12 + of_year - 1
