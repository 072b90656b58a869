"""Amounts: exact, to a millionth of a yuan."""

from __future__ import annotations

import doctest
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import money
from appliance.errors import RatingError

amounts = st.integers(-(10**18) + 1, 10**18 - 1)


def test_doctests() -> None:
    assert doctest.testmod(money).failed == 0


@given(amounts)
def test_what_is_written_is_read_back(micro: int) -> None:
    assert money.parse(money.format(micro)) == micro
    assert money.parse(money.yuan(micro)) == micro
    assert money.is_valid(money.format(micro))


@given(amounts)
def test_formats_agree_with_decimal_arithmetic(micro: int) -> None:
    exact = Decimal(micro) / 1_000_000
    assert Decimal(money.format(micro)) == exact == Decimal(money.yuan(micro))
    assert len(money.format(micro).partition(".")[2]) == 6
    assert 2 <= len(money.yuan(micro).partition(".")[2]) <= 6


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", ".", "1.", ".5", "+1", "1,5", "1 ", " 1", "1\n", "1e3", "0x1", "1_0", "1.1234567", "1.0000000"),
        *("nan", "inf", "--1", "１", "٣", "1" * 13, "0.1\x00", "1.-5"),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    assert not money.is_valid(text)
    with pytest.raises(RatingError, match="not an amount"):
        money.parse(text)


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_rounding_is_half_up(numerator: int, denominator: int) -> None:
    rounded = money.round_half_up(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert Fraction(-1, 2) <= exact - rounded < Fraction(1, 2)
    assert rounded == int((exact + Fraction(1, 2)).__floor__())


@given(amounts)
def test_fen_are_half_up_like_decimals(micro: int) -> None:
    assert money.to_fen(micro) == int((Decimal(micro) / 10_000 + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
