"""The record of a leg that has ended, one JSON file as mod_json_cdr writes it.

Written in place, as there: a reader must cope with a file that is not whole yet. Sources:
`switch_channel_set_timestamps`, `switch_ivr_generate_json_cdr`, mod_json_cdr.
"""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.miniswitch import causes
from appliance.miniswitch.esl_wire import to_bytes
from appliance.miniswitch.profile import Profile

if TYPE_CHECKING:
    from appliance.miniswitch.channel import Channel

log = logging.getLogger(__name__)


def _shown_keys(keys: str, hidden: str | None) -> str:
    """The caller's keys, with X's for what a pattern hides."""
    return re.sub(hidden, lambda found: "X" * len(found[0]), keys) if keys and hidden else keys or "none"


def final_variables(channel: Channel) -> dict[str, str]:
    """What FreeSWITCH adds to a channel's variables at its end: cause, times, lengths, counts of RTP."""
    number = causes.Q850[channel.hangup_cause]
    found = {
        "hangup_cause": channel.hangup_cause,
        "hangup_cause_q850": str(number if 0 < number < 128 else 16),
        "digits_dialed": _shown_keys(channel.dialled_keys, channel.variables.get("digits_dialed_filter")),
    }
    times = channel.times
    stamps = {
        "start": times.created,
        "profile_start": times.profile_created,
        "answer": times.answered,
        "bridge": times.bridged,
        "progress": times.progress,
        "progress_media": times.progress_media,
        "end": times.hungup,
    }
    for name, moment in stamps.items():
        if moment:
            found[f"{name}_stamp"] = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment // 1_000_000))
        found[f"{name}_epoch"] = str(moment // 1_000_000)
        found[f"{name}_uepoch"] = str(moment)
    spans = {
        ("duration", "mduration", "uduration"): (times.created, times.hungup),
        ("billsec", "billmsec", "billusec"): (times.answered, times.hungup),
        ("progresssec", "progressmsec", "progressusec"): (times.created, times.progress),
        ("answersec", "answermsec", "answerusec"): (times.created, times.answered),
        ("waitsec", "waitmsec", "waitusec"): (times.created, times.bridged),
        ("progress_mediasec", "progress_mediamsec", "progress_mediausec"): (times.created, times.progress_media),
        ("flow_billsec", "flow_billmsec", "flow_billusec"): (times.created, times.hungup if times.answered else 0),
    }
    for names, (start, end) in spans.items():
        for name, unit in zip(names, (1_000_000, 1000, 1), strict=True):
            # Each unit is the difference of whole units, not a rounded difference: as FreeSWITCH does it.
            found[name] = str(end // unit - start // unit) if start and end else "0"
    if channel.applications:
        found["last_app"], found["last_arg"] = channel.applications[-1][0], channel.applications[-1][1] or ""
    profile = channel.profile
    found["caller_id"] = (
        f'"{profile.caller_name}" <{profile.caller_number}>' if profile.caller_name else profile.caller_number
    )
    media = channel.media
    found |= {
        "rtp_audio_in_raw_bytes": str(media.bytes_in),
        "rtp_audio_in_media_bytes": str(media.bytes_in),
        "rtp_audio_in_packet_count": str(media.packets_in),
        "rtp_audio_out_raw_bytes": str(media.bytes_out),
        "rtp_audio_out_media_bytes": str(media.bytes_out),
        "rtp_audio_out_packet_count": str(media.packets_out),
    }
    return found


def build(channel: Channel) -> dict[str, Any]:
    """The record, in mod_json_cdr's shape."""
    core = channel.switch.events.core
    record: dict[str, Any] = {
        "core-uuid": core.uuid,
        "switchname": core.hostname,
        "channel_data": {
            "state": "CS_REPORTING",
            "direction": channel.direction,
            "state_number": "11",
            "flags": "0=1;1=1",
            "caps": "1=1",
        },
        "callStats": {
            "audio": {
                "inbound": {"raw_bytes": channel.media.bytes_in, "packet_count": channel.media.packets_in},
                "outbound": {"raw_bytes": channel.media.bytes_out, "packet_count": channel.media.packets_out},
            }
        },
        "variables": dict(channel.variables.items()),
    }
    if channel.applications:
        record["app_log"] = {
            "applications": [
                {"app_name": name, **({} if data is None else {"app_data": data}), "app_stamp": str(stamp)}
                for name, data, stamp in channel.applications
            ]
        }
    record["callflow"] = [
        _flow(profile, channel if number == 0 else None) for number, profile in enumerate(channel.profiles)
    ]
    return record


def _flow(profile: Profile, channel: Channel | None) -> dict[str, Any]:
    """One entry of the call flow; the newest also names the other leg."""
    described: dict[str, Any] = profile.cdr()
    if channel is not None and channel.other_profile is not None:
        kind = channel.other_type
        described[kind] = {f"{kind}_caller_profiles": [channel.other_profile.cdr()]}
    times = profile.times
    return {
        "dialplan": profile.dialplan,
        "profile_index": str(profile.index),
        "caller_profile": described,
        "times": {
            "created_time": str(times.created),
            "profile_created_time": str(times.profile_created),
            "progress_time": str(times.progress),
            "progress_media_time": str(times.progress_media),
            "answered_time": str(times.answered),
            "bridged_time": str(times.bridged),
            "last_hold_time": "0",
            "hold_accum_time": "0",
            "hangup_time": str(times.hungup),
            "resurrect_time": "0",
            "transfer_time": str(times.transferred),
        },
    }


def write(channel: Channel, spool: Path) -> None:
    """Write the record: `a_UUID.cdr.json` for a leg nobody placed for another, else `UUID.cdr.json`."""
    prefix = "" if channel.other_type == "originator" else "a_"
    path = spool / f"{prefix}{channel.uuid}.cdr.json"
    text = json.dumps(build(channel), ensure_ascii=False, separators=(",", ":"))
    try:
        with path.open("wb", buffering=0) as file:
            file.write(to_bytes(text) + b"\n")
    except OSError:
        log.exception("the record of %s is lost", channel.uuid)
