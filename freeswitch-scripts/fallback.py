"""What the switch does with a call while the call handlers are away.

Run by the switch's embedded Python (application ``python``, argument ``fallback``). It reads the last
routing snapshot, rings the number's first line, and apologises where that does not lead to a conversation.
Of the session it uses ``execute``, ``getVariable``, ``setVariable``, ``ready``, ``hangup`` and ``answer``
only, of Python the standard library only: both the real and the embedded switch run this file as it is.

The snapshot, written by the appliance each time the routing changes::

    {"version": 1,
     "numbers": {"4008001234": {"account": "demo", "called_from_landing": ["02161234567"],
                                "first_line": {"id": "sales-1", "ring_seconds": 25, "max_calls": 2,
                                               "caller_id": "trunk", "caller_number": "02160000000",
                                               "dial": "sofia/gateway400/02160000001@127.0.0.1:5090"}}},
     "landing": {"02161234567": "4008001234"}}

A call is never left to a fault in that file: whatever is not exactly of this form counts as absent, and an
absent line is an apology.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

# Everything below goes into a dial string or an application's argument, where {}[]<>,|:_:^^ and blanks are
# syntax and ${…} is expanded: what is not on these lists does not get there.
_NUMBER = re.compile(r"400[0-9]{7}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_DIAL = re.compile(
    r"sofia/(?:gateway400|outside)/\+?[0-9*#]{3,24}"
    r"@(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?"
    r"|sofia/gateway/[A-Za-z0-9][A-Za-z0-9._-]{0,39}/\+?[0-9*#]{3,24}"
    r"|sofia/phones/[A-Za-z0-9][A-Za-z0-9._-]{0,39}%phones\.gateway400",
    re.ASCII,
)
#: Never the calling number, however it is written.
_FOUR_HUNDRED = re.compile(r"(?:\+|00)?(?:86)?0?400[0-9]{7}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{3,24}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_RING_S = range(1, 601)
# FreeSWITCH gives up whatever rings after 60 s unless it is told longer. The line's own limit comes first.
_MARGIN_S = 2
_CALLS = range(10000)


class Session(Protocol):
    """The part of the embedded Python's session that is used."""

    def execute(self, application: str, argument: str = ..., /) -> object: ...

    def getVariable(self, name: str, /) -> str | None: ...

    def setVariable(self, name: str, value: str, /) -> object: ...

    def ready(self) -> bool: ...

    def hangup(self, cause: str = ..., /) -> object: ...


class Line(NamedTuple):
    """The first line of a number: ``ring_s`` seconds, at most ``max_calls`` calls at once (0: not counted). It sees
    the caller's own number where that ``passes``, else the trunk's, ``shown`` (empty: none)."""

    name: str
    dial: str
    ring_s: int
    max_calls: int
    passes: bool
    shown: str


def handler(session: Session, args: str) -> None:
    """Entry point: FreeSWITCH calls it with the channel. Returns with the channel hung up."""
    session.setVariable("gw_fallback", "yes")
    snapshot = read_snapshot(session.getVariable("gw_snapshot"))
    # As domain.cdr packs them: what an event would decode once too often has ``!`` for ``%``.
    facts = dict(parse_qsl((session.getVariable("gw_facts") or "").replace("!", "%")))
    number, entry = find_number(snapshot, facts.get("number"), session.getVariable("sip_req_user"))
    if number:
        session.setVariable("gw_number", number)
    account = entry.get("account")
    if isinstance(account, str) and _NAME.fullmatch(account):
        session.setVariable("gw_account", account)
    limit_duration(session)
    taken = facts.get("taken", "yes")
    if taken != "yes" and not facts.get("flow"):
        # The rules had refused it, and its announcement was cut off.
        session.hangup("CALL_REJECTED")
        return
    line = first_line(entry) if taken == "yes" else None
    if line is None or not ring(session, line, facts.get("tried", "")):
        apologise(session)


def read_snapshot(path: str | None) -> dict[str, object]:
    """The snapshot, or an empty one if it is missing, unreadable or not of version 1."""
    try:
        snapshot = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError, RecursionError):
        return {}
    known = isinstance(snapshot, dict) and snapshot.get("version") == 1
    return snapshot if known else {}


