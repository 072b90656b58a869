"""Temporary tables in which the calls of a number are rated in bulk (``store.bulk_charges``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text

#: All of them.
METADATA = MetaData()
#: Ordered by its codes, as the rules order names.
_CODES = Text().with_variant(Text(collation="C"), "postgresql")


def _temporary(name: str, *columns: Column[Any]) -> Table:
    return Table(name, METADATA, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


#: The calls that are to be rated, as bulk rating reads them (``rating.bulk.parse.CALLS``), with who pays.
CALLS = _temporary(
    "bulk_calls",
    Column("line", BigInteger),
    Column("call_id", _CODES),
    Column("number", _CODES),
    Column("kind", _CODES),
    Column("started_us", BigInteger),
    Column("answered_us", BigInteger),
    Column("month", BigInteger),
    Column("billsec", BigInteger),
    Column("bridged_seconds", BigInteger),
    Column("account_id", _CODES),
)
#: What ``rating.bulk.expressions.assess`` makes of them.
ASSESSED = _temporary(
    "bulk_assessed",
    Column("line", BigInteger),
    Column("call_id", _CODES),
    Column("account_id", _CODES),
    Column("subscription", BigInteger),
    Column("plan", BigInteger),
    Column("granted", Boolean),
    Column("price", BigInteger),
    Column("metered", BigInteger),
    Column("answered_us", BigInteger),
    Column("month", BigInteger),
    Column("refusal", _CODES),
    Column("units", BigInteger),
)
#: The price book in tables (``rating.bulk.tables``). Their keys are what SQLite finds rows by.
SUBSCRIPTIONS = _temporary(
    "bulk_subscriptions",
    Column("subscription", BigInteger),
    Column("holder", _CODES, primary_key=True),
    Column("starts_us", BigInteger, primary_key=True),
    Column("ends_us", BigInteger),
    Column("plan", BigInteger),
    Column("by_bridge", Boolean),
    Column("granted", Boolean),
)
PRICES = _temporary(
    "bulk_prices",
    Column("price", BigInteger),
    Column("of_plan", BigInteger, primary_key=True, autoincrement=False),
    Column("of_kind", _CODES, primary_key=True),
    Column("from_us", BigInteger, primary_key=True),
    Column("until_us", BigInteger),
    Column("by_call", Boolean),
    Column("initial_seconds", BigInteger),
    Column("step_seconds", BigInteger),
    Column("free_seconds", BigInteger),
)
RATES = _temporary(
    "bulk_rates",
    Column("of_price", BigInteger, primary_key=True, autoincrement=False),
    Column("fee_millions", BigInteger),
    Column("fee_yuan", BigInteger),
    Column("fee_micro", BigInteger),
    Column("second_millions", BigInteger),
    Column("second_yuan", BigInteger),
    Column("second_micro", BigInteger),
    Column("minute_60ths", BigInteger),
)
COVER = _temporary(
    "bulk_cover",
    Column("for_subscription", BigInteger, primary_key=True, autoincrement=False),
    Column("for_month", BigInteger, primary_key=True),
    Column("covered", BigInteger),
)
#: What the numbers of plans and prices mean.
PLANS = _temporary(
    "bulk_plans", Column("plan", BigInteger, primary_key=True, autoincrement=False), Column("plan_code", _CODES)
)
WRITTEN = _temporary(
    "bulk_written", Column("price", BigInteger, primary_key=True, autoincrement=False), Column("price_from", _CODES)
)
