"""Which trunk, which number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.domain.called import Incoming, Invite, Refused, identify
from appliance.domain.hunt import Hunt
from appliance.domain.refusal import Refusal
from appliance.domain.routing import CalledFrom, NumberRoute, RoutingTable, Trunk

CARRIER = Trunk("carrier", ("10.0.0.0/24",), "10.0.0.9:5060", landing={"02161234567": "4008001234"})
ROUTE = NumberRoute("4008001234", "demo", hunt=Hunt(("a",)))
TABLE = RoutingTable(1, (CARRIER,), {}, {"4008001234": ROUTE})
INVITE = Invite("10.0.0.1", 5060, "4008001234", caller_number="013800138000")


def with_trunk(**changes: object) -> RoutingTable:
    return replace(TABLE, trunks=(replace(CARRIER, **changes),))  # type: ignore[arg-type]


def test_the_number_in_the_request_uri() -> None:
    taken = identify(INVITE, TABLE)
    assert isinstance(taken, Incoming)
    assert (taken.route.number, taken.trunk.id, taken.caller.number) == ("4008001234", "carrier", "13800138000")


@pytest.mark.parametrize(
    "user",
    [
        "+864008001234",
        "864008001234",
        "04008001234",
        "400-800-1234",
        "4008001234;phone-context=+86",
        "+864008001234;npdi",
    ],
)
def test_the_number_however_it_is_written(user: str) -> None:
    assert isinstance(identify(replace(INVITE, request_user=user), TABLE), Incoming)


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        (CalledFrom.TO, {"to_user": "4008001234"}),
        (CalledFrom.TO, {"to_user": "4008001234;npdi;rn=+8621"}),
        (CalledFrom.DIVERSION, {"diversion": "<sip:4008001234@ims.example>;reason=unconditional;counter=1"}),
        (CalledFrom.DIVERSION, {"diversion": '"x" <sip:123@h>, <tel:+86-400-800-1234>;reason=deflection'}),
        (CalledFrom.DIVERSION, {"diversion": "<sip:%34008001234@h>"}),
        (CalledFrom.HISTORY_INFO, {"history_info": "<sip:999@h>;index=1, <sip:4008001234@h;user=phone>;index=1.1"}),
    ],
)
def test_the_number_where_the_trunk_puts_it(place: CalledFrom, fields: dict[str, str]) -> None:
    invite = replace(INVITE, request_user="02199999999", **fields)
    assert isinstance(identify(invite, with_trunk(called_from=(place,))), Incoming)
    elsewhere = with_trunk(called_from=(CalledFrom.REQUEST_URI,))
    assert identify(invite, elsewhere) == Refused(Refusal.UNKNOWN_NUMBER, identify(invite, TABLE).caller, "carrier")


def test_a_diversion_from_nobody_of_ours_leads_nowhere() -> None:
    invite = replace(INVITE, request_user="02199999999", diversion="<sip:02188888888@h>, <sip:4009999999@h>")
    refused = identify(invite, with_trunk(called_from=(CalledFrom.DIVERSION, CalledFrom.REQUEST_URI)))
    assert isinstance(refused, Refused) and refused.reason is Refusal.UNKNOWN_NUMBER


@pytest.mark.parametrize("user", ["02161234567", "+862161234567", "862161234567"])
def test_a_landing_number_leads_to_its_400_number(user: str) -> None:
    taken = identify(replace(INVITE, request_user=user), TABLE)
    assert isinstance(taken, Incoming)
    assert taken.route.number == "4008001234"


def test_a_landing_number_of_a_number_that_is_gone() -> None:
    table = with_trunk(landing={"02161234567": "4009999999"})
    refused = identify(replace(INVITE, request_user="02161234567"), table)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.UNKNOWN_NUMBER


@pytest.mark.parametrize("address", ["192.168.1.1", "not an address", "::1"])
def test_an_unknown_source_is_refused(address: str) -> None:
    refused = identify(replace(INVITE, address=address), TABLE)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.trunk) == (Refusal.UNKNOWN_TRUNK, "")


def test_the_most_exact_trunk_takes_the_call() -> None:
    port = replace(CARRIER, id="port", accept=("10.0.0.1:5060",))
    narrow = replace(CARRIER, id="narrow", accept=("10.0.0.0/30", "10.0.0.0/8"))
    table = replace(TABLE, trunks=(CARRIER, narrow, port))
    by_port, by_net = identify(INVITE, table), identify(replace(INVITE, port=7000), table)
    assert isinstance(by_port, Incoming) and isinstance(by_net, Incoming)
    assert (by_port.trunk.id, by_net.trunk.id) == ("port", "narrow")


def test_of_two_trunks_behind_one_address_the_one_that_knows_the_number() -> None:
    landing = replace(CARRIER, id="landing", landing={"02100000000": "4008001234"})
    taken = identify(replace(INVITE, request_user="02100000000"), replace(TABLE, trunks=(CARRIER, landing)))
    assert isinstance(taken, Incoming)
    assert taken.trunk.id == "landing"


def test_a_trunk_by_its_id() -> None:
    assert TABLE.trunk("carrier") is CARRIER
    assert TABLE.trunk("other") is None


@pytest.mark.parametrize(
    "user",
    ["4008001234%0A", "${system id}", "4008001234@x", "{a}[b]<c>", "4008001234\r\nX: y", "４００８００１２３４"],
)
def test_hostile_users_are_no_number(user: str) -> None:
    assert isinstance(identify(replace(INVITE, request_user=user), TABLE), Refused)


@pytest.mark.parametrize(
    ("proxy", "seconds", "asked"), [("127.0.0.1:5060", 30, True), ("127.0.0.1:5060", 0, False), ("", 30, False)]
)
def test_a_trunk_that_calls_go_to_is_asked_whether_it_is_there(proxy: str, seconds: int, asked: bool) -> None:
    assert replace(CARRIER, proxy=proxy, ping_seconds=seconds).is_pinged is asked
