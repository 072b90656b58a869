"""One real call to a 400 number, dialled and answered by test phones on loopback, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from appliance.domain import numbers
from appliance.domain.flow import Flow, Menu, Ring, exits_of
from appliance.domain.recording import ALL, policy_for
from appliance.domain.routing import NumberRoute, RoutingTable, Trunk
from appliance.errors import ApplianceError
from appliance.testphone import LineScript, OutgoingCall, Phone, PhoneError

CALLER_HZ, LINE_HZ = 600.0, 900.0
_AUDIBLE = 200  # of 32767: well above what G.711 makes of silence


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demonstration dials: the number, the keys that lead to a line, and that line."""

    number: str
    account: str
    keys: str
    line: str
    proxy: tuple[str, int]
    trunk: Trunk
    recorded: bool


def plan_call(table: RoutingTable, number: str | None = None) -> Plan:
    """Find a number (the first, or the one named) and the keys by which a caller reaches a line.

    :raises ApplianceError: the site has no such number, no way to a line, or the line's trunk is not on
        this machine: the demonstration calls nobody else.
    """
    route = table.numbers.get(numbers.compact(number)) if number else next(iter(table.numbers.values()), None)
    if route is None:
        raise ApplianceError(f"the site has no number {number}" if number else "the site has no number")
    keys, lines = _way_to_a_line(route)
    line = next((table.lines[line_id] for line_id in lines if line_id in table.lines), None)
    trunk = table.trunk(line.trunk) if line else None
    if line is None or trunk is None or not trunk.proxy:
        raise ApplianceError(f"no line that can be rung behind {route.number}")
    host, _, port = trunk.proxy.rpartition(":")
    with contextlib.suppress(ValueError):
        if ip_address(host).is_loopback:
            recorded = policy_for(route.record, "", [line.record]) == ALL
            return Plan(route.number, route.account, keys, line.id, (host, int(port)), trunk, recorded)
    raise ApplianceError(f"trunk {trunk.id} leads to {trunk.proxy}: the demonstration stays on this machine")


def _way_to_a_line(route: NumberRoute) -> tuple[str, tuple[str, ...]]:
    """The fewest keys from the flow's start to a node that rings lines, and those lines."""
    if route.flow is None:
        return "", route.hunt.lines
    flow: Flow = route.flow
    todo, seen = deque([(flow.start, "")]), {flow.start}
    while todo:
        at, keys = todo.popleft()
        node = flow.nodes[at]
        if isinstance(node, Ring):
            return keys, node.lines
        steps = node.keys if isinstance(node, Menu) else dict.fromkeys([""], exits_of(node).get("next", ""))
        for key, target in steps.items():
            if target and target not in seen:
                seen.add(target)
                todo.append((target, keys + key))
    raise ApplianceError(f"no keys lead to a line behind {route.number}")


async def place_call(
    plan: Plan, sip: tuple[str, int], caller: str, talk_s: float, say: Callable[[str], None]
) -> None:
    """Dial, listen to the menu, press the keys, talk both ways, hang up; ``say`` is told each step.

    :raises PhoneError: a step was not seen in time.
    """
    answers = LineScript.answer(0.3, say=LINE_HZ)
    async with Phone(*plan.proxy, on_invite=answers) as line, Phone(plan.proxy[0]) as phone:
        call = await phone.dial(plan.number, sip, caller=caller)
        say(f"{caller} dials {plan.number}")
        for key in plan.keys:
            await call.answered(10)
            await _hears_something_new(call)
            say("the caller hears the menu")
            await call.press(key)
            say(f"the caller presses {key}")
        leg = await line.incoming(30)
        await call.answered(10)
        say(f"line {plan.line} ({leg.called}) rings and answers")
        call.say(CALLER_HZ)
        await call.hears(LINE_HZ, 10)
        joined = time.monotonic()
        await leg.hears(CALLER_HZ, 10)
        say("joined: the caller hears the line, the line hears the caller")
        await asyncio.sleep(talk_s)
        await call.hangup()
        talked = time.monotonic() - joined
        await leg.ended(10)
        say(f"the caller hangs up after {talked:.1f} s; the line is free again")


async def _hears_something_new(call: OutgoingCall, within_s: float = 10) -> None:
    """Wait until a second of new sound was audible.

    :raises PhoneError: it was not, within ``within_s``.
    """
    begin = len(call.heard)
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        heard = np.abs(call.heard[begin:].astype(np.int32))
        if len(heard) > 8000 and int(np.count_nonzero(heard > _AUDIBLE)) > 2000:
            return
        await asyncio.sleep(0.1)
    raise PhoneError("the caller heard no menu")
