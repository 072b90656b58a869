"""What a number's monthly minimum adds to its calls, and what becomes of that when the month's sum changes later.

The minimum is of the month's consumption: calls, calls of the month that came late, and corrections. What was added
to reach it is given back as far as what comes later reaches it by itself, and added to where a correction leaves
less. Amounts are fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.domain.bills import MINIMUMS, BillLine, LineKind, Usage, plain_line
from appliance.domain.money import FEN, to_fen


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bill asks of a number at the least. ``text``: the plan's name."""

    number: str
    text: str
    amount: int


def asked_of(usages: Iterable[Usage]) -> tuple[Asked, ...]:
    """The minimums of a month, by number."""
    found = [Asked(one.number, one.plan_name, to_fen(one.minimum)) for one in usages if one.minimum]
    return tuple(sorted(found, key=lambda one: one.number))


def asked_by(lines: Sequence[BillLine]) -> tuple[Asked, ...]:
    """The minimums that a bill reached by what it added: calls and that are the minimum. Of bills that do not say
    what they asked (before they did) no others are known."""
    calls: dict[str, int] = {}
    for line in lines:
        if line.kind is LineKind.CALLS:
            calls[line.number] = calls.get(line.number, 0) + line.amount
    return tuple(
        Asked(line.number, line.text, calls.get(line.number, 0) + line.amount)
        for line in lines
        if line.kind is LineKind.MINIMUM
    )


def settled(asked: Asked, before: Iterable[BillLine], change: int, kind: LineKind, text: str) -> BillLine | None:
    """The line that goes with what is added to a number's month, or taken from it; None: nothing changes.

    :param before: all lines of the number that stand for that month on documents so far.
    """
    consumed, added = change, 0
    for line in before:
        if line.kind in MINIMUMS:
            added += line.amount
        else:
            consumed += line.amount
    differs = max(0, asked.amount - consumed) - added
    return plain_line(kind, asked.number, text, differs * FEN) if differs else None
