"""Codes of the record → words of the console. A code that is not known here is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask

from webui.i18n import lazy_gettext

#: Outcome → (words, lamp). The lamp is how a switchboard would show it: good, watch, bad or off.
_OUTCOMES: Mapping[str, tuple[Any, str]] = {
    "answered": (lazy_gettext("Answered"), "good"),
    "abandoned": (lazy_gettext("Caller hung up"), "watch"),
    "failed": (lazy_gettext("Not connected"), "bad"),
    "refused": (lazy_gettext("Refused"), "off"),
    "ended": (lazy_gettext("Ended in menu"), "off"),
    "abnormal": (lazy_gettext("To be checked"), "bad"),
    "ended:message": (lazy_gettext("Left a message"), "watch"),
    "ended:callback": (lazy_gettext("Asked to be called back"), "watch"),
    "ended:callback-withdrawn": (lazy_gettext("Not called: request closed"), "off"),
    "failed:callback-line": (lazy_gettext("Call back: no line took it"), "watch"),
    "failed:callback-no-credit": (lazy_gettext("Call back: account without money"), "watch"),
    "failed:callback-full": (lazy_gettext("Call back: calls at once used up"), "watch"),
    "failed:callback-caller": (lazy_gettext("Call back: not reached"), "watch"),
    "abandoned:callback": (lazy_gettext("Call back: line hung up"), "watch"),
}
_WHY: Mapping[str, Any] = {
    "ringing": lazy_gettext("while ringing"),
    "prompt": lazy_gettext("during an announcement"),
    "menu": lazy_gettext("in the menu"),
    "queue": lazy_gettext("in the queue"),
    "message": lazy_gettext("leaving a message"),
    "queue-timeout": lazy_gettext("waited too long"),
    "queue-full": lazy_gettext("queue full"),
    "queue-nobody": lazy_gettext("nobody at the lines"),
    "unknown-trunk": lazy_gettext("unknown trunk"),
    "unknown-number": lazy_gettext("unknown number"),
    "out-of-service": lazy_gettext("number out of service"),
    "trunk-full": lazy_gettext("trunk full"),
    "account-full": lazy_gettext("company's calls at once used up"),
    "number-full": lazy_gettext("number's calls at once used up"),
    "call-rate": lazy_gettext("too many calls a minute"),
    "black-listed": lazy_gettext("on a black list"),
    "too-frequent": lazy_gettext("caller called too often"),
    "suspended": lazy_gettext("account suspended"),
    "no-credit": lazy_gettext("account without money"),
    "daily-cap": lazy_gettext("the day's money used up"),
    "wrong-password": lazy_gettext("wrong password"),
    "holiday": lazy_gettext("holiday"),
    "out-of-hours": lazy_gettext("out of hours"),
    "region": lazy_gettext("region not served"),
    "password": lazy_gettext("while asked for a password"),
    "user-busy": lazy_gettext("lines busy"),
    "no-answer": lazy_gettext("no answer"),
    "call-rejected": lazy_gettext("rejected by the line"),
    "normal-temporary-failure": lazy_gettext("lines unreachable"),
}
_DISPOSITIONS: Mapping[str, tuple[Any, str]] = {
    "answered": (lazy_gettext("answered"), "good"),
    "busy": (lazy_gettext("busy"), "watch"),
    "no-answer": (lazy_gettext("no answer"), "watch"),
    "rejected": (lazy_gettext("rejected"), "watch"),
    "unreachable": (lazy_gettext("unreachable"), "bad"),
    "not-existing": (lazy_gettext("number does not exist"), "bad"),
    "off": (lazy_gettext("switched off"), "watch"),
    "full": (lazy_gettext("all its channels in use, not rung"), "watch"),
}
#: How a caller left a queue.
_LEFT: Mapping[str, tuple[Any, str]] = {
    "answered": (lazy_gettext("Put through"), "good"),
    "abandoned": (lazy_gettext("Gave up"), "watch"),
    "timeout": (lazy_gettext("Waited too long"), "bad"),
    "full": (lazy_gettext("Queue full"), "bad"),
    "nobody": (lazy_gettext("Nobody at the lines"), "bad"),
    "key": (lazy_gettext("Left by a key"), "off"),
    "callback": (lazy_gettext("Asked for a call"), "watch"),
    "lost": (lazy_gettext("Cut off"), "bad"),
}
_CAUSES: Mapping[str, Any] = {
    "NORMAL_CLEARING": lazy_gettext("normal end"),
    "ORIGINATOR_CANCEL": lazy_gettext("caller hung up before an answer"),
    "USER_BUSY": lazy_gettext("busy"),
    "NO_ANSWER": lazy_gettext("no answer"),
    "NO_USER_RESPONSE": lazy_gettext("no response"),
    "CALL_REJECTED": lazy_gettext("rejected"),
    "UNALLOCATED_NUMBER": lazy_gettext("number does not exist"),
    "NORMAL_TEMPORARY_FAILURE": lazy_gettext("temporary failure"),
    "NORMAL_CIRCUIT_CONGESTION": lazy_gettext("no channel free"),
    "SWITCH_CONGESTION": lazy_gettext("too many calls"),
    "NO_PICKUP": lazy_gettext("all its channels in use, not rung"),
    "DESTINATION_OUT_OF_ORDER": lazy_gettext("out of order"),
    "RECOVERY_ON_TIMER_EXPIRE": lazy_gettext("no reply in time"),
    "MEDIA_TIMEOUT": lazy_gettext("no voice any more"),
    "OUT_OF_MONEY": lazy_gettext("ended: out of money"),
    "FACILITY_NOT_SUBSCRIBED": lazy_gettext("not subscribed, or out of money"),
    "ALLOTTED_TIMEOUT": lazy_gettext("longest duration reached"),
    "LOSE_RACE": lazy_gettext("another line was faster"),
    "MANAGER_REQUEST": lazy_gettext("ended by an operator"),
}
_KINDS: Mapping[str, Any] = {
    "mobile": lazy_gettext("mobile"),
    "fixed": lazy_gettext("landline"),
    "landline": lazy_gettext("landline"),
    "phone": lazy_gettext("SIP phone"),
    "overseas": lazy_gettext("overseas"),
    "unknown": lazy_gettext("unknown origin"),
    "any": lazy_gettext("any caller"),
    "sip": lazy_gettext("SIP phone"),
}
_ROLES: Mapping[str, Any] = {
    "administrator": lazy_gettext("administrator"),
    "operator": lazy_gettext("operator"),
    "finance": lazy_gettext("finance"),
    "supervisor": lazy_gettext("supervisor"),
    "agent": lazy_gettext("agent"),
    "auditor": lazy_gettext("auditor"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome in words."""

    text: str
    why: str
    lamp: str


