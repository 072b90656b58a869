"""What an INVITE tells about its caller, as the channel variables that mod_sofia makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from appliance.miniswitch.esl_wire import to_text

_COPIED_PREFIXES = ("x-", "p-", "k-", "on")


@dataclass(frozen=True)
class Caller:
    """Who calls whom, from where."""

    number: str
    name: str
    dialled: str
    address: tuple[str, int]
    variables: dict[str, str]


def read(request: Any, profile_url: str, stamp_us: int) -> Caller:
    """Read a sippy request. Raises `ValueError` and its like for headers that cannot be read."""
    sender, called = request.getHFBody("from"), request.getHFBody("to")
    contact, via = request.getHFBody("contact"), request.getHFBody("via")
    uri = request.getRURI()
    host, port = request.getSource()
    name = (sender.getUri().name or "").strip()
    number = sender.getUrl().username or ""
    variables: dict[str, str] = {}
    if name:
        variables["sip_from_display"] = name
    variables |= _address("sip_from", sender.getUrl())
    variables |= {
        "sip_call_id": str(request.getHFBody("call-id")),
        "sip_local_network_addr": profile_url.split("@")[-1].split(":")[0],
        "sip_network_ip": host,
        "sip_network_port": str(port),
        "sip_invite_stamp": str(stamp_us),
        "sip_received_ip": host,
        "sip_received_port": str(port),
        "sip_via_protocol": "udp",
        "sip_from_user_stripped": number.removeprefix("+"),
        "sip_from_tag": sender.getTag() or "",
        "sofia_profile_name": "gateway400",
        "sofia_profile_url": profile_url,
        "recovery_profile_name": "gateway400",
        "sip_full_via": str(via),
        "sip_full_from": str(sender),
        "sip_full_to": str(called),
    }
    variables |= _address("sip_req", uri)
    variables |= _address("sip_to", called.getUrl())
    variables |= _address("sip_contact", contact.getUrl())
    via_host, via_port = via.getAddr()
    variables |= {"sip_via_host": str(via_host), "sip_via_port": str(via_port)}
    if request.countHFs("user-agent"):
        variables["sip_user_agent"] = str(request.getHF("user-agent").body)
    variables["max_forwards"] = _max_forwards(request)
    variables |= _unknown_headers(request.datagram)
    body = request.getBody()
    if body is not None:
        variables["switch_r_sdp"] = str(body)
    return Caller(
        number,
        name or number,
        uri.username or "",
        (host, port),
        {key: value for key, value in variables.items() if value},
    )


def _address(prefix: str, url: Any) -> dict[str, str]:
    host, port, user = str(url.host), url.port, url.username or ""
    where = f"{host}:{port}" if port is not None else host
    return {
        f"{prefix}_user": user,
        f"{prefix}_port": "" if port is None else str(port),
        f"{prefix}_uri": f"{user}@{where}" if user else where,
        f"{prefix}_host": host,
    }


def _max_forwards(request: Any) -> str:
    return str(request.getHFBody("max-forwards").getNum()) if request.countHFs("max-forwards") else "70"


def _unknown_headers(datagram: bytes) -> dict[str, str]:
    """`Diversion`, `History-Info` and the headers that mod_sofia copies as they come, in their own spelling."""
    found: dict[str, str] = {}
    for name, value in _header_lines(datagram):
        lower = name.lower()
        if lower == "history-info":
            found["sip_history_info"] = ", ".join(filter(None, (found.get("sip_history_info"), value)))
        elif lower == "diversion":
            found[f"sip_h_{name}"] = value
        elif lower.startswith(_COPIED_PREFIXES) or lower == "user-to-user":
            key = f"sip_h_{name}"
            copies = sum(other == key or other.startswith(f"{key}-") for other in found)
            found[f"{key}-{copies}" if copies else key] = value
    return found


def _header_lines(datagram: bytes) -> list[tuple[str, str]]:
    """Names and values of a message's headers, each whole: continued lines joined, commas kept."""
    head = re.split(rb"\r?\n\r?\n", datagram, maxsplit=1)[0]
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head)
    lines = [line.partition(b":") for line in unfolded.split(b"\n")[1:]]
    return [(to_text(name.strip()), to_text(value.strip())) for name, colon, value in lines if colon]
