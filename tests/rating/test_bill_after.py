"""What comes after a month was closed or billed: late calls, corrections, and in which order bills are issued."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from appliance.domain.bills import LineKind
from appliance.domain.grants import month_of
from appliance.domain.money import FEN, to_fen
from appliance.errors import RatingError
from appliance.rating.again import rate_again
from appliance.rating.run import rate_all
from appliance.store.unit import Store
from tests.rating.billed import CLERK, JANUARY, NOW, close, correct, credit, halve, issue, owed, sample_sums
from tests.rating.stored import clock, put_calls, sample_calls


def test_a_call_that_comes_late_stands_on_the_next_bill(billed: Store) -> None:
    late = next(
        call
        for call in sample_calls()
        if call.number == "4001414002" and call.answered_at and month_of(call.answered_at) == JANUARY
    )
    put_calls(billed, [replace(late, call_id="late", billsec=600, bridged_seconds=600)])
    rate_all(billed, clock)
    close(billed, JANUARY + 4)
    for earlier in range(JANUARY, JANUARY + 4):
        issue(billed, earlier)
    before = owed(billed)
    bill = issue(billed, JANUARY + 4)
    assert bill is not None
    (line,) = [line for line in bill.lines if line.kind is LineKind.LATE]
    assert (line.number, line.text, line.calls, line.exact) == ("4001414002", "2026-01", 1, 1_375_000)
    assert bill.totals.gross * FEN - sum(sample_sums(JANUARY + 4).values()) - 1_375_000 == owed(billed) - before


def test_a_correction_of_a_billed_month_is_a_credit_note(billed: Store) -> None:
    bill = issue(billed, JANUARY)
    before = owed(billed)
    halve(billed)
    found = rate_again(billed, lambda: NOW, book=CLERK)
    change = sum(one.new - one.old for one in found)
    assert change < 0
    (note, *others) = credit(billed)
    assert others == [], "only January is billed"
    assert bill is not None
    assert (note.number, note.corrects, note.because) == ("HZ00000001", bill.number, "价格订正")
    assert note.totals.gross < 0 and note.totals.tax < 0
    assert credit(billed) == [], "once"
    january = sum(one.new - one.old for one in found if one.month == JANUARY)
    assert note.totals.gross == to_fen(january)
    assert owed(billed) == before + change + (note.totals.gross * FEN - january)
    february = issue(billed, JANUARY + 1)
    assert february is not None
    corrected = [line.number for line in february.lines if line.kind is LineKind.CORRECTION]
    assert corrected == ["4006611097", "4009050631"], "what was not billed yet"
    owed(billed)


def test_months_are_billed_in_turn(billed: Store) -> None:
    """A bill's opening balance has all that the bills before it came to."""
    with pytest.raises(RatingError, match="2026-01 of east is to be billed before 2026-03"):
        issue(billed, JANUARY + 2)
    made = [bill for month in range(JANUARY, JANUARY + 4) if (bill := issue(billed, month)) is not None]
    assert len(made) == 4
    for earlier, later in pairwise(made):
        assert later.movements[0].amount == earlier.movements[-1].amount


def test_a_bill_that_only_a_correction_made_moves_no_balance_that_is_shown(billed: Store) -> None:
    """Nothing was to be billed for December when January was; then a call of it turned out to have a price."""
    january = issue(billed, JANUARY)
    assert january is not None and issue(billed, JANUARY - 1) is None
    correct(billed, JANUARY - 1, 4_000)
    assert issue(billed, JANUARY - 1) is not None
    february = issue(billed, JANUARY + 1)
    assert february is not None and february.movements[0].amount == january.movements[-1].amount


def test_a_correction_of_nothing_makes_no_line_and_no_document(billed: Store) -> None:
    """Another price that comes to the same."""
    for month in (JANUARY - 1, JANUARY):
        correct(billed, month, 0)
    assert issue(billed, JANUARY - 1) is None
    january = issue(billed, JANUARY)
    assert january is not None and LineKind.CORRECTION not in {line.kind for line in january.lines}
    correct(billed, JANUARY, 0, "新价，金额相同")
    assert credit(billed) == []
    correct(billed, JANUARY, -10_000)
    (note,) = credit(billed)
    assert ([line.amount for line in note.lines], note.because) == ([-1], "价格订正")
    assert credit(billed) == []