def outcome(code: str) -> Outcome:
    """``failed:user-busy`` in words."""
    head, _, why = (code, "", "") if code in _OUTCOMES else code.partition(":")
    text, lamp = _OUTCOMES.get(head, (head or lazy_gettext("Unknown"), "off"))
    return Outcome(str(text), str(_WHY.get(why, why)), lamp)


#: What a record's ``because`` speaks of: words for its names and, where they are codes, its values.
_BECAUSE: Mapping[str, Any] = {
    "list": lazy_gettext("list"),
    "entry": lazy_gettext("entry"),
    "schedule": lazy_gettext("schedule"),
    "place": lazy_gettext("place"),
    "calls": lazy_gettext("calls"),
    "limit": lazy_gettext("limit"),
    "minutes": lazy_gettext("minutes"),
    "wrong": lazy_gettext("wrong passwords"),
    "locked_until": lazy_gettext("locked until"),
    "number": lazy_gettext("number"),
    "caller": lazy_gettext("caller"),
    "busy": lazy_gettext("busy"),
    "no-answer": lazy_gettext("no answer"),
    "rejected": lazy_gettext("rejected"),
    "unreachable": lazy_gettext("unreachable"),
    "not-existing": lazy_gettext("number does not exist"),
    "gone": lazy_gettext("no longer there"),
    "no-trunk": lazy_gettext("no trunk to it"),
    "unregistered": lazy_gettext("phone not registered"),
    "off-schedule": lazy_gettext("off its schedule"),
    "signed-out": lazy_gettext("nobody is signed in at it"),
    "no-skill": lazy_gettext("has not the skill"),
    "daily-cap": lazy_gettext("its calls of the day used up"),
    "monthly-cap": lazy_gettext("its calls of the month used up"),
}


