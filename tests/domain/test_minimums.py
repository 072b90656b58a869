"""What a month's minimum adds, after what came later."""

from __future__ import annotations

import pytest

from appliance.domain.bills import BillLine, Item, LineKind, Usage, lines_of
from appliance.domain.minimums import Asked, asked_by, asked_of, settled
from appliance.domain.pricing import ChargeBy

NUMBER = "4008001234"
ASKED = Asked(NUMBER, "套餐", 5000)


def usage(amount: int, minimum: int = 50_000_000, number: str = NUMBER) -> Usage:
    return Usage(number, "p", "套餐", ChargeBy.TIME, minimum, calls=1, amount=amount)


def test_what_is_asked() -> None:
    usages = [usage(30_000_000, number="4008005678"), usage(60_000_000), usage(1, minimum=0, number="4008009999")]
    assert asked_of(usages) == (ASKED, Asked("4008005678", "套餐", 5000))


def test_what_a_bill_asked_that_does_not_say_so() -> None:
    """Known where it added something; a correction beside it was not counted then."""
    items = [Item(LineKind.LATE, NUMBER, "2026-01", 1_000_000)]
    two_plans = [usage(10_000_000, minimum=0), usage(20_000_000)]
    assert asked_by(lines_of([*two_plans, usage(60_000_000, number="4008005678")], items)) == (ASKED,)
    alone = [line for line in lines_of([usage(0)]) if line.kind is LineKind.MINIMUM]
    assert asked_by(alone) == (ASKED,)


@pytest.mark.parametrize(
    ("calls", "change", "differs"),
    [(30, -20, 20), (30, 10, -10), (30, 20, -20), (30, 40, -20), (60, -30, 20), (60, -10, 0), (60, 10, 0)],
)
def test_a_month_is_never_below_its_minimum_and_pays_nothing_for_it_above(
    calls: int, change: int, differs: int
) -> None:
    before: tuple[BillLine, ...] = lines_of([usage(calls * 1_000_000)])
    line = settled(ASKED, before, change * 100, LineKind.MINIMUM_LATE, "2026-01")
    assert (line.amount if line else 0) == differs * 100
    if line:
        assert (line.kind, line.number, line.text) == (LineKind.MINIMUM_LATE, NUMBER, "2026-01")
        again = settled(ASKED, [*before, *lines_of([], [_item(change)]), line], 0, LineKind.MINIMUM, "")
        assert again is None, "settled once"


def _item(yuan: int) -> Item:
    return Item(LineKind.CORRECTION, NUMBER, "", yuan * 1_000_000)
