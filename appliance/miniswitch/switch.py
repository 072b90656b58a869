"""The switch: puts the parts together, makes calls of INVITEs, and stops cleanly."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import Any

from appliance.miniswitch import originate, sip_vars
from appliance.miniswitch.channel import Channel, new_uuid
from appliance.miniswitch.esl_in import InboundServer
from appliance.miniswitch.events import Bus, Core
from appliance.miniswitch.limits import Limits
from appliance.miniswitch.media import MediaEngine, NoPort
from appliance.miniswitch.profile import Profile, now_us
from appliance.miniswitch.recording import RecordingWriter
from appliance.miniswitch.scheduler import Scheduler
from appliance.miniswitch.session import Session
from appliance.miniswitch.settings import Settings
from appliance.miniswitch.sip_stack import SipStack
from appliance.miniswitch.variables import Variables

log = logging.getLogger(__name__)

_WATCH_EVERY_S = 1.0
_HELD_TIMES = 10
"""A held leg may be silent so many times as long."""
_LAST_WORDS_S = 0.3
_STOP_TIMEOUT_S = 5.0


class Switch:
    """Everything that runs. Made in the main thread, which then runs `loop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.spool_dir.mkdir(parents=True, exist_ok=True)
        settings.recordings_dir.mkdir(parents=True, exist_ok=True)
        self.events = Bus(Core())
        self.limits = Limits()
        self.globals = _global_variables(settings)
        self.sessions_so_far = self.most_sessions = self.calls_in = self.calls_out = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._channels: dict[str, Channel] = {}
        self._stopping = False
        self.scheduler = Scheduler()
        self.recordings = RecordingWriter()
        self.media = MediaEngine(settings.sip_host, settings.rtp_port_range)
        self.sip = SipStack(settings.sip_host, settings.sip_port, self._invite)
        self._server = InboundServer(self)
        self.scheduler.after(_WATCH_EVERY_S, self._watch)

    # The channels -------------------------------------------------------------------------------

    def next_session_number(self) -> int:
        """Numbers channels from 1."""
        return next(self._numbers)

    def remember(self, channel: Channel) -> None:
        """A new leg."""
        with self._lock:
            self._channels[channel.uuid] = channel
            self.sessions_so_far += 1
            self.most_sessions = max(self.most_sessions, len(self._channels))
            if channel.direction == "inbound":
                self.calls_in += 1
            else:
                self.calls_out += 1
        self.events.fire("CHANNEL_CREATE", channel)

    def forget(self, channel: Channel) -> None:
        """A leg that has ended."""
        with self._lock:
            self._channels.pop(channel.uuid, None)

    def find(self, uuid: str) -> Channel | None:
        """A leg that has not been hung up, by its UUID."""
        channel = self._channels.get(uuid)
        return channel if channel is not None and not channel.hangup_cause else None

    def hangup(self, uuid: str, cause: str) -> bool:
        """End a leg by its UUID; False when there is none."""
        channel = self.find(uuid)
        if channel is not None:
            channel.hangup(cause)
        return channel is not None

    def channels(self) -> list[Channel]:
        """Every leg."""
        with self._lock:
            return list(self._channels.values())

    def originate(self, text: str) -> str:
        """Place a call of the switch's own; see `originate`."""
        return originate.originate(self, text)

    # Calls that come in -------------------------------------------------------------------------

    def _invite(self, request: Any, transaction: Any) -> Any:
        """An INVITE; in the SIP thread. Returns what sippy's transaction layer wants."""
        host, port = request.getSource()
        if not any(entry.allows(host, port) for entry in self.settings.accept):
            log.warning("INVITE from %s:%s is not on the trunk list", host, port)
            return request.genResponse(403, "Forbidden"), None, None
        if self._stopping:
            return request.genResponse(503, "Service Unavailable"), None, None
        try:
            caller = sip_vars.read(request, self._profile_url(), now_us())
        except (ValueError, IndexError, AttributeError, TypeError, KeyError) as error:
            log.warning("INVITE from %s:%s cannot be read: %s", host, port, error)
            return request.genResponse(400, "Bad Request"), None, None
        try:
            channel = self._make_channel(caller)
        except NoPort:
            return request.genResponse(503, "Service Unavailable"), None, None
        channel.signals.take_media(caller.variables.get("switch_r_sdp", ""))
        outcome = channel.sip.take(request, transaction)
        self.remember(channel)
        Session(self, channel).start()
        return outcome

    def _profile_url(self) -> str:
        return f"sip:mod_sofia@{self.settings.sip_host}:{self.settings.sip_port}"

    def _make_channel(self, caller: sip_vars.Caller) -> Channel:
        host, port = caller.address
        name = f"sofia/gateway400/{caller.variables.get('sip_from_uri', f'{caller.number}@{host}:{port}')}"
        profile = Profile(
            direction="inbound",
            username=caller.number,
            caller_name=caller.name,
            caller_number=caller.number,
            original_name=caller.name,
            original_number=caller.number,
            network_addr=host,
            destination=caller.dialled,
            uuid=new_uuid(),
            channel_name=name,
        )
        channel = Channel(self, "inbound", profile)
        channel.variables.update({"direction": "inbound", "uuid": channel.uuid, "session_id": str(channel.number)})
        channel.variables.update(caller.variables)
        channel.variables.update(
            {
                "channel_name": name,
                "endpoint_disposition": "RECEIVED",
                "call_uuid": channel.uuid,
                "local_media_ip": self.settings.sip_host,
                "local_media_port": str(channel.media.port),
            }
        )
        return channel

    # Watching and stopping ----------------------------------------------------------------------

    def _watch(self) -> None:
        """Once a second: end calls that are silent."""
        now = time.monotonic()
        for channel in self.channels():
            if not channel.answered or channel.hangup_cause:
                continue
            held = channel.remote is not None and not channel.remote.receives
            limit = self.settings.media_timeout_s * (_HELD_TIMES if held else 1)
            if now - channel.media.last_packet > limit:
                log.warning("%s: no RTP for %s s", channel.name, limit)
                channel.hangup("MEDIA_TIMEOUT")
        self.scheduler.after(_WATCH_EVERY_S, self._watch)

    def loop(self) -> None:
        """Run until asked to stop; returns when every call has ended and left its record."""
        self.sip.loop()
        self._server.close()
        self.scheduler.stop()
        self.media.stop()
        self.recordings.stop()
        self.sip.close()

    def ask_to_stop(self) -> None:
        """Begin to stop: may be called from any thread and from a signal handler."""
        if not self._stopping:
            self._stopping = True
            threading.Thread(target=self._stop, name="stop", daemon=True).start()

    def _stop(self) -> None:
        self.events.fire("SHUTDOWN")
        # Lines first: the end of its caller would end a line with another cause.
        for channel in sorted(self.channels(), key=lambda channel: channel.direction == "inbound"):
            channel.hangup("SYSTEM_SHUTDOWN")
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while self.channels() and time.monotonic() < deadline:
            time.sleep(0.02)
        # The last BYE may still be on its way through the SIP thread.
        time.sleep(_LAST_WORDS_S)
        self.sip.run(self.sip.stop)


def _global_variables(settings: Settings) -> Variables:
    """What every channel can read, and none carries; see `freeswitch-scripts/conf/freeswitch.xml.j2`."""
    timeout_ms = int(settings.media_timeout_s * 1000)
    return Variables(
        {
            "media_timeout": str(timeout_ms),
            "media_hold_timeout": str(timeout_ms * _HELD_TIMES),
            "sip_copy_custom_headers": "false",
            "sip_ignore_remote_cause": "true",
            "continue_on_fail": "true",
            "hangup_after_bridge": "true",
            "effective_caller_id_name": "anonymous",
            "effective_caller_id_number": "anonymous",
            "export_vars": "gw_facts,gw_number,gw_account,gw_line",
            "ringback": settings.ringback,
            "RECORD_STEREO": "true",
            "RECORD_BRIDGE_REQ": "true",
            "gw_music": settings.music_file,
            "gw_apology": settings.apology_file,
            "gw_snapshot": str(settings.snapshot_file or ""),
            "gw_max_call_s": str(int(settings.max_call_s)),
        }
    )