def because(text: str, named: Mapping[str, str]) -> str:
    """``list=shops entry=138*`` in words; a refusal's reason in front of it is one, too.

    :param named: as in ``CallDetail``; what is not in it is shown by its id.
    """
    said = []
    for part in text.split(" "):
        name, _, value = part.partition("=")
        known = _BECAUSE.get(name, _WHY.get(name))
        words = str(known) if known is not None else named.get(f"line={name}", name)
        said.append(f"{words} {named.get(part) or _BECAUSE.get(value, value)}".strip())
    return " · ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class NodeLook:
    """What a node of a flow is called, and its icon."""

    title: str
    icon: str


#: Type of a node → what it is called, and its icon.
NODES = {
    "play": (lazy_gettext("Announcement"), "player-play"),
    "menu": (lazy_gettext("Menu"), "dialpad"),
    "collect": (lazy_gettext("Collect digits"), "hash"),
    "say": (lazy_gettext("Say a value"), "player-play"),
    "hours": (lazy_gettext("By hours"), "clock-hour-4"),
    "region": (lazy_gettext("By region"), "route"),
    "vip": (lazy_gettext("By list"), "list-details"),
    "switch": (lazy_gettext("By a value"), "route"),
    "set": (lazy_gettext("Set a value"), "hash"),
    "ring": (lazy_gettext("Ring lines"), "phone-outgoing"),
    "queue": (lazy_gettext("Queue"), "hourglass"),
    "survey": (lazy_gettext("Survey"), "dialpad"),
    "dial": (lazy_gettext("Dial an extension"), "hash"),
    "voicemail": (lazy_gettext("Leave a message"), "microphone"),
    "message": (lazy_gettext("Send a message"), "send"),
    "lookup": (lazy_gettext("Ask another system"), "server-2"),
    "flow": (lazy_gettext("Another flow"), "route"),
    "return": (lazy_gettext("Back to the flow before"), "arrow-left"),
    "hangup": (lazy_gettext("Hang up"), "phone-off"),
}
_EXITS = {
    "silence": lazy_gettext("no key"),
    "wrong": lazy_gettext("wrong key"),
    "full": lazy_gettext("queue full"),
    "timeout": lazy_gettext("waited too long"),
    "nobody": lazy_gettext("nobody at the lines"),
    "failed": lazy_gettext("nobody answers"),
    "after": lazy_gettext("after the talk"),
    "open": lazy_gettext("open"),
    "closed": lazy_gettext("closed"),
    "holiday": lazy_gettext("on holidays"),
    "other": lazy_gettext("all others"),
    "yes": lazy_gettext("on the list"),
    "no": lazy_gettext("not on it"),
    "found": lazy_gettext("found"),
    "missing": lazy_gettext("nothing found"),
    "next": lazy_gettext("then"),
}


def node(kind: str) -> NodeLook:
    """What a node of that type is called; of a type that is not known, its own word."""
    title, icon = NODES.get(kind, (kind, "route"))
    return NodeLook(str(title), icon)


def exit_name(code: str) -> str:
    """An exit of a node, in words."""
    return str(_EXITS.get(code, code))


def disposition(code: str) -> Outcome:
    """How ringing a line ended, in words."""
    text, lamp = _DISPOSITIONS.get(code, (code, "off"))
    return Outcome(str(text), "", lamp)


def left(code: str) -> Outcome:
    """How a caller left a queue, in words."""
    text, lamp = _LEFT.get(code, (code, "off"))
    return Outcome(str(text), "", lamp)


def cause(code: str) -> str:
    """A hang-up cause by FreeSWITCH's name, in words."""
    return str(_CAUSES.get(code, code))


def kind(code: str) -> str:
    """What a caller calls from, or a line is."""
    return str(_KINDS.get(code, code))


def role(code: str) -> str:
    """An operator's role."""
    return str(_ROLES.get(code, code))


def init_words(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(
        outcome=outcome,
        disposition=disposition,
        left=left,
        cause=cause,
        kind=kind,
        role=role,
        node=node,
        exit_name=exit_name,
    )
