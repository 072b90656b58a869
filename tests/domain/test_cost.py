"""What a leg that went out costs."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import cost
from appliance.domain.cost import CostReason, LineCost, LineKind, OutwardLeg, leg_cost

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
ANY = LineCost("telecom", JANUARY, "jan", connect_fee=10_000, per_minute=60_000)
MOBILE = LineCost("telecom", JANUARY, "jan-m", "mobile", 6, 6, 0, 100_000)
LATER = LineCost("telecom", MARCH, "mar", "any", 1, 1, 0, 1)
BOOK = {"telecom": (ANY, MOBILE, LATER)}


def leg(**changes: object) -> OutwardLeg:
    values: dict[str, object] = {
        "trunk": "telecom",
        "line": "landline",
        "answered_at": JANUARY + timedelta(days=3),
        "answered_ms": 61_001,
    }
    return OutwardLeg(**(values | changes))  # type: ignore[arg-type]


def test_the_examples() -> None:
    assert doctest.testmod(cost).failed == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("jan", 62, 120, 130_000, "charged")),
        ({"line": "mobile"}, ("jan-m", 62, 66, 110_000, "charged")),
        # Its own kind goes before any, whatever their dates; any follows in time.
        ({"line": "mobile", "answered_at": MARCH}, ("jan-m", 62, 66, 110_000, "charged")),
        ({"line": "overseas", "answered_at": MARCH, "answered_ms": 30_000}, ("mar", 30, 30, 1, "charged")),
        ({"answered_at": MARCH - timedelta(microseconds=1)}, ("jan", 62, 120, 130_000, "charged")),
        ({"answered_at": MARCH, "answered_ms": 29_000}, ("mar", 29, 29, 0, "charged")),
        ({"answered_at": None}, ("", 0, 0, 0, "unanswered")),
        ({"answered_ms": 0}, ("", 0, 0, 0, "unanswered")),
        ({"trunk": "", "line": "phone"}, ("", 0, 0, 0, "in-house")),
        ({"trunk": "unicom"}, ("", 62, 0, 0, "no-cost")),
        ({"trunk": ""}, ("", 62, 0, 0, "no-cost")),
        ({"answered_at": JANUARY - timedelta(seconds=1)}, ("", 62, 0, 0, "no-cost")),
    ],
)
def test_what_a_leg_costs(changes: dict[str, object], expected: tuple[str, int, int, int, str]) -> None:
    found = leg_cost(leg(**changes), BOOK)
    assert (found.cost_from, found.seconds, found.units, found.amount, found.reason.value) == expected


@pytest.mark.parametrize(
    ("dialled", "told", "kind"),
    [
        ("13800138000", "landline", LineKind.MOBILE),
        ("+8602161234567", "", LineKind.LANDLINE),
        ("+14155550100", "mobile", LineKind.OVERSEAS),
        ("61234567", "landline", LineKind.LANDLINE),
        ("61234567", "", LineKind.UNKNOWN),
        ("61234567", "fax", LineKind.UNKNOWN),
        ("13800138000", "phone", LineKind.PHONE),
    ],
)
def test_what_was_dialled(dialled: str, told: str, kind: LineKind) -> None:
    assert cost.line_kind(dialled, told) is kind


@given(
    ms=st.integers(0, 10**9),
    first=st.integers(1, 3600),
    step=st.integers(1, 3600),
    fee=st.integers(0, 10**7),
    per_minute=st.integers(0, 10**8),
)
def test_whole_intervals_rounded_once(ms: int, first: int, step: int, fee: int, per_minute: int) -> None:
    terms = LineCost("t", JANUARY, "t", "any", first, step, fee, per_minute)
    found = leg_cost(leg(trunk="t", answered_ms=ms), {"t": (terms,)})
    if ms == 0:
        assert found.reason is CostReason.UNANSWERED
        return
    assert found.seconds * 1000 - 1000 < ms <= found.seconds * 1000
    assert found.units >= found.seconds and (found.units - first) % step == 0
    assert found.units == first or found.units - step < found.seconds
    assert abs((found.amount - fee) * 60 - found.units * per_minute) <= 30
