"""Units in a bill's cells and headings."""

from __future__ import annotations

import doctest

import pytest

from appliance.domain.money import FEN, YUAN
from appliance.rating.carrier import values
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
