"""From an INVITE to where the call goes: pure, over one snapshot of the box's routing.

``RoutingTable`` is everything that routing knows, read at one moment; ``admit`` finds the trunk and the 400
number and says what shall happen. What happens then is carried out by ``calls``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import assert_never
from urllib.parse import unquote

from appliance.domain import numbers
from appliance.domain.flow import Flow
from appliance.domain.numbers import Caller, NumberFormat


class CalledFrom(StrEnum):
    """Where in the INVITE a trunk puts the called number."""

    REQUEST_URI = "request-uri"
    TO = "to"
    DIVERSION = "diversion"
    HISTORY_INFO = "history-info"


class CallerIdPolicy(StrEnum):
    """Whose number a line sees: the caller's (``pass``), or the trunk's with the caller in Diversion."""

    PASS = "pass"  # noqa: S105 - the carrier's word, not a password
    TRUNK = "trunk"


class RecordPolicy(StrEnum):
    """Which calls of a number are recorded."""

    ALL = "all"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Invite:
    """What the switch says of an incoming call, text as it came (bytes that are no UTF-8 replaced)."""

    address: str
    port: int
    request_user: str
    to_user: str = ""
    diversion: str = ""
    history_info: str = ""
    caller_number: str = ""
    caller_name: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier's peer. ``accept`` holds networks (``10.0.0.0/8``) or one address and port (``10.0.0.1:5060``)."""

    id: str
    accept: tuple[str, ...]
    proxy: str = ""
    called_from: tuple[CalledFrom, ...] = (CalledFrom.REQUEST_URI, CalledFrom.TO)
    landing: Mapping[str, str] = field(default_factory=dict)
    number_format: NumberFormat = NumberFormat.NATIONAL
    caller_id: CallerIdPolicy = CallerIdPolicy.TRUNK
    caller_number: str = ""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")

    def accepts(self, address: str, port: int) -> int:
        """How exactly this trunk claims an INVITE's source: 0 not at all, more is more exact."""
        best = 0
        for entry in self.accept:
            host, _, wanted = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
            if wanted:
                if host == address and int(wanted) == port:
                    return 1000
                continue
            network = _network(entry)
            try:
                inside = ipaddress.ip_address(address) in network
            except ValueError:
                return 0
            if inside:
                best = max(best, network.prefixlen + 1)
        return best


@dataclass(frozen=True, slots=True)
class Line:
    """A bound line, ``number`` as ``domain.numbers`` keeps it."""

    id: str
    account: str
    number: str
    trunk: str
    max_calls: int = 1
    ring_seconds: int = 25


@dataclass(frozen=True, slots=True)
class NumberRoute:
    """A 400 number and where its calls go: a flow, or lines in order."""

    number: str
    account: str
    flow: Flow | None = None
    lines: tuple[str, ...] = ()
    record: RecordPolicy = RecordPolicy.ALL
    record_notice: bool = True
    in_service: bool = True


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """All routing of the box at ``revision``."""

    revision: int
    trunks: tuple[Trunk, ...]
    lines: Mapping[str, Line]
    numbers: Mapping[str, NumberRoute]

    def trunk(self, trunk_id: str) -> Trunk | None:
        """The trunk of that id."""
        return next((t for t in self.trunks if t.id == trunk_id), None)


class Refusal(StrEnum):
    """Why a call is not taken; each has its announcement and its cause."""

    UNKNOWN_TRUNK = "unknown-trunk"
    UNKNOWN_NUMBER = "unknown-number"
    OUT_OF_SERVICE = "out-of-service"


#: Refusal → Q.850 cause as FreeSWITCH names it, and the announcement played before it (None: none).
REFUSALS: Mapping[Refusal, tuple[str, str | None]] = {
    Refusal.UNKNOWN_TRUNK: ("CALL_REJECTED", None),
    Refusal.UNKNOWN_NUMBER: ("UNALLOCATED_NUMBER", "number-unknown"),
    Refusal.OUT_OF_SERVICE: ("NORMAL_TEMPORARY_FAILURE", "number-out-of-service"),
}


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call is taken: for this number, from this caller, by this trunk."""

    trunk: Trunk
    route: NumberRoute
    caller: Caller


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not taken; what was found out so far is kept for the record."""

    reason: Refusal
    caller: Caller
    trunk: str = ""
    number: str = ""
    account: str = ""


_USER = re.compile(r"(?:sips?|tel):(?://)?([^@;>?\s]+)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(entry, strict=False)


def _users(header: str) -> Iterator[str]:
    """User parts of all SIP and tel URIs in a header, in order (RFC 3261 section 19.1, RFC 3966)."""
    for found in _USER.finditer(header):
        yield unquote(found[1])


def _without_parameters(user: str) -> str:
    """``4008001234;phone-context=+86`` without what follows the number (RFC 3261 section 19.1.6, RFC 4694)."""
    return user.partition(";")[0]


def called_candidates(invite: Invite, trunk: Trunk) -> Iterator[str]:
    """Numbers that the INVITE may have been dialled by, compact, in the trunk's order."""
    for place in trunk.called_from:
        match place:
            case CalledFrom.REQUEST_URI:
                yield numbers.compact(_without_parameters(invite.request_user))
            case CalledFrom.TO:
                yield numbers.compact(_without_parameters(invite.to_user))
            case CalledFrom.DIVERSION:
                yield from map(numbers.compact, _users(invite.diversion))
            case CalledFrom.HISTORY_INFO:
                yield from map(numbers.compact, _users(invite.history_info))
            case _:
                assert_never(place)


def find_number(invite: Invite, trunk: Trunk, table: RoutingTable) -> str | None:
    """The 400 number that was called, or None: the first candidate that is ours, or lands on one of ours."""
    for candidate in called_candidates(invite, trunk):
        if candidate in table.numbers:
            return candidate
        landed = trunk.landing.get(candidate) or trunk.landing.get(numbers.caller(candidate).number)
        if landed in table.numbers:
            return landed
    return None


def admit(invite: Invite, table: RoutingTable, home_area_code: str = "") -> Admitted | Refused:
    """Decide whether the call is taken; first refusal wins."""
    caller = numbers.caller(invite.caller_number, home_area_code)
    claims = [(trunk.accepts(invite.address, invite.port), trunk) for trunk in table.trunks]
    best = max((claim for claim, _ in claims), default=0)
    if best == 0:
        return Refused(Refusal.UNKNOWN_TRUNK, caller)
    # Several trunks behind one address (a carrier's shared proxy): the one that knows the number.
    rivals = [trunk for claim, trunk in claims if claim == best]
    for trunk in rivals:
        number = find_number(invite, trunk, table)
        if number is not None:
            route = table.numbers[number]
            if not route.in_service:
                return Refused(Refusal.OUT_OF_SERVICE, caller, trunk.id, number, route.account)
            return Admitted(trunk, route, caller)
    return Refused(Refusal.UNKNOWN_NUMBER, caller, rivals[0].id)
