"""Units in a bill's cells and headings."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from appliance.domain.money import FEN, YUAN
from appliance.errors import RatingError
from appliance.rating.carrier import values
from appliance.rating.carrier.form import UNSAID, Mapped, find_form
from appliance.rating.carrier.rows import Row, rows
from appliance.rating.carrier.values import read_amount


def test_the_examples() -> None:
    assert doctest.testmod(values).failed == 0


@pytest.mark.parametrize("unit", [YUAN, FEN])
@pytest.mark.parametrize(
    ("cell", "micro"),
    [
        ("12分", 120_000),
        ("5元", 5_000_000),
        ("1.5角", 150_000),
        ("-3厘", -3_000),
        ("￥1,000", 1_000_000_000),
        ("5块", None),
    ],
)
def test_the_unit_of_a_cell_goes_before_its_columns(cell: str, micro: int | None, unit: int) -> None:
    assert read_amount(cell, unit) == micro


def read(folder: Path, seconds: str, amount: str, mapped: Mapped = UNSAID) -> tuple[int, int | None]:
    """Five and seven under these headings."""
    bill = folder / "bill.csv"
    bill.write_text(f"被叫号码,开始时间,{seconds},{amount}\n4001234567,2026-02-01 10:00:00,5,7\n", encoding="utf-8")
    (row,) = rows(bill, find_form(bill, mapped))
    assert isinstance(row, Row)
    return row.seconds, row.amount


@pytest.mark.parametrize(
    ("heading", "seconds"),
    [
        ("计费时长", 5),
        ("计费时长(秒)", 5),
        ("计费时长（分钟）", 300),
        ("计费时长[分]", 300),
        ("计费时长【小时】", 18_000),
        ("时长(hh:mm:ss)", 5),
        ("时长（HH：MM：SS）", 5),
        ("时长(HH24:MI:SS)", 5),
        ("时长(时:分:秒)", 5),
        ("时长（分：秒）", 5),
        ("通话时长(单位:秒)", 5),
        ("通话时长（单位：分钟）", 300),
        ("计费时长(计费单位:分)", 300),
        ("计费时长【计量单位： 小时】", 18_000),
        ("计费时长(单位分钟)", 300),
    ],
)
def test_durations_by_their_heading(tmp_path: Path, heading: str, seconds: int) -> None:
    assert read(tmp_path, heading, "金额") == (seconds, 7_000_000)


@pytest.mark.parametrize(
    ("heading", "micro"),
    [
        ("金额", 7_000_000),
        ("金额(元)", 7_000_000),
        ("费用（角）", 700_000),
        ("费用[ 分 ]", 70_000),
        ("金额（厘）", 7_000),
        ("费用(元)(含税)", 7_000_000),
        ("金额（单位：分）", 70_000),
        ("金额(单位:分)", 70_000),
        ("金额（单位:角）", 700_000),
        ("金额(单位：元)(不含税)", 7_000_000),
        ("金额［计费单位 ： 厘］", 7_000),
        ("金额（单位分）", 70_000),
        ("金额（单位）", 7_000_000),
        ("金额（币种：人民币）", 7_000_000),
    ],
)
def test_amounts_by_their_heading(tmp_path: Path, heading: str, micro: int) -> None:
    assert read(tmp_path, "时长", heading) == (5, micro)


@pytest.mark.parametrize(
    ("seconds", "amount", "named"),
    [
        ("时长(毫秒)", "金额", r"时长\(毫秒\): its unit .*--map"),
        ("时长(6秒)", "金额", "6秒"),
        ("时长", "金额(美元)", r"金额\(美元\): its unit .*--amount-unit"),
        ("时长", "金额(万元)", "万元"),
        ("时长", "金额(元)(分)", "its unit"),
        ("时长(单位:6秒)", "金额", r"时长\(单位:6秒\): its unit"),
        ("时长", "金额（单位：美元）", "its unit"),
        ("时长", "金额（币种：美元）", "its unit"),
    ],
)
def test_other_units_are_refused(tmp_path: Path, seconds: str, amount: str, named: str) -> None:
    with pytest.raises(RatingError, match=named):
        read(tmp_path, seconds, amount)


def test_what_is_said_goes_before_a_unit_that_nobody_knows(tmp_path: Path) -> None:
    mapped = Mapped({"时长(毫秒)": "seconds"}, "fen")
    assert read(tmp_path, "时长(毫秒)", "金额(美元)", mapped) == (5, 70_000)
    assert read(tmp_path, "时长(分)", "金额", Mapped({"时长(分)": "seconds"})) == (300, 7_000_000)
