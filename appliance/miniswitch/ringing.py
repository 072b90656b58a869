"""Ringing lines: placing legs, all at once, until the first of them answers.

A line's leg has no thread of its own: whoever rings it sees it through and closes it. Source for its
variables: `switch_ivr_originate`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from appliance.miniswitch import apps
from appliance.miniswitch.channel import Channel, State, new_uuid
from appliance.miniswitch.closing import close
from appliance.miniswitch.confirm import Confirmation
from appliance.miniswitch.dialstring import Target
from appliance.miniswitch.g711 import NAMES, PCMA
from appliance.miniswitch.media import NoPort
from appliance.miniswitch.profile import Profile
from appliance.miniswitch.sip_leg import Invitation

if TYPE_CHECKING:
    from appliance.miniswitch.switch import Switch

Signature = tuple[tuple[bool, bool, bool, bool, str], ...]

DEFAULT_TIMEOUT_S = 60.0
_HEADER_PREFIX = "sip_h_"


@dataclass
class Attempt:
    """One leg being rung, and when it is given up."""

    leg: Channel
    deadline: float | None
    confirmation: Confirmation

    @property
    def wins(self) -> bool:
        """Whether the caller may be joined to it."""
        return self.leg.answered and self.confirmation.done

    def ask(self) -> None:
        """Once it has answered: ask what it is to be asked, within the time for that."""
        if self.leg.answered and not self.confirmation.done and not self.confirmation.begun:
            limit = self.confirmation.time_limit_s
            self.deadline = time.monotonic() + limit if limit else None
            self.confirmation.begin()


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
            limit = leg.variables.get("leg_timeout") or ""
            deadline = time.monotonic() + int(limit) if limit.isdigit() and int(limit) else None
            self.attempts.append(Attempt(leg, deadline, Confirmation(leg, self.wake)))
            _hold_places(leg)
            if leg.hangup_cause:
                self.switch.limits.free_all(leg.uuid)
                continue
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
            for attempt in alive:
                attempt.ask()
            winner = next((a.leg for a in alive if a.wins), None)
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
        return tuple(
            (a.leg.ringing, a.leg.early, a.leg.answered, a.wins, a.leg.hangup_cause) for a in self.attempts
        )

    def give_up(self, cause: str, but: Channel | None = None) -> None:
        """Cancel every leg that is still there, except one, and close all of those."""
        for attempt in self.attempts:
            if attempt.leg is not but:
                attempt.leg.hangup(cause)
                close(attempt.leg)


def _make_leg(switch: Switch, caller: Channel | None, target: Target) -> Channel:
    """The channel of a line's leg, with its variables."""
    from_caller = caller.profile if caller is not None else None
    number, name = _shown_to(caller, target)
    where = f"{target.number}@{target.host}:{target.port}"
    profile = Profile(
        direction="outbound",
        username=from_caller.username if from_caller else number,
        caller_name=name,
        caller_number=number,
        original_name=from_caller.caller_name if from_caller else name,
        original_number=from_caller.caller_number if from_caller else number,
        network_addr=from_caller.network_addr if from_caller else target.host,
        destination=target.number,
        uuid=target.options.get("origination_uuid") or new_uuid(),
        channel_name=f"sofia/{target.profile}/{where}",
        callee_name="Outbound Call",
        callee_number=target.number,
    )
    leg = Channel(switch, "outbound", profile)
    leg.state = State.CS_CONSUME_MEDIA
    leg.variables.update(
        {
            "direction": "outbound",
            "is_outbound": "true",
            "uuid": leg.uuid,
            "session_id": str(leg.number),
            "sip_profile_name": target.profile,
            "channel_name": leg.name,
            "sip_destination_url": f"sip:{where}",
            "max_forwards": "69",
            "call_uuid": caller.uuid if caller else leg.uuid,
            "originate_endpoint": "sofia",
            "sip_network_ip": target.host,
            "sip_network_port": str(target.port),
            "sip_req_uri": where,
            "sip_to_user": target.number,
            "sip_to_host": target.host,
            "sip_to_port": str(target.port),
            "sip_to_uri": where,
            "sip_from_user": number,
            "sip_from_display": name,
            "local_media_ip": switch.settings.sip_host,
            "local_media_port": str(leg.media.port),
        }
    )
    if caller is not None:
        leg.other_type, leg.other_profile = "originator", caller.profile
        leg.variables.update({"originator": caller.uuid, "originating_leg_uuid": caller.uuid})
    leg.variables.update(target.variables(_exported(caller)))
    switch.remember(leg)
    return leg


def _hold_places(leg: Channel) -> None:
    """What `execute_on_originate…` has a leg do before its INVITE: hold a place, or end at once. Other applications
    are FreeSWITCH's, but nobody uses them here."""
    for name, value in list(leg.variables.items()):
        application, _, argument = (value or "").partition(" ")
        if name.startswith("execute_on_originate") and application == "limit" and not leg.hangup_cause:
            apps.limit(leg, argument)


def _exported(caller: Channel | None) -> dict[str, str]:
    """The caller's variables that go along to a line's leg."""
    if caller is None:
        return {}
    names = (caller.variables.get("export_vars") or "").split(",")
    return {name: value for name in names if (value := caller.variables.get(name))}


def _shown_to(caller: Channel | None, target: Target) -> tuple[str, str]:
    """Caller number and name that the line sees."""
    number = name = ""
    if caller is not None:
        number = caller.variables.get("effective_caller_id_number") or caller.profile.caller_number
        name = caller.variables.get("effective_caller_id_name") or caller.profile.caller_name
    number = target.options.get("origination_caller_id_number") or number or "0000000000"
    return number, target.options.get("origination_caller_id_name") or name or number


def _invitation(leg: Channel, caller: Channel | None, target: Target) -> Invitation:
    headers = tuple(
        (name[len(_HEADER_PREFIX) :], value)
        for name, value in leg.variables.items()
        if name.startswith(_HEADER_PREFIX)
    )
    wanted = (leg.variables.get("absolute_codec_string") or "").removeprefix("^^:").split(":")[0]
    law_of_caller = caller.remote.law if caller is not None and caller.remote is not None else PCMA
    first = next((law for law, name in NAMES.items() if name == wanted), law_of_caller)
    return Invitation(
        target.number,
        (target.host, target.port),
        _plain(leg.profile.caller_number),
        _quotable(leg.profile.caller_name),
        leg.signals.offer(first),
        headers,
    )


def _plain(number: str) -> str:
    """A number as SIP may carry it: visible characters that mean nothing in a URI."""
    return "".join(c for c in number if c.isascii() and (c.isalnum() or c in "+*#._-"))


def _quotable(name: str) -> str:
    """A display name that stays inside its quotes."""
    return "".join(c for c in name if c >= " " and c not in '"\\')
