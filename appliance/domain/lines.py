"""Reaching a line, and reading how lines ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.domain.numbers import Caller
from appliance.domain.outcome import Disposition, MediaTerms, Target, Tried, Way
from appliance.domain.routing import CallerIdPolicy, Line, RoutingTable, Trunk
from appliance.domain.talk import NO_KEYS, TalkKeys

#: A 400 number as a caller's may be written, with 86 or the trunk prefix before it.
_FOUR_HUNDRED = re.compile(r"(?:\+|00)?(?:86)?0?400[0-9]{7}", re.ASCII)


def targets_for(
    line: Line,
    caller: Caller,
    table: RoutingTable,
    whisper: Path | None = None,
    is_down: Callable[[str], bool] = lambda trunk: False,
    keys: TalkKeys = NO_KEYS,
) -> list[Target]:
    """How the switch reaches a line, by its own trunk and then by its backups; those that are gone or only receive
    are left out, those that are down come last: one that answers no OPTIONS may carry calls all the same.

    A 400 number is never the calling number: toward a trunk that does not pass the caller's own number
    goes the trunk's, and the caller stands in Diversion or in the display name; so it does, by itself, where the
    caller's own is a 400 number. A SIP phone is in the house: it
    sees the caller's own.

    :param keys: what the line's side may ask for while they talk.
    """
    if line.is_phone:
        return [_phone(line, caller, whisper, keys)]
    trunks = (table.trunk(trunk_id) for trunk_id in dict.fromkeys((line.trunk, *line.backups)))
    ways = [trunk for trunk in trunks if trunk is not None and trunk.proxy]
    ways.sort(key=lambda trunk: is_down(trunk.id))
    return [_target(line, caller, trunk, whisper, keys) for trunk in ways]


def _phone(line: Line, caller: Caller, whisper: Path | None, keys: TalkKeys) -> Target:
    return Target(
        line=line.id,
        number=line.id,
        proxy="",
        ring_seconds=line.ring_seconds,
        max_calls=line.max_calls,
        caller_number=caller.number,
        whisper=whisper,
        confirm=line.confirm,
        way=Way.PHONE,
        keys=keys,
    )


def media_terms(trunk: Trunk) -> MediaTerms:
    """How voice and keys travel on a trunk."""
    return MediaTerms(
        dtmf=trunk.dtmf,
        symmetric_rtp=trunk.symmetric_rtp,
        session_timer_s=trunk.session_timer_seconds,
        media_timeout_s=trunk.media_timeout_seconds,
        progress_s=trunk.progress_seconds,
    )


def _target(line: Line, caller: Caller, trunk: Trunk, whisper: Path | None, keys: TalkKeys) -> Target:
    shown = trunk.written(caller.number) if caller.number else ""
    policy = trunk.caller_id
    passes = policy is CallerIdPolicy.PASS and not _FOUR_HUNDRED.fullmatch(caller.number)
    return Target(
        line=line.id,
        number=trunk.written(line.number),
        proxy=trunk.proxy,
        ring_seconds=line.ring_seconds,
        max_calls=line.max_calls,
        caller_number=shown if passes else trunk.caller_number,
        diversion=shown if policy is CallerIdPolicy.TRUNK else "",
        display=shown if policy is CallerIdPolicy.DISPLAY else "",
        trunk=trunk.id,
        trunk_max_calls=trunk.max_calls,
        codecs=trunk.codecs,
        causes=trunk.causes,
        whisper=whisper,
        confirm=line.confirm,
        way=Way.ADDRESS if trunk.registration is None else Way.REGISTERED,
        media=media_terms(trunk),
        keys=keys,
        profile=trunk.profile,
        announced=trunk.announced,
    )


def cause_when_all_failed(tried: Sequence[Tried]) -> str:
    """The Q.850 cause (FreeSWITCH's name) a caller gets when no line could be joined.

    No answer when a line rang in vain, busy when those that exist were busy or full, else a temporary
    failure: a line that does not exist is the enterprise's fault, not news for the caller.

    >>> cause_when_all_failed([Tried("a", Disposition.BUSY, ""), Tried("b", Disposition.NO_ANSWER, "")])
    'NO_ANSWER'
    >>> cause_when_all_failed([Tried("a", Disposition.FULL, ""), Tried("b", Disposition.NOT_EXISTING, "")])
    'USER_BUSY'
    >>> cause_when_all_failed([])
    'NORMAL_TEMPORARY_FAILURE'
    """
    nobody_there = {Disposition.NOT_EXISTING, Disposition.UNREACHABLE, Disposition.OFF}
    seen = {one.disposition for one in tried} - nobody_there
    if Disposition.NO_ANSWER in seen:
        return "NO_ANSWER"
    if Disposition.BUSY in seen or Disposition.FULL in seen:
        return "USER_BUSY"
    return "CALL_REJECTED" if seen else "NORMAL_TEMPORARY_FAILURE"
