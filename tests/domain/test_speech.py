"""Mandarin numbers as prompts."""

from __future__ import annotations

import doctest
import re
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.bootstrap import SCRIPTS_DIR
from appliance.domain import speech
from appliance.domain.speech import (
    MOST,
    amount_prompts,
    date_prompts,
    digits_prompts,
    minutes_prompts,
    number_prompts,
    position_prompts,
    spoken,
    time_prompts,
)

DIGITS = {f"n-{number}": sign for number, sign in enumerate("零一二三四五六七八九十")}
SIGNS = {
    **DIGITS,
    "n-100": "百",
    "n-1000": "千",
    "n-10000": "万",
    "n-100000000": "亿",
    "n-1-yao": "幺",
    "n-2-liang": "两",
    "t-am": "上午",
    "t-pm": "下午",
    "t-hour": "点",
    "t-minute": "分",
    "t-sharp": "整",
    "t-year": "年",
    "t-month": "月",
    "t-day": "日",
    "m-yuan": "元",
    "m-jiao": "角",
    "m-fen": "分",
}


def written(prompts: tuple[str, ...]) -> str:
    return "".join(SIGNS[name] for name in prompts)


def read(text: str) -> int:
    """A number as it is said, read by another way than it was made."""
    hundreds, _, rest = text.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    value = 100 * "零一二三四五六七八九".index(hundreds) if hundreds else 0
    if ten:
        value += 10 * ("零一二三四五六七八九".index(tens) if tens else 1)
    return value + ("零一二三四五六七八九".index(ones.lstrip("零")) if ones.lstrip("零") else 0)


def test_doctests() -> None:
    assert doctest.testmod(speech).failed == 0


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *[(0, "零"), (1, "一"), (2, "二"), (9, "九"), (10, "十"), (11, "十一"), (20, "二十"), (22, "二十二")],
        *[(99, "九十九"), (100, "一百"), (101, "一百零一"), (110, "一百一十"), (112, "一百一十二")],
        *[(120, "一百二十"), (200, "二百"), (205, "二百零五"), (999, "九百九十九"), (1000, "九百九十九")],
        (-5, "零"),
    ],
)
def test_numbers(number: int, said: str) -> None:
    assert written(number_prompts(number)) == said


@given(st.integers(0, MOST))
def test_every_number_is_said_as_itself(number: int) -> None:
    said = written(number_prompts(number))
    assert read(said) == number
    assert "零零" not in said and not (len(said) > 1 and said.endswith("零"))


def test_no_two_numbers_sound_alike() -> None:
    assert len({number_prompts(number) for number in range(MOST + 1)}) == MOST + 1


@pytest.mark.parametrize(("minutes", "said"), [(1, "一"), (2, "两"), (12, "十二"), (20, "二十"), (60, "六十")])
def test_minutes(minutes: int, said: str) -> None:
    *number, unit = minutes_prompts(minutes)
    assert (written(tuple(number)), unit) == (said, "queue-minutes")


@pytest.mark.parametrize(
    ("place", "minutes", "behind"),
    [
        (1, None, []),
        (1, 0, ["queue-soon"]),
        (1, -1, ["queue-soon"]),
        (1, 1, ["queue-wait", "n-1", "queue-minutes"]),
        (15, 2, ["queue-wait", "n-2-liang", "queue-minutes"]),
    ],
)
def test_positions(place: int, minutes: int | None, behind: list[str]) -> None:
    said = position_prompts(place, minutes)
    numbers = number_prompts(place)
    assert list(said) == ["queue-place", *numbers, "queue-place-end", *behind]


@given(st.integers(1, 2000), st.one_of(st.none(), st.integers(0, 60)))
def test_every_prompt_that_is_said_is_in_the_default_set(place: int, minutes: int | None) -> None:
    folder = SCRIPTS_DIR / "prompts" / "zh"
    assert all((folder / f"{name}.wav").is_file() for name in position_prompts(place, minutes))


