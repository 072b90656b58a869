"""One call from its legs, whichever of them are known so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from appliance.domain import numbers
from appliance.domain.cdr import Leg, clean, matching
from appliance.domain.credit import OUT_OF_MONEY, OUT_OF_MONEY_CAUSE
from appliance.domain.outcome import Disposition, disposition
from appliance.domain.queue import Stay, stays_of
from appliance.domain.recording import MOST_MESSAGES, Unrecorded
from appliance.domain.talks import Talked, talks_of, together_ms

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_CALLED = re.compile(r"[+*#0-9]{1,30}", re.ASCII)
_UUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_MARK = re.compile(r"[0-9*#]", re.ASCII)
_STATUS = re.compile(r"[1-6][0-9]{2}", re.ASCII)
_OUTCOME = re.compile(
    r"(?=.{1,60}\Z)(?:answered|ended|(?:refused|abandoned|failed|ended):[a-z0-9][a-z0-9._-]*)", re.ASCII
)
_PAIR = re.compile(r"[^=]{1,200}=[^=]{1,80}")
#: Each part of the path begins with a letter or a digit, so none is ``..`` and the whole is relative.
RECORDING = re.compile(
    r"(?=.{1,200}\Z)(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*\.[a-z0-9]+", re.ASCII
)
_PROMPT = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = frozenset(numbers.CallerKind)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call, as it is stored. Durations are milliseconds; empty texts: not known."""

    uuid: str
    account_id: str | None
    number: str
    trunk_id: str
    caller: str
    caller_kind: str
    caller_name: str
    started_at: datetime
    answered_at: datetime | None
    joined_at: datetime | None
    ended_at: datetime
    bill_ms: int
    bridged_ms: int
    line_id: str
    flow: str
    keys: str
    way: str
    mark: str
    tried: str
    outcome: str
    because: str
    hangup_cause: str
    talks: str
    sip_status: int | None
    recording: str
    messages: str = ""
    notice: str = ""
    unrecorded: str = ""
    callback_id: str = ""


def derive_call(caller: Leg, lines: Iterable[Leg] = (), home_area_code: str = "") -> CallFacts:
    """The call that a caller's leg and the legs of lines known so far make.

    ``bridged_ms`` runs from the bridge to the earlier end of the two legs; while the line's leg is not there,
    to the end of the caller's. Where a line's side has sent the caller on it is the time with any line, from the
    first ``joined_at`` on. Notes of the handlers (``gw_…``) go before what can be told without them.

    A call back (``callback_id``) begins with the line's leg, which stands where else the caller's does, and the leg
    that it rang is his.
    """
    facts = caller.facts
    callback_id = matching(_UUID, facts.get("gw_callback", ""))
    legs = sorted(lines, key=lambda leg: (leg.started_at, leg.uuid))
    joined_at, line = _joined(caller, legs)
    talk_end = caller.ended_at if line is None else min(line.ended_at, caller.ended_at)
    # Where several rang at once only the line's own leg says which one it was.
    line_id = _line_of(line) or matching(_ID, facts.get("gw_line", ""))
    talks = talks_of(caller, legs)
    if joined_at is not None and len(talks) > 1:
        joined_at = min(joined_at, talks[0].since)
    kind = facts.get("gw_caller_kind", "")
    seen = numbers.caller(facts.get("sip_from_user", ""), home_area_code)
    return CallFacts(
        uuid=caller.uuid,
        account_id=matching(_ID, facts.get("gw_account", "")) or None,
        number=_called(facts),
        trunk_id=matching(_ID, facts.get("gw_trunk", "")),
        caller=matching(_CALLED, facts.get("gw_caller", "")) or seen.number,
        caller_kind=kind if kind in _KINDS else seen.kind.value,
        # On a line's leg it is what we have shown to the line.
        caller_name=""
        if callback_id
        else clean(facts.get("sip_from_display") or facts.get("caller_id_name", ""), 200),
        started_at=caller.started_at,
        answered_at=caller.answered_at,
        joined_at=joined_at,
        ended_at=caller.ended_at,
        bill_ms=_ms_between(caller.answered_at, caller.ended_at),
        bridged_ms=together_ms(talks) if len(talks) > 1 else _ms_between(joined_at, talk_end),
        line_id=line_id,
        flow=clean(facts.get("gw_flow", ""), 60),
        keys=_pairs(facts.get("gw_keys", ""), 500),
        way=_pairs(facts.get("gw_way", ""), 900),
        mark=matching(_MARK, facts.get("gw_mark", "")),
        tried=_tried(caller, legs, talks, line_id if joined_at is not None else ""),
        outcome=_outcome(caller, legs, joined_at is not None),
        because=clean(facts.get("gw_because", ""), 500),
        hangup_cause=_ended_by(caller),
        talks=_talks(talks),
        sip_status=_status(facts.get("sip_term_status", "")),
        # The name is noted before the line rings; there is a file only once somebody talks (RECORD_BRIDGE_REQ).
        recording=matching(RECORDING, facts.get("gw_recording", "")) if joined_at is not None else "",
        messages=_messages(facts.get("gw_messages", "")),
        notice=matching(_PROMPT, facts.get("gw_notice", "")),
        unrecorded=_unrecorded(facts, joined_at is not None),
        callback_id=callback_id,
    )


