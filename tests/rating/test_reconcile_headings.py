"""Headings that say one thing in one bill and another in the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.rating.carrier.form import UNSAID, Mapped, find_form
from appliance.rating.carrier.rows import Row, Unreadable, rows

AT = 1769911205000


def read(
    folder: Path, headings: str, cells: str, mapped: Mapped = UNSAID, by_400: bool = False
) -> Row | Unreadable:
    bill = folder / "bill.csv"
    bill.write_text(f"{headings}\n{cells}\n", encoding="utf-8")
    (row,) = rows(bill, find_form(bill, mapped, by_400))
    return row


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        ("日期,开始时间,时长", "2026-02-01,10:00:05,9"),
        ("通话日期,通话时间,时长", "20260201,100005,9"),
        ("通话日期,通话时间,通话时长", "2026年2月1日,10时0分5秒,9"),
        ("账期,日期,开始时间,时长", "202602,2026/2/1,2026-02-01 10:00:05,9"),
        ("通话时间(秒),开始时间", "9,2026-02-01 10:00:05"),
        ("通话时间（单位：秒）,开始时间", "9,2026-02-01 10:00:05"),
        ("日期,时间,通话时间（秒）", "2026-02-01,10:00:05,9"),
        ("通话时间,开始时间,时长", "晚间,2026-02-01 10:00:05,9"),
    ],
)
def test_when_and_how_long(tmp_path: Path, headings: str, cells: str) -> None:
    assert read(tmp_path, f"被叫号码,{headings}", f"4001234567,{cells}") == Row(2, "", "4001234567", AT, 9, None)


def test_a_time_of_day_without_a_date_is_none(tmp_path: Path) -> None:
    why = "开始时间: not a time: 10:00:05"
    assert read(tmp_path, "被叫号码,开始时间,时长", "4001234567,10:00:05,9") == Unreadable(2, why)
    assert read(tmp_path, "被叫号码,日期,开始时间,时长", "4001234567,二月,10:00:05,9") == Unreadable(2, why)


@pytest.mark.parametrize("said", [{"何日": "date"}, {"何日": "date", "开始时间": "time"}, {"开始时间": "start"}])
def test_what_is_mapped_stands_beside_what_is_known(tmp_path: Path, said: dict[str, str]) -> None:
    headings = "被叫号码,何日,开始时间,时长" if "何日" in said else "被叫号码,日期,开始时间,时长"
    row = read(tmp_path, headings, "4001234567,2026-02-01,10:00:05,9", Mapped(said))
    assert isinstance(row, Row) and row.at == AT


@pytest.mark.parametrize("headings", ["被叫号码,400号码", "400号码,被叫号码"])
def test_the_400_number_where_it_is_what_we_charge_by(tmp_path: Path, headings: str) -> None:
    cells = "02161234567,4001234567" if headings.startswith("被叫") else "4001234567,02161234567"
    called = [
        read(tmp_path, f"{headings},开始时间,时长", f"{cells},2026-02-01 10:00:05,9", by_400=by_400)
        for by_400 in (True, False)
    ]
    assert [row.called for row in called if isinstance(row, Row)] == ["4001234567", "02161234567"]
