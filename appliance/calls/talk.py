"""What a line's side asks for by a key while it talks to a caller: hold, send on, consult, pause the recording."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import structlog

from appliance.calls.desk import Desk
from appliance.domain import numbers
from appliance.domain.lines import targets_for
from appliance.domain.outcome import is_trunk_trouble
from appliance.domain.recording import policy_for, why_not
from appliance.domain.routing import Line, NumberRoute, RoutingTable
from appliance.domain.talk import LONGEST_EXTENSION, TalkKey, line_of_extension
from appliance.errors import CallerGone
from appliance.switch.leg import Digits, Disposition, Played, Talk

#: How long an extension may take.
_EXTENSION_S = 8.0
_log = structlog.get_logger(__name__)


def take_key(talk: Talk, desk: Desk) -> None:
    """Carry one key out; then they talk on."""
    with contextlib.suppress(CallerGone):
        _carry_out(talk, desk)


def _carry_out(talk: Talk, desk: Desk) -> None:
    table = desk.routing()
    route = table.numbers.get(talk.notes.get("number", ""))
    if route is None:
        return  # taken out of the site while they talked
    match talk.key:
        case TalkKey.HOLD:
            talk.hold_caller(route.talk_keys)
        case TalkKey.PAUSE:
            _pause(talk, route, desk)
        case TalkKey.BLIND | TalkKey.CONSULT:
            with desk.consulting(talk.caller):
                _with_another(talk, route, table, desk)


def _with_another(talk: Talk, route: NumberRoute, table: RoutingTable, desk: Desk) -> None:
    line = _asked_for(talk, route, table, desk)
    if line is None:
        return
    _recorded_again(talk)
    if talk.key is TalkKey.CONSULT:
        _consult(talk, line, route, table, desk)
    else:
        _log.info("sent on", call=talk.caller, to=line.id)
        talk.send_on(line.id)


def _asked_for(talk: Talk, route: NumberRoute, table: RoutingTable, desk: Desk) -> Line | None:
    """The line whose extension is keyed; None: none, which is said."""
    keyed = talk.collect(desk.find_prompt(route.account, "talk-extension"), _EXTENSION_S, LONGEST_EXTENSION)
    if not isinstance(keyed, Digits):
        return None
    line = line_of_extension(keyed.keys.rstrip("#"), route.account, talk.notes.get("line", ""), table)
    if line is None:
        _say(talk, route.account, "talk-unknown", desk)
    return line


def _consult(talk: Talk, line: Line, route: NumberRoute, table: RoutingTable, desk: Desk) -> None:
    """By the line's trunks in turn, as a caller would reach it; nobody has to press 1 for a colleague."""
    caller = numbers.caller(talk.notes.get("caller", ""))
    unrecorded = _unrecorded(talk, line, route, desk)
    for target in targets_for(line, caller, table, is_down=desk.is_down, keys=route.talk_keys):
        tried = talk.consult(replace(target, confirm=False), unrecorded)
        if tried.disposition is Disposition.ANSWERED:
            return
        if not is_trunk_trouble(tried):
            break
    _say(talk, route.account, "talk-unreachable", desk)


def _unrecorded(talk: Talk, line: Line, route: NumberRoute, desk: Desk) -> str:
    """Why a caller who is recorded is not to be with that line. The other way round nothing begins: he has not been
    told, and while lines talk about him nobody tells him."""
    policy = policy_for(route.record, talk.notes.get("record", ""), [line.record])
    drawn = talk.notes.get("draw", "")
    draw = int(drawn) if drawn.isdecimal() else desk.dice.randrange(100)
    return why_not(policy, draw, has_room=True) or ""


def _pause(talk: Talk, route: NumberRoute, desk: Desk) -> None:
    recording = talk.notes.get("recording", "")
    if not recording or talk.notes.get("unrecorded"):
        return
    paused = talk.notes.get("paused") != "yes"
    # Not recorded before it is said, and recorded only after it was: what is keyed meanwhile is not in it.
    if paused:
        talk.pause(recording, on=True)
    _say(talk, route.account, "talk-paused" if paused else "talk-resumed", desk)
    if not paused:
        talk.pause(recording, on=False)


def _recorded_again(talk: Talk) -> None:
    """A pause is for this line's part of the talk."""
    if talk.notes.get("paused") == "yes":
        talk.pause(talk.notes.get("recording", ""), on=False)


def _say(talk: Talk, account: str, name: str, desk: Desk) -> None:
    path = desk.find_prompt(account, name)
    if path is None or talk.play(path) is Played.MISSING:
        _log.error("prompt missing", prompt=name, account=account, call=talk.caller)
