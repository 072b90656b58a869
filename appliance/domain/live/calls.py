"""Calls as they are now, from the legs that the switch has at this moment.

A call is its caller's leg; where it stands is told by what its handlers have noted on that leg before each step
(``gw_facts``), and by the lines' legs that belong to it. The switch alone knows who is joined with whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from appliance.domain.queue import Stay, read_stay


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg in the switch.

    :param inbound: somebody called us by it.
    :param application: what the dialplan carries out on it.
    :param call_uuid: the leg that it was made for, as far as the switch says; its own UUID or empty: none.
    :param peer: the leg that it is joined with, since ``joined_at``; empty: none.
    :param proxy: of a line's: the address that it was rung at.
    :param facts: what the handlers have noted on it, names without ``gw_``. A line's leg has those of its caller,
        as they were when it was rung, and ``line``.
    """

    uuid: str
    inbound: bool
    created_at: datetime
    application: str = ""
    call_uuid: str = ""
    peer: str = ""
    joined_at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    proxy: str = ""


class Stage(StrEnum):
    """Where a call stands."""

    #: Nothing is known of it yet, or nobody looks after it.
    ARRIVED = "arrived"
    #: A rule refused it; it hears why.
    REFUSED = "refused"
    #: In a flow, at ``node``.
    FLOW = "flow"
    #: Waits in ``queue``.
    QUEUE = "queue"
    #: Leaves a message.
    MESSAGE = "message"
    #: ``lines`` ring.
    RINGING = "ringing"
    #: Joined with ``lines``, which is one.
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call.

    :param account: the enterprise; empty: its number is none of ours, or nothing is known yet.
    :param started_at: its INVITE, to the second.
    :param since: since when it stands where it stands; None: since before anybody looked.
    :param flow: flow and version; ``node`` the path in it.
    :param recorded: the talk is recorded.
    """

    uuid: str
    account: str
    number: str
    trunk: str
    caller: str
    caller_kind: str
    started_at: datetime
    stage: Stage
    since: datetime | None
    flow: str = ""
    node: str = ""
    queue: str = ""
    lines: tuple[str, ...] = ()
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class LineLeg:
    """A line's leg: it rings, or talks since ``joined_at``. ``call`` is the caller's; empty: none that is there."""

    uuid: str
    line: str
    account: str
    call: str
    created_at: datetime
    joined_at: datetime | None
    proxy: str = ""


def sorted_legs(legs: Sequence[Leg]) -> tuple[list[Leg], list[LineLeg]]:
    """The callers' legs, and those of lines with their calls."""
    callers = [leg for leg in legs if _is_callers(leg)]
    known = {leg.uuid: leg for leg in legs}
    theirs = {leg.uuid for leg in callers}
    lines = [
        LineLeg(
            uuid=leg.uuid,
            line=leg.facts.get("line", ""),
            account=leg.facts.get("account", ""),
            call=_call_of(leg, known, theirs),
            created_at=leg.created_at,
            joined_at=leg.joined_at,
            proxy=leg.proxy,
        )
        for leg in legs
        if leg.uuid not in theirs
    ]
    return callers, lines


def calls_of(callers: Iterable[Leg], lines: Iterable[LineLeg]) -> list[LiveCall]:
    """The calls, the oldest first."""
    by_call: dict[str, list[LineLeg]] = {}
    for line in lines:
        by_call.setdefault(line.call, []).append(line)
    found = [_call(leg, by_call.get(leg.uuid, [])) for leg in callers]
    return sorted(found, key=lambda call: (call.started_at, call.uuid))


def followed(calls: Iterable[LiveCall], before: Mapping[str, LiveCall] | None, at: datetime) -> dict[str, LiveCall]:
    """The calls by UUID, with the time since when each stands where it does: what the switch does not tell is when
    it was first seen there.

    :param before: the last look's; None: nobody looked.
    """
    return {call.uuid: call if call.since else replace(call, since=_since(call, before, at)) for call in calls}


def _since(call: LiveCall, before: Mapping[str, LiveCall] | None, at: datetime) -> datetime | None:
    if before is None:
        return None
    last = before.get(call.uuid)
    if last is None:
        return call.started_at
    return last.since if (last.stage, last.node) == (call.stage, call.node) else at


def _is_callers(leg: Leg) -> bool:
    """Who calls us; or whom we have called for a number of ours, and who is no line."""
    on_its_own = leg.call_uuid in ("", leg.uuid)
    return leg.inbound or (on_its_own and "number" in leg.facts and not leg.facts.get("line"))


def _call_of(leg: Leg, known: Mapping[str, Leg], callers: set[str]) -> str:
    """The caller's leg that a line's belongs to: whom it is joined with, else whom it was made for; a colleague who
    is consulted was made for a line's leg."""
    seen: set[str] = set()
    made: Leg | None = leg
    while made is not None and made.uuid not in seen:
        seen.add(made.uuid)
        for name in (made.peer, made.facts.get("call", ""), made.call_uuid):
            if name in callers:
                return name
        made = known.get(made.call_uuid)
    return ""


def _call(leg: Leg, lines: Sequence[LineLeg]) -> LiveCall:
    facts = leg.facts
    stage, since = _stage(leg, lines)
    shown = [one for one in lines if (one.uuid == leg.peer) == (stage is Stage.TALKING)]
    stay = _stay(facts)
    return LiveCall(
        uuid=leg.uuid,
        account=facts.get("account", ""),
        number=facts.get("number", ""),
        trunk=facts.get("trunk", ""),
        caller=facts.get("caller", ""),
        caller_kind=facts.get("caller_kind", "") or "unknown",
        started_at=leg.created_at,
        stage=stage,
        since=since,
        flow=facts.get("flow", ""),
        node=facts.get("node", ""),
        queue="" if stay is None else stay.queue,
        lines=tuple(sorted({one.line for one in shown if one.line})),
        recorded=stage is Stage.TALKING and bool(facts.get("recording")),
    )


def _stay(facts: Mapping[str, str]) -> Stay | None:
    """The queue that he waits in or, while he talks, was served in; what comes after a talk is none."""
    return None if facts.get("talked") else read_stay(facts.get("queue", ""))


def _stage(leg: Leg, lines: Sequence[LineLeg]) -> tuple[Stage, datetime | None]:
    facts = leg.facts
    if leg.peer:
        return Stage.TALKING, leg.joined_at
    if lines:
        return Stage.RINGING, min(one.created_at for one in lines)
    stay = _stay(facts)
    if stay is not None:
        return Stage.QUEUE, stay.entered_at
    if leg.application == "record":
        return Stage.MESSAGE, None
    if facts.get("taken", "yes") != "yes" and not facts.get("node"):
        return Stage.REFUSED, None
    return (Stage.FLOW if facts.get("node") else Stage.ARRIVED), None
