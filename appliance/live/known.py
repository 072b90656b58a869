"""What is known of the box besides the switch's legs: from the journal, with the routing that calls take."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.domain.calendar import DayKinds
from appliance.domain.hunt import Hunt
from appliance.domain.live.board import Known, TrunkNow
from appliance.domain.routing import RoutingTable
from appliance.store import past
from appliance.store.journal import Journal
from appliance.store.waitlist import Waitlist


def known(table: RoutingTable, journal: Journal, now: datetime, public_day: DayKinds) -> Known:
    """Everything that a board wants to know, at this moment."""
    waitlist = Waitlist(journal.file)
    waiting = [kept.waiting for kept in waitlist.here()]
    wrap_up: dict[str, int] = {}
    for queue in table.queues.values():
        for line in queue.hunt.lines:
            wrap_up[line] = max(queue.wrap_up_s, wrap_up.get(line, 0))
    everybody = Hunt(lines=tuple(table.lines))
    waited_for = {one.queue for one in waiting} & table.queues.keys()
    return Known(
        table=table,
        now=now,
        day_kind=table.day_kinds(public_day),
        waiting=waiting,
        uses=journal.uses("", everybody, "", "", past.capped(table.lines.values()), now).lines,
        rests=waitlist.left_alone(wrap_up, now),
        signed_in=waitlist.signed_in(),
        trunks={trunk: TrunkNow(state.up, state.since) for trunk, state in journal.trunks().items()},
        handling={
            queue: handling + timedelta(seconds=table.queues[queue].wrap_up_s)
            for queue in waited_for
            if (handling := waitlist.handling(table.queues[queue].hunt.lines, now)) is not None
        },
    )
