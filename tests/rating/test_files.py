"""Rating from file to file: the sample to the byte, and what is refused as a whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.domain.pricing import Reason
from appliance.errors import RatingError
from appliance.rating.book import read_book
from appliance.rating.bulk.files import rate_files as bulk_rate_files
from appliance.rating.files import rate, rate_files
from tests.rating.books import HEADER, NUMBER, SAMPLE, book, record


def test_the_sample_to_the_byte(tmp_path: Path) -> None:
    charges, rejects = tmp_path / "charges.csv", tmp_path / "rejects.csv"
    rate_files(SAMPLE / "plans.toml", SAMPLE / "cdrs.csv", charges, rejects)
    assert charges.read_bytes() == (SAMPLE / "charges.csv").read_bytes()
    assert rejects.read_bytes() == (SAMPLE / "rejects.csv").read_bytes()


def test_the_order_of_the_rows_changes_no_charge() -> None:
    prices = read_book((SAMPLE / "plans.toml").read_text(encoding="utf-8"))
    header, *lines = (SAMPLE / "cdrs.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    expected = rate(header + "".join(lines), prices)
    # Of two rows with one name the first stands: those are left where they are.
    twice = {reject.call_id for reject in expected.rejects if reject.reason == "duplicate"}
    once = [line for line in lines if line.partition(",")[0] not in twice]
    random.Random(7).shuffle(once)
    again = rate(header + "".join(once + [line for line in lines if line.partition(",")[0] in twice]), prices)
    assert again.charges == expected.charges


def paths(folder: Path, plans: str | bytes, cdrs: str | bytes) -> tuple[Path, Path, Path, Path]:
    made = folder / "plans.toml", folder / "cdrs.csv", folder / "charges.csv", folder / "rejects.csv"
    for path, content in zip(made, (plans, cdrs), strict=False):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return made


def test_charges_and_rejects(tmp_path: Path) -> None:
    text = record(call_id="b") + record(call_id="A") + "x\n" + record(call_id="c", number="4001112222")
    files = paths(tmp_path, book(), HEADER + text)
    rated = rate_files(*files)
    assert (len(rated.charges), len(rated.rejects)) == (2, 2)
    assert files[2].read_text() == (
        "call_id,number,plan,price_from,metered_seconds,billable_units,included_units,charged_units,amount_yuan,reason\n"
        f"A,{NUMBER},basic,2026-01-01T00:00:00+08:00,61,120,0,120,0.220000,charged\n"
        f"b,{NUMBER},basic,2026-01-01T00:00:00+08:00,61,120,0,120,0.220000,charged\n"
    )
    assert files[3].read_text() == "line,call_id,reason\n4,,malformed:row\n5,c,no-subscription\n"


def test_cells_are_quoted_only_where_csv_needs_it(tmp_path: Path) -> None:
    odd = book().replace('"basic"', '"a, \\"b\\"\\nc"')
    files = paths(tmp_path, odd, HEADER + record())
    rate_files(*files)
    assert files[2].read_text().splitlines()[1].startswith(f'c1,{NUMBER},"a, ""b""')


def test_a_byte_that_is_no_utf8_spoils_its_row_at_most(tmp_path: Path) -> None:
    rows = record(caller="CALLER") + record(call_id="c\ufffd")
    data = (HEADER + rows).encode().replace(b"CALLER", b"\xff\xfe").replace("\ufffd".encode(), b"\xff")
    rated = rate_files(*paths(tmp_path, book(), data))
    assert [call.call_id for call, _ in rated.charges] == ["c1"]
    assert [reject.reason for reject in rated.rejects] == ["malformed:call_id"]


@pytest.mark.parametrize(
    ("plans", "cdrs", "said"),
    [
        ("plans = [", HEADER, "plans.toml: not TOML"),
        (b"\xff", HEADER, "plans.toml: not UTF-8 at byte 0"),
        (book(), "call_id\n", "cdrs.csv: line 1: the columns"),
    ],
)
def test_a_file_that_is_refused_writes_nothing(tmp_path: Path, plans: str | bytes, cdrs: str, said: str) -> None:
    files = paths(tmp_path, plans, cdrs)
    with pytest.raises(RatingError, match=said):
        rate_files(*files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdrs.csv", "plans.toml"]


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    files = paths(tmp_path, book(), HEADER)
    with pytest.raises(RatingError, match=r"none\.toml: No such file"):
        rate_files(tmp_path / "none.toml", *files[1:])
    with pytest.raises(RatingError, match="cannot write"):
        rate_files(*files[:3], tmp_path / "no folder" / "rejects.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdrs.csv", "plans.toml"]


def test_a_month_is_shanghais_and_units_roll_over() -> None:
    def change(document: dict[str, list[dict[str, object]]]) -> None:
        document["plans"][0] |= {"included": 100, "rollover_months": 1}

    # 16:00 UTC is the next day in Shanghai: the second call belongs to March and has February's 40 left.
    text = (
        record(call_id="a", answered_at="2026-02-28T15:59:59Z", billsec="60")
        + record(call_id="b", answered_at="2026-02-28T16:00:00Z", billsec="120")
        + record(call_id="c", answered_at="2026-03-01T00:00:00Z", billsec="60")
        + record(call_id="d", answered_at="2026-02-28T00:00:00+08:00", billsec="61")
    )
    charges = {call.call_id: charge for call, charge in rate(HEADER + text, read_book(book(change))).charges}
    # January's hundred was never used: d takes it first, and 20 of February's.
    assert {name: charge.included_units for name, charge in charges.items()} == {
        "d": 120,
        "a": 60,
        "b": 120,
        "c": 0,
    }
    assert charges["c"].reason is Reason.CHARGED


@pytest.mark.parametrize("rates", [rate_files, bulk_rate_files])
@pytest.mark.parametrize(
    ("written", "other"),
    [(one, two) for one in ("charges", "rejects") for two in ("plans", "cdrs", "charges", "rejects") if one != two],
)
def test_no_file_is_written_in_the_place_of_another(
    tmp_path: Path, rates: Callable[..., object], written: str, other: str
) -> None:
    """Whatever it is called by: the charges were gone without a word, and so were the records."""
    names = ("plans", "cdrs", "charges", "rejects")
    files = dict(zip(names, paths(tmp_path, book(), HEADER + record()), strict=True))
    files["charges"].write_text("of last month")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    link = tmp_path / "link"
    link.symlink_to(files[other].name)
    for same in (files[other], tmp_path / "." / ".." / tmp_path.name / files[other].name, link):
        with pytest.raises(RatingError, match="are one file"):
            rates(**(files | {written: same}))
    link.unlink()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
