"""What each node of a flow does in a call: a step returns the exit that the node is left by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from appliance.calls.ask import ask
from appliance.calls.asking import take_leave
from appliance.calls.connect import ring
from appliance.calls.going import Going
from appliance.calls.message import Message as Kept
from appliance.calls.message import take_message
from appliance.calls.service import serve
from appliance.calls.waiting import wait
from appliance.domain import hook
from appliance.domain.flow import (
    Assign,
    Collect,
    Dial,
    Enqueue,
    HangUp,
    Hours,
    Lookup,
    Menu,
    Message,
    Node,
    Play,
    Region,
    Return,
    Ring,
    Say,
    Service,
    Subflow,
    Survey,
    Switch,
    Vip,
    Voicemail,
)
from appliance.domain.flow.branch import Branch, branch
from appliance.domain.flow.secret import uses_of
from appliance.domain.flow.values import fill
from appliance.domain.hunt import Hunt
from appliance.domain.lines import cause_when_all_failed
from appliance.domain.lookup import Failed, Found, Request
from appliance.domain.outcome import Disposition
from appliance.domain.queue import Left
from appliance.domain.speech import spoken
from appliance.domain.template import filled, in_json, in_text, in_url, names
from appliance.switch.leg import Tried

_log = structlog.get_logger(__name__)


def take_step(going: Going) -> str:
    """Do what the call's node says; the exit that it is left by. An exit that leads nowhere ends the call."""
    return STEPS[type(going.course.node)](going, going.course.node)


def _play(going: Going, node: Play) -> str:
    going.leg.note(outcome="abandoned:prompt")
    going.desk.play(going.leg, going.account, node.prompt)
    return "next"


def _menu(going: Going, node: Menu) -> str:
    going.leg.note(outcome="abandoned:menu")
    extensions = going.table.extensions_of(going.account) if node.dial else {}
    chosen = ask(going.leg, node, going.account, going.desk, extensions)
    going.note_keys(chosen.keys)
    if chosen.exit != "dialled":
        return chosen.exit
    return _extension_rung(going, extensions[chosen.keys], go_on=bool(node.after))


def _extension_rung(going: Going, line: str, *, go_on: bool) -> str:
    if going.has_talked:
        return _once_more(going, "failed")
    return _rung(going, Hunt((line,)), go_on=go_on)


def _collect(going: Going, node: Collect) -> str:
    going.leg.note(outcome="abandoned:menu")
    chosen = ask(going.leg, node, going.account, going.desk)
    if chosen.keys:
        if node.secret:
            going.keep_secret(node.variable, chosen.keys)
        else:
            going.keep(node.variable, chosen.keys)
        going.note_keys("*" * len(chosen.keys) if node.secret else chosen.keys)
    return chosen.exit


def _survey(going: Going, node: Survey) -> str:
    if not going.has_talked:
        going.leg.note(outcome="abandoned:menu")
    chosen = ask(going.leg, node, going.account, going.desk)
    if chosen.keys:
        going.note_keys(chosen.keys)
        going.leg.note(mark=chosen.keys)
        going.desk.play(going.leg, going.account, node.thanks)
    return chosen.exit


def _say(going: Going, node: Say) -> str:
    going.leg.note(outcome="abandoned:prompt")
    value = going.filled(node.value)
    if not node.value and node.what in ("time", "date"):
        value = going.variables()[node.what]
    names = spoken(node.what, value)
    found = [going.desk.find_prompt(going.account, name) for name in names]
    is_secret = bool(going.secrets.asked_at(uses_of(node)))
    if None in found or not names:
        told = [] if is_secret else list(names)
        _log.error("value not said", what=node.what, length=len(value), prompts=told, call=going.leg.uuid)
    paths = [path for path in found if path is not None]
    if is_secret:
        with going.desk.once(paths) as made:
            _played(going, made)
    else:
        _played(going, going.desk.together(paths))
    return "next"


def _played(going: Going, paths: Sequence[Path]) -> None:
    for path in paths:
        going.leg.play(path)


def _assign(going: Going, node: Assign) -> str:
    going.assign(node.variable, node.value)
    return "next"


def _branch(going: Going, node: Branch) -> str:
    known = going.variables() if isinstance(node, Switch) else {}
    return branch(node, going.circumstances(), known)


def _ring(going: Going, node: Ring) -> str:
    if going.has_talked:
        return _once_more(going, "failed")
    return _rung(going, node.hunt, go_on=bool(node.after))


def _rung(going: Going, hunt: Hunt, *, go_on: bool) -> str:
    leg = going.leg
    leg.note(outcome="abandoned:ringing")
    name = f"{going.account}/{going.course.hunt_name}"
    tried = ring(leg, going.call, hunt, name, going.table, going.desk, free=False, go_on=go_on)
    going.tried += tried
    return "after" if _talked(going, tried) else "failed"


def _enqueue(going: Going, node: Enqueue) -> str:
    if going.has_talked:
        return _once_more(going, "nobody")
    waited = wait(going.leg, node, going.call, going.table, going.desk)
    going.tried += waited.tried
    going.note_keys(waited.key)
    if waited.left is Left.CALLBACK:
        take_leave(going.leg, going.account, going.desk)
        return ""
    if waited.left is Left.ANSWERED:
        _talked(going, waited.tried)
    return waited.exit


