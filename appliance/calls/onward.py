"""A caller whom a line's side has sent on, or for whom it has consulted another line (``calls.talk``): what becomes
of him once he is in his handlers' hands again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from appliance.calls.connect import ring
from appliance.calls.desk import Desk
from appliance.calls.steps import failed
from appliance.domain.called import Incoming
from appliance.domain.flow import Flow
from appliance.domain.flow.course import resumed
from appliance.domain.flow.fields import exits_of
from appliance.domain.hunt import Hunt
from appliance.domain.lines import cause_when_all_failed
from appliance.domain.routing import RoutingTable
from appliance.switch.leg import Disposition, Leg, Tried

#: By what the hunt of a caller who was sent on is remembered.
TRANSFERRED = "transfer"
#: The exit by which a node is left whose line has ended the talk.
AFTER = "after"
#: Between the line that is wanted and the one that sent him, in the note that outlives handlers.
_BY = ">"


class Onward(NamedTuple):
    """The flow that goes on: from its start or where the call stands, behind lines that failed; or, a talk being
    ``over``, behind the node that the call stands at."""

    flow: Flow
    tried: Sequence[Tried] = ()
    over: bool = False


def was_sent(leg: Leg) -> bool:
    """Whether a line's side has taken the caller elsewhere."""
    return any(leg.notes.get(name) for name in ("after", "transfer", "onward"))


def send_on(leg: Leg, call: Incoming, table: RoutingTable, desk: Desk) -> Onward | None:
    """Ring the line that the caller was sent to; if that does not take him, the one that sent him; then he goes
    where callers go whom no line took. None: the call is over.

    Handlers that die on the way leave both lines' names with the call.
    """
    wanted, _, sender = leg.notes.get("onward", "").partition(_BY)
    if leg.notes.get("transfer"):
        wanted, sender = leg.notes["transfer"], leg.notes.get("line", "")
    leg.note(outcome="abandoned:ringing", onward=f"{wanted}{_BY}{sender}")
    recorded = {name: leg.notes.get(name, "") for name in ("recording", "unrecorded")}
    comes_after = _stands(leg, call, table) is not None
    tried: list[Tried] = []
    for line_id in dict.fromkeys((wanted, sender)):
        line = table.lines.get(line_id)
        if line is not None and line.account == call.route.account:
            name = f"{call.route.account}/{TRANSFERRED}/{line_id}"
            tried += ring(leg, call, Hunt((line_id,)), name, table, desk, free=False, go_on=comes_after)
            if any(one.disposition is Disposition.ANSWERED for one in tried):
                return after_talk(leg, call, table)
    # It says what became of the talk that was, not of those that came to nothing.
    leg.note(onward="", **recorded)
    if call.route.overflow is not None:
        return Onward(call.route.overflow, tried)
    leg.note(outcome=failed(tried))
    desk.play(leg, call.route.account, "all-lines-busy")
    leg.hang_up(cause_when_all_failed(tried))
    return None


def after_talk(leg: Leg, call: Incoming, table: RoutingTable) -> Onward | None:
    """The talk is over and the caller still there: his flow goes on behind the node that rang the first line. None:
    nothing comes, and the call has ended."""
    leg.note(talked="yes", outcome="answered", onward="")
    flow = _stands(leg, call, table)
    if flow is None:
        leg.hang_up("NORMAL_CLEARING")
        return None
    return Onward(flow, over=True)


def _stands(leg: Leg, call: Incoming, table: RoutingTable) -> Flow | None:
    """The flow at whose node the call stands, if something comes there after a talk."""
    account, label = call.route.account, leg.notes.get("flow", "")
    course = resumed(
        label, leg.notes.get("node", ""), table.flows_of(account), lambda one: table.version(account, one)
    )
    return course.root if course is not None and exits_of(course.node).get(AFTER) else None
