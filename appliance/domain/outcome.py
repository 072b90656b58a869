"""Ringing a line, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from appliance.domain.talk import NO_KEYS, TalkKeys


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
    "USER_NOT_REGISTERED": Disposition.UNREACHABLE,
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
    own = causes.get(f"{REASON}{cause}") or causes.get(status) or causes.get(cause)
    return own or _DISPOSITIONS.get(cause, Disposition.UNREACHABLE)


#: Before a cause that was given as a number of Q.850: what the carrier's own Reason header says goes before a
#: status.
REASON = "Reason:"

#: Q.850's causes that a carrier's Reason header brings (RFC 3326), by FreeSWITCH's names (``switch_cause_t``).
Q850 = MappingProxyType(
    {
        1: "UNALLOCATED_NUMBER",
        2: "NO_ROUTE_TRANSIT_NET",
        3: "NO_ROUTE_DESTINATION",
        6: "CHANNEL_UNACCEPTABLE",
        17: "USER_BUSY",
        18: "NO_USER_RESPONSE",
        19: "NO_ANSWER",
        20: "SUBSCRIBER_ABSENT",
        21: "CALL_REJECTED",
        22: "NUMBER_CHANGED",
        27: "DESTINATION_OUT_OF_ORDER",
        28: "INVALID_NUMBER_FORMAT",
        29: "FACILITY_REJECTED",
        31: "NORMAL_UNSPECIFIED",
        34: "NORMAL_CIRCUIT_CONGESTION",
        38: "NETWORK_OUT_OF_ORDER",
        41: "NORMAL_TEMPORARY_FAILURE",
        42: "SWITCH_CONGESTION",
        44: "REQUESTED_CHAN_UNAVAIL",
        50: "FACILITY_NOT_SUBSCRIBED",
        52: "OUTGOING_CALL_BARRED",
        54: "INCOMING_CALL_BARRED",
        58: "BEARERCAPABILITY_NOTAVAIL",
        63: "SERVICE_UNAVAILABLE",
        65: "BEARERCAPABILITY_NOTIMPL",
        88: "INCOMPATIBLE_DESTINATION",
        102: "RECOVERY_ON_TIMER_EXPIRE",
        111: "PROTOCOL_ERROR",
        127: "INTERWORKING",
    }
)


def read_causes(written: Mapping[str, str]) -> dict[str, Disposition]:
    """A trunk's own meanings as a site file writes them: by SIP status (``480``), cause (``SUBSCRIBER_ABSENT``) or
    the Reason header's number (``q850:20``), which goes before the two.

    >>> read_causes({"480": "busy", "q850:20": "off"})
    {'480': <Disposition.BUSY: 'busy'>, 'Reason:SUBSCRIBER_ABSENT': <Disposition.OFF: 'off'>}
    """
    read = {}
    for key, meant in written.items():
        _, reason, number = key.partition("q850:")
        read[f"{REASON}{Q850[int(number)]}" if reason else key] = Disposition(meant)
    return read


#: Ends that say nothing of why nobody answered.
_VAGUE = frozenset({Disposition.NO_ANSWER, Disposition.UNREACHABLE})


def as_announced(found: Disposition, announced: Disposition | None, *, spoke: bool, rang: bool) -> Disposition:
    """What a try means whose carrier spoke (early media) while the line never rang: a recorded voice said why,
    which nobody here understands, but the site may know what this carrier says then.

    >>> as_announced(Disposition.NO_ANSWER, Disposition.OFF, spoke=True, rang=False)
    <Disposition.OFF: 'off'>
    >>> as_announced(Disposition.NO_ANSWER, Disposition.OFF, spoke=True, rang=True)
    <Disposition.NO_ANSWER: 'no-answer'>
    """
    said = announced is not None and spoke and not rang and found in _VAGUE
    return announced if said and announced is not None else found


def is_trunk_trouble(tried: Tried) -> bool:
    """Whether another trunk may reach the line.

    >>> is_trunk_trouble(Tried("a", Disposition.UNREACHABLE, "NORMAL_CIRCUIT_CONGESTION"))
    True
    >>> is_trunk_trouble(Tried("a", Disposition.BUSY, "NORMAL_CIRCUIT_CONGESTION"))  # as the trunk's own causes say
    False
    """
    return tried.disposition is Disposition.UNREACHABLE and tried.cause in _TRUNK_TROUBLE


class Way(StrEnum):
    """How a line is reached."""

    #: At the trunk's address.
    ADDRESS = "address"
    #: By the gateway of a trunk that we register at: it answers the carrier's challenge.
    REGISTERED = "registered"
    #: A SIP phone, at the place where it registered.
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class MediaTerms:
    """How voice and keys travel to a carrier, where it is not the usual.

    :param dtmf: ``rfc2833``, ``info`` or ``in-band``.
    :param symmetric_rtp: voice is sent to where its voice comes from.
    :param session_timer_s: how often a call that goes on is refreshed; 0: never.
    :param media_timeout_s: without a packet for so long the leg is ended; 0: as the box has it.
    :param progress_s: no sign of the line within so long: it is not reached; 0: no limit.
    """

    dtmf: str = "rfc2833"
    symmetric_rtp: bool = True
    session_timer_s: int = 1800
    media_timeout_s: int = 0
    progress_s: int = 0


USUAL_MEDIA = MediaTerms()


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
    :param display: number that the line sees as the name; empty: the one above.
    :param trunk: the trunk's id, by which its channels are counted.
    :param trunk_max_calls: channels that the trunk has; 0: we count none.
    :param codecs: those that are offered, the preferred one first; none: the switch's own.
    :param causes: the trunk's own reading of SIP statuses and causes.
    :param whisper: what the line hears once it has answered, before it is joined; None: nothing.
    :param confirm: the line is joined only when it presses 1; else it rang in vain.
    :param way: how it is reached; see ``Way``.
    :param media: how its voice and keys travel.
    :param keys: what its side may ask for while they talk.
    :param profile: the switch's, by which an address is called.
    :param announced: what it means that the carrier spoke and the line never rang.
    """

    line: str
    number: str
    proxy: str
    ring_seconds: int
    max_calls: int
    caller_number: str = ""
    diversion: str = ""
    display: str = ""
    trunk: str = ""
    trunk_max_calls: int = 0
    codecs: tuple[str, ...] = ()
    causes: Mapping[str, Disposition] = field(default_factory=dict)
    whisper: Path | None = None
    confirm: bool = False
    way: Way = Way.ADDRESS
    media: MediaTerms = USUAL_MEDIA
    keys: TalkKeys = NO_KEYS
    profile: str = "gateway400"
    announced: Disposition | None = None


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
