"""Whether a talk is recorded, what a message is, and how much room there has to be.

Precedence, the first that holds:

1. ``off`` of a line that is rung, or of the flow: no recording. Who was promised that nothing is recorded (a works
   council, a doctor's line, a caller who has just said no) is not recorded because somebody else records all.
2. the line's own policy, where it has one; of lines that ring at once the one that records least, for nobody knows
   yet which of them will talk.
3. the flow's, where it has said one (the call's fact ``record``).
4. the number's.

A share is drawn once a call, so that a call which is rung on, or comes back from dead handlers, is not drawn again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_SHARE = re.compile(r"share:([1-9]|[1-9][0-9])", re.ASCII)
#: What a line that says nothing of recording has.
UNSAID = ""
#: Days that a recording is kept unless its number says otherwise.
RETENTION_DAYS = 180
#: A message with less sound in it than this is none: somebody breathed, or hung up at the beep.
LEAST_MESSAGE_S = 1.0
#: Messages of one call. The call's record names each, and all of their names stand in one fact (``cdr.LONGEST``):
#: a message that no record names is taken for one that the call took back.
MOST_MESSAGES = 18


@dataclass(frozen=True, slots=True)
class Policy:
    """Of a hundred calls so many are recorded."""

    share: int

    def records(self, draw: int) -> bool:
        """Whether a call with that draw (0 to 99) is."""
        return draw < self.share

    @property
    def is_off(self) -> bool:
        """No call is."""
        return self.share == 0

    def __str__(self) -> str:
        return {0: "off", 100: "all"}.get(self.share, f"share:{self.share}")


OFF, ALL = Policy(0), Policy(100)


def read_policy(text: str) -> Policy | None:
    """A policy as it is written; None: it is none.

    >>> str(read_policy("all")), str(read_policy("off")), read_policy("share:20")
    ('all', 'off', Policy(share=20))
    >>> read_policy("share:0"), read_policy("share:100"), read_policy("some"), read_policy("")
    (None, None, None, None)
    """
    if text in ("off", "all"):
        return OFF if text == "off" else ALL
    found = _SHARE.fullmatch(text)
    return Policy(int(found[1])) if found else None


def policy_for(number: Policy, flow: str, lines: Sequence[str]) -> Policy:
    """What holds for a call to that number while these lines ring.

    :param flow: what the flow has said, as it is written; what is no policy says nothing.
    :param lines: each line's own, ``UNSAID`` where it has none.

    >>> str(policy_for(ALL, "", ["", "off"])), str(policy_for(OFF, "share:5", [""]))
    ('off', 'share:5')
    """
    said = read_policy(flow)
    if said is not None and said.is_off:
        return OFF
    usual = said or number
    return min((read_policy(line) or usual for line in lines), key=lambda one: one.share, default=usual)


class Unrecorded(StrEnum):
    """Why a talk is not recorded."""

    OFF = "off"
    #: The dice chose others.
    SHARE = "share"
    #: The disk is full: calls go on.
    NO_ROOM = "no-room"


def why_not(policy: Policy, draw: int, *, has_room: bool) -> Unrecorded | None:
    """None: it is recorded."""
    if policy.is_off:
        return Unrecorded.OFF
    if not policy.records(draw):
        return Unrecorded.SHARE
    return None if has_room else Unrecorded.NO_ROOM


class Kind(StrEnum):
    """What was recorded."""

    TALK = "talk"
    VOICEMAIL = "voicemail"


def is_message(kind: Kind, voiced_s: float) -> bool:
    """Whether a recording is worth keeping: every talk, and a message in which somebody says something."""
    return kind is Kind.TALK or voiced_s >= LEAST_MESSAGE_S


def message_name(uuid: str, ordinal: int) -> str:
    """A message's place below the recordings folder. One folder for all, since the switch makes none for a message;
    each leaves it as soon as it is kept.

    >>> message_name("7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4", 1)
    'messages/7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4-m1.wav'
    """
    return f"messages/{uuid}-m{ordinal}.wav"


def keep_until(recorded_at: datetime, days: int) -> datetime:
    """When it may go."""
    return recorded_at + timedelta(days=days)


class Room(StrEnum):
    """How much room the disk has for recordings."""

    PLENTY = "plenty"
    #: Below the warning: an alarm, and what is past its retention goes at once.
    SHORT = "short"
    #: Below the floor: new calls are not recorded.
    NONE = "none"


def room(free: int, floor: int, warning: int, before: Room) -> Room:
    """The room that ``free`` bytes are. Once there was none, a tenth more than the floor is asked for: recording is
    not begun and ended again with every file that comes and goes.

    >>> room(900, 1000, 5000, Room.PLENTY), room(1050, 1000, 5000, Room.NONE), room(1100, 1000, 5000, Room.NONE)
    (<Room.NONE: 'none'>, <Room.NONE: 'none'>, <Room.SHORT: 'short'>)
    """
    needed = floor + floor // 10 if before is Room.NONE else floor
    if free < needed:
        return Room.NONE
    return Room.SHORT if free < warning else Room.PLENTY