# ---- amounts


def amount(text: str) -> int:
    """An amount as it is said, sign by sign: a digit waits for its unit, a four for 万 or 亿."""
    total = four = digit = 0
    for sign in text:
        if sign in "零一二三四五六七八九":
            digit = "零一二三四五六七八九".index(sign)
        elif sign in "十百千":
            # 十 alone at the beginning is 一十.
            four += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[sign]
            digit = 0
        else:
            total += (four + digit) * {"万": 10**4, "亿": 10**8}[sign]
            four = digit = 0
    return total + four + digit


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *[(0, "零"), (7, "七"), (10, "十"), (15, "十五"), (20, "二十"), (100, "一百"), (101, "一百零一")],
        *[(110, "一百一十"), (111, "一百一十一"), (1000, "一千"), (1001, "一千零一"), (1010, "一千零一十")],
        *[(1100, "一千一百"), (2002, "二千零二"), (10_000, "一万"), (10_001, "一万零一"), (10_010, "一万零一十")],
        *[(10_100, "一万零一百"), (11_000, "一万一千"), (100_000, "十万"), (110_000, "十一万")],
        *[(1_010_000, "一百零一万"), (10_001_000, "一千万一千"), (10_000_100, "一千万零一百")],
        *[
            (100_000_000, "一亿"),
            (100_000_001, "一亿零一"),
            (100_010_000, "一亿零一万"),
            (101_000_000, "一亿零一百万"),
        ],
        *[(110_000_000, "一亿一千万"), (100_001_000, "一亿零一千"), (1_000_000_000, "十亿")],
        *[(100_100_000_000, "一千零一亿"), (123_456_789, "一亿二千三百四十五万六千七百八十九")],
        (999_999_999_999, "九千九百九十九亿九千九百九十九万九千九百九十九"),
        # What cannot be said as an amount is said digit by digit.
        *[(10**12, "幺" + "零" * 12), (-15, "幺五")],
    ],
)
def test_amounts(number: int, said: str) -> None:
    assert written(amount_prompts(number)) == said


#: Amounts of which most places are empty are the ones that go wrong.
sparse = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 11)), max_size=4).map(
    lambda places: sum({place: digit * 10**place for digit, place in places}.values())
)


@given(st.one_of(st.integers(0, 10**12 - 1), sparse, st.integers(0, 20_000)))
def test_every_amount_is_said_as_itself(number: int) -> None:
    said = written(amount_prompts(number))
    assert amount(said) == number
    assert "零零" not in said and not re.search("零[十百千万亿]", said)
    assert number == 0 or not (said.startswith("零") or said.endswith("零"))
    # A place that is passed over between two that are said is heard.
    places = str(number)
    assert said.count("零") == (
        1 if number == 0 else len(re.findall("(?<=[1-9])0+(?=[1-9])", places)) - _unheard(places)
    )


def _unheard(places: str) -> int:
    """Gaps that end where a new four begins with its thousands: 一百万一千 has no 零."""
    gaps = re.finditer("(?<=[1-9])0+(?=[1-9])", places)
    return sum(1 for gap in gaps if (len(places) - gap.end()) % 4 == 0 and len(gap.group()) < 4)


@given(st.integers(0, MOST))
def test_small_amounts_are_said_as_numbers_are(number: int) -> None:
    assert amount_prompts(number) == number_prompts(number)


# ---- digits


@given(st.text(st.sampled_from("0123456789-+*# x零１²"), max_size=30))
def test_digits_are_said_one_by_one(text: str) -> None:
    said = written(digits_prompts(text))
    assert said.translate(str.maketrans("零幺二三四五六七八九", "0123456789")) == "".join(re.findall("[0-9]", text))


# ---- times and dates


