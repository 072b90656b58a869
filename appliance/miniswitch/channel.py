"""One leg of a call: its state, its variables, its media, and what may interrupt it.

A channel is shared between threads. `changed` guards what they wait for: keys, hang-up, transfer. The
thread that runs the call (`session.Session`) waits on it; all others only note what happened and wake it.
"""

from __future__ import annotations

import enum
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import api, causes, g711, sdp
from appliance.miniswitch.channel_sip import SipSide
from appliance.miniswitch.media import MediaLeg
from appliance.miniswitch.profile import Profile, Times, now_us
from appliance.miniswitch.recording import Recording
from appliance.miniswitch.sip_leg import SipLeg
from appliance.miniswitch.sound import Player
from appliance.miniswitch.variables import Variables

if TYPE_CHECKING:
    from appliance.miniswitch.switch import Switch


class State(enum.Enum):
    """FreeSWITCH's channel states that a leg here goes through, with their numbers."""

    CS_INIT = 1
    CS_ROUTING = 2
    CS_EXECUTE = 4
    CS_EXCHANGE_MEDIA = 5
    CS_CONSUME_MEDIA = 7
    CS_HANGUP = 10
    CS_REPORTING = 11


class Interrupted(Exception):
    """Something ended the running application before its own end."""


class HungUp(Interrupted):
    """The leg is gone."""


class Moved(Interrupted):
    """The call was transferred to another extension."""


