"""`bridge`: ring lines, all at once, and join the caller to the first that answers.

The caller's thread places the legs, sees them through and writes their records; a line's leg has no
thread of its own. Sources for what becomes of the variables: `switch_ivr_originate`,
`switch_ivr_multi_threaded_bridge`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from appliance.miniswitch import causes, dialstring, sound
from appliance.miniswitch.apps import set_variable
from appliance.miniswitch.channel import Channel, Interrupted, State, new_uuid
from appliance.miniswitch.closing import close
from appliance.miniswitch.dialstring import Target
from appliance.miniswitch.esl_wire import to_bytes
from appliance.miniswitch.g711 import PCMA
from appliance.miniswitch.media import NoPort
from appliance.miniswitch.profile import Profile, now_us
from appliance.miniswitch.sip_leg import Invitation

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session
    from appliance.miniswitch.switch import Switch

log = logging.getLogger(__name__)

Signature = tuple[tuple[bool, bool, bool, str], ...]

DEFAULT_TIMEOUT_S = 60.0
_HEADER_PREFIX = "sip_h_"
_CONTINUE_WITHOUT_ASKING = frozenset({"NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL"})


@dataclass
class Attempt:
    """One leg being rung, and when it is given up."""

    leg: Channel
    deadline: float | None


@dataclass
class Ringing:
    """The legs of one `bridge` or `originate`, from the INVITEs to the first answer."""

    switch: Switch
    caller: Channel | None
    wait: Callable[[Callable[[], bool], float], bool]
    wake: Callable[[], None]
    attempts: list[Attempt] = field(default_factory=list)
    timeout_s: float = DEFAULT_TIMEOUT_S
    on_ring: Callable[[], None] = lambda: None

    def place(self, targets: list[Target]) -> str | None:
        """Send the INVITEs; returns a cause when a leg could not even be made."""
        for target in targets:
            try:
                leg = _make_leg(self.switch, self.caller, target)
            except NoPort:
                return "NORMAL_CIRCUIT_CONGESTION"
            leg.watchers.append(self.wake)
            limit = target.variables.get("leg_timeout", "")
            deadline = time.monotonic() + int(limit) if limit.isdigit() and int(limit) else None
            self.attempts.append(Attempt(leg, deadline))
            self.switch.sip.run(leg.sip.place, _invitation(leg, self.caller, target))
            self.switch.events.fire("CHANNEL_ORIGINATE", leg)
        return None

    def run(self) -> tuple[Channel | None, str]:
        """Wait for the first answer. Returns the leg that won, or None and the cause of failure."""
        end = time.monotonic() + self.timeout_s
        rung = False
        while True:
            # Taken first: what changes while we look is then a change to wait no more for.
            seen = self._signature()
            alive = [attempt for attempt in self.attempts if not attempt.leg.hangup_cause]
            winner = next((a.leg for a in alive if a.leg.answered), None)
            if winner is not None:
                return winner, "SUCCESS"
            now = time.monotonic()
            if now >= end:
                return None, "NO_ANSWER"
            for attempt in alive:
                if attempt.deadline is not None and now >= attempt.deadline:
                    attempt.leg.hangup("ALLOTTED_TIMEOUT")
            if all(attempt.leg.hangup_cause for attempt in self.attempts):
                return None, self.attempts[0].leg.hangup_cause if self.attempts else "DESTINATION_OUT_OF_ORDER"
            if not rung and any(attempt.leg.ringing or attempt.leg.early for attempt in alive):
                rung = True
                self.on_ring()
            deadlines = [a.deadline for a in alive if a.deadline is not None and not a.leg.hangup_cause]
            self.wait(partial(self._differs_from, seen), max(0.0, min([end, *deadlines]) - now))

    def _differs_from(self, seen: Signature) -> bool:
        return self._signature() != seen

    def _signature(self) -> Signature:
        """What, when it changes, is worth looking at."""
        return tuple((a.leg.ringing, a.leg.early, a.leg.answered, a.leg.hangup_cause) for a in self.attempts)

    def give_up(self, cause: str, but: Channel | None = None) -> None:
        """Cancel every leg that is still there, except one, and close all of those."""
        for attempt in self.attempts:
            if attempt.leg is not but:
                attempt.leg.hangup(cause)
                close(attempt.leg)


def _bridge(session: Session, text: str) -> None:
    caller, switch = session.channel, session.switch
    try:
        targets = dialstring.parse(text)
    except dialstring.DialError as error:
        log.warning("%s: %s", caller.name, error)
        _failed(caller, "DESTINATION_OUT_OF_ORDER")
        return
    caller.variables.update({"originate_causes": None, "last_bridge_to": None, "signal_bond": None})
    ringing = Ringing(switch, caller, caller.wait, caller.wake, timeout_s=_timeout(caller),
                      on_ring=lambda: _ringback(caller))
    winner: Channel | None = None
    cause = "ORIGINATOR_CANCEL"
    try:
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
    caller.variables.update({
        "originate_disposition": cause, "DIALSTATUS": causes.DIALSTATUS.get(cause, cause),
        "originate_causes": outcomes[0] if len(outcomes) == 1 else "ARRAY::" + "|:".join(outcomes),
    })


def _failed(caller: Channel, cause: str) -> None:
    """Go on or hang up, as `continue_on_fail` says (`switch_channel_handle_cause`)."""
    caller.variables.update({"originate_disposition": cause, "originate_failed_cause": cause,
                             "DIALSTATUS": causes.DIALSTATUS.get(cause, cause)})
    wanted = caller.variables.get("continue_on_fail")
    if wanted is None:
        if cause in _CONTINUE_WITHOUT_ASKING:
            return
    elif caller.variables.is_true("continue_on_fail") or cause in wanted.upper().split(","):
        return
    caller.hangup(cause)


def _ringback(caller: Channel) -> None:
    """A line rings: let the caller hear the tone that the handler chose, or tell its phone to ring."""
    caller.times.progress = caller.times.progress or now_us()
    names = ("transfer_ringback", "ringback") if caller.answered else ("ringback",)
    tone = next((value for name in names if (value := caller.variables.get(name))), None)
    if tone is None:
        caller.ring_ready()
        return
    caller.pre_answer()
    name = f"tone_stream://{tone};loops=-1" if tone.startswith("%") else tone
    law = caller.remote.law if caller.remote is not None else PCMA
    try:
        caller.media.player = sound.Player(sound.load(name, law))
    except sound.SoundNotFound as error:
        log.warning("%s: ringback: %s", caller.name, error)


def _make_leg(switch: Switch, caller: Channel | None, target: Target) -> Channel:
    """The channel of a line's leg, with its variables."""
    from_caller = caller.profile if caller is not None else None
    number, name = _shown_to(caller, target)
    where = f"{target.number}@{target.host}:{target.port}"
    profile = Profile(
        direction="outbound", username=from_caller.username if from_caller else number, caller_name=name,
        caller_number=number, original_name=from_caller.caller_name if from_caller else name,
        original_number=from_caller.caller_number if from_caller else number,
        network_addr=from_caller.network_addr if from_caller else target.host, destination=target.number,
        uuid=target.variables.get("origination_uuid") or new_uuid(),
        channel_name=f"sofia/{target.profile}/{where}", callee_name="Outbound Call",
        callee_number=target.number)
    leg = Channel(switch, "outbound", profile)
    leg.state = State.CS_CONSUME_MEDIA
    leg.variables.update({
        "direction": "outbound", "is_outbound": "true", "uuid": leg.uuid, "session_id": str(leg.number),
        "sip_profile_name": target.profile, "channel_name": leg.name, "sip_destination_url": f"sip:{where}",
        "max_forwards": "69", "call_uuid": caller.uuid if caller else leg.uuid,
        "originate_endpoint": "sofia", "sip_network_ip": target.host, "sip_network_port": str(target.port),
        "sip_req_uri": where, "sip_to_user": target.number, "sip_to_host": target.host,
        "sip_to_port": str(target.port), "sip_to_uri": where, "sip_from_user": number,
        "sip_from_display": name, "local_media_ip": switch.settings.sip_host,
        "local_media_port": str(leg.media.port),
    })
    if caller is not None:
        leg.other_type, leg.other_profile = "originator", caller.profile
        leg.variables.update({"originator": caller.uuid, "originating_leg_uuid": caller.uuid})
    leg.variables.update(target.variables)
    switch.remember(leg)
    return leg


