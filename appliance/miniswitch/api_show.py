"""API commands that tell how the switch is: `status`, `version`, `show`, `sofia`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.miniswitch.channel import Channel
    from appliance.miniswitch.switch import Switch

VERSION = "1.0"


def _status(switch: Switch, _: str) -> str:
    up = time.time() - switch.events.core.started
    days, hours, minutes = int(up // 86400), int(up // 3600 % 24), int(up // 60 % 60)
    now = len(switch.channels())
    return (
        f"UP 0 years, {days} days, {hours} hours, {minutes} minutes, {int(up % 60)} seconds, "
        f"{int(up * 1000 % 1000)} milliseconds, {int(up * 1_000_000 % 1000)} microseconds\n"
        f"FreeSWITCH (Version miniswitch {VERSION}) is ready\n"
        f"{switch.sessions_so_far} session(s) since startup\n"
        f"{now} session(s) - peak {switch.most_sessions}, last 5min {now} \n"
        f"0 session(s) per Sec out of max 30, peak 0, last 5min 0 \n1000 session(s) max\n"
        f"min idle cpu 0.00/0.00\n"
    )


def _version(_: Switch, __: str) -> str:
    return f"FreeSWITCH Version miniswitch-{VERSION} (the embedded switch)\n"


def _show(switch: Switch, what: str) -> str:
    words = what.split()
    if not words or words[0] not in ("channels", "calls", "detailed_calls"):
        return "-USAGE: channels|calls|detailed_calls [as json|count]\n"
    rows = [_row(channel) for channel in switch.channels()]
    if words[0] != "channels":
        rows = _calls(switch, detailed=words[0] == "detailed_calls")
    if words[1:] == ["count"]:
        return f"\n{len(rows)} total.\n"
    if words[1:] != ["as", "json"]:
        return "-USAGE: channels|calls|detailed_calls [as json|count]\n"
    if not rows:
        return '{"row_count": 0}\n'
    return json.dumps({"row_count": len(rows), "rows": rows}, ensure_ascii=False, separators=(",", ":"))


def _row(channel: Channel) -> dict[str, str]:
    """A row of `show channels`, with the columns of FreeSWITCH's view of that name."""
    created = channel.times.created // 1_000_000
    codec, profile = channel.codec_name, channel.profile
    first = channel.profiles[-1]
    rate, bits = ("8000", "64000") if codec else ("", "")
    return {
        "uuid": channel.uuid,
        "direction": channel.direction,
        "created": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created)),
        "created_epoch": str(created),
        "name": channel.name,
        "state": channel.state.name,
        "cid_name": profile.caller_name,
        "cid_num": profile.caller_number,
        "ip_addr": profile.network_addr,
        "dest": profile.destination,
        "application": channel.application[0],
        "application_data": channel.application[1],
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": codec,
        "read_rate": rate,
        "read_bit_rate": bits,
        "write_codec": codec,
        "write_rate": rate,
        "write_bit_rate": bits,
        "secure": "",
        "hostname": channel.switch.events.core.hostname,
        "presence_id": "",
        "presence_data": "",
        "accountcode": "",
        "callstate": channel.call_state,
        "callee_name": profile.callee_name,
        "callee_num": profile.callee_number,
        "callee_direction": "",
        "call_uuid": _call_uuid(channel),
        "sent_callee_name": "",
        "sent_callee_num": "",
        "initial_cid_name": first.caller_name,
        "initial_cid_num": first.caller_number,
        "initial_ip_addr": first.network_addr,
        "initial_dest": first.destination,
        "initial_dialplan": first.dialplan,
        "initial_context": first.context,
    }


def _call_uuid(channel: Channel) -> str:
    if channel.direction == "outbound":
        return channel.variables.get("call_uuid") or ""
    return channel.uuid if channel.partner is not None else ""


_B_COLUMNS = (
    "uuid",
    "direction",
    "created",
    "created_epoch",
    "name",
    "state",
    "cid_name",
    "cid_num",
    "ip_addr",
    "dest",
    "presence_id",
    "presence_data",
    "accountcode",
    "callstate",
    "callee_name",
    "callee_num",
    "callee_direction",
    "sent_callee_name",
    "sent_callee_num",
)
_A_COLUMNS = (*_B_COLUMNS[:16], "callee_direction", "call_uuid", "hostname", "sent_callee_name", "sent_callee_num")


def _calls(switch: Switch, *, detailed: bool) -> list[dict[str, str]]:
    """Rows of `show calls`: a joined pair is one row, a leg alone is one with empty `b_` columns. `detailed`: with
    what is carried out on both."""
    rows = []
    more = ("application", "application_data") if detailed else ()
    for channel in switch.channels():
        partner = channel.partner
        if partner is not None and channel.direction == "outbound":
            continue
        own = _row(channel)
        other = _row(partner) if partner is not None else dict.fromkeys(_B_COLUMNS, "")
        row = {name: own[name] for name in (*_A_COLUMNS, *more)}
        row |= {f"b_{name}": other.get(name, "") for name in (*_B_COLUMNS, *more)}
        row["call_created_epoch"] = str(channel.times.bridged // 1_000_000) if partner is not None else ""
        rows.append(row)
    return rows


def _sofia(switch: Switch, text: str) -> str:
    settings = switch.settings
    url = f"sip:mod_sofia@{settings.sip_host}:{settings.sip_port}"
    line = "=" * 97 + "\n"
    words = text.split()
    if words == ["status"]:
        return (
            f"{'Name':>25}\t{'Type':>7}\t{'Data':>42}\tState\n{line}"
            f"{'gateway400':>25}\tprofile\t{url:>42}\tRUNNING ({len(switch.channels())})\n{line}"
            "1 profile 0 aliases\n"
        )
    if words == ["status", "profile", "gateway400"]:
        facts = {
            "Name": "gateway400",
            "Domain Name": "N/A",
            "Dialplan": "XML",
            "Context": "gateway",
            "RTP-IP": settings.sip_host,
            "SIP-IP": settings.sip_host,
            "URL": url,
            "BIND-URL": url,
            "CODECS IN": "PCMA,PCMU",
            "CODECS OUT": "PCMA,PCMU",
            "TEL-EVENT": "101",
            "DTMF-MODE": "rfc2833",
            "CALLS-IN": str(switch.calls_in),
            "CALLS-OUT": str(switch.calls_out),
            "REGISTRATIONS": "0",
        }
        return line + "".join(f"{name:<17}\t{value}\n" for name, value in facts.items())
    if words[:2] == ["status", "profile"]:
        return "Invalid Profile!\n"
    return "-USAGE: status [profile gateway400]\n"


COMMANDS: dict[str, Callable[[Switch, str], str]] = {
    "status": _status,
    "version": _version,
    "show": _show,
    "sofia": _sofia,
}
