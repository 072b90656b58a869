"""Files of millions of calls: the loop's bytes, and memory that is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.rating import files
from appliance.rating.bulk.files import rate_files
from tests.bench import corpus
from tests.bench.rating import MEMORY_LIMIT_MB, rate_apart
from tests.rating.books import HEADER, SAMPLE, record
from tests.rating.bulk import mangled

pytestmark = [pytest.mark.accept, pytest.mark.timeout(3000)]


def test_a_million_mangled_rows(tmp_path: Path) -> None:
    plans, cdrs = SAMPLE / "plans.toml", tmp_path / "cdrs.csv"
    mangled.write(cdrs, 1_000_000, seed=17)
    plain, bulk = ([tmp_path / f"{form}-{name}" for name in ("charges", "rejects")] for form in ("plain", "bulk"))
    files.rate_files(plans, cdrs, *plain)
    rate_files(plans, cdrs, *bulk)
    assert [path.read_bytes() for path in bulk] == [path.read_bytes() for path in plain]


def test_ten_million_rows_in_four_gigabytes(tmp_path: Path) -> None:
    cdrs = tmp_path / "cdrs.csv"
    corpus.write(cdrs, 10_000_000)
    cost = rate_apart("bulk.files", tmp_path, cdrs)
    print(cost)
    assert cost.memory_mb <= MEMORY_LIMIT_MB
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdrs.csv", "charges.csv", "rejects.csv"]


@pytest.mark.parametrize("piece", [b"x", b",", b'""'])
def test_a_line_of_a_gigabyte(tmp_path: Path, piece: bytes) -> None:
    """What stands before it is charged; it is one row that is none."""
    cdrs, number = tmp_path / "cdrs.csv", "4001414002"  # of the sample's book
    with cdrs.open("wb") as out:
        out.write((HEADER + record(call_id="before", number=number)).encode() + b'"')
        for _ in range(1024):
            out.write(piece * (1024 * 1024 // len(piece)))
        out.write(b"\n" + record(call_id="after").encode())
    cost = rate_apart("bulk.files", tmp_path, cdrs)
    assert cost.memory_mb <= 1024
    assert b"before,4001414002," in (tmp_path / "charges.csv").read_bytes()
    assert b"before" not in (tmp_path / "rejects.csv").read_bytes()
