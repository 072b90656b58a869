"""The price book laid out in tables that calls are joined with, and the cover that folding their months gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from appliance.domain import grants
from appliance.domain.money import YUAN
from appliance.domain.numbers import CallerKind
from appliance.domain.pricing import ANY, ChargeBy, Meter, Plan, Price, PriceBook, Subscription
from appliance.rating.bulk.instants import microseconds

#: What an interval without an end ends before: no instant that is rated is so late.
NEVER = microseconds(grants.month_start(9999 * 12))

#: ``[starts_us, ends_us)`` of a number; ``granted``: its plan includes units.
SUBSCRIPTIONS = pa.schema(
    {
        "subscription": pa.int64(),
        "holder": pa.string(),
        "starts_us": pa.int64(),
        "ends_us": pa.int64(),
        "plan": pa.int64(),
        "by_bridge": pa.bool_(),
        "granted": pa.bool_(),
    }
)

#: ``[from_us, until_us)`` in which a plan has one price for one kind of caller, and how that counts units.
PRICES = pa.schema(
    {
        "price": pa.int64(),
        "of_plan": pa.int64(),
        "of_kind": pa.string(),
        "from_us": pa.int64(),
        "until_us": pa.int64(),
        "by_call": pa.bool_(),
        "initial_seconds": pa.int64(),
        "step_seconds": pa.int64(),
        "free_seconds": pa.int64(),
    }
)

#: What a price asks for: once, and for each charged second, each amount in three parts: millions of yuan, yuan, and
#: millionths of a yuan. ``minute_60ths``: what per_minute leaves over when it is divided by 60, in millionths.
RATES = pa.schema(
    {
        "of_price": pa.int64(),
        "fee_millions": pa.int64(),
        "fee_yuan": pa.int64(),
        "fee_micro": pa.int64(),
        "second_millions": pa.int64(),
        "second_yuan": pa.int64(),
        "second_micro": pa.int64(),
        "minute_60ths": pa.int64(),
    }
)

#: How many units the grants cover of all that a subscription used in a month.
COVER = pa.schema({"for_subscription": pa.int64(), "for_month": pa.int64(), "covered": pa.int64()})


class Book(NamedTuple):
    """A price book in tables; the lists are what the numbers in them count in."""

    subscriptions: pa.Table
    prices: pa.Table
    rates: pa.Table
    subscribed: list[Subscription]
    plans: list[Plan]
    priced: list[Price]


def lay_out(book: PriceBook) -> Book:
    """Lay out a price book."""
    plans = list(book.plans.values())
    number_of = {plan.code: at for at, plan in enumerate(plans)}
    subscribed = [held for number in book.subscriptions.values() for held in number]
    priced: list[Price] = []
    prices: list[tuple[Any, ...]] = []
    rates: list[tuple[Any, ...]] = []
    for at, plan in enumerate(plans):
        numbers = {id(price): len(priced) + place for place, price in enumerate(plan.prices)}
        priced.extend(plan.prices)
        rates.extend((numbers[id(price)], *_amounts(plan, price)) for price in plan.prices)
        for kind in CallerKind:
            for price, since, until in timeline(plan.prices, kind):
                prices.append((numbers[id(price)], at, kind, since, until, *_counting(plan, price)))
    return Book(
        subscriptions=_table(
            SUBSCRIPTIONS,
            (
                (
                    at,
                    held.number,
                    microseconds(held.starts_at),
                    NEVER if held.ends_at is None else microseconds(held.ends_at),
                    number_of[held.plan],
                    book.plans[held.plan].meter is Meter.BRIDGE,
                    book.plans[held.plan].included > 0,
                )
                for at, held in enumerate(subscribed)
            ),
        ),
        prices=_table(PRICES, prices),
        rates=_table(RATES, rates),
        subscribed=subscribed,
        plans=plans,
        priced=priced,
    )


def timeline(prices: Iterable[Price], kind: str) -> list[tuple[Price, int, int]]:
    """Which price a kind of caller has when: ``(price, from, until)``, apart from each other, in order.

    A price for the kind goes before one for any from the first on that there is, however late the others (rule 5).
    """
    own = sorted((price for price in prices if price.caller == kind), key=lambda price: price.effective_from)
    own_from = microseconds(own[0].effective_from) if own else NEVER
    common = sorted((price for price in prices if price.caller == ANY), key=lambda price: price.effective_from)
    found = []
    for run, end in ((common, own_from), (own, NEVER)):
        begins = [microseconds(price.effective_from) for price in run] + [end]
        for price, (since, until) in zip(run, pairwise(begins), strict=True):
            if since < end:
                found.append((price, since, min(until, end)))
    return found


def cover(
    book: Book,
    plans: Mapping[str, Plan],
    totals: Iterable[tuple[int, int, int]],
    taken: Mapping[int, Iterable[tuple[int, int]]] = MappingProxyType({}),
) -> pa.Table:
    """Fold the months of each subscription: what is granted, rolls over and expires (rule 8).

    :param totals: ``(subscription, month, units)`` of all calls, in that order.
    :param taken: units of a subscription that others have used already: ``(month, units)``.
    """
    found = []
    for at, months in groupby(totals, key=lambda total: total[0]):
        held = book.subscribed[at]
        plan = plans[held.plan]
        left = grants.Grants(grants.Allowance(grants.month_of(held.starts_at), plan.included, plan.rollover_months))
        for month, units in taken.get(at, ()):
            left.take(month, units)
        for _, month, units in months:
            if covered := left.take(month, units):
                found.append((at, month, covered))
    return _table(COVER, found)


def _counting(plan: Plan, price: Price) -> tuple[bool | int, ...]:
    # A step of 0 seconds is allowed by call, where nothing is counted by it.
    by_call = plan.charge_by is ChargeBy.CALL
    return by_call, price.initial_seconds, max(1, price.step_seconds), price.free_seconds


def _amounts(plan: Plan, price: Price) -> tuple[int, ...]:
    if plan.charge_by is ChargeBy.CALL:
        return *_parts(price.connect_fee + price.per_call), *_parts(0), 0
    second, left_over = divmod(price.per_minute, 60)
    return *_parts(price.connect_fee), *_parts(second), left_over


def _parts(amount: int) -> tuple[int, int, int]:
    yuan, micro = divmod(amount, YUAN)
    return *divmod(yuan, 1_000_000), micro


def _table(schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