class Channel:
    """A leg. `direction` is `inbound` for a caller, `outbound` for a line."""

    def __init__(self, switch: Switch, direction: str, profile: Profile) -> None:
        self.switch = switch
        self.direction = direction
        self.uuid = profile.uuid
        self.name = profile.channel_name
        self.number = switch.next_session_number()
        self.profiles: deque[Profile] = deque([profile])
        self.other_profile: Profile | None = None
        self.other_type = ""
        self.variables = Variables(shared=switch.globals)
        self.state = State.CS_INIT
        self.answered = self.early = self.ringing = False
        self.hangup_cause = ""
        self.sip_phrase = ""
        self.partner: Channel | None = None
        self.application = ("", "")
        self.applications: list[tuple[str, str | None, int]] = []
        self.recordings: dict[str, Recording] = {}
        self.dialled_keys = ""
        self.remote: sdp.Media | None = None
        self.changed = threading.Condition(threading.RLock())
        self.keys: deque[str] = deque()
        #: What the running application plays; not what is heard while a line rings.
        self.playing: Player | None = None
        self.moved_to: tuple[str, str] | None = None
        self.watchers: list[Callable[[], None]] = []
        self.signals = SipSide(self)
        self.sip = SipLeg(switch.sip, self.signals)
        self.media: MediaLeg = switch.media.open(self.press, self.wake)
        profile.times.created = profile.times.profile_created = now_us()

    @property
    def profile(self) -> Profile:
        """The newest caller profile."""
        return self.profiles[0]

    @property
    def times(self) -> Times:
        """The times of the newest profile."""
        return self.profile.times

    @property
    def call_state(self) -> str:
        """FreeSWITCH's `Channel-Call-State`."""
        if self.hangup_cause:
            return "HANGUP"
        if self.answered:
            return "ACTIVE"
        if self.early:
            return "EARLY"
        return "RINGING" if self.ringing or self.direction == "inbound" else "DOWN"

    @property
    def answer_state(self) -> str:
        """FreeSWITCH's `Answer-State`."""
        if self.hangup_cause:
            return "hangup"
        return "answered" if self.answered else "early" if self.early else "ringing"

    @property
    def codec_name(self) -> str:
        """The law in use, empty before it is known."""
        return g711.NAMES[self.remote.law] if self.remote is not None else ""

    # Waiting and being woken -----------------------------------------------------------------

    def wake(self) -> None:
        """Let whoever waits look again."""
        with self.changed:
            self.changed.notify_all()

    def check(self) -> None:
        """Raise the interruption that is due, if one is."""
        if self.hangup_cause:
            raise HungUp
        if self.moved_to:
            raise Moved

    def wait(self, done: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until `done`, at most `timeout` seconds; False on time-out.

        Raises `Interrupted` when the call is hung up or moved.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.changed:
            while True:
                self.check()
                if done():
                    return True
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self.changed.wait(left)

    def move(self, extension: str, _dialplan: str = "", context: str = "") -> None:
        """Transfer the call: its running application is broken off. The context stays unless one is named."""
        with self.changed:
            if self.hangup_cause:
                return
            self.moved_to = extension, context or self.profile.context
            self.changed.notify_all()

    def break_off(self) -> None:
        """End what is played, if anything is."""
        playing = self.playing
        if playing is not None:
            playing.broken_off = True

    def press(self, key: str) -> None:
        """A key was pressed; called on the thread that heard it."""
        with self.changed:
            self.dialled_keys = (self.dialled_keys + key)[-1000:]
            if self.partner is None:
                self.keys.append(key)
                self.changed.notify_all()
        self.switch.events.fire("DTMF", self, ("DTMF-Digit", key), ("DTMF-Source", "RTP"))

    # What we tell the other side --------------------------------------------------------------

    def pre_answer(self) -> None:
        """Open early media: 183 with a description, unless that or more was done already."""
        if self.early or self.answered or self.hangup_cause:
            return
        self.early = True
        self.times.progress_media = self.times.progress_media or now_us()
        self.variables.set("endpoint_disposition", "EARLY MEDIA")
        self.switch.sip.run(self.sip.progress, self.signals.describe())
        self.switch.events.fire("CHANNEL_PROGRESS_MEDIA", self)

    def answer(self) -> None:
        """Send 200, once."""
        if self.answered or self.hangup_cause:
            return
        self.mark_answered()
        self.variables.set("sip_to_tag", self.sip.identity()[1])
        self.switch.sip.run(self.sip.answer, self.signals.describe())
        api.api_on(self, "api_on_answer")
        self.switch.events.fire("CHANNEL_ANSWER", self)

    def mark_answered(self) -> None:
        """Note that the call is answered now."""
        self.answered = True
        self.times.answered = now_us()
        self.media.last_packet = time.monotonic()
        self.variables.set("endpoint_disposition", "ANSWER")

    def hangup(self, cause: str) -> None:
        """End the leg from our side, once."""
        if not self.note_hangup(cause):
            return
        status = 0
        if self.answered:
            self.variables.set("sip_hangup_disposition", "send_bye")
        elif self.direction == "inbound":
            self.variables.set("sip_hangup_disposition", "send_refuse")
            status = self._refusal()
        else:
            self.variables.update(
                {
                    "sip_hangup_disposition": "send_cancel",
                    "sip_invite_failure_status": "487",
                    "sip_invite_failure_phrase": "CANCEL",
                }
            )
        self.switch.sip.run(self.sip.end, cause, status, causes.phrase(status))
        self.announce_hangup()

    def _refusal(self) -> int:
        """The status for an unanswered caller: the joined line's own, if it gave one."""
        proto = self.variables.get("last_bridge_proto_specific_hangup_cause") or ""
        if self.variables.is_true("sip_ignore_remote_cause"):
            proto = ""
        number = proto.removeprefix("sip:")
        return int(number) if number.isdigit() and proto != "sip:200" else causes.to_sip(self.hangup_cause)

    def note_hangup(self, cause: str) -> bool:
        """The leg has ended, with this cause; False when it had ended before."""
        with self.changed:
            if self.hangup_cause:
                return False
            self.hangup_cause = cause
            self.state = State.CS_HANGUP
            self.times.hungup = now_us()
            partner = self.partner
            if partner is not None:
                self.variables.set(
                    "last_bridge_role", "originator" if self.direction == "inbound" else "originatee"
                )
            self.changed.notify_all()
        return True

    def announce_hangup(self) -> None:
        """Tell everybody who waits for the end of this leg."""
        if (partner := self.partner) is not None:
            partner.note_end_of(self)
        self.switch.events.fire("CHANNEL_HANGUP", self)
        self.tell_watchers()

    def note_end_of(self, other: Channel) -> None:
        """The leg that we were joined to, or were ringing, has ended: remember how."""
        noted = {
            "last_bridge_hangup_cause": other.hangup_cause,
            "last_bridge_proto_specific_hangup_cause": other.variables.get("proto_specific_hangup_cause"),
            "sip_hangup_phrase": other.sip_phrase,
        }
        if other.variables.get("sip_hangup_disposition") == "recv_refuse":
            noted["sip_invite_failure_status"] = other.variables.get("sip_invite_failure_status")
        self.variables.update({name: value for name, value in noted.items() if value})

    def tell_watchers(self) -> None:
        """What becomes of a line's leg is waited for by the caller's thread."""
        for tell in list(self.watchers):
            tell()
        self.wake()


def new_uuid() -> str:
    """A channel's identity."""
    return str(uuid.uuid4())
