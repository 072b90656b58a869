"""Addresses that guess passwords are refused for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain import bans
from appliance.domain.bans import Ban, BanRule, Failures, in_force, networks, plain_address

NOON = datetime(2026, 11, 27, 4, tzinfo=UTC)
RULE = BanRule(3, timedelta(minutes=10), timedelta(hours=1), networks("192.0.2.0/24"))


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_the_third_failure_within_ten_minutes() -> None:
    failures = Failures(RULE)
    assert failures.failed("198.51.100.7", "desk", at(0)) is None
    assert failures.failed("198.51.100.8", "desk", at(1)) is None, "another address counts for itself"
    assert failures.failed("198.51.100.7", "desk", at(9)) is None
    # The first one is too long ago by now.
    assert failures.failed("198.51.100.7", "desk", at(10.1)) is None
    ban = failures.failed("198.51.100.7", "admin", at(11))
    assert ban == Ban("198.51.100.7", at(11), at(71), 3, "admin")
    assert failures.failed("198.51.100.7", "desk", at(12)) is None, "it begins anew"


@pytest.mark.parametrize("address", ["192.0.2.9", "not an address", "", "fe80::1%eth0"])
def test_nobody_of_ones_own_and_nothing_that_is_no_address(address: str) -> None:
    failures = Failures(RULE)
    assert [failures.failed(address, "desk", at(0)) for _ in range(9)] == [None] * 9


def test_switched_off() -> None:
    failures = Failures(BanRule(0, timedelta(minutes=1), timedelta(minutes=1)))
    assert [failures.failed("198.51.100.7", "desk", at(0)) for _ in range(99)] == [None] * 99


def test_an_address_is_known_however_it_is_written() -> None:
    failures = Failures(BanRule(2, timedelta(minutes=1), timedelta(minutes=1)))
    failures.failed("[2001:DB8::7]", "desk", at(0))
    ban = failures.failed("2001:db8:0::7", "desk", at(0))
    assert ban is not None and ban.address == plain_address("2001:db8::7") == "2001:db8::7"


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans, "MOST_ADDRESSES", 2)
    failures = Failures(BanRule(2, timedelta(minutes=9), timedelta(minutes=1)))
    for address in ("198.51.100.1", "198.51.100.2", "198.51.100.3"):
        assert failures.failed(address, "desk", at(0)) is None
    assert failures.failed("198.51.100.1", "desk", at(1)) is None, "the one that was quiet for longest"
    assert failures.failed("198.51.100.3", "desk", at(1)) is not None


def test_bans_run_out() -> None:
    long, short = (Ban(f"198.51.100.{n}", NOON, at(n), 3, "desk") for n in (9, 5))
    assert in_force([long, short], at(1)) == [short, long]
    assert in_force([long, short], at(5)) == [long]
