"""Which addresses the box may ask on somebody else's word."""

from __future__ import annotations

import doctest

import pytest

from appliance.domain import reach
from appliance.domain.reach import Forbidden, forbidden

OWN = ["192.168.7.2", "fd00::7", "fe80::1%eth0"]


def test_the_examples_hold() -> None:
    assert doctest.testmod(reach).failed == 0


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", Forbidden.LOOPBACK),
        ("127.255.0.9", Forbidden.LOOPBACK),
        ("::1", Forbidden.LOOPBACK),
        ("::ffff:127.0.0.1", Forbidden.LOOPBACK),
        ("64:ff9b::7f00:1", Forbidden.LOOPBACK),
        ("2002:7f00:1::", Forbidden.LOOPBACK),
        ("169.254.169.254", Forbidden.LINK_LOCAL),
        ("fe80::2%eth0", Forbidden.LINK_LOCAL),
        ("::ffff:169.254.0.1", Forbidden.LINK_LOCAL),
        ("224.0.0.251", Forbidden.MULTICAST),
        ("ff02::1", Forbidden.MULTICAST),
        ("0.0.0.0", Forbidden.NO_HOST),
        ("0.1.2.3", Forbidden.NO_HOST),
        ("::", Forbidden.NO_HOST),
        ("240.0.0.1", Forbidden.NO_HOST),
        ("255.255.255.255", Forbidden.NO_HOST),
        ("192.168.7.2", Forbidden.OWN),
        ("::ffff:192.168.7.2", Forbidden.OWN),
        ("fd00:0::7", Forbidden.OWN),
        ("fe80::1%eth1", Forbidden.OWN),
    ],
)
def test_the_appliance_is_not_turned_against_itself(address: str, why: Forbidden) -> None:
    assert forbidden(address, OWN) is why


@pytest.mark.parametrize(
    "address", ["192.168.7.3", "10.0.0.1", "172.16.0.1", "203.0.113.9", "100.64.0.1", "fd00::8", "2400:3200::1"]
)
def test_an_enterprises_own_systems_and_the_world_are_asked(address: str) -> None:
    assert forbidden(address, OWN) is None