def find_number(snapshot: dict[str, object], told: str | None, called: str | None) -> tuple[str, dict[str, object]]:
    """The 400 number and its entry: what the handlers had found (``told``), else by what was dialled.

    An unknown number is ``("", {})``; a known one without an entry has an empty entry.
    """
    numbers, landing = _dict(snapshot.get("numbers")), _dict(snapshot.get("landing"))
    for spelling in _spellings(told) if told else _spellings(called):
        number = spelling if spelling in numbers else landing.get(spelling)
        if isinstance(number, str) and _NUMBER.fullmatch(number):
            return number, _dict(numbers.get(number))
    return "", {}


def first_line(entry: dict[str, object]) -> Line | None:
    """The number's first line, or None if there is none that is safe to ring."""
    line = _dict(entry.get("first_line"))
    name, dial, ring_s, max_calls = (line.get(key) for key in ("id", "dial", "ring_seconds", "max_calls"))
    if not (isinstance(name, str) and _NAME.fullmatch(name) and isinstance(dial, str) and _DIAL.fullmatch(dial)):
        return None
    if type(ring_s) is not int or ring_s not in _RING_S or type(max_calls) is not int or max_calls not in _CALLS:
        return None
    trunks = line.get("caller_number")
    shown = trunks if isinstance(trunks, str) and _may_be_shown(trunks) else ""
    return Line(name, dial, ring_s, max_calls, line.get("caller_id") == "pass", shown)


def limit_duration(session: Session) -> None:
    """Hold the call to the maximum duration from now on: nobody else does while there are no handlers."""
    seconds = session.getVariable("gw_max_call_s") or ""
    if _SECONDS.fullmatch(seconds):
        session.execute("sched_hangup", f"+{seconds} ALLOTTED_TIMEOUT")


def ring(session: Session, line: Line, tried: str) -> bool:
    """Ring the line; True when the call is over: somebody talked, or the caller gave up.

    ``tried`` is what the handlers had tried before, as a call's record has it.
    """
    session.setVariable("gw_line", line.name)
    caller = session.getVariable("sip_from_user") or ""
    shown = caller if line.passes and _may_be_shown(caller) else line.shown or "anonymous"
    session.setVariable("effective_caller_id_number", shown)
    session.setVariable("effective_caller_id_name", shown)
    session.setVariable("originate_disposition", "LINE_FULL")
    session.setVariable("gw_outcome", "abandoned:fallback")
    within = line.ring_s + _MARGIN_S
    rung = f"{{ignore_early_media=true,originate_timeout={within}}}[leg_timeout={line.ring_s}]{line.dial}"
    if line.max_calls:
        session.execute("limit_execute", f"hash line {line.name} {line.max_calls} bridge {rung}")
    else:
        session.execute("bridge", rung)
    disposition = session.getVariable("originate_disposition") or "NONE"
    session.setVariable("gw_tried", f"{tried};{line.name}={disposition}" if tried else f"{line.name}={disposition}")
    if disposition == "SUCCESS":
        session.setVariable("gw_outcome", "answered")
        session.hangup("NORMAL_CLEARING")
        return True
    return not session.ready()


def apologise(session: Session) -> None:
    """Play the apology, unanswered if nobody has answered yet (free for both), and refuse the call."""
    session.setVariable("gw_outcome", "failed:handlers")
    apology = session.getVariable("gw_apology")
    if apology and session.ready():
        session.execute("playback", apology)
    session.hangup("NORMAL_TEMPORARY_FAILURE")


def _may_be_shown(number: str) -> bool:
    return bool(_PHONE.fullmatch(number)) and not _FOUR_HUNDRED.fullmatch(number)


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _spellings(called: str | None) -> Iterator[str]:
    """How a carrier may write the number in the map: as it is, without 86, with the trunk prefix 0."""
    called = (called or "").partition(";")[0]  # number portability and the like (RFC 4694)
    if not _PHONE.fullmatch(called):
        return
    yield called
    bare = called.removeprefix("+")
    yield bare
    national = bare.removeprefix("0086") if bare.startswith("0086") else bare.removeprefix("86")
    if national != bare:
        yield national
        yield f"0{national}"
