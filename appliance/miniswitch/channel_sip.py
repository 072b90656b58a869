"""What SIP has to do with a channel: the descriptions both sides give, and what the other side does.

The methods named `sip_…` are called in the SIP thread; see `sip_leg.Owner`.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from appliance.miniswitch import causes, g711, sdp
from appliance.miniswitch.media import OUR_EVENT_TYPE
from appliance.miniswitch.profile import now_us
from appliance.miniswitch.sip_leg import SipEnd

if TYPE_CHECKING:
    from appliance.miniswitch.channel import Channel

log = logging.getLogger(__name__)


class SipSide:
    """The owner of a channel's dialog."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._version = 1

    def describe(self) -> str:
        """Our session description as an answer to what the other side offered."""
        channel, remote = self._channel, self._channel.remote
        if remote is None:
            raise ValueError("nothing was offered yet")
        return sdp.build(
            channel.switch.settings.sip_host, channel.media.port, [remote.law], remote.event, self._version
        )

    def offer(self, first: int) -> str:
        """Our session description as an offer: both laws, `first` in front."""
        channel = self._channel
        laws = [first, *(law for law in (g711.PCMA, g711.PCMU) if law != first)]
        return sdp.build(channel.switch.settings.sip_host, channel.media.port, laws, OUR_EVENT_TYPE)

    def take_media(self, body: str) -> bool:
        """Use the other side's description; False when it holds nothing that we can speak."""
        channel = self._channel
        try:
            remote = sdp.parse(body)
        except sdp.SdpError as error:
            log.info("%s: %s", channel.name, error)
            return False
        host = channel.variables.get("sip_network_ip") or remote.host
        channel.media.aim(remote, host, OUR_EVENT_TYPE if channel.direction == "outbound" else None)
        channel.remote = remote
        name = g711.NAMES[remote.law]
        channel.variables.update(
            {
                "remote_media_ip": remote.host,
                "remote_media_port": str(remote.port),
                "rtp_use_codec_name": name,
                "rtp_use_codec_rate": "8000",
                "rtp_use_codec_ptime": "20",
                "read_codec": name,
                "read_rate": "8000",
                "write_codec": name,
                "write_rate": "8000",
                "dtmf_type": "rfc2833" if remote.event is not None else "none",
            }
        )
        return True

    def sip_progress(self, _status: int, body: str) -> None:
        """See `sip_leg.Owner`."""
        channel = self._channel
        with channel.changed:
            if body and self.take_media(body):
                channel.early = True
                channel.times.progress_media = channel.times.progress_media or now_us()
            elif not channel.ringing:
                channel.ringing = True
                channel.times.progress = channel.times.progress or now_us()
        channel.switch.events.fire("CHANNEL_PROGRESS_MEDIA" if channel.early else "CHANNEL_PROGRESS", channel)
        channel.tell_watchers()

    def sip_answered(self, body: str) -> None:
        """See `sip_leg.Owner`."""
        channel = self._channel
        call_id, ours, theirs = channel.sip.identity()
        channel.variables.update({"sip_call_id": call_id, "sip_from_tag": ours, "sip_to_tag": theirs})
        if (body and not self.take_media(body)) or channel.remote is None:
            channel.hangup("INCOMPATIBLE_DESTINATION")
            return
        with channel.changed:
            channel.mark_answered()
        channel.switch.events.fire("CHANNEL_ANSWER", channel)
        channel.tell_watchers()

    def sip_renegotiated(self, body: str) -> str | None:
        """See `sip_leg.Owner`."""
        if not self.take_media(body):
            return None
        self._version += 1
        return self.describe()

    def sip_info(self, body: str) -> None:
        """See `sip_leg.Owner`. A key as `application/dtmf-relay`: `Signal=5`; as `application/dtmf`: `5`."""
        found = re.search(r"^Signal *= *([0-9*#A-D])\s*$", body, re.IGNORECASE | re.MULTILINE)
        found = found or re.fullmatch(r"\s*([0-9*#A-D])\s*", body, re.IGNORECASE)
        if found:
            self._channel.press(found[1].upper())

    def sip_ended(self, end: SipEnd) -> None:
        """See `sip_leg.Owner`."""
        channel = self._channel
        channel.sip_phrase = end.phrase
        channel.variables.update(
            {
                "sip_hangup_disposition": end.disposition,
                "sip_term_status": str(end.status),
                "proto_specific_hangup_cause": f"sip:{end.status}",
                "sip_term_cause": str(causes.Q850[end.cause]),
            }
        )
        if not channel.answered:
            channel.variables.update(
                {"sip_invite_failure_status": str(end.status), "sip_invite_failure_phrase": end.phrase}
            )
        if channel.note_hangup(end.cause):
            channel.announce_hangup()
