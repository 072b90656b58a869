"""The box's own calls rated in bulk, by its own database: the expressions of files over temporary tables.

Where the calls are, there the charges go, and no call passes through Python. The figures are those that
``rating.run`` comes to call by call; grants are folded by the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from typing import NamedTuple

import ibis
import pyarrow as pa
from sqlalchemy import Table
from sqlalchemy.orm import Session

from appliance.domain.pricing import PriceBook
from appliance.rating.bulk import expressions, tables
from appliance.rating.bulk.engines.compiled import sql_of
from appliance.rating.bulk.instants import EPOCH
from appliance.rating.bulk.parse import CALLS
from appliance.rating.touched import Rated, touched_spans, units_taken
from appliance.store import bulk_charges, bulk_tables
from appliance.store.charges import how_many
from appliance.store.charging import save
from appliance.store.plans import load_book

#: Books that ask for more units or amounts are left to ``rating.run``: the sum of any number of calls has 64 bits.
_MOST_UNITS = 2**31 - 1
_MOST = 2**62
#: No leg lasts so many seconds.
_LONGEST = 10**7


def rate_numbers(
    session: Session,
    numbers: Collection[str],
    since: datetime | None,
    until: datetime | None,
    clock: Callable[[], datetime],
    *,
    all_new: bool = False,
) -> Rated | None:
    """Price the calls of some numbers that have no charge, and the later ones that their included units touch, and
    post it; the caller has taken his turn, and commits.

    :param since: with ``until``: only calls of ``[since, until)``.
    :param all_new: no call of these numbers has a charge.
    :return: None: the book's figures are too large for it, and nothing is done.
    """
    book = load_book(session, numbers)
    if not _fits(book):
        return None
    laid_out = tables.lay_out(book)
    rules = _rules("postgres" if session.connection().dialect.name == "postgresql" else expressions.SQLITE)
    with bulk_charges.workspace(session):
        _put(session, bulk_tables.SUBSCRIPTIONS, laid_out.subscriptions)
        _put(session, bulk_tables.PRICES, laid_out.prices)
        _put(session, bulk_tables.RATES, laid_out.rates)
        names = {"plan": range(len(laid_out.plans)), "plan_code": [plan.code for plan in laid_out.plans]}
        _put(session, bulk_tables.PLANS, pa.table(names))
        texts = [price.effective_text for price in laid_out.priced]
        _put(session, bulk_tables.WRITTEN, pa.table({"price": range(len(texts)), "price_from": texts}))
        bulk_charges.take_unrated(session, numbers, since, until, all_new=all_new)
        bulk_charges.assess(session, rules.assessed)
        # Where no other call is, nobody else has used units, and nobody's charge is moved.
        alone = bulk_charges.counts(session)[0] == how_many(session, numbers)
        taken = {} if alone else _touched(session, book, laid_out)
        if touched := bulk_charges.waiting(session):
            bulk_charges.assess(session, rules.assessed)
        totals = bulk_charges.totals(session, rules.totals)
        _put(session, bulk_tables.COVER, tables.cover(laid_out, book.plans, totals, taken))
        changed = 0
        if touched:
            changed = len(save(session, bulk_charges.charged_before(session, rules.charges), clock()))
        changed += bulk_charges.charge_new(session, rules.charges, clock(), all_new=not touched)
        calls, rejects = bulk_charges.counts(session)
    return Rated(calls, changed, rejects)


def _touched(session: Session, book: PriceBook, laid_out: tables.Book) -> dict[int, list[tuple[int, int]]]:
    """Put the calls that have a charge and are to be rated again among the calls.

    :return: the units of each subscription that are used already, ``(month, units)``.
    """
    taken: dict[int, list[tuple[int, int]]] = {}
    for at, months in groupby(bulk_charges.firsts(session), key=lambda first: first[0]):
        held = laid_out.subscribed[at]
        plan = book.plans[held.plan]
        first = {month: EPOCH + timedelta(microseconds=answered) for _, month, answered in months}
        for span in touched_spans(plan, held, first):
            taken.setdefault(at, []).extend(units_taken(session, held, plan, span))
            bulk_charges.take_between(session, held.number, *span)
    return taken


def _fits(book: PriceBook) -> bool:
    for plan in book.plans.values():
        for price in plan.prices:
            units = max(price.initial_seconds, _LONGEST) + price.step_seconds
            amount = price.connect_fee + price.per_call + units * price.per_minute
            if units > _MOST_UNITS or amount > _MOST:
                return False
    return True


def _put(session: Session, table: Table, rows: pa.Table) -> None:
    bulk_charges.fill(session, table, rows.to_pylist())


class _Rules(NamedTuple):
    """The expressions as SQL over the tables of ``store.bulk_charges``."""

    assessed: str
    totals: str
    charges: str


@cache
def _rules(dialect: str) -> _Rules:
    def table(of: Table, schema: pa.Schema) -> ibis.Table:
        return ibis.table(ibis.Schema.from_pyarrow(schema), name=of.name)

    # No call stands twice: UUIDs are unique.
    found = expressions.assess(
        table(bulk_tables.CALLS, CALLS.append(pa.field("account_id", pa.string()))),
        table(bulk_tables.SUBSCRIPTIONS, tables.SUBSCRIPTIONS),
        table(bulk_tables.PRICES, tables.PRICES),
        also=("account_id",),
        once=True,
    )
    assessed = ibis.table(found.schema(), name=bulk_tables.ASSESSED.name)
    cover, rates = table(bulk_tables.COVER, tables.COVER), table(bulk_tables.RATES, tables.RATES)
    charges = expressions.charge(assessed, cover, rates, dialect, also=("account_id", "month"))
    return _Rules(
        *(sql_of(rows, dialect) for rows in (found, expressions.month_totals(assessed, dialect), charges))
    )
