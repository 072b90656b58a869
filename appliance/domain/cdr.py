"""One leg from its CDR: a leg's variables become typed facts (``cdr_call`` makes the call of its legs).

Variables are the switch's (``docs/switch-contract.md``, section CDR) and come from outside: a caller chooses some
of their bytes. What only describes is cleaned and cut to its column; what a bill hangs on is refused instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from urllib.parse import parse_qsl, quote_plus

#: Variables that are kept of a leg, beside every ``gw_…``.
KEPT = frozenset(
    {
        "uuid",
        "call_uuid",
        "originator",
        "originating_leg_uuid",
        "bridge_uuid",
        "last_bridge_to",
        "signal_bond",
        "originate_signal_bond",
        "direction",
        "start_uepoch",
        "answer_uepoch",
        "bridge_uepoch",
        "end_uepoch",
        "progress_uepoch",
        "billmsec",
        "billusec",
        "duration",
        "hangup_cause",
        "hangup_cause_q850",
        "sip_term_status",
        "sip_invite_failure_status",
        "sip_hangup_disposition",
        "sip_call_id",
        "originate_disposition",
        "last_bridge_hangup_cause",
        "sip_from_display",
        "sip_from_user",
        "sip_req_user",
        "sip_to_user",
        "caller_id_name",
        "current_application",
    }
)
#: The handlers' facts in one variable, ``number=4008001234&keys=main%3D1``: a variable costs the switch a third of
#: what an application does, for it stands in each of a leg's some forty events.
PACKED = "gw_facts"
_MOST_NOTES = 64
#: A fact is cut to so many characters.
LONGEST = 1000
#: Longest text whose packed form is remembered: longer ones are a call's own, and thousands of them many megabytes.
_LONGEST_KEPT = 256

_NOTE = re.compile(r"gw_[a-z0-9_]{1,40}", re.ASCII)
_UUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
# Most values; nothing in them can be wrong.
_PLAIN = re.compile(r"[!-$&-~]*", re.ASCII)
_CAUSE = re.compile(r"[A-Z0-9_]{1,60}", re.ASCII)

#: Bidirectional controls turn the text behind them around, in lists and logs too.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Nobody here decodes ``%0A``; whoever does it later shall find no line break in it.
_ESCAPED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")

_ASCII = re.compile(r"[\x00-\x7f]+")
# What must not be decoded twice: it is syntax of the packed form.
_TWICE = re.compile(r"%(2[156B])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_UEPOCH = re.compile(r"[0-9]{1,16}", re.ASCII)
#: Two threads of the switch take the times of an answer and of a hang-up in the same moment; more is no race.
_RACE = timedelta(seconds=2)
#: A leg that is longer is not a call. Its milliseconds fit a 32-bit column.
LONGEST_LEG = timedelta(days=7)


class Role(StrEnum):
    """Whose leg it is."""

    CALLER = "caller"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A CDR that cannot be a leg of a call, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg. ``facts`` are its variables, cleaned: from them the same leg is read again."""

    uuid: str
    call_uuid: str
    role: Role
    started_at: datetime
    answered_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime
    hangup_cause: str
    facts: Mapping[str, str]


def clean(text: str, limit: int) -> str:
    """Text that may be shown and stored: no control characters, nothing that turns text around, cut.

    >>> clean("王\\x00\\n  小\\u202e明\\ud800", 10), clean("%0Agw_number=1", 30), clean("abcdef", 3)
    ('王 小 明', 'gw_number=1', 'abc')
    """
    if _PLAIN.fullmatch(text):
        return text[:limit]
    seen = _ESCAPED_CONTROL.sub(" ", text)
    seen = "".join(" " if unicodedata.category(c) in _UNSEEN or c in _TURNING else c for c in seen)
    return " ".join(seen.split())[:limit].rstrip()


def read_leg(variables: Mapping[str, object], role: Role) -> Leg | Rejected:
    """A leg from a CDR's ``variables``, or why it is none.

    Values of other types than text and whole numbers count as missing.
    """
    facts = _facts(variables)
    uuid = facts.get("uuid", "")
    if not _UUID.fullmatch(uuid):
        return Rejected(f"uuid: not a leg's name: {uuid[:80]!r}")
    role = _role(uuid, facts, role)
    call_uuid = uuid if role is Role.CALLER else _call_of(uuid, facts)
    if not call_uuid:
        return Rejected("originator: a line's leg that names no call")
    times: dict[str, datetime | None] = {}
    for name in ("start", "answer", "bridge", "end"):
        time = _time(facts.get(f"{name}_uepoch", "0"))
        if isinstance(time, Rejected):
            return Rejected(f"{name}_uepoch: {time.reason}")
        times[name] = time
    started, ended = times["start"], times["end"]
    if started is None or ended is None:
        return Rejected(f"{'start' if started is None else 'end'}_uepoch: missing")
    if ended < started - _RACE:
        return Rejected("end_uepoch: before its start")
    ended = max(started, ended)
    if ended - started > LONGEST_LEG:
        return Rejected(f"end_uepoch: {(ended - started).days} days after its start")
    for name in ("answer", "bridge"):
        time = times[name]
        if time is not None:
            if not started - _RACE <= time <= ended + _RACE:
                return Rejected(f"{name}_uepoch: not between its start and its end")
            times[name] = min(max(time, started), ended)
    return Leg(
        uuid=uuid,
        call_uuid=call_uuid,
        role=role,
        started_at=started,
        answered_at=times["answer"],
        bridged_at=times["bridge"],
        ended_at=ended,
        hangup_cause=matching(_CAUSE, facts.get("hangup_cause", "")),
        facts=facts,
    )