def _ended_by(caller: Leg) -> str:
    """The leg's cause, or our own word where the switch held a limit that money had set."""
    ended_for_money = caller.hangup_cause == OUT_OF_MONEY_CAUSE and caller.facts.get("gw_limit")
    return OUT_OF_MONEY if ended_for_money else caller.hangup_cause


def _messages(noted: str) -> str:
    """Names of messages, without what is none."""
    return ";".join(list(filter(RECORDING.fullmatch, noted.split(";")))[:MOST_MESSAGES])


def _unrecorded(facts: Mapping[str, str], joined: bool) -> str:
    """Why the talk was not recorded, as noted before the lines rang."""
    noted = facts.get("gw_unrecorded", "")
    return noted if joined and noted in set(Unrecorded) else ""


def _talks(talks: Iterable[Talked]) -> str:
    """``LINE=MS;LINE=MS``."""
    return _pairs(";".join(f"{_line_of(one.leg) or '-'}={one.lasted_ms}" for one in talks), 500)


def stays(caller: Leg, call: CallFacts) -> list[Stay]:
    """The caller's times in queues, each with its one end."""
    facts = caller.facts
    over, open_one = facts.get("gw_queued", ""), facts.get("gw_queue", "")
    if facts.get("gw_fallback") or facts.get("gw_outcome") in _OF_THE_FALLBACK:
        # The handlers were gone, and with them his place: whom the fallback joined no line of the queue has served.
        return stays_of(over, open_one, None, call.joined_at or caller.ended_at, gave_up=False)
    gave_up = facts.get("sip_hangup_disposition") in _GAVE_UP
    return stays_of(over, open_one, call.joined_at, caller.ended_at, gave_up)


#: The caller's own ends of a call.
_GAVE_UP = frozenset({"recv_bye", "recv_cancel"})
#: What the fallback alone notes; one of an older version has no ``gw_fallback``.
_OF_THE_FALLBACK = frozenset({"abandoned:fallback", "failed:handlers"})


