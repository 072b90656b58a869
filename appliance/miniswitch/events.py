"""Events: what happened, told to every event socket that asked for it.

The headers are those of `switch_event_prep_for_delivery` and `switch_channel_event_set_data`.
"""

from __future__ import annotations

import itertools
import socket
import time
import uuid
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from appliance.miniswitch.channel import Channel

Headers = list[tuple[str, str]]

NAMES = frozenset(
    {
        "CHANNEL_CREATE",
        "CHANNEL_ANSWER",
        "CHANNEL_PROGRESS",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_PARK",
        "CHANNEL_UNPARK",
        "CHANNEL_EXECUTE",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_BRIDGE",
        "CHANNEL_UNBRIDGE",
        "CHANNEL_ORIGINATE",
        "CHANNEL_OUTGOING",
        "CHANNEL_HANGUP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_DESTROY",
        "CHANNEL_DATA",
        "CHANNEL_STATE",
        "CHANNEL_CALLSTATE",
        "CHANNEL_UUID",
        "CHANNEL_APPLICATION",
        "CHANNEL_HOLD",
        "CHANNEL_UNHOLD",
        "CALL_UPDATE",
        "DTMF",
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "RECORD_START",
        "RECORD_STOP",
        "HEARTBEAT",
        "SHUTDOWN",
        "BACKGROUND_JOB",
        "CUSTOM",
        "API",
        "RE_SCHEDULE",
        "DEL_SCHEDULE",
        "ADD_SCHEDULE",
        "MODULE_LOAD",
        "RELOADXML",
        "SESSION_HEARTBEAT",
        "TALK",
        "NOTALK",
        "MEDIA_BUG_START",
        "MEDIA_BUG_STOP",
        "PRIVATE_COMMAND",
        "STARTUP",
        "ALL",
    }
)
"""Names that `event plain` takes; this switch fires only some of them."""


class Listener(Protocol):
    """One event socket."""

    def wants(self, name: str) -> bool:
        """Whether it asked for events of this name."""

    def deliver(self, headers: Headers) -> None:
        """Take an event; filters are the listener's own."""


class Core:
    """The identity of this running switch, which every event and CDR carries."""

    def __init__(self) -> None:
        self.uuid = str(uuid.uuid4())
        self.hostname = socket.gethostname()
        self.started = time.time()


class Bus:
    """Fires events to the listeners."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._listeners: tuple[Listener, ...] = ()
        self._sequence = itertools.count(1)

    def add(self, listener: Listener) -> None:
        """Begin to tell a listener."""
        self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """Tell it nothing more."""
        self._listeners = tuple(other for other in self._listeners if other is not listener)

    def fire(self, name: str, channel: Channel | None = None, *extra: tuple[str, str | None]) -> None:
        """Tell those who asked. Headers whose value is None are left out."""
        listeners = [listener for listener in self._listeners if listener.wants(name)]
        if not listeners:
            return
        headers = self.base(name)
        if channel is not None:
            headers += channel_headers(channel)
        headers += [(key, value) for key, value in extra if value is not None]
        for listener in listeners:
            listener.deliver(headers)

    def base(self, name: str) -> Headers:
        """The headers that every event begins with."""
        now = time.time()
        core = self.core
        return [
            ("Event-Name", name),
            ("Core-UUID", core.uuid),
            ("FreeSWITCH-Hostname", core.hostname),
            ("FreeSWITCH-Switchname", core.hostname),
            ("FreeSWITCH-IPv4", "127.0.0.1"),
            ("FreeSWITCH-IPv6", "::1"),
            ("Event-Date-Local", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))),
            ("Event-Date-GMT", formatdate(now, usegmt=True)),
            ("Event-Date-Timestamp", str(int(now * 1_000_000))),
            ("Event-Calling-File", "events.py"),
            ("Event-Calling-Function", "fire"),
            ("Event-Calling-Line-Number", "0"),
            ("Event-Sequence", str(next(self._sequence))),
        ]


def channel_headers(channel: Channel) -> Headers:
    """A channel's state, its profile and its partner's, and its variables."""
    codec = channel.codec_name
    headers: Headers = [
        ("Channel-State", channel.state.name),
        ("Channel-Call-State", channel.call_state),
        ("Channel-State-Number", str(channel.state.value)),
        ("Channel-Name", channel.name),
        ("Unique-ID", channel.uuid),
        ("Call-Direction", channel.direction),
        ("Presence-Call-Direction", channel.direction),
        ("Channel-HIT-Dialplan", "true" if channel.direction == "inbound" else "false"),
        ("Channel-Call-UUID", channel.variables.get("call_uuid") or channel.uuid),
        ("Answer-State", channel.answer_state),
    ]
    if channel.hangup_cause:
        headers.append(("Hangup-Cause", channel.hangup_cause))
    if codec:
        for way in ("Read", "Write"):
            headers += [
                (f"Channel-{way}-Codec-Name", codec),
                (f"Channel-{way}-Codec-Rate", "8000"),
                (f"Channel-{way}-Codec-Bit-Rate", "64000"),
            ]
    headers += channel.profile.headers("Caller")
    if channel.other_profile is not None:
        headers.append(("Other-Type", channel.other_type))
        headers += channel.other_profile.headers("Other-Leg")
    headers += [(f"variable_{name}", value) for name, value in channel.variables.items()]
    return headers


def data_headers(channel: Channel) -> Headers:
    """The channel's profile as `Channel-…`, which only the answer to `connect` has."""
    return channel.profile.headers("Channel")