def _role(uuid: str, facts: Mapping[str, str], told: Role) -> Role:
    """Whose leg it is. The file's name tells it of legs that were joined once; where a line's side has sent the
    caller on, the switch joins legs anew (switch_ivr_uuid_bridge) and their names no longer do. A caller's leg
    came in, and a line's with keys names its call."""
    if facts.get("gw_call") not in (None, "", uuid):
        return Role.LINE
    return Role.CALLER if facts.get("direction") == "inbound" else told


def _facts(variables: Mapping[str, object]) -> dict[str, str]:
    facts: dict[str, str] = {}
    notes = 0
    packed = variables.get(PACKED)
    # What the fallback notes by itself is newer than what the handlers had packed.
    apart = {name: value for name, value in variables.items() if name != PACKED}
    together = {**unpacked(packed if isinstance(packed, str) else ""), **apart}
    for name, value in together.items():
        is_note = bool(_NOTE.fullmatch(name))
        if not is_note and name not in KEPT:
            continue
        notes += is_note
        # Whole numbers that fit 64 bits: more digits than that are slow to write, and no fact.
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            value = str(value)
        if name.endswith("_uepoch") and not isinstance(value, str):
            # A time that cannot be read is no time that did not happen: it makes the leg refused.
            value = type(value).__name__
        if isinstance(value, str) and not (is_note and notes > _MOST_NOTES):
            facts[name] = clean(value, LONGEST)
    return facts


def unpacked(text: str) -> dict[str, str]:
    """Facts as ``gw_…`` variables; what cannot be read is none.

    >>> unpacked("number=4008001234&keys=main%3D1%3Bsales%3D2")
    {'gw_number': '4008001234', 'gw_keys': 'main=1;sales=2'}
    """
    try:
        read = parse_qsl(text.replace("!", "%"), max_num_fields=_MOST_NOTES)
        return {f"gw_{name}": value for name, value in read}
    except ValueError:  # more of them than anybody notes
        return {}


def packed(facts: Mapping[str, str]) -> str:
    """The reverse of ``unpacked``, names without ``gw_``; empty facts are left out. Letters beyond ASCII stand for
    themselves: encoded each is nine signs. ``& + % !`` are written ``!26 !2B !25 !21``: in an event the switch
    encodes no ``%XX`` again (``switch_url_encode``), so that whoever reads the event has decoded those already.

    >>> packed({"number": "4008001234", "city": "上海", "line": ""})
    'number=4008001234&city=上海'
    """
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in facts.items() if value])


def _quoted(text: str) -> str:
    return _short_quoted(text) if len(text) <= _LONGEST_KEPT else _encoded(text)


def _encoded(text: str) -> str:
    return _ASCII.sub(lambda part: _TWICE.sub(r"!\1", quote_plus(part[0])), text)


#: A call packs its facts once a step, and most of them are the same as before and in the next call.
_short_quoted = lru_cache(maxsize=4096)(_encoded)


def _call_of(uuid: str, facts: Mapping[str, str]) -> str:
    """The caller's leg that a line's leg was made for.

    ``call_uuid`` comes last: at the end of a talk the switch sets it to the leg's own (switch_ivr_multi_threaded_
    bridge), and whether the CDR is written before or after that is a race.
    """
    for name in ("gw_call", "originator", "originating_leg_uuid", "signal_bond", "call_uuid"):
        found = facts.get(name, "")
        if found != uuid and _UUID.fullmatch(found):
            return found
    return ""


def _time(text: str) -> datetime | Rejected | None:
    """Microseconds since 1970 as an instant; None: 0, it did not happen."""
    if not _UEPOCH.fullmatch(text):
        return Rejected(f"not a time: {text[:40]!r}")
    if int(text) == 0:
        return None
    at = _EPOCH + timedelta(microseconds=int(text))
    return at if _EARLIEST <= at < _LATEST else Rejected(f"not in 2000 to 2099: {text}")


def matching(pattern: re.Pattern[str], text: str) -> str:
    """``text`` if it is wholly of the pattern, else nothing."""
    return text if pattern.fullmatch(text) else ""
