"""A bill: what an account owes for a month, as lines in whole fen.

Charges are millionths of a yuan; a line sums them and is rounded once, half up, to the fen. Amounts include tax.
The rules are in ``docs/bills.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from appliance.domain.grants import month_start
from appliance.domain.money import FEN, round_half_up, to_fen
from appliance.domain.pricing import ChargeBy, Subscription
from appliance.errors import RuleError

#: A rate of 1 is so many basis points.
WHOLE_BP = 10_000


class LineKind(StrEnum):
    """What a line is for."""

    CALLS = "calls"
    MINIMUM = "minimum"
    #: Calls of an earlier month that came when that month was closed.
    LATE = "late"
    #: What such calls, or corrections, change of what an earlier month's minimum added.
    MINIMUM_LATE = "minimum-late"
    #: What a credit note gives back, or takes in addition.
    CORRECTION = "correction"


#: Lines that no charge and no correction is behind: they are posted with the bill.
MINIMUMS = frozenset((LineKind.MINIMUM, LineKind.MINIMUM_LATE))


@dataclass(frozen=True, slots=True)
class Usage:
    """The charges of a number's calls of a month under a plan, summed. ``amount`` in millionths of a yuan.

    :param minimum: what is to be paid at the least (``minimum_of``), millionths of a yuan.
    :param calls: with anything metered: a call that nobody answered is none.
    """

    number: str
    plan: str
    plan_name: str
    charge_by: ChargeBy
    minimum: int
    calls: int = 0
    metered_seconds: int = 0
    billable_units: int = 0
    included_units: int = 0
    charged_units: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """Something else on the bill. ``amount`` in millionths of a yuan, below 0 where it is given back."""

    kind: LineKind
    number: str
    text: str
    amount: int
    calls: int = 0


@dataclass(frozen=True, slots=True)
class BillLine:
    """A line. ``amount`` in fen, tax included; ``exact`` what it was rounded from, in millionths of a yuan.

    ``units`` are seconds or calls, as the plan charges; all figures of a line that is not for calls are 0.
    """

    kind: LineKind
    number: str
    plan: str
    text: str
    charge_by: ChargeBy | None
    calls: int
    metered_seconds: int
    billable_units: int
    included_units: int
    charged_units: int
    exact: int
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Fen. ``gross`` is what is owed; ``tax`` is contained in it."""

    net: int
    tax: int
    gross: int


def lines_of(
    usages: Iterable[Usage], items: Iterable[Item] = (), late: Mapping[str, int] = MappingProxyType({})
) -> tuple[BillLine, ...]:
    """The lines of a month's bill, by number and plan, calls before what the minimum adds to them.

    The minimum is of all that the number's calls of the month come to: under any plan, as they are corrected, and
    with those that came late.

    :param late: what such calls of the month come to on later bills that were issued before it, by number, in fen.
    """
    used = sorted(usages, key=lambda one: (one.number, one.plan))
    calls = [_calls(usage) for usage in used]
    others = [plain_line(item.kind, item.number, item.text, item.amount, item.calls) for item in items]
    consumed = dict(late)
    for line in (*calls, *(line for line in others if line.kind is LineKind.CORRECTION)):
        consumed[line.number] = consumed.get(line.number, 0) + line.amount
    lines: list[BillLine] = []
    for usage, line in zip(used, calls, strict=True):
        lines.append(line)
        # All together are the minimum to the fen.
        if usage.minimum and (lacking := to_fen(usage.minimum) - consumed[usage.number]) > 0:
            lines.append(plain_line(LineKind.MINIMUM, usage.number, usage.plan_name, lacking * FEN))
    return (*lines, *others)


def totals(lines: Sequence[BillLine], tax_bp: int) -> Totals:
    """The sum of lines, and the tax in it.

    :param tax_bp: the rate in basis points (600: 6 %).
    :raises RuleError: the rate is below 0 or above the whole.

    >>> line = BillLine(LineKind.LATE, "", "", "", None, 1, 0, 0, 0, 0, 1_060_000, 106)
    >>> totals([line], 600)
    Totals(net=100, tax=6, gross=106)
    """
    if not 0 <= tax_bp <= WHOLE_BP:
        raise RuleError(f"a tax rate of {tax_bp} basis points")
    gross = sum(line.amount for line in lines)
    # Of what is given back as much tax is given back as was taken: rounded on the amount without its sign.
    tax = round_half_up(abs(gross) * tax_bp, WHOLE_BP + tax_bp) * (1 if gross >= 0 else -1)
    return Totals(gross - tax, tax, gross)


def is_full_month(subscription: Subscription, month: int) -> bool:
    """Whether a subscription holds a month from its beginning to its end; the minimum is asked for those."""
    begins, ends = month_start(month), month_start(month + 1)
    return subscription.starts_at <= begins and (subscription.ends_at is None or subscription.ends_at >= ends)


def minimum_of(monthly: int, month: int, held: Iterable[Subscription]) -> int:
    """What a number is to pay at the least for a month of a plan: the plan's ``minimum_monthly``, from the first
    full month on, and not for a month in which it ends.

    :param held: the number's subscriptions of the plan.
    """
    return monthly if any(is_full_month(one, month) for one in held) else 0


def bill_number(sequence: int) -> str:
    """The number of a bill; the box counts its bills from 1, without a gap.

    >>> bill_number(17)
    'ZD00000017'
    """
    return f"ZD{sequence:08}"


def credit_number(sequence: int) -> str:
    """The number of a credit note; counted apart from bills.

    >>> credit_number(17)
    'HZ00000017'
    """
    return f"HZ{sequence:08}"


def _calls(usage: Usage) -> BillLine:
    return BillLine(
        LineKind.CALLS,
        usage.number,
        usage.plan,
        usage.plan_name,
        usage.charge_by,
        usage.calls,
        usage.metered_seconds,
        usage.billable_units,
        usage.included_units,
        usage.charged_units,
        usage.amount,
        to_fen(usage.amount),
    )


def plain_line(kind: LineKind, number: str, text: str, exact: int, calls: int = 0) -> BillLine:
    """A line that is not for calls of a plan. ``exact`` in millionths of a yuan."""
    return BillLine(kind, number, "", text, None, calls, 0, 0, 0, 0, exact, to_fen(exact))
