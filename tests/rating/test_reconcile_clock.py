"""The carrier's clock is told by several calls, and never by one that only one side has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from appliance.domain.reconcile import Billed, Ours, Terms, compare
from appliance.rating.carrier.desk import Desk, Entry

S, HOUR = 1000, 3_600_000
TERMS = Terms(30 * S, 0, 2)


def held(folder: Path, bill: list[int], box: list[int]) -> tuple[int, int, dict[str, int]]:
    """Starts of both sides, all to one number and as long: the offset, the sure calls, and what is told of all."""
    with Desk(folder) as desk:
        desk.lay(Entry("4001234567", "", Billed(line, at, 40, 1)) for line, at in enumerate(bill, 2))
        desk.lay(Entry("4001234567", "", Ours(f"u{n}", at, 40, 1)) for n, at in enumerate(box))
        offset, sure = desk.offset(900 * S, TERMS)
        terms = Terms(30 * S, offset, 2)
        counts = Counter(
            one.status.value
            for run in desk.runs(terms.window_ms, offset)
            for one in compare(run.billed, run.ours, terms)
        )
    return offset, sure, dict(counts)


@pytest.mark.parametrize("phantoms", [1, 3])
def test_calls_of_one_side_do_not_move_the_clock_of_all(tmp_path: Path, phantoms: int) -> None:
    """Only they stand far from all others: each looks like one call, ten minutes apart."""
    both = [8 * HOUR * 24 + n * 60 * S for n in range(700)]
    lone = [n * 3 * HOUR for n in range(phantoms)]
    found = held(tmp_path, [at + 600 * S for at in lone] + both, lone + both)
    assert found == (0, 0, {"same": 700, "only-bill": phantoms, "only-ours": phantoms})


def test_one_call_a_side_tells_of_no_clock(tmp_path: Path) -> None:
    assert held(tmp_path, [600 * S], [0]) == (0, 0, {"only-bill": 1, "only-ours": 1})


def test_several_that_agree_move_it(tmp_path: Path) -> None:
    box = [n * HOUR for n in range(3)]
    assert held(tmp_path, [at + 600 * S for at in box], box) == (600 * S, 3, {"same": 3})


def test_a_clock_within_the_window_is_told(tmp_path: Path) -> None:
    box = [n * HOUR for n in range(3)]
    assert held(tmp_path, [at - 2 * S for at in box], box) == (-2 * S, 3, {"same": 3})
