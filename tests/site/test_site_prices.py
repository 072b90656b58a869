"""Amounts of the price book in the site file: none is so large that a call cannot bear it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.domain.cdr import LONGEST_LEG
from appliance.domain.pricing import (
    Charge,
    ChargeBy,
    Meter,
    MeteredCall,
    Plan,
    Price,
    PriceBook,
    Subscription,
    assess,
    settle,
)
from appliance.site import read
from appliance.site.findings import SiteFaults
from appliance.site.time_values import MOST_PRICE

PLAN = """version: 1
plans:
  - code: p
    name: P
    charge_by: time
    meter: answer
    minimum_monthly: "0"
    prices:
      - {effective_from: "2026-01-01T00:00:00+08:00", connect_fee: "0.1", per_minute: "0.2", per_call: "0.3"}
"""
FIELDS = {"minimum_monthly": '"0"', "connect_fee": '"0.1"', "per_minute": '"0.2"', "per_call": '"0.3"'}


def findings(text: str) -> list[tuple[str, str]]:
    try:
        read.parse(text.encode(), "s.yaml")
    except SiteFaults as refused:
        return [(each.code, each.text()) for each in refused.items]
    return []


@pytest.mark.parametrize("field", FIELDS)
def test_no_amount_is_above_a_million(field: str) -> None:
    def told(yuan: str) -> list[tuple[str, str]]:
        return findings(PLAN.replace(f"{field}: {FIELDS[field]}", f'{field}: "{yuan}"'))

    assert told("1000000") == []
    for yuan in ("1000000.000001", "999999999999"):
        ((code, words),) = told(yuan)
        assert code == "price-too-high" and field in words and yuan in words


def test_nor_an_amount_of_a_cost() -> None:
    cost = (
        'version: 1\ncosts:\n  - {trunk: t, effective_from: "2026-01-01T00:00:00+08:00", per_minute: "1000001"}\n'
    )
    ((code, words),) = findings(cost)
    assert code == "price-too-high" and "costs[0].per_minute" in words


def test_a_call_of_seven_days_stays_far_below_64_bits() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    price = Price(at, "t", "any", 86_400, 86_400, 0, MOST_PRICE, MOST_PRICE, 0)
    plan = Plan("p", "P", ChargeBy.TIME, Meter.ANSWER, (price,))
    book = PriceBook({"p": plan}, {"4008001234": (Subscription("4008001234", "p", at),)})
    seconds = int(LONGEST_LEG.total_seconds()) + 1
    assessed = assess(MeteredCall("c", "4008001234", "mobile", at, at, seconds, seconds), book)
    charge = settle(assessed)  # type: ignore[arg-type]
    assert isinstance(charge, Charge)
    assert charge.amount * 500 < 2**63
    assert charge.amount * 60 < 2**63, "also before it is divided"
