"""Which addresses the box may ask on somebody else's word: an address in a flow or a hook must not turn the
appliance against itself (server-side request forgery).

Private networks may be reached: an enterprise's own systems are there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from enum import StrEnum

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv6 addresses in which an IPv4 address is reached through a translator (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Forbidden(StrEnum):
    """Why an address is not asked."""

    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    MULTICAST = "multicast"
    #: Of no single machine: unspecified, broadcast, reserved.
    NO_HOST = "no-host"
    #: One of the appliance's own.
    OWN = "own"


def forbidden(address: str, own: Collection[str]) -> Forbidden | None:
    """Why ``address`` (a numeric one, perhaps with a scope) must not be asked; None: it may.

    :param own: the addresses of this machine.

    >>> forbidden("10.1.2.3", ["10.1.2.4"]), forbidden("::ffff:127.0.0.1", [])
    (None, <Forbidden.LOOPBACK: 'loopback'>)
    """
    meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
    if meant in {_meant(ipaddress.ip_address(one.partition("%")[0])) for one in own}:
        return Forbidden.OWN
    if meant.is_loopback:
        return Forbidden.LOOPBACK
    if meant.is_link_local:
        return Forbidden.LINK_LOCAL
    if meant.is_multicast:
        return Forbidden.MULTICAST
    if meant.is_unspecified or meant.is_reserved or (meant.version == 4 and int(meant) < 1 << 24):
        return Forbidden.NO_HOST
    return None


def _meant(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
