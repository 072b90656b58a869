"""One call, from INVITE to hang-up: read, decide, carry out.

What a call's record will say is noted before the step it speaks of, so that it holds when the handlers die
in that step: before a menu the outcome is "abandoned in the menu", which the next note corrects. That a line was
joined nobody notes: the switch itself says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import structlog

from appliance.calls.admit import admit
from appliance.calls.connect import ring
from appliance.calls.desk import Desk
from appliance.calls.menu import ask
from appliance.calls.waiting import Outcome, lose_place, wait
from appliance.domain.called import Incoming, Refused, identify
from appliance.domain.flow import Enqueue, Flow, HangUp, Menu, Play, Ring
from appliance.domain.hunt import Hunt
from appliance.domain.lines import cause_when_all_failed, media_terms
from appliance.domain.outcome import USUAL_MEDIA
from appliance.domain.queue import Left
from appliance.domain.refusal import ENDINGS, Refusal
from appliance.domain.routing import USUAL, RoutingTable, Treatment
from appliance.errors import CallerGone
from appliance.switch.leg import Leg, Tried

#: By what the hunt of a caller who was sent on is remembered.
TRANSFERRED = "transfer"
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
    found = identify(leg.invite, table, desk.home_area_code)
    if isinstance(found, Refused):
        _refuse(leg, found, USUAL, desk)
        return
    refused = _decided(leg, found, table, desk)
    if leg.notes.get("transfer"):
        send_on(leg, found, table, desk)
        return
    if refused is None:
        _follow(leg, found, found.route.flow, table, desk)
        return
    treatment = found.route.rules.treatment(refused.reason)
    if treatment.flow is None:
        _refuse(leg, refused, treatment, desk)
        return
    because = f"{refused.reason} {refused.because}".strip()
    if not leg.notes.get("because", "").startswith(refused.reason):
        leg.note(because=because)
    _follow(leg, found, treatment.flow, table, desk)


def _decided(leg: Leg, call: Incoming, table: RoutingTable, desk: Desk) -> Refused | None:
    """What the rules say; a call that comes back from dead handlers is not asked again, for they may say something
    else by now."""
    notes = leg.notes
    before = notes.get("taken")
    terms = media_terms(call.trunk)
    if terms != USUAL_MEDIA:
        leg.use(terms)
    if before is None:
        leg.note(
            number=call.route.number,
            account=call.route.account,
            trunk=call.trunk.id,
            caller=call.caller.number,
            caller_kind=call.caller.kind,
        )
        refused = admit(leg, call, table, desk)
        leg.note(taken=refused.reason if refused else "yes")
        return refused
    if before == "yes":
        return None
    return Refused(
        Refusal(before), call.caller, call.trunk.id, call.route.number, call.route.account, notes.get("because", "")
    )


def _refuse(leg: Leg, refused: Refused, treatment: Treatment, desk: Desk) -> None:
    """Say why, unanswered and free for both unless the number wants an answer; end with the refusal's cause."""
    cause, usual = ENDINGS[refused.reason]
    prompt = treatment.prompt or usual
    _log.info("refused", call=leg.uuid, reason=refused.reason, because=refused.because, trunk=refused.trunk)
    leg.note(
        number=refused.number,
        account=refused.account,
        trunk=refused.trunk,
        caller=refused.caller.number,
        caller_kind=refused.caller.kind,
        outcome=f"refused:{refused.reason}",
        because=refused.because,
    )
    if treatment.answer:
        leg.answer()
    elif prompt:
        leg.early_media()
    desk.play(leg, refused.account, prompt)
    leg.hang_up(cause)


def _follow(leg: Leg, call: Incoming, flow: Flow | None, table: RoutingTable, desk: Desk) -> None:
    """Where an admitted call goes: through a flow, or to the number's lines."""
    overflow = call.route.overflow
    if flow is None and overflow is not None and leg.notes.get("flow") == overflow.label:
        flow = overflow  # the call was in it when its handlers died
    if flow is not None:
        _play_flow(leg, call, flow, table, desk)
    else:
        _ring_directly(leg, call, table, desk)


