"""The rules of ``docs/rating.md`` as expressions over tables (Ibis); ``domain.pricing`` is their definition.

All figures are whole numbers of 64 bits, sums of many calls decimals of 38 digits, and nothing is ever divided but
by ``divide``: Ibis' own ``//`` goes through a float. The largest amount that a book can ask for has 29 digits, so
an amount is carried in three numbers (``tables.RATES``). Each step of the sum stays below 2**63:

* a call has at most initial_seconds or 9,999,999 units and one step: below 1.1 * 10**12;
* that many times a part of the price of a second, which is below 10**6, and what is carried: below 1.2 * 10**18.

Tables come as arguments. ``docs/rating.md`` says how they relate, ``parse.CALLS`` and ``tables`` what they hold.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from appliance.domain.money import YUAN
from appliance.domain.pricing import Reason, Refusal

#: The other reason for which a call is not charged.
DUPLICATE = "duplicate"

#: Whole division of a number that is not below 0.
Divide = Callable[[ir.IntegerValue, int], ir.IntegerValue]

#: Computes for the box's own calls alone (``box``), within bounds of its own.
SQLITE = "sqlite"
_MILLION = 1_000_000


@ibis.udf.scalar.builtin(name="divide")  # type: ignore[untyped-decorator]
def _duckdb(value: int, by: int) -> int: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="int8div")  # type: ignore[untyped-decorator]
def _postgres(value: int, by: int) -> int: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="div")  # type: ignore[untyped-decorator]
def _pyspark(value: int, by: int) -> int: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="whole_division")  # type: ignore[untyped-decorator]
def _sqlite(value: int, by: int) -> int: ...  # type: ignore[empty-body]


#: How each dialect of SQL divides whole numbers. SQLite has no function for it: ``engines.compiled`` writes ``/``.
DIVIDE: dict[str, Divide] = {"duckdb": _duckdb, "postgres": _postgres, "pyspark": _pyspark, SQLITE: _sqlite}


def assess(
    calls: ir.Table,
    subscriptions: ir.Table,
    prices: ir.Table,
    *,
    also: tuple[str, ...] = ("number",),
    once: bool = False,
) -> ir.Table:
    """Read calls against the book: rules 2 to 7.

    :param also: columns of the calls that are handed on.
    :param once: no ``call_id`` stands twice, and none is looked for.
    :return: a row a call: ``line``, ``call_id``, ``refusal`` (null: it is charged), ``subscription``, ``plan``,
        ``granted``, ``price`` (null: unanswered), ``metered``, ``units``, ``answered_us``, ``month``.
    """
    held_at = ibis.coalesce(calls.answered_us, calls.started_us)
    if once:
        seen = calls.mutate(held_at=held_at, first_line=calls.line)
    else:
        # The few that stand twice are found by counting, for which nothing has to be sorted.
        named = calls.group_by(twice_id=calls.call_id).agg(first_line=calls.line.min(), times=calls.count())
        twice = named.filter(named.times > 1).select("twice_id", "first_line")
        seen = calls.mutate(held_at=held_at).left_join(twice, [calls.call_id == twice.twice_id])
    held = seen.left_join(
        subscriptions,
        [
            seen.number == subscriptions.holder,
            seen.held_at >= subscriptions.starts_us,
            seen.held_at < subscriptions.ends_us,
        ],
    )
    held = held.mutate(
        metered=ibis.cases(
            (held.answered_us.isnull() | held.subscription.isnull(), 0),
            (held.by_bridge, held.bridged_seconds),
            else_=held.billsec,
        )
    )
    priced = held.left_join(
        prices,
        [
            held.plan == prices.of_plan,
            held.kind == prices.of_kind,
            held.answered_us >= prices.from_us,
            held.answered_us < prices.until_us,
            held.metered > 0,
        ],
    )
    beyond = ibis.greatest(priced.metered - priced.initial_seconds, 0)
    to_step = (priced.step_seconds - beyond % priced.step_seconds) % priced.step_seconds
    return priced.select(
        "line",
        "call_id",
        *also,
        "subscription",
        "plan",
        "granted",
        "price",
        "metered",
        "answered_us",
        "month",
        refusal=ibis.cases(
            (priced.first_line.notnull() & (priced.line != priced.first_line), DUPLICATE),
            (priced.subscription.isnull(), str(Refusal.NO_SUBSCRIPTION)),
            ((priced.metered > 0) & priced.price.isnull(), str(Refusal.NO_PRICE)),
        ),
        units=ibis.cases(
            (priced.price.isnull() | (priced.metered <= priced.free_seconds), 0),
            (priced.by_call, 1),
            else_=priced.initial_seconds + beyond + to_step,
        ),
    )


def refused(assessed: ir.Table) -> ir.Table:
    """The calls that are not charged: ``line``, ``call_id``, ``refusal``, by line."""
    found = assessed.filter(assessed.refusal.notnull())
    return found.select("line", "call_id", "refusal").order_by("line")


def month_totals(assessed: ir.Table, dialect: str) -> ir.Table:
    """What each subscription that is granted units used a month: ``subscription``, ``month``, ``units`` as text."""
    exact = _exact(dialect)
    used = assessed.filter(assessed.refusal.isnull(), assessed.granted, assessed.units > 0)
    totals = used.group_by("subscription", "month").agg(units=exact(used.units).sum().cast("string"))
    return totals.order_by("subscription", "month")


def charge(
    assessed: ir.Table, cover: ir.Table, rates: ir.Table, dialect: str, *, also: tuple[str, ...] = ("number",)
) -> ir.Table:
    """Charge the calls, their months folded (``tables.cover``): rules 8 to 10.

    :param also: columns of ``assessed`` that are handed on.
    :return: a row a charge: ``call_id``, ``also``, ``plan``, ``price``, ``metered``, ``units``, ``included``,
        ``charged``, the amount in ``millions``, ``yuan`` and ``micro``, ``reason``; by call_id.
    """
    exact = _exact(dialect)
    good = assessed.filter(assessed.refusal.isnull())
    months = [good.subscription == cover.for_subscription, good.month == cover.for_month]
    covered = good.inner_join(cover, [*months, good.units > 0])
    # Calls use up what covers their month one after the other: each finds what those before it left.
    in_turn = ibis.cumulative_window(
        group_by=["for_subscription", "for_month"], order_by=["answered_us", "call_id"]
    )
    left = exact(covered.covered) - (exact(covered.units).sum().over(in_turn) - exact(covered.units))
    included = ibis.greatest(ibis.least(left, exact(covered.units)), exact(ibis.literal(0)))
    if dialect != SQLITE:
        included = included.cast("decimal(38, 0)").cast("int64")
    used = covered.mutate(included=included)
    columns = ("call_id", *also, "plan", "price", "metered", "units", "included")
    uncovered = good.anti_join(cover, [*months, good.units > 0]).mutate(included=ibis.literal(0, "int64"))
    both = used.select(*columns).union(uncovered.select(*columns))
    split = both.mutate(charged=both.units - both.included)
    rated = split.left_join(rates, [split.price == rates.of_price, split.charged > 0])
    return rated.select(*columns, "charged", **_amount(rated, DIVIDE[dialect]), reason=_reason(rated)).order_by(
        "call_id"
    )


def _exact(dialect: str) -> Callable[[ir.IntegerValue], ir.NumericValue]:
    """Makes a number one that may be summed over any number of calls: its sum has 28 or more digits.

    SQLite knows no decimals; it adds whole numbers of 64 bits and fails when they are too few.
    """
    if dialect == SQLITE:
        return lambda units: units
    return lambda units: units.cast("decimal(18, 0)")


def _amount(rated: ir.Table, divide: Divide) -> dict[str, ir.Value]:
    """Rule 9: what is asked for once and for each charged unit, carried from the millionths up."""
    micro = (
        rated.fee_micro + rated.charged * rated.second_micro + divide(rated.charged * rated.minute_60ths + 30, 60)
    )
    yuan = rated.fee_yuan + rated.charged * rated.second_yuan + divide(micro, YUAN)
    millions = rated.fee_millions + rated.charged * rated.second_millions + divide(yuan, _MILLION)
    parts = {"millions": millions, "yuan": yuan % _MILLION, "micro": micro % YUAN}
    return {name: part.fill_null(0) for name, part in parts.items()}


def _reason(rated: ir.Table) -> ir.StringValue:
    """Rule 10."""
    return ibis.cases(
        (rated.price.isnull(), str(Reason.UNANSWERED)),
        (rated.units == 0, str(Reason.FREE)),
        (rated.charged == 0, str(Reason.INCLUDED)),
        (rated.included == 0, str(Reason.CHARGED)),
        else_=str(Reason.PART_INCLUDED),
    )
