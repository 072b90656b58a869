"""Ringing a line, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType


class Disposition(StrEnum):
    """How trying a line ended."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    NOT_EXISTING = "not-existing"
    #: 关机: known only where a trunk's own causes say so.
    OFF = "off"
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
    "GATEWAY_DOWN": Disposition.UNREACHABLE,
    # Ours, for a line that had no slot free (``switch.dialling``).
    "LINE_FULL": Disposition.FULL,
    "NO_PICKUP": Disposition.FULL,
}


#: Causes that are the trunk's or the network's trouble, not the line's: another trunk may reach it.
_TRUNK_TROUBLE = frozenset(
    {
        *("NO_ROUTE_TRANSIT_NET", "DESTINATION_OUT_OF_ORDER", "NORMAL_CIRCUIT_CONGESTION", "NETWORK_OUT_OF_ORDER"),
        *("NORMAL_TEMPORARY_FAILURE", "SWITCH_CONGESTION", "REQUESTED_CHAN_UNAVAIL", "SERVICE_UNAVAILABLE"),
        *("BEARERCAPABILITY_NOTAVAIL", "RECOVERY_ON_TIMER_EXPIRE", "PROTOCOL_ERROR", "INTERWORKING"),
        *("GATEWAY_DOWN", "PROGRESS_TIMEOUT"),
    }
)


def disposition(
    cause: str, status: str = "", causes: Mapping[str, Disposition] = MappingProxyType({})
) -> Disposition:
    """What a cause means for the caller; what is not listed is the line's or the network's fault.

    :param status: the SIP status behind it (``480``), if one is known.
    :param causes: the trunk's own reading, by ``480`` or ``SUBSCRIBER_ABSENT``; it goes before the usual one, and a
        status before a cause.

    >>> disposition("NO_USER_RESPONSE")
    <Disposition.UNREACHABLE: 'unreachable'>
    >>> disposition("NO_USER_RESPONSE", "480", {"480": Disposition.OFF})
    <Disposition.OFF: 'off'>
    """
    own = causes.get(status) or causes.get(cause)
    return own or _DISPOSITIONS.get(cause, Disposition.UNREACHABLE)


def is_trunk_trouble(tried: Tried) -> bool:
    """Whether another trunk may reach the line.

    >>> is_trunk_trouble(Tried("a", Disposition.UNREACHABLE, "NORMAL_CIRCUIT_CONGESTION"))
    True
    >>> is_trunk_trouble(Tried("a", Disposition.BUSY, "NORMAL_CIRCUIT_CONGESTION"))  # as the trunk's own causes say
    False
    """
    return tried.disposition is Disposition.UNREACHABLE and tried.cause in _TRUNK_TROUBLE


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
    :param codecs: those that are offered, the preferred one first; none: the switch's own.
    :param causes: the trunk's own reading of SIP statuses and causes.
    :param whisper: what the line hears once it has answered, before it is joined; None: nothing.
    :param confirm: the line is joined only when it presses 1; else it rang in vain.
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
    codecs: tuple[str, ...] = ()
    causes: Mapping[str, Disposition] = field(default_factory=dict)
    whisper: Path | None = None
    confirm: bool = False


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
