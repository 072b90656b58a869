"""Ringing a line, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Disposition(StrEnum):
    """How trying a line ended."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    NOT_EXISTING = "not-existing"
    #: Every slot of the line is taken: it was not rung.
    FULL = "full"


#: The switch's word → what became of the try (causes: ``switch_channel.c`` CAUSE_CHART; SIP answers are mapped to
#: causes by mod_sofia, ``sofia_glue_sip_cause_to_freeswitch``).
_DISPOSITIONS = {
    "SUCCESS": Disposition.ANSWERED,
    "USER_BUSY": Disposition.BUSY,
    "NO_ANSWER": Disposition.NO_ANSWER,
    "ALLOTTED_TIMEOUT": Disposition.NO_ANSWER,
    "PROGRESS_TIMEOUT": Disposition.UNREACHABLE,
    "CALL_REJECTED": Disposition.REJECTED,
    "UNALLOCATED_NUMBER": Disposition.NOT_EXISTING,
    "NO_ROUTE_DESTINATION": Disposition.NOT_EXISTING,
    "NUMBER_CHANGED": Disposition.NOT_EXISTING,
    "INVALID_NUMBER_FORMAT": Disposition.NOT_EXISTING,
    # Ours, for a line that had no slot free (``switch.dialling``).
    "LINE_FULL": Disposition.FULL,
    "NO_PICKUP": Disposition.FULL,
}


def disposition(cause: str) -> Disposition:
    """What a cause means for the caller; what is not listed is the line's or the network's fault.

    >>> disposition("NO_USER_RESPONSE")
    <Disposition.UNREACHABLE: 'unreachable'>
    """
    return _DISPOSITIONS.get(cause, Disposition.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Target:
    """A line as the switch rings it. Every text is checked against an allow-list before it is sent.

    :param line: the line's id, by which its slots are counted.
    :param number: as the trunk wants it written.
    :param proxy: ``HOST:PORT`` of the trunk.
    :param ring_seconds: how long it may ring.
    :param max_calls: calls the line carries at once; 0: we count none.
    :param caller_number: shown to the line; empty: withheld.
    :param diversion: number for the Diversion header (RFC 5806); empty: none.
    :param trunk: the trunk's id, by which its channels are counted.
    :param trunk_max_calls: channels that the trunk has; 0: we count none.
    """

    line: str
    number: str
    proxy: str
    ring_seconds: int
    max_calls: int
    caller_number: str = ""
    diversion: str = ""
    trunk: str = ""
    trunk_max_calls: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a target. ``cause`` is the switch's own word (``USER_BUSY``)."""

    line: str
    disposition: Disposition
    cause: str


#: A record's list of tried lines ends here; a call that tries more of them goes on.
_MOST_TRIED = 900


def with_tried(before: str, tried: Tried) -> str:
    """The record's list of tried lines, ``LINE=DISPOSITION`` joined with ``;``, and one more.

    >>> with_tried("a=busy", Tried("b", Disposition.ANSWERED, "SUCCESS"))
    'a=busy;b=answered'
    """
    entry = f"{tried.line}={tried.disposition}"
    longer = f"{before};{entry}" if before else entry
    return longer if len(longer) <= _MOST_TRIED else before
