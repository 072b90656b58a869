"""A price book in TOML: read whole, or refused whole."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, NoReturn

from appliance.domain import money, numbers
from appliance.domain.pricing import ANY, ChargeBy, Meter, Plan, Price, PriceBook, Subscription
from appliance.errors import RatingError
from appliance.rating.times import parse_time

_CALLERS = {ANY, *numbers.CallerKind}
_MOST = 10**12


class _Table:
    """One table of the book; every field is read once, and none may be left over or missing."""

    def __init__(self, where: str, table: Any) -> None:
        self.where = where
        if not isinstance(table, dict):
            raise RatingError(f"{where or 'price book'}: must be a table")
        self._left = dict(table)

    def fail(self, field: str, what: str) -> NoReturn:
        """:raises RatingError: always, naming the field."""
        raise RatingError(f"{self._path(field)}: {what}")

    def done(self) -> None:
        """:raises RatingError: a field is left that nobody asked for."""
        if self._left:
            self.fail(min(self._left, key=str), "unknown field")

    def text(self, field: str) -> str:
        """A text."""
        value = self._take(field)
        if not isinstance(value, str):
            self.fail(field, "must be a text in quotes")
        return value

    def word(self, field: str, choices: Iterable[str]) -> str:
        """One of the words."""
        value = self.text(field)
        if value not in choices:
            self.fail(field, f"must be one of {', '.join(sorted(choices))}: {value}")
        return value

    def whole(self, field: str, least: int = 0) -> int:
        """A whole number, ``least`` at the least."""
        value = self._take(field)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.fail(field, f"must be a whole number of at least {least}: {_shown(value)[:40]}")
        if value > _MOST:
            self.fail(field, f"must be at most {_MOST}: {_shown(value)[:40]}")
        return value

    def amount(self, field: str) -> int:
        """An amount in yuan, quoted or bare; it is read as it is written, never through a float."""
        value = self._take(field)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            self.fail(field, "must be an amount in yuan")
        try:
            micro = money.parse(_shown(value))
        except RatingError as error:
            self.fail(field, str(error))
        if micro < 0:
            self.fail(field, f"must not be below 0: {_shown(value)[:40]}")
        return micro

    def time(self, field: str) -> tuple[str, datetime]:
        """A time as it is written, and its instant."""
        text = self.text(field)
        return text, self._instant(field, text)

    def end(self, field: str) -> datetime | None:
        """A time, or None for an empty text."""
        text = self.text(field)
        return self._instant(field, text) if text else None

    def tables(self, field: str) -> list[_Table]:
        """A list of tables, which may be missing."""
        value = self._left.pop(field, [])
        if not isinstance(value, list):
            self.fail(field, "must be a list of tables")
        return [_Table(f"{self._path(field)}[{index}]", table) for index, table in enumerate(value)]

    def _instant(self, field: str, text: str) -> datetime:
        at = parse_time(text)
        if at is None:
            self.fail(field, f"not a time (2026-01-01T00:00:00+08:00): {text}")
        return at

    def _take(self, field: str) -> Any:
        if field not in self._left:
            self.fail(field, "missing")
        return self._left.pop(field)

    def _path(self, field: str) -> str:
        return f"{self.where}.{field}" if self.where else field


def _shown(value: Any) -> str:
    """A value as it may be printed: Python writes no number of thousands of digits, which hexadecimal can name, nor
    what has one in it."""
    if isinstance(value, int) and abs(value) > _MOST**2:
        return hex(value)
    return str(value) if isinstance(value, str | int | Decimal | float) else type(value).__name__


def read_book(text: str) -> PriceBook:
    """Read a price book.

    Subscriptions of a number are in the order of their start.

    :raises RatingError: it is not TOML; a field is unknown, missing or wrong; a plan that is named or a plan's
        price is missing; two plans have one code; two prices of a plan have the same caller and instant; two
        subscriptions of a number overlap; an amount has more than six decimals. The text names the place.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError, ArithmeticError) as error:
        raise RatingError(f"not TOML: {error}") from error
    top = _Table("", document)
    plans: dict[str, Plan] = {}
    for table in top.tables("plans"):
        plan = _plan(table)
        if plan.code in plans:
            table.fail("code", f"stands twice: {plan.code}")
        plans[plan.code] = plan
    subscriptions = [_subscription(table, plans) for table in top.tables("subscriptions")]
    top.done()
    return PriceBook(plans, _by_number(subscriptions))


def _plan(table: _Table) -> Plan:
    charge_by = ChargeBy(table.word("charge_by", list(ChargeBy)))
    prices = tuple(_price(part, charge_by) for part in table.tables("prices"))
    plan = Plan(
        code=table.text("code"),
        name=table.text("name"),
        charge_by=charge_by,
        meter=Meter(table.word("meter", list(Meter))),
        prices=prices,
        included=table.whole("included"),
        rollover_months=table.whole("rollover_months"),
        minimum_monthly=table.amount("minimum_monthly"),
    )
    table.done()
    if not plan.code:
        table.fail("code", "must not be empty")
    if not prices:
        table.fail("prices", "missing")
    seen = set()
    for price in prices:
        # By the instant: two offsets can write one moment, and then neither price is the later.
        key = (price.caller, price.effective_from)
        if key in seen:
            table.fail("prices", f"two for caller {price.caller} from {price.effective_text}")
        seen.add(key)
    return plan


def _price(table: _Table, charge_by: ChargeBy) -> Price:
    effective_text, effective_from = table.time("effective_from")
    price = Price(
        effective_from=effective_from,
        effective_text=effective_text,
        caller=table.word("caller", _CALLERS),
        initial_seconds=table.whole("initial_seconds"),
        # A plan by call has no steps, so a 0 there harms nobody.
        step_seconds=table.whole("step_seconds", least=1 if charge_by is ChargeBy.TIME else 0),
        free_seconds=table.whole("free_seconds"),
        connect_fee=table.amount("connect_fee"),
        per_minute=table.amount("per_minute"),
        per_call=table.amount("per_call"),
    )
    table.done()
    return price


def _subscription(table: _Table, plans: dict[str, Plan]) -> Subscription:
    subscription = Subscription(
        number=table.text("number"),
        plan=table.text("plan"),
        starts_at=table.time("starts_at")[1],
        ends_at=table.end("ends_at"),
    )
    table.done()
    if not re.fullmatch(r"400[0-9]{7}", subscription.number, re.ASCII):
        table.fail("number", f"not a 400 number (400 and seven digits): {subscription.number}")
    if subscription.plan not in plans:
        table.fail("plan", f"no such plan: {subscription.plan}")
    if subscription.ends_at is not None and subscription.ends_at < subscription.starts_at:
        table.fail("ends_at", "before starts_at")
    return subscription


def _by_number(subscriptions: list[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    found: dict[str, list[Subscription]] = {}
    for subscription in subscriptions:
        # [t, t) holds no instant: it can neither overlap nor be looked for.
        if subscription.ends_at != subscription.starts_at:
            found.setdefault(subscription.number, []).append(subscription)
    for number, held in found.items():
        held.sort(key=lambda subscription: subscription.starts_at)
        for earlier, later in pairwise(held):
            if earlier.ends_at is None or later.starts_at < earlier.ends_at:
                raise RatingError(f"subscriptions of {number} overlap from {later.starts_at.isoformat()} on")
    return {number: tuple(held) for number, held in found.items()}
