"""One call, from INVITE to hang-up: read, decide, carry out.

What a call's record will say is noted before the step it speaks of, so that it holds when the handlers die
in that step: before a menu the outcome is "abandoned in the menu", which the next note corrects. That a line was
joined nobody notes: the switch itself says so.
"""

from __future__ import annotations

import contextlib

import structlog

from appliance.calls.connect import ring_in_order
from appliance.calls.desk import Desk
from appliance.calls.menu import ask
from appliance.domain.flow import Flow, HangUp, Menu, Play, Ring
from appliance.domain.lines import cause_when_all_failed
from appliance.domain.routing import REFUSALS, Admitted, Refused, RoutingTable, admit
from appliance.errors import CallerGone
from appliance.switch.leg import Leg, Tried

#: A record's list of keys ends here; a caller who goes on pressing goes on.
_MOST_KEYS = 900
_log = structlog.get_logger(__name__)


def take(leg: Leg, desk: Desk) -> None:
    """Carry a call out. The one place where the caller's hang-up is caught."""
    # The ordinary end of a call: its record says when and where.
    with contextlib.suppress(CallerGone):
        _carry_out(leg, desk)


def _carry_out(leg: Leg, desk: Desk) -> None:
    table = desk.routing()
    decision = admit(leg.invite, table, desk.home_area_code)
    match decision:
        case Refused():
            _refuse(leg, decision, desk)
        case Admitted(route=route) if route.flow is not None:
            at = _resumed_at(leg, route.flow)
            _note_admitted(leg, decision)
            _play_flow(leg, decision, route.flow, at, table, desk)
        case Admitted():
            _note_admitted(leg, decision)
            _ring_directly(leg, decision, table, desk)


def _refuse(leg: Leg, refused: Refused, desk: Desk) -> None:
    """Say why, unanswered and free for both, and end with the refusal's cause."""
    cause, prompt = REFUSALS[refused.reason]
    _log.info("refused", call=leg.uuid, reason=refused.reason, trunk=refused.trunk)
    leg.note(
        number=refused.number,
        account=refused.account,
        trunk=refused.trunk,
        caller=refused.caller.number,
        caller_kind=refused.caller.kind,
        outcome=f"refused:{refused.reason}",
    )
    if prompt:
        leg.early_media()
        desk.play(leg, refused.account, prompt)
    leg.hang_up(cause)


def _note_admitted(leg: Leg, call: Admitted) -> None:
    flow = call.route.flow
    leg.note(
        number=call.route.number,
        account=call.route.account,
        trunk=call.trunk.id,
        caller=call.caller.number,
        caller_kind=call.caller.kind,
        flow=flow.label if flow else "",
    )


def _ring_directly(leg: Leg, call: Admitted, table: RoutingTable, desk: Desk) -> None:
    """A number without a flow: its lines, unanswered until one of them answers."""
    leg.note(outcome="abandoned:ringing")
    tried = ring_in_order(leg, call, call.route.lines, table, desk, free=True)
    leg.note(outcome=_failed(tried))
    leg.hang_up(cause_when_all_failed(tried))


def _play_flow(leg: Leg, call: Admitted, flow: Flow, at: str, table: RoutingTable, desk: Desk) -> None:
    """Walk the graph from node ``at`` until it hangs up, or a talk is over."""
    account = call.route.account
    leg.answer()
    keys = leg.notes.get("keys", "")
    failed: list[Tried] = []
    while at:
        node = flow.nodes[at]
        leg.note(node=at)
        match node:
            case Play():
                leg.note(outcome="abandoned:prompt")
                desk.play(leg, account, node.prompt)
                at = node.next
            case Menu():
                leg.note(outcome="abandoned:menu")
                chosen = ask(leg, node, account, desk)
                if chosen.key and len(keys) < _MOST_KEYS:
                    keys = f"{keys};{at}={chosen.key}".lstrip(";")
                    leg.note(keys=keys)
                at = chosen.node
            case Ring():
                leg.note(outcome="abandoned:ringing")
                failed += ring_in_order(leg, call, node.lines, table, desk, free=False)
                at = node.failed
            case HangUp():
                leg.note(outcome=_failed(failed) if failed else "ended:menu")
                desk.play(leg, account, node.prompt)
                leg.hang_up(node.cause)
                return
    leg.note(outcome=_failed(failed))
    desk.play(leg, account, "all-lines-busy")
    leg.hang_up(cause_when_all_failed(failed))


def _resumed_at(leg: Leg, flow: Flow) -> str:
    """Where the call stands: at the node it had reached when its handlers died, else at the start."""
    notes = leg.notes
    if notes.get("flow") == flow.label and notes.get("node") in flow.nodes:
        return notes["node"]
    return flow.start


def _failed(tried: list[Tried]) -> str:
    """``failed:WHY``: the cause that the caller gets, in the record's words."""
    return f"failed:{cause_when_all_failed(tried).lower().replace('_', '-')}"
