"""Join the caller to a line."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from appliance.calls.desk import Desk
from appliance.domain.lines import in_order, target_for
from appliance.domain.routing import Admitted, RecordPolicy, RoutingTable
from appliance.switch.leg import Disposition, Leg, Tried

_log = structlog.get_logger(__name__)


def ring_in_order(
    leg: Leg, call: Admitted, line_ids: Iterable[str], table: RoutingTable, desk: Desk, *, free: bool
) -> list[Tried]:
    """Ring lines one after the other; returns when all failed, and what became of each.

    A talk is the call's end (``CallerGone``). Where the number is recorded the caller is told so first: as
    early media when ``free`` (the call is not answered yet), else as a prompt.
    """
    tried: list[Tried] = []
    record_to = None
    for line in in_order(line_ids, table):
        target = target_for(line, call.caller, table)
        if target is None:
            _log.error("line has no trunk to be reached by", line=line.id, call=leg.uuid)
            tried.append(Tried(line.id, Disposition.UNREACHABLE, ""))
            continue
        if record_to is None and call.route.record is RecordPolicy.ALL:
            record_to = _announce_recording(leg, call, desk, free=free)
        tried.append(leg.connect(target, record_to, go_on=False))
    return tried


def _announce_recording(leg: Leg, call: Admitted, desk: Desk, *, free: bool) -> str:
    """Tell the caller of the recording where the number asks for it; the recording's name."""
    if call.route.record_notice and "notice" not in leg.notes:
        if free:
            leg.early_media()
        before = leg.notes.get("outcome", "")
        # Who hangs up now has not heard a line ring.
        leg.note(notice="played", outcome="abandoned:prompt")
        desk.play(leg, call.route.account, "record-notice")
        leg.note(outcome=before)
    name = desk.recording_name(leg.uuid)
    leg.note(recording=name)
    return name
