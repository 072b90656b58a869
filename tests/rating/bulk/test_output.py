"""Rejects as text: merged by line, and never more than so many rows at once."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from appliance.rating.bulk import output
from appliance.rating.bulk.parse import MALFORMED, Malformed

ROWS = 10


def batch(lines: list[int]) -> pa.RecordBatch:
    columns = [pa.array(lines, pa.int64()), pa.array([f"c{line}" for line in lines], pa.string())]
    refusals = pa.array(["no-plan"] * len(lines), pa.string())
    return pa.RecordBatch.from_arrays([*columns, refusals], ["line", "call_id", "refusal"])


def written(
    batches: list[list[int]], malformed: list[int], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], bytes]:
    monkeypatch.setattr(output, "_ROWS", ROWS)
    bad = Malformed(np.array(malformed, np.int64), np.array([line % 2 for line in malformed], np.int8))
    parts = list(output.reject_lines(map(batch, batches), bad))
    return [count for count, _ in parts], b"".join(text.to_pybytes() for _, text in parts)


def expected(batches: list[list[int]], malformed: list[int]) -> bytes:
    told = {line: f"{line},,malformed:{MALFORMED[line % 2]}\n" for line in malformed}
    told |= {line: f"{line},c{line},no-plan\n" for lines in batches for line in lines}
    return "".join(told[line] for line in sorted(told)).encode()


def test_many_rows_that_are_none_before_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    malformed = [*range(2, 100), *range(101, 105)]
    counts, text = written([[100]], malformed, monkeypatch)
    assert max(counts) == ROWS and sum(counts) == len(malformed) + 1
    assert text == expected([[100]], malformed)


@pytest.mark.parametrize("seed", range(30))
def test_the_same_lines_however_they_lie(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = random.Random(seed)
    lines = range(2, 2 + dice.randrange(200))
    share = dice.random()
    calls = [line for line in lines if dice.random() < share]
    cuts = sorted(dice.randrange(len(calls) + 1) for _ in range(3))
    batches = [calls[begin:end] for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
    malformed = sorted(set(lines) - set(calls))
    counts, text = written(batches, malformed, monkeypatch)
    assert text == expected(batches, malformed)
    assert max(counts, default=0) <= ROWS + max(map(len, batches))
