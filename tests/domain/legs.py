"""CDR variables of a caller's leg and a line's, as the switch and the handlers write them; what is read of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.domain.cdr import Leg, Role, read_leg
from appliance.domain.cdr_call import CallFacts, derive_call

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CALLER, LINE = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def at(seconds: float) -> str:
    """``START`` and so many seconds, as the switch writes it."""
    return str(int((START + timedelta(seconds=seconds)).timestamp() * 1_000_000))


def caller_variables(**changes: Any) -> dict[str, Any]:
    """A caller's leg: answered after 1 s, bridged after 10 s, ended after 40 s."""
    found = {
        "uuid": CALLER,
        "call_uuid": CALLER,
        "start_uepoch": at(0),
        "answer_uepoch": at(1),
        "bridge_uepoch": at(10),
        "end_uepoch": at(40),
        "hangup_cause": "NORMAL_CLEARING",
        "sip_term_status": "200",
        "sip_from_user": "013800138000",
        "sip_req_user": "4008001234",
        "bridge_uuid": LINE,
        "gw_number": "4008001234",
        "gw_account": "east",
        "gw_trunk": "telecom",
        "gw_caller": "13800138000",
        "gw_caller_kind": "mobile",
        "gw_flow": "main@3",
        "gw_keys": "welcome=1;sales=2",
        "gw_way": "welcome=keys.1;help>more@2:sales=after",
        "gw_mark": "5",
        "gw_tried": "first=busy;second=answered",
        "gw_line": "second",
        "gw_recording": "2026/11/22/call.wav",
        "gw_outcome": "answered",
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def line_variables(**changes: Any) -> dict[str, Any]:
    """A line's leg: rung after 5 s, answered and bridged after 10 s, ended after 30 s."""
    found = {
        "uuid": LINE,
        "originator": CALLER,
        "start_uepoch": at(5),
        "answer_uepoch": at(10),
        "bridge_uepoch": at(10),
        "end_uepoch": at(30),
        "hangup_cause": "NORMAL_CLEARING",
        "gw_line": "second",
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def a_leg(variables: dict[str, Any], role: Role) -> Leg:
    leg = read_leg(variables, role)
    assert isinstance(leg, Leg), leg
    return leg


def a_call(*lines: dict[str, Any], home: str = "", **changes: Any) -> CallFacts:
    caller = a_leg(caller_variables(**changes), Role.CALLER)
    return derive_call(caller, [a_leg(line, Role.LINE) for line in lines], home)


def without_handlers(**changes: Any) -> dict[str, Any]:
    """What the caller's leg lacks when the handlers never saw it, and no line was joined."""
    notes = {name: None for name in caller_variables() if name.startswith("gw_")}
    return notes | {"bridge_uepoch": "0", "bridge_uuid": None, **changes}
