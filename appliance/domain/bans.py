"""Who guesses passwords of SIP phones: addresses that failed too often are refused for a while."""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: Addresses that are remembered at once; of more the one that has been quiet for longest is forgotten.
MOST_ADDRESSES = 10_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class BanRule:
    """Who fails ``failures`` times ``within`` a time is refused for ``lasts``; 0 failures: nobody is.

    :param spared: networks of one's own: nobody there is ever refused.
    """

    failures: int
    within: timedelta
    lasts: timedelta
    spared: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Ban:
    """An address that is refused from ``since`` to ``until``: after so many ``failures``, the last one for the
    phone ``user`` (a stranger's text)."""

    address: str
    since: datetime
    until: datetime
    failures: int
    user: str


@dataclass(slots=True)
class Failures:
    """What failed lately, by address."""

    rule: BanRule
    _at: dict[str, deque[datetime]] = field(default_factory=dict)

    def failed(self, address: str, user: str, at: datetime) -> Ban | None:
        """One more failure; the ban that it brings about. Who is refused begins anew afterwards."""
        known = plain_address(address)
        if not self.rule.failures or not known or self._is_spared(known):
            return None
        times = self._at.pop(known, deque())
        while times and at - times[0] > self.rule.within:
            times.popleft()
        times.append(at)
        if len(times) >= self.rule.failures:
            return Ban(known, at, at + self.rule.lasts, len(times), user)
        self._at[known] = times
        if len(self._at) > MOST_ADDRESSES:
            del self._at[next(iter(self._at))]
        return None

    def _is_spared(self, address: str) -> bool:
        found = ipaddress.ip_address(address)
        return any(found in network for network in self.rule.spared)


def plain_address(text: str) -> str:
    """An address as it is written; empty where it is none.

    >>> plain_address("192.0.2.7"), plain_address("[2001:DB8::7]"), plain_address("; drop")
    ('192.0.2.7', '2001:db8::7', '')
    """
    try:
        found = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return ""
    # No zone (fe80::1%eth0): it would be another's text in the switch's configuration.
    return str(found) if getattr(found, "scope_id", None) is None else ""


def networks(text: str) -> tuple[Network, ...]:
    """Networks and addresses with blanks between.

    >>> networks("192.0.2.0/24 2001:db8::7")
    (IPv4Network('192.0.2.0/24'), IPv6Network('2001:db8::7/128'))

    :raises ValueError: one is none.
    """
    return tuple(ipaddress.ip_network(word) for word in text.split())


def in_force(bans: Iterable[Ban], now: datetime) -> list[Ban]:
    """Those that hold, in the order of their addresses."""
    return sorted((ban for ban in bans if ban.until > now), key=lambda ban: ban.address)