def _dial(going: Going, node: Dial) -> str:
    if going.has_talked:
        return _once_more(going, "failed")
    going.leg.note(outcome="abandoned:menu")
    extensions = going.table.extensions_of(going.account)
    chosen = ask(going.leg, node, going.account, going.desk, extensions)
    going.note_keys(chosen.keys)
    if chosen.exit != "dialled":
        return chosen.exit
    return _extension_rung(going, extensions[chosen.keys], go_on=bool(node.after))


def _service(going: Going, node: Service) -> str:
    if not going.has_talked:
        going.leg.note(outcome="abandoned:menu")
    return "next" if serve(going, node) or not node.failed else "failed"


def _voicemail(going: Going, node: Voicemail) -> str:
    left = take_message(going.leg, going.call, node.prompt, node.max_s, going.desk)
    if left is not Kept.LEFT:
        _log.info("no message left", why=left.value, node=going.course.path, call=going.leg.uuid)
    return "failed" if left is not Kept.LEFT and node.failed else "next"


def _message(going: Going, node: Message) -> str:
    """Whoever comes back from dead handlers sends it under the same id, so once. It is kept until it is sent, and
    longer: what is secret stands in none."""
    times = going.times_left()
    going.desk.outbox.put(
        hook.Message(
            id=f"{going.leg.uuid}:{going.course.path}" + (f"#{times}" if times else ""),
            account=going.account,
            hook=node.hook,
            text=_in(node.text, going.shown(), in_text),
            call=going.leg.uuid,
            at=going.desk.now(),
            to=fill(node.to, going.shown()),
        )
    )
    return "next"


def _lookup(going: Going, node: Lookup) -> str:
    """The caller hears nothing meanwhile: it takes a few seconds at most."""
    known = going.variables()
    request = Request(
        url=_in(node.url, known, in_url),
        method=node.method,
        body=_in(node.body, known, in_json),
        timeout_s=node.timeout_s,
        account=going.account,
    )
    match going.desk.lookup.ask(request, node.values):
        case Found(values):
            for variable, value in values.items():
                going.keep(variable, value)
            return "found"
        case Failed(reason):
            _log.warning("look-up failed", why=reason.value, node=going.course.path, call=going.leg.uuid)
            return "failed"
        case _:
            return "missing" if node.missing else "failed"


def _in(template: str, known: Mapping[str, str], encode: Callable[[str], str]) -> str:
    """A template filled in; a variable that has no value yet is empty."""
    return filled(template, dict.fromkeys(names(template), "") | dict(known), encode)


def _talked(going: Going, tried: list[Tried] | Any) -> bool:
    """Note that a line has talked with the caller."""
    over = any(one.disposition is Disposition.ANSWERED for one in tried)
    if over:
        going.leg.note(talked="yes", outcome="answered")
    return over


def _once_more(going: Going, exit_name: str) -> str:
    """A record has one talk, and one recording: after it no line is rung any more."""
    _log.warning("not rung after the talk", node=going.course.path, call=going.leg.uuid)
    return exit_name


def _subflow(going: Going, node: Subflow) -> str:
    if going.course.can_enter:
        return "enter"
    _log.error("flow not entered", flow=node.flow, node=going.course.path, call=going.leg.uuid)
    return "next"


def _return(going: Going, node: Return) -> str:
    return "return"


def _hang_up(going: Going, node: HangUp) -> str:
    if not going.has_talked:
        going.leg.note(outcome=_ended(going))
    going.desk.play(going.leg, going.account, node.prompt)
    going.leg.hang_up(node.cause)
    return ""


#: Who leaves a queue that leads nowhere else: what he hears, and the cause.
_SENT_AWAY = {
    Left.FULL: ("all-lines-busy", "USER_BUSY"),
    Left.TIMEOUT: ("queue-timeout", "NO_ANSWER"),
    Left.NOBODY: ("all-lines-busy", "NO_ANSWER"),
}


def end(going: Going, exit_name: str) -> None:
    """The call's end at an exit that leads nowhere."""
    leg, prompt, cause = going.leg, "", "NORMAL_CLEARING"
    if going.has_talked:
        leg.hang_up(cause)
        return
    match going.course.node:
        case Ring() | Dial() | Menu() if exit_name == "failed":
            leg.note(outcome=failed(going.tried))
            prompt, cause = "all-lines-busy", cause_when_all_failed(going.tried)
        case Enqueue():
            leg.note(outcome=f"failed:queue-{exit_name}")
            prompt, cause = _SENT_AWAY[Left(exit_name)]
        case _:
            leg.note(outcome=_ended(going))
    going.desk.play(leg, going.account, prompt)
    leg.hang_up(cause)


def _ended(going: Going) -> str:
    """How a call ended that nobody talked with."""
    if going.leg.notes.get("messages"):
        return "ended:message"
    return failed(going.tried) if going.tried else "ended:menu"


def failed(tried: list[Tried]) -> str:
    """``failed:WHY``: the cause that the caller gets, in the record's words."""
    return f"failed:{cause_when_all_failed(tried).lower().replace('_', '-')}"


STEPS: Mapping[type[Node], Callable[[Going, Any], str]] = {
    Play: _play,
    Menu: _menu,
    Collect: _collect,
    Say: _say,
    Hours: _branch,
    Region: _branch,
    Vip: _branch,
    Switch: _branch,
    Assign: _assign,
    Ring: _ring,
    Enqueue: _enqueue,
    Survey: _survey,
    Dial: _dial,
    Voicemail: _voicemail,
    Service: _service,
    Message: _message,
    Lookup: _lookup,
    Subflow: _subflow,
    Return: _return,
    HangUp: _hang_up,
}
