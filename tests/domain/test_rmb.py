"""Amounts in Chinese capitals: the examples of the rules for vouchers, and every place of a zero."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.rmb import MOST_FEN, capitals
from appliance.errors import RuleError

DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (140_950, "壹仟肆佰零玖元伍角"),
        (600_714, "陆仟零柒元壹角肆分"),
        (168_032, "壹仟陆佰捌拾元零叁角贰分"),
        (10_700_053, "壹拾万柒仟元零伍角叁分"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (32_504, "叁佰贰拾伍元零肆分"),
        (100, "壹元整"),
        (20, "贰角"),
        (3, "叁分"),
        (0, "零元整"),
        (1_000_000_100, "壹仟万零壹元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (10_000_500_000, "壹亿零伍仟元整"),
        (MOST_FEN, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_capitals(fen: int, text: str) -> None:
    assert capitals(fen) == f"人民币{text}"


@given(st.integers(-MOST_FEN, MOST_FEN))
def test_they_say_the_amount(fen: int) -> None:
    text = capitals(fen).removeprefix("人民币")
    assert "零零" not in text
    assert read(text) == fen


def read(text: str) -> int:
    """The amount that capitals say, read as people do."""
    sign = -1 if text.startswith("负") else 1
    found = re.fullmatch(r"负?(?:(.*)元)?零?(?:(.)角)?(?:(.)分)?整?", text)
    assert found is not None, text
    yuan, jiao, fen = found.groups()
    rest = sum(DIGITS.index(digit) * worth for digit, worth in ((jiao, 10), (fen, 1)) if digit)
    return sign * (read_whole(yuan or "零") * 100 + rest)


def read_whole(text: str) -> int:
    total = group = digit = 0
    for sign in text:
        if sign in DIGITS:
            digit = DIGITS.index(sign)
        elif sign in UNITS:
            group, digit = group + digit * UNITS[sign], 0
        else:
            total, group, digit = total + (group + digit) * {"万": 10**4, "亿": 10**8}[sign], 0, 0
    return total + group + digit


def test_too_much() -> None:
    with pytest.raises(RuleError):
        capitals(MOST_FEN + 1)