@given(st.times())
def test_every_time_is_said_as_itself(at: time) -> None:
    said = written(time_prompts(f"{at:%H:%M}"))
    found = re.fullmatch("(上午|下午)([零一二两三四五六七八九十]+)点(?:整|(.+)分)", said)
    assert found
    hour = amount(found[2].replace("两", "二"))
    assert (hour % 12 + 12 * (found[1] == "下午"), amount(found[3] or "零")) == (at.hour, at.minute)
    assert "二点" not in said.replace("十二点", ""), "两点"
    assert ("零" in (found[3] or "")) == (0 < at.minute < 10)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        *[
            ("00:00", "上午零点整"),
            ("02:02", "上午两点零二分"),
            ("11:59", "上午十一点五十九分"),
            ("12:00", "下午十二点整"),
        ],
        *[
            ("12:30", "下午十二点三十分"),
            ("13:10", "下午一点十分"),
            ("14:05", "下午两点零五分"),
            ("23:59", "下午十一点五十九分"),
        ],
    ],
)
def test_times(at: str, said: str) -> None:
    assert written(time_prompts(at)) == said


@pytest.mark.parametrize(
    "text", ["", "24:00", "23:60", "9:05", "09:5", "0905", "09:05:00", " 09:05", "09:05\n", "０９:05", "-1:00", "x"]
)
def test_what_is_no_time_is_not_said(text: str) -> None:
    assert time_prompts(text) == spoken("time", text) == ()


@given(st.dates(date(1000, 1, 1)))
def test_every_date_is_said_as_itself(day: date) -> None:
    year, month, of_month = re.split("[年月]", written(date_prompts(day.isoformat())).removesuffix("日"))
    assert year.translate(str.maketrans("零一二三四五六七八九", "0123456789")) == str(day.year)
    assert (amount(month), amount(of_month)) == (day.month, day.day)


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-30", "2026-13-01", "2026-1-1", "26-01-01", "2026/01/01", "2026-01-01T00:00", "01-01-2026", "x"],
)
def test_what_is_no_date_is_not_said(text: str) -> None:
    assert date_prompts(text) == spoken("date", text) == ()


# ---- a value by what it is


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        ("digits", "110", "幺幺零"),
        ("digits", "", ""),
        ("number", "110", "一百一十"),
        ("number", "007", "七"),
        ("number", "999999999999", "九千九百九十九亿九千九百九十九万九千九百九十九"),
        # What is no number, or too long for one, digit by digit.
        ("number", "1000000000000", "幺零零零零零零零零零零零零"),
        ("number", "000000000000001", "零" * 14 + "幺"),
        ("number", "-15", "幺五"),
        ("number", "1.5", "幺五"),
        ("number", "１５", ""),
        ("number", "²", ""),
        ("number", "", ""),
        ("time", "14:05", "下午两点零五分"),
        ("date", "2026-11-27", "二零二六年十一月二十七日"),
    ],
)
def test_a_value_is_said_as_what_it_is(what: str, value: str, said: str) -> None:
    assert written(spoken(what, value)) == said


@given(
    st.sampled_from(["digits", "number", "time", "date"]),
    st.one_of(st.text(), st.integers(0, 10**13).map(str), st.dates().map(str), st.times().map("{:%H:%M}".format)),
)
def test_every_value_is_said_with_prompts_of_the_default_set(what: str, value: str) -> None:
    folder = SCRIPTS_DIR / "prompts" / "zh"
    assert all((folder / f"{name}.wav").is_file() for name in spoken(what, value))


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        *[
            ("0", "零元"),
            ("0.00", "零元"),
            ("1", "一元整"),
            ("2", "两元整"),
            ("2.5", "两元五角"),
            ("2.05", "两元零五分"),
        ],
        *[("0.5", "五角"), ("0.05", "五分"), ("12.34", "十二元三角四分"), ("10203.10", "一万零二百零三元一角")],
        *[("1.234", ""), ("-1", ""), ("1,5", ""), ("", ""), ("1234567890123", "")],
    ],
)
def test_amounts_of_money(amount: str, said: str) -> None:
    assert written(spoken("money", amount)) == said