def _ring_directly(leg: Leg, call: Incoming, table: RoutingTable, desk: Desk) -> None:
    """A number without a flow: its lines, unanswered until one of them answers."""
    lose_place(leg, desk.now())
    leg.note(outcome="abandoned:ringing")
    tried = ring(leg, call, call.route.hunt, call.route.number, table, desk, free=True)
    if call.route.overflow is not None:
        _play_flow(leg, call, call.route.overflow, table, desk, tried)
        return
    leg.note(outcome=_failed(tried))
    if not tried:
        # No line was to be rung: nobody else tells the caller.
        leg.early_media()
        desk.play(leg, call.route.account, "apology")
    leg.hang_up(cause_when_all_failed(tried))


def send_on(leg: Leg, call: Incoming, table: RoutingTable, desk: Desk) -> None:
    """A line has sent the caller to another one; if that does not take him, he comes back to the first, and then
    goes where callers go whom no line took."""
    wanted, sender = leg.notes.get("transfer", ""), leg.notes.get("line", "")
    leg.note(outcome="abandoned:ringing")
    tried: list[Tried] = []
    for line_id in dict.fromkeys((wanted, sender)):
        line = table.lines.get(line_id)
        if line is not None and line.account == call.route.account:
            name = f"{call.route.account}/{TRANSFERRED}/{line_id}"
            tried += ring(leg, call, Hunt((line_id,)), name, table, desk, free=False)
    if call.route.overflow is not None:
        _play_flow(leg, call, call.route.overflow, table, desk, tried)
        return
    leg.note(outcome=_failed(tried))
    desk.play(leg, call.route.account, "all-lines-busy")
    leg.hang_up(cause_when_all_failed(tried))


def _play_flow(
    leg: Leg, call: Incoming, flow: Flow, table: RoutingTable, desk: Desk, before: Sequence[Tried] = ()
) -> None:
    """Walk the graph from its start, or the node where the call stands, until it hangs up, or a talk is over;
    ``before``: lines that failed before it."""
    account = call.route.account
    at = _resumed_at(leg, flow)
    if not isinstance(flow.nodes[at], Enqueue):
        lose_place(leg, desk.now())
    leg.note(flow=flow.label)
    leg.answer()
    failed = list(before)
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
                _note_key(leg, at, chosen.key)
                at = chosen.node
            case Ring():
                leg.note(outcome="abandoned:ringing")
                failed += ring(leg, call, node.hunt, f"{account}/{flow.name}/{at}", table, desk, free=False)
                at = node.failed
            case Enqueue():
                waited = wait(leg, node, call, table, desk)
                failed += waited.tried
                _note_key(leg, at, waited.key)
                if not waited.node:
                    _send_away(leg, account, waited, desk)
                    return
                at = waited.node
            case HangUp():
                leg.note(outcome=_failed(failed) if failed else "ended:menu")
                desk.play(leg, account, node.prompt)
                leg.hang_up(node.cause)
                return
    leg.note(outcome=_failed(failed))
    desk.play(leg, account, "all-lines-busy")
    leg.hang_up(cause_when_all_failed(failed))


def _note_key(leg: Leg, node: str, key: str) -> None:
    """A key that led somewhere; empty: none did."""
    keys = leg.notes.get("keys", "")
    if key and len(keys) < _MOST_KEYS:
        leg.note(keys=f"{keys};{node}={key}".lstrip(";"))


#: Who leaves a queue that leads nowhere else: what he hears, and the cause.
_SENT_AWAY = {
    Left.FULL: ("all-lines-busy", "USER_BUSY"),
    Left.TIMEOUT: ("queue-timeout", "NO_ANSWER"),
    Left.NOBODY: ("all-lines-busy", "NO_ANSWER"),
}


def _send_away(leg: Leg, account: str, waited: Outcome, desk: Desk) -> None:
    prompt, cause = _SENT_AWAY[waited.left]
    leg.note(outcome=f"failed:queue-{waited.left}")
    desk.play(leg, account, prompt)
    leg.hang_up(cause)


def _resumed_at(leg: Leg, flow: Flow) -> str:
    """Where the call stands: at the node it had reached when its handlers died, else at the start."""
    notes = leg.notes
    if notes.get("flow") == flow.label and notes.get("node") in flow.nodes:
        return notes["node"]
    return flow.start


def _failed(tried: list[Tried]) -> str:
    """``failed:WHY``: the cause that the caller gets, in the record's words."""
    return f"failed:{cause_when_all_failed(tried).lower().replace('_', '-')}"