def _ms_between(since: datetime | None, until: datetime) -> int:
    """Milliseconds between two instants, each taken in whole milliseconds as the switch's ``billmsec`` is.

    No ``since``, or one that is later: 0.
    """
    if since is None:
        return 0
    first, last = ((at - _EPOCH) // timedelta(milliseconds=1) for at in (since, until))
    return max(last - first, 0)


def _joined(caller: Leg, lines: list[Leg]) -> tuple[datetime | None, Leg | None]:
    """When the caller was joined to a line for the last time, and that line's leg if it is known."""
    answered = [leg for leg in lines if leg.answered_at is not None]
    name = caller.facts.get("bridge_uuid") or caller.facts.get("last_bridge_to")
    if name:
        line = next((leg for leg in answered if leg.uuid == name), None)
    else:
        talked = [(leg.bridged_at, leg.uuid, leg) for leg in answered if leg.bridged_at is not None]
        line = max(talked, default=(None, "", None))[2]
    if caller.bridged_at is not None or line is None:
        return caller.bridged_at, line
    # A switch that is no FreeSWITCH may note the bridge on one leg alone.
    return line.bridged_at, line


def _outcome(caller: Leg, lines: list[Leg], joined: bool) -> str:
    """How the call ended, in one word or ``WORD:WHY``.

    That a line was joined is the switch's own word and goes before the handlers' note: they note "abandoned
    while ringing" before they ring, and the caller who hangs up in the talk leaves them no time for another.
    """
    facts = caller.facts
    if joined or facts.get("last_bridge_to"):
        return "answered"
    noted = facts.get("gw_outcome", "")
    if _OUTCOME.fullmatch(noted):
        return noted
    if facts.get("sip_hangup_disposition") in _GAVE_UP or caller.hangup_cause == "ORIGINATOR_CANCEL":
        if lines or facts.get("gw_line") or facts.get("gw_tried"):
            return "abandoned:ringing"
        return "abandoned:menu" if caller.answered_at else "abandoned:start"
    return f"failed:{caller.hangup_cause.lower().replace('_', '-') or 'unknown'}"[:60]


def _tried(caller: Leg, lines: list[Leg], talks: list[Talked], joined: str) -> str:
    """Lines tried: those noted, and the one that was ``joined`` last (empty: none): with its talk the call is over.
    Where a line's side has sent the caller on, those that talked stand where they were rung.

    Of lines that rang at once the handlers know one common end; each line's leg has its own.
    """
    noted = [tuple(pair.split("=")) for pair in _pairs(caller.facts.get("gw_tried", ""), 500).split(";") if pair]
    ends: dict[str, list[str]] = {}
    for leg in lines:
        # Who rang alone: the handlers know better what its trunk meant by its cause.
        ends.setdefault(_line_of(leg), []).append("" if _rang_alone(leg, lines) else leg.hangup_cause)
    tried = []
    for line, how in noted:
        own = ends.get(line, [])
        cause = own.pop(0) if own else ""
        tried.append(f"{line}={how if how in _SAID or cause in _NOT_THE_LINES else disposition(cause)}")
    if len(talks) > 1:
        return _pairs(";".join(_in_order(lines, {talk.leg.uuid for talk in talks}, tried)), 500)
    entry = f"{joined}=answered"
    if joined and (not tried or tried[-1] != entry):
        tried.append(entry)
    return _pairs(";".join(tried), 500)


def _rang_alone(leg: Leg, lines: list[Leg]) -> bool:
    """Whether no other line's leg was there at the time."""
    others = [other for other in lines if other is not leg]
    return not any(other.started_at < leg.ended_at and leg.started_at < other.ended_at for other in others)


def _in_order(lines: list[Leg], talked: set[str], tried: list[str]) -> list[str]:
    """The lines' legs in their order, each as it is told, or as it talked; before them what was tried without a
    leg."""
    left = [one for one in tried if not one.endswith(f"={Disposition.ANSWERED}")]
    made = []
    for leg in lines:
        line = _line_of(leg)
        told = next((one for one in left if one.startswith(f"{line}=")), "")
        if leg.uuid in talked:
            made.append(f"{line}={Disposition.ANSWERED}")
        else:
            made.append(told or f"{line}={disposition(leg.hangup_cause)}")
            left = [one for one in left if one is not told]
    return [*left, *made]


#: Ends that the handlers know for certain: such a line was not rung, or talked.
_SAID = frozenset({Disposition.FULL, Disposition.ANSWERED})
#: Causes that say nothing of a line: no leg is known, or it was given up for another's sake or the caller's.
_NOT_THE_LINES = frozenset({"", "LOSE_RACE", "ORIGINATOR_CANCEL"})


def _called(facts: Mapping[str, str]) -> str:
    """The called number: as the handlers noted it, else a 400 number that the caller dialled."""
    noted = matching(_CALLED, facts.get("gw_number", ""))
    dialled = (facts.get(name, "") for name in ("sip_req_user", "sip_to_user"))
    return noted or next((numbers.compact(text) for text in dialled if numbers.is_valid(text)), "")


def _line_of(line: Leg | None) -> str:
    return "" if line is None else matching(_ID, line.facts.get("gw_line", ""))


def _status(text: str) -> int | None:
    return int(text) if _STATUS.fullmatch(text) else None


def _pairs(text: str, limit: int) -> str:
    """``A=1;B=2`` without what is no pair, up to the first that does not fit."""
    kept = ""
    for pair in text.split(";"):
        if len(kept) + 1 + len(pair) > limit:
            break
        if _PAIR.fullmatch(pair):
            kept = f"{kept};{pair}".lstrip(";")
    return kept
