"""Caller profiles and their times, as they appear in events (`Caller-…`) and in CDRs.

Sources: `switch_caller_profile_event_set_data`, `switch_ivr_set_json_profile_data`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass
class Times:
    """When what happened, microseconds since 1970; 0 for not at all."""

    created: int = 0
    profile_created: int = 0
    progress: int = 0
    progress_media: int = 0
    answered: int = 0
    bridged: int = 0
    hungup: int = 0
    transferred: int = 0


@dataclass
class Profile:
    """Who calls whom on one leg. A transfer gives the leg a new one in front of the old."""

    direction: str
    username: str
    caller_name: str
    caller_number: str
    original_name: str
    original_number: str
    network_addr: str
    destination: str
    uuid: str
    channel_name: str
    index: int = 1
    callee_name: str = ""
    callee_number: str = ""
    rdnis: str = ""
    transfer_source: str = ""
    dialplan: str = "XML"
    context: str = "gateway"
    source: str = "mod_sofia"
    times: Times = field(default_factory=Times)

    def headers(self, prefix: str) -> list[tuple[str, str]]:
        """The event headers of this profile under a prefix such as `Caller`."""
        texts = (
            ("Username", self.username),
            ("Dialplan", self.dialplan),
            ("Caller-ID-Name", self.caller_name),
            ("Caller-ID-Number", self.caller_number),
            ("Orig-Caller-ID-Name", self.original_name),
            ("Orig-Caller-ID-Number", self.original_number),
            ("Callee-ID-Name", self.callee_name),
            ("Callee-ID-Number", self.callee_number),
            ("Network-Addr", self.network_addr),
            ("ANI", self.username),
            ("Destination-Number", self.destination),
            ("Unique-ID", self.uuid),
            ("Source", self.source),
            ("Transfer-Source", self.transfer_source),
            ("Context", self.context),
            ("RDNIS", self.rdnis),
            ("Channel-Name", self.channel_name),
            ("Profile-Index", str(self.index)),
        )
        times = self.times
        numbers = (
            ("Profile-Created-Time", times.profile_created),
            ("Channel-Created-Time", times.created),
            ("Channel-Answered-Time", times.answered),
            ("Channel-Progress-Time", times.progress),
            ("Channel-Progress-Media-Time", times.progress_media),
            ("Channel-Hangup-Time", times.hungup),
            ("Channel-Transfer-Time", times.transferred),
            ("Channel-Resurrect-Time", 0),
            ("Channel-Bridged-Time", times.bridged),
            ("Channel-Last-Hold", 0),
            ("Channel-Hold-Accum", 0),
        )
        headers = [(f"{prefix}-Direction", self.direction), (f"{prefix}-Logical-Direction", self.direction)]
        headers += [(f"{prefix}-{name}", text) for name, text in texts if text]
        headers += [(f"{prefix}-{name}", str(number)) for name, number in numbers]
        headers += [
            (f"{prefix}-Screen-Bit", "true"),
            (f"{prefix}-Privacy-Hide-Name", "false"),
            (f"{prefix}-Privacy-Hide-Number", "false"),
        ]
        return headers

    def cdr(self) -> dict[str, str]:
        """The profile as a CDR writes it."""
        return {
            "username": self.username,
            "dialplan": self.dialplan,
            "caller_id_name": self.caller_name,
            "ani": self.username,
            "aniii": "",
            "caller_id_number": self.caller_number,
            "network_addr": self.network_addr,
            "rdnis": self.rdnis,
            "destination_number": self.destination,
            "uuid": self.uuid,
            "source": self.source,
            "context": self.context,
            "chan_name": self.channel_name,
        }

    def clone(self, destination: str, context: str) -> Profile:
        """The profile of the same leg after a transfer; the old one keeps its times as they are."""
        times = replace(self.times, profile_created=now_us())
        return replace(
            self,
            destination=destination,
            context=context,
            rdnis=self.destination,
            index=self.index + 1,
            times=times,
        )
