"""From a channel's data to what the rules want to know of a call."""

from __future__ import annotations

from appliance.domain import cdr
from appliance.domain.called import Invite
from appliance.switch.wire import Headers

_NOTE = b"variable_gw_"


def invite_of(data: Headers) -> Invite:
    """The INVITE's facts as text; empty where the switch says nothing."""
    port = data.get(b"variable_sip_network_port")
    return Invite(
        address=data.get(b"variable_sip_network_ip"),
        port=int(port) if port.isdecimal() else 0,
        request_user=data.get(b"variable_sip_req_user") or data.get(b"Caller-Destination-Number"),
        to_user=data.get(b"variable_sip_to_user"),
        # Spelled as the carrier spelled its header (mod_sofia sofia.c, "Basic Diversion Support").
        diversion=data.get_any_case(b"variable_sip_h_Diversion"),
        history_info=data.get(b"variable_sip_history_info"),
        caller_number=data.get(b"Caller-Caller-ID-Number") or data.get(b"variable_sip_from_user"),
        caller_name=data.get(b"Caller-Caller-ID-Name"),
    )


def notes_of(data: Headers) -> dict[str, str]:
    """The call's facts by their names without ``gw_``: those that earlier handlers packed, and those of the
    dialplan and the fallback, which are newer."""
    apart = {name.removeprefix("variable_"): value for name, value in data.starting(_NOTE)}
    together = {**cdr.unpacked(apart.pop(cdr.PACKED, "")), **apart}
    return {name.removeprefix("gw_"): value for name, value in together.items()}
