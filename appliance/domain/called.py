"""From an INVITE to the trunk it came by and the 400 number that was called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import unquote

from appliance.domain import numbers
from appliance.domain.numbers import Caller
from appliance.domain.refusal import Refusal
from appliance.domain.routing import CalledFrom, NumberRoute, RoutingTable, Trunk


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
class Incoming:
    """A call to one of our numbers, from this caller, by this trunk."""

    trunk: Trunk
    route: NumberRoute
    caller: Caller


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not taken; what was found out so far is kept for the record. ``because`` says by what."""

    reason: Refusal
    caller: Caller
    trunk: str = ""
    number: str = ""
    account: str = ""
    because: str = ""


_USER = re.compile(r"(?:sips?|tel):(?://)?([^@;>?\s]+)", re.IGNORECASE)


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


def identify(invite: Invite, table: RoutingTable, home_area_code: str = "") -> Incoming | Refused:
    """Whose call it is: the trunk by its source, the number by what the INVITE says."""
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
            return Incoming(trunk, table.numbers[number], caller)
    return Refused(Refusal.UNKNOWN_NUMBER, caller, rivals[0].id)
