"""What an account's bill of a month has to say: its lines, and what stands beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from appliance.domain.bills import BillLine, Item, LineKind, Usage, lines_of, minimum_of
from appliance.domain.closing import month_name
from appliance.domain.grants import Allowance, month_of, month_start, statement
from appliance.domain.minimums import Asked, asked_of
from appliance.domain.pricing import ChargeBy, Plan, PriceBook, Subscription
from appliance.rating.bill import minimum
from appliance.rating.bill.document import GrantLine, PriceLine
from appliance.store import bills
from appliance.store.bills import Charged
from appliance.store.models import Correction
from appliance.store.plans import load_book


@dataclass(frozen=True, slots=True)
class Content:
    """``lines`` empty: there is nothing to be billed.

    :param corrections: those that stand on it.
    """

    lines: tuple[BillLine, ...]
    corrections: tuple[Correction, ...]
    charged: tuple[Charged, ...]
    book: PriceBook
    minimums: tuple[Asked, ...]


def content_of(session: Session, account_id: str, month: int) -> Content:
    """What is to be billed for a closed month of an account that has no bill yet."""
    charged = bills.charged(session, account_id, month)
    numbers = bills.numbers_of(session, account_id, month)
    book = load_book(session, {*numbers, *(one.number for one in charged)})
    corrections = [one for one in bills.unbilled_corrections(session, account_id) if one.month == month]
    usages = list(_usages(month, charged, book, numbers))
    late = list(_late(charged, month))
    items = [*(item for _, item in late), *correction_items(session, corrections)]
    lines = lines_of(usages, items, minimum.came_late(session, account_id, month))
    lines += tuple(minimum.for_late(session, account_id, late))
    return Content(lines, tuple(corrections), tuple(charged), book, asked_of(usages))


def _usages(month: int, charged: Sequence[Charged], book: PriceBook, numbers: Collection[str]) -> Iterable[Usage]:
    """A usage for each number and plan that has calls of the month, or a minimum to pay for it."""
    of_month: dict[tuple[str, str], list[Charged]] = {}
    for one in charged:
        if one.month == month:
            of_month.setdefault((one.number, one.plan_code), []).append(one)
    for number in sorted(numbers):
        for held in _held(book, number, month):
            of_month.setdefault((number, held.plan), [])
    for (number, code), parts in of_month.items():
        plan = book.plans.get(code)
        held_ones = [one for one in book.subscriptions.get(number, ()) if one.plan == code]
        least = minimum_of(plan.minimum_monthly, month, held_ones) if plan and number in numbers else 0
        if parts or least:
            name, charge_by = _named(plan, code)
            yield Usage(
                number,
                code,
                name,
                charge_by,
                least,
                calls=sum(part.calls for part in parts),
                metered_seconds=sum(part.metered_seconds for part in parts),
                billable_units=sum(part.billable_units for part in parts),
                included_units=sum(part.included_units for part in parts),
                charged_units=sum(part.charged_units for part in parts),
                amount=sum(part.amount for part in parts),
            )


def _late(charged: Iterable[Charged], month: int) -> Iterable[tuple[int, Item]]:
    """Calls of earlier months, by number and month, with their month."""
    found: dict[tuple[str, int], list[Charged]] = {}
    for one in charged:
        if one.month != month and one.calls:
            found.setdefault((one.number, one.month), []).append(one)
    for (number, of), parts in sorted(found.items()):
        amount, calls = sum(part.amount for part in parts), sum(part.calls for part in parts)
        yield of, Item(LineKind.LATE, number, month_name(of), amount, calls)


def correction_items(session: Session, rows: Sequence[Correction]) -> list[Item]:
    """Each is of calls of one number: numbers are rated again one by one. One that comes to nothing (another price,
    the same amount) is no item."""
    numbers = bills.numbers_of_corrections(session, [one.id for one in rows])
    items = [
        Item(LineKind.CORRECTION, numbers.get(one.id, ""), one.reason, one.amount, one.calls)
        for one in rows
        if one.amount
    ]
    return sorted(items, key=lambda one: one.number)


def grant_lines(session: Session, month: int, book: PriceBook) -> Iterable[GrantLine]:
    """What became of the grants of each subscription that held any moment of a month."""
    for number in sorted(book.subscriptions):
        for held in _held(book, number, month):
            plan = book.plans[held.plan]
            if plan.included:
                allowance = Allowance(month_of(held.starts_at), plan.included, plan.rollover_months)
                for use in statement(allowance, bills.included_used(session, held, month), month):
                    yield GrantLine(number, plan.name, plan.charge_by, use)


def price_lines(charged: Iterable[Charged], book: PriceBook) -> Iterable[PriceLine]:
    """Sums by price: what nobody answered, or was free of any price, has none."""
    priced = sorted(one for one in charged if one.price_from)
    for (number, code, price_from), group in groupby(
        priced, key=lambda one: (one.number, one.plan_code, one.price_from)
    ):
        parts = list(group)
        name, charge_by = _named(book.plans.get(code), code)
        yield PriceLine(
            number,
            name,
            charge_by,
            price_from,
            calls=sum(part.calls for part in parts),
            charged_units=sum(part.charged_units for part in parts),
            amount=sum(part.amount for part in parts),
        )


def _named(plan: Plan | None, code: str) -> tuple[str, ChargeBy]:
    """Name and unit; a plan that is gone is named by its code."""
    return (plan.name, plan.charge_by) if plan else (code, ChargeBy.TIME)


def _held(book: PriceBook, number: str, month: int) -> list[Subscription]:
    """A number's subscriptions that hold any moment of a month."""
    begins, ends = month_start(month), month_start(month + 1)
    return [
        one
        for one in book.subscriptions.get(number, ())
        if one.starts_at < ends and (one.ends_at is None or one.ends_at > begins)
    ]
