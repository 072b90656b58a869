"""Telephone numbers as trunks, forms and people write them."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import numbers
from appliance.domain.numbers import CallerKind, NumberFormat
from appliance.errors import InvalidNumber


def test_doctests() -> None:
    assert doctest.testmod(numbers).failed == 0


@pytest.mark.parametrize(
    ("raw", "kept", "kind"),
    [
        ("13800138000", "13800138000", "mobile"),
        ("013800138000", "13800138000", "mobile"),
        ("+8613800138000", "13800138000", "mobile"),
        ("8613800138000", "13800138000", "mobile"),
        ("008613800138000", "13800138000", "mobile"),
        ("86013800138000", "13800138000", "mobile"),
        ("17012345678", "17012345678", "mobile"),
        ("02161234567", "02161234567", "fixed"),
        ("+862161234567", "02161234567", "fixed"),
        ("+8602161234567", "02161234567", "fixed"),
        ("0108888 8888", "01088888888", "fixed"),
        ("07551234567", "07551234567", "unknown"),  # local part may not begin with 1
        ("07552234567", "07552234567", "fixed"),
        ("+14155550100", "+14155550100", "overseas"),
        ("0014155550100", "+14155550100", "overseas"),
        ("+852 2345 6789", "+85223456789", "overseas"),
        ("+8612", "", "unknown"),
        ("0012", "", "unknown"),
        ("+861", "", "unknown"),
        ("+" + "1" * 24, "", "unknown"),
        ("1" * 21, "", "unknown"),
        ("+" + "1" * 19, "+" + "1" * 19, "overseas"),
        ("+123", "123", "unknown"),
        ("10086", "10086", "unknown"),
        ("4008001234", "4008001234", "unknown"),
        ("61234567", "61234567", "unknown"),
        ("", "", "unknown"),
        ("anonymous", "", "unknown"),
        ("13800138000;phone-context=+86", "", "unknown"),
        ("１３８００１３８０００", "", "unknown"),
        ("+", "", "unknown"),
        ("1" * 40, "", "unknown"),
    ],
)
def test_caller(raw: str, kept: str, kind: str) -> None:
    assert numbers.caller(raw) == numbers.Caller(kept, CallerKind(kind))


def test_a_local_number_gets_the_home_area_code() -> None:
    assert numbers.caller("61234567", "021") == numbers.Caller("02161234567", CallerKind.FIXED)
    assert numbers.caller("13800138000", "021").kind is CallerKind.MOBILE


@given(st.text(max_size=40))
def test_whatever_comes_a_caller_is_digits_or_withheld(raw: str) -> None:
    kept = numbers.caller(raw, "021").number
    assert kept == "" or (kept.removeprefix("+").isdigit() and kept.isascii())


@given(st.text(max_size=20))
def test_validity_and_validation_agree(text: str) -> None:
    if numbers.is_valid(text):
        assert numbers.validate(text).startswith("400")
        assert numbers.compact(numbers.format(text)) == numbers.validate(text)
    else:
        with pytest.raises(InvalidNumber):
            numbers.validate(text)


@pytest.mark.parametrize("text", ["4008001234", "+864008001234", "400-800-1234"])
def test_a_line_may_not_be_a_400_number(text: str) -> None:
    with pytest.raises(InvalidNumber, match="come back"):
        numbers.dialable(text)


@pytest.mark.parametrize("text", ["", "abc", "8001@host", "{x}", "1" * 22])
def test_a_line_must_be_a_number(text: str) -> None:
    with pytest.raises(InvalidNumber, match="dialled"):
        numbers.dialable(text)


@pytest.mark.parametrize(
    ("number", "how", "written"),
    [
        ("13800138000", NumberFormat.NATIONAL, "13800138000"),
        ("13800138000", NumberFormat.PLUS_86, "+8613800138000"),
        ("13800138000", NumberFormat.COUNTRY_86, "8613800138000"),
        ("13800138000", NumberFormat.WITH_ZERO, "013800138000"),
        ("02161234567", NumberFormat.WITH_ZERO, "02161234567"),
        ("02161234567", NumberFormat.COUNTRY_86, "862161234567"),
        ("+14155550100", NumberFormat.PLUS_86, "+14155550100"),
        ("+14155550100", NumberFormat.COUNTRY_86, "0014155550100"),
    ],
)
def test_written_for(number: str, how: NumberFormat, written: str) -> None:
    assert numbers.written_for(number, how) == written