def _shown_to(caller: Channel | None, target: Target) -> tuple[str, str]:
    """Caller number and name that the line sees."""
    number = name = ""
    if caller is not None:
        number = caller.variables.get("effective_caller_id_number") or caller.profile.caller_number
        name = caller.variables.get("effective_caller_id_name") or caller.profile.caller_name
    number = target.variables.get("origination_caller_id_number") or number or "0000000000"
    return number, target.variables.get("origination_caller_id_name") or name or number


def _invitation(leg: Channel, caller: Channel | None, target: Target) -> Invitation:
    headers = tuple((name[len(_HEADER_PREFIX):], _wire(value)) for name, value in target.variables.items()
                    if name.startswith(_HEADER_PREFIX) and value)
    first = caller.remote.law if caller is not None and caller.remote is not None else PCMA
    return Invitation(target.number, (target.host, target.port), _wire(leg.profile.caller_number),
                      _wire(leg.profile.caller_name), leg.signals.offer(first), headers)


def _wire(text: str) -> str:
    """No quote, bracket or line end from a name or number gets into a header's syntax."""
    return to_bytes("".join(c for c in text if c >= " " and c not in '"\\')).decode("utf-8", "surrogateescape")


def _join(session: Session, line: Channel) -> None:
    """Let the two talk until one of them ends, or the caller is taken away."""
    caller, switch = session.channel, session.switch
    for note in (caller, line):
        other = line if note is caller else caller
        note.variables.update({"bridge_uuid": other.uuid, "bridge_channel": other.name,
                               "last_bridge_to": other.uuid, "signal_bond": other.uuid})
    caller.other_type, caller.other_profile = "originatee", line.profile
    caller.profile.callee_name, caller.profile.callee_number = line.profile.callee_name, line.profile.callee_number
    _run_variables(caller, line)
    caller.answer()
    caller.check()
    moment = now_us()
    caller.times.bridged = line.times.bridged = moment
    with caller.changed:
        caller.partner, line.partner = line, caller
        caller.keys.clear()
    line.state = State.CS_EXCHANGE_MEDIA
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


def _run_variables(caller: Channel, line: Channel) -> None:
    """`execute_on_answer` of the line's leg and `bridge_pre_execute_…` of either: `set` only."""
    for channel, text in (
        (line, line.variables.get("execute_on_answer")),
        (caller, _application(caller, "bridge_pre_execute_aleg")),
        (line, _application(caller, "bridge_pre_execute_bleg")),
    ):
        if not text:
            continue
        name, _, argument = text.replace("::", " ", 1).partition(" ")
        if name == "set":
            set_variable(channel, argument)
        else:
            log.warning("%s: %s cannot run at an answer here", channel.name, name)


def _application(channel: Channel, prefix: str) -> str | None:
    name = channel.variables.get(f"{prefix}_app")
    return None if name is None else f"{name} {channel.variables.get(f'{prefix}_data') or ''}"


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"bridge": _bridge}
