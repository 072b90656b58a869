"""The State Council's calendar."""

from __future__ import annotations

import doctest
import subprocess
import sys
from datetime import date, timedelta

import pytest
from holidays import HolidayBase, country_holidays

from appliance.domain.calendar import DayKind
from appliance.reference import workdays
from appliance.reference.workdays import day_kind, name_of

#: 《国务院办公厅关于2025年部分节假日安排的通知》: the statutory days, the weekdays off, and the weekends worked for
#: them. Not the weekends beside them, which belong to the period: ``PERIODS``.
DAYS_OFF_2025 = {
    "元旦": ["01-01"],
    "春节": ["01-28", "01-29", "01-30", "01-31", "02-03", "02-04"],
    "清明节": ["04-04"],
    "劳动节": ["05-01", "05-02", "05-05"],
    "端午节": ["05-31", "06-02"],
    "国庆节、中秋节": ["10-01", "10-02", "10-03", "10-06", "10-07", "10-08"],
}
WORKED_2025 = ["01-26", "02-08", "04-27", "09-28", "10-11"]
#: 《国务院办公厅关于2026年部分节假日安排的通知》.
DAYS_OFF_2026 = {
    "元旦": ["01-01", "01-02"],
    "春节": ["02-16", "02-17", "02-18", "02-19", "02-20", "02-23"],
    "清明节": ["04-05", "04-06"],
    "劳动节": ["05-01", "05-02", "05-04", "05-05"],
    "端午节": ["06-19"],
    "中秋节": ["09-25"],
    "国庆节": ["10-01", "10-02", "10-03", "10-05", "10-06", "10-07"],
}
WORKED_2026 = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


#: The whole periods, first and last day.
PERIODS = {
    2025: ["01-01", "01-28 02-04", "04-04 04-06", "05-01 05-05", "05-31 06-02", "10-01 10-08"],
    2026: ["01-01 01-03", "02-15 02-23", "04-04 04-06", "05-01 05-05", "06-19 06-21", "09-25 09-27", "10-01 10-07"],
}


def days(first: int, last: int) -> list[date]:
    """Every day of the years ``first`` to ``last``."""
    begin = date(first, 1, 1)
    return [begin + timedelta(days=number) for number in range((date(last + 1, 1, 1) - begin).days)]


def of_year(year: int, kind: DayKind) -> list[str]:
    return [f"{day:%m-%d}" for day in days(year, year) if day_kind(day) is kind]


@pytest.fixture(scope="module")
def library() -> HolidayBase:
    # With the year after the last: its first days may be paid for in December.
    return country_holidays("CN", years=range(2007, 2028), expand=False)


def test_doctests() -> None:
    assert doctest.testmod(workdays).failed == 0


@pytest.mark.parametrize(
    ("year", "off", "worked"), [(2025, DAYS_OFF_2025, WORKED_2025), (2026, DAYS_OFF_2026, WORKED_2026)]
)
def test_a_year_as_it_was_published(year: int, off: dict[str, list[str]], worked: list[str]) -> None:
    named = [day for period in off.values() for day in period]
    assert [day for day in of_year(year, DayKind.HOLIDAY) if name_of(date.fromisoformat(f"{year}-{day}"))] == named
    periods = []
    for period in PERIODS[year]:
        first, _, last = period.partition(" ")
        periods += [f"{day:%m-%d}" for day in days(year, year) if first <= f"{day:%m-%d}" <= (last or first)]
    assert of_year(year, DayKind.HOLIDAY) == periods
    assert of_year(year, DayKind.MAKEUP) == worked


@pytest.mark.parametrize(
    ("day", "kind", "name"),
    [
        ("2026-02-14", "makeup", "调休上班"),
        ("2025-01-26", "makeup", "调休上班"),
        ("2026-10-01", "holiday", "国庆节"),
        ("2026-10-04", "holiday", ""),  # within the period, but no statutory day
        ("2026-10-05", "holiday", "国庆节"),  # for Saturday the 3rd
        ("2025-10-06", "holiday", "中秋节"),
        ("2025-10-08", "holiday", "调休休息日"),
        ("2026-02-16", "holiday", "农历除夕"),
        ("2026-02-17", "holiday", "春节"),
        ("2026-02-20", "holiday", "调休休息日"),
        ("2020-10-01", "holiday", "中秋节、国庆节"),
        ("2020-01-31", "holiday", "春节延长假期"),
        ("2009-01-28", "holiday", "春节"),  # for New Year's Eve, a Sunday
        ("2011-12-31", "makeup", "调休上班"),  # for a day of the next year
        ("2011-12-30", "workday", ""),
        ("2026-03-08", "weekend", ""),  # half-days off for some (妇女节) are none
        ("2026-05-04", "holiday", "劳动节"),
        ("2026-07-01", "workday", ""),
    ],
)
def test_a_day(day: str, kind: str, name: str) -> None:
    assert (day_kind(date.fromisoformat(day)), name_of(date.fromisoformat(day))) == (DayKind(kind), name)


def test_twenty_years_agree_with_the_library(library: HolidayBase) -> None:
    for day in days(2007, 2026):
        kind = day_kind(day)
        assert (kind in (DayKind.WORKDAY, DayKind.MAKEUP)) is library.is_working_day(day), day
        assert kind is DayKind.HOLIDAY or day not in library, day
        assert day in library or kind is not DayKind.HOLIDAY or day.weekday() >= 5, day
        assert day.weekday() >= 5 or kind in (DayKind.WORKDAY, DayKind.HOLIDAY), day
        assert day.weekday() < 5 or kind is not DayKind.WORKDAY, day


def test_exactly_the_days_that_are_not_ordinary_have_a_name() -> None:
    for day in days(2001, 2030):
        name = name_of(day)
        assert not name or day_kind(day) in (DayKind.HOLIDAY, DayKind.MAKEUP), day
        assert name or day.weekday() >= 5 or day_kind(day) is DayKind.WORKDAY, day
        # Chinese, whatever the process's language is, and nothing of the library's remarks.
        assert not name or name.isascii() is False
        assert not set(name) & set("（）;")


def test_the_last_published_year_is_the_one_that_the_module_names() -> None:
    with_makeup = [year for year in range(1995, 2100) if of_year(year, DayKind.MAKEUP)]
    assert with_makeup == list(range(2001, 2027))
    assert "from 2001 to 2026" in str(workdays.__doc__)


def test_later_years_have_the_statutory_days() -> None:
    assert day_kind(date(2027, 10, 1)) is DayKind.HOLIDAY
    assert day_kind(date(2027, 2, 6)) is DayKind.HOLIDAY  # 正月初一, a Saturday


@pytest.mark.parametrize("day", [date.min, date(1949, 10, 1), date(2150, 1, 1), date.max])
def test_days_outside_any_calendar_are_ordinary(day: date) -> None:
    assert day_kind(day) in (DayKind.WORKDAY, DayKind.WEEKEND)
    assert name_of(day) == ""


def test_the_library_is_loaded_when_a_day_is_asked_for_and_speaks_chinese() -> None:
    program = """
import sys
from datetime import date
from appliance.reference.workdays import name_of
assert "holidays" not in sys.modules
print(ascii(name_of(date(2026, 10, 1))))
"""
    for language in ("C", "en_US.UTF-8", "zh_TW.UTF-8"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"LANG": language, "LANGUAGE": language},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == ascii("国庆节")
