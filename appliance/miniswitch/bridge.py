"""`bridge`: ring lines, all at once, and join the caller to the first that answers.

The caller's thread does it all: rings, joins, waits, and closes the lines' legs. Sources for what
becomes of the variables: `switch_ivr_originate`, `switch_ivr_multi_threaded_bridge`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.miniswitch import api, causes, dialstring, sound, tones
from appliance.miniswitch.channel import Channel, Interrupted, State
from appliance.miniswitch.closing import close
from appliance.miniswitch.g711 import PCMA
from appliance.miniswitch.profile import now_us
from appliance.miniswitch.ringing import DEFAULT_TIMEOUT_S, Ringing

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)

_CONTINUE_WITHOUT_ASKING = frozenset({"NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL"})


def _bridge(session: Session, text: str) -> None:
    caller, switch = session.channel, session.switch
    try:
        targets = dialstring.parse(text)
    except dialstring.DialError as error:
        log.warning("%s: %s", caller.name, error)
        _failed(caller, "DESTINATION_OUT_OF_ORDER")
        return
    caller.variables.update({"originate_causes": None, "signal_bond": None})
    timeout_s = dialstring.timeout_s(targets) or _timeout(caller)
    ringing = Ringing(
        switch, caller, caller.wait, caller.wake, timeout_s=timeout_s, on_ring=lambda: _ringback(caller)
    )
    winner: Channel | None = None
    cause = "ORIGINATOR_CANCEL"
    try:
        if any(target.options.get("instant_ringback") == "true" for target in targets):
            _ringback(caller)
        early = ringing.place(targets)
        winner, cause = (None, early) if early else ringing.run()
    finally:
        caller.media.player = None
        ringing.give_up("LOSE_RACE" if winner is not None else cause, winner)
        _note_originate(caller, ringing, cause)
    if winner is None:
        _failed(caller, cause)
        return
    try:
        _join(session, winner)
    finally:
        winner.hangup(_cause_for_line(caller))
        caller.variables.set("bridge_hangup_cause", winner.hangup_cause)
        close(winner)
    if caller.variables.is_true("hangup_after_bridge"):
        caller.hangup(winner.hangup_cause)


def _cause_for_line(caller: Channel) -> str:
    return "BLIND_TRANSFER" if caller.moved_to else "NORMAL_CLEARING"


def _timeout(caller: Channel) -> float:
    for name in ("originate_timeout", "call_timeout"):
        value = caller.variables.get(name) or ""
        if value.isdigit() and int(value):
            return float(value)
    return DEFAULT_TIMEOUT_S


def _note_originate(caller: Channel, ringing: Ringing, cause: str) -> None:
    for attempt in sorted(ringing.attempts, key=lambda attempt: attempt.leg.times.hungup):
        if attempt.leg.hangup_cause not in ("", "LOSE_RACE", "ORIGINATOR_CANCEL"):
            caller.note_end_of(attempt.leg)
    outcomes = [f"{a.leg.uuid};{a.leg.hangup_cause or 'NONE'}" for a in ringing.attempts]
    caller.variables.update(
        {
            "originate_disposition": cause,
            "DIALSTATUS": causes.DIALSTATUS.get(cause, cause),
            "originate_failed_cause": None if cause == "SUCCESS" else cause,
            "originate_causes": outcomes[0] if len(outcomes) == 1 else "ARRAY::" + "|:".join(outcomes),
        }
    )


def _failed(caller: Channel, cause: str) -> None:
    """Go on or hang up, as `continue_on_fail` says (`switch_channel_handle_cause`)."""
    caller.variables.update(
        {
            "originate_disposition": cause,
            "originate_failed_cause": cause,
            "DIALSTATUS": causes.DIALSTATUS.get(cause, cause),
        }
    )
    wanted = caller.variables.get("continue_on_fail")
    if wanted is None:
        if cause in _CONTINUE_WITHOUT_ASKING:
            return
    elif caller.variables.is_true("continue_on_fail") or cause in wanted.upper().split(","):
        return
    caller.hangup(cause)


def _ringback(caller: Channel) -> None:
    """A line rings: let the caller hear the tone or file that the settings or the handlers chose, in a loop."""
    caller.times.progress = caller.times.progress or now_us()
    names = ("transfer_ringback", "ringback") if caller.answered else ("ringback",)
    tone = next((value for name in names if (value := caller.variables.get(name))), None)
    if tone is None or caller.media.player is not None:
        return
    caller.pre_answer()
    name = f"tone_stream://{tone}" if tone.startswith("%") else tone
    law = caller.remote.law if caller.remote is not None else PCMA
    try:
        caller.media.player = sound.Player(replace(sound.load(name, law), loops=tones.FOREVER))
    except sound.SoundNotFound as error:
        log.warning("%s: ringback: %s", caller.name, error)


def _join(session: Session, line: Channel) -> None:
    """Let the two talk until one of them ends, or the caller is taken away."""
    caller, switch = session.channel, session.switch
    caller.other_type, caller.other_profile = "originatee", line.profile
    caller.profile.callee_name, caller.profile.callee_number = line.profile.callee_name, line.profile.callee_number
    session.channel.answer()
    caller.check()
    for one, other in ((caller, line), (line, caller)):
        one.variables.update(
            {
                "bridge_uuid": other.uuid,
                "bridge_channel": other.name,
                "last_bridge_to": other.uuid,
                "signal_bond": other.uuid,
            }
        )
    moment = now_us()
    caller.times.bridged = line.times.bridged = moment
    with caller.changed:
        caller.partner, line.partner = line, caller
        caller.keys.clear()
    line.state = State.CS_EXCHANGE_MEDIA
    api.api_on(caller, "api_before_bridge")
    caller.media.join(line.media)
    ids = (("Bridge-A-Unique-ID", caller.uuid), ("Bridge-B-Unique-ID", line.uuid))
    switch.events.fire("CHANNEL_BRIDGE", caller, *ids)
    try:
        caller.wait(lambda: bool(line.hangup_cause))
    except Interrupted:
        log.debug("%s: taken out of its bridge", caller.name)
        raise
    finally:
        caller.media.part()
        with caller.changed:
            caller.partner = line.partner = None
        switch.events.fire("CHANNEL_UNBRIDGE", caller, *ids)


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"bridge": _bridge}
