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
from appliance.calls.called_back import call_him
from appliance.calls.connect import ring
from appliance.calls.desk import Desk
from appliance.calls.going import Going
from appliance.calls.onward import AFTER, after_talk, send_on, was_sent
from appliance.calls.steps import end, failed, take_step
from appliance.calls.waiting import lose_place
from appliance.domain.called import Incoming, Refused, identify
from appliance.domain.flow import Enqueue, Flow
from appliance.domain.lines import cause_when_all_failed, media_terms
from appliance.domain.outcome import USUAL_MEDIA
from appliance.domain.refusal import ENDINGS, Refusal
from appliance.domain.routing import USUAL, RoutingTable, Treatment
from appliance.errors import CallerGone
from appliance.switch.leg import Leg, Tried

#: Nodes that a call comes through at most: menus let a caller go round for hours, flows that enter one another may
#: do so at once.
_MOST_NODES = 2000
_log = structlog.get_logger(__name__)


def take(leg: Leg, desk: Desk) -> None:
    """Carry a call out. The one place where the caller's hang-up is caught."""
    # The ordinary end of a call: its record says when and where.
    with contextlib.suppress(CallerGone):
        if leg.notes.get("callback"):
            call_him(leg, desk)
        else:
            _carry_out(leg, desk)


def _carry_out(leg: Leg, desk: Desk) -> None:
    table = desk.routing()
    found = identify(leg.invite, table, desk.home_area_code)
    if isinstance(found, Refused):
        _refuse(leg, found, USUAL, desk)
        return
    refused = _decided(leg, found, table, desk)
    if was_sent(leg):
        onward = after_talk(leg, found, table) if leg.notes.get("after") else send_on(leg, found, table, desk)
        if onward is not None:
            _play_flow(leg, found, onward.flow, table, desk, onward.tried, over=onward.over)
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
    # The call was in it when its handlers died, wherever the number leads to by now.
    flow = table.version(call.route.account, leg.notes.get("flow", "")) or flow
    overflow = call.route.overflow
    if flow is None and overflow is not None and leg.notes.get("flow", "").rpartition("@")[0] == overflow.name:
        flow = overflow
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
    leg.note(outcome=failed(tried))
    if not tried:
        # No line was to be rung: nobody else tells the caller.
        leg.early_media()
        desk.play(leg, call.route.account, "apology")
    leg.hang_up(cause_when_all_failed(tried))


def _play_flow(
    leg: Leg,
    call: Incoming,
    flow: Flow,
    table: RoutingTable,
    desk: Desk,
    before: Sequence[Tried] = (),
    *,
    over: bool = False,
) -> None:
    """Walk the graph from its start, or the node where the call stands, until it hangs up, or a talk is over;
    ``before``: lines that failed before it; ``over``: the talk of the node where the call stands is."""
    going = Going.begin(leg, call, flow, table, desk)
    going.tried += before
    if not isinstance(going.course.node, Enqueue):
        lose_place(leg, desk.now())
    leg.note(flow=going.course.root.label)
    leg.answer()
    for _ in range(_MOST_NODES):
        going.ask_again()
        leg.note(node=going.course.path)
        exit_name, over = (AFTER, False) if over else (take_step(going), False)
        if not exit_name:
            return
        going.note_exit(exit_name)
        onward = going.course.leave(exit_name)
        if onward is None:
            end(going, exit_name)
            return
        going.course = onward
    _log.error("flow without end", flow=flow.label, call=leg.uuid)
    leg.note(outcome="failed:flow")
    leg.hang_up("NORMAL_TEMPORARY_FAILURE")
