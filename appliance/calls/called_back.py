"""A line has answered to call somebody back: ring him, and join the two.

The leg is the line's: its side is the one that hears what is played here, and its end is the call's. The caller is
rung from it by a trunk, with that trunk's number.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import structlog

from appliance.calls.connect import recording
from appliance.calls.desk import Desk
from appliance.calls.funds import Grant
from appliance.calls.purse import begins, limit_leg
from appliance.domain import numbers
from appliance.domain.callback import SOON, Request, verdict
from appliance.domain.callback_turn import is_here_himself, terms_of, ways_to
from appliance.domain.called import Incoming
from appliance.domain.cdr import packed
from appliance.domain.credit import Unfunded
from appliance.domain.outcome import Disposition, Tried, is_trunk_trouble
from appliance.domain.routing import Line, NumberRoute, RoutingTable
from appliance.store.begun import BegunCalls
from appliance.store.callbacks import Callbacks
from appliance.switch.leg import Leg

#: No trunk that may place calls has a number of its own.
NO_WAY = "NO_ROUTE_TRANSIT_NET"
_log = structlog.get_logger(__name__)


def call_him(leg: Leg, desk: Desk) -> None:
    """Carry a call back out, from the line's answer to its end."""
    table, requests = desk.routing(), Callbacks(desk.journal.file)
    request_id, line = leg.notes.get("callback", ""), table.lines.get(leg.notes.get("line", ""))
    request = requests.one(request_id)
    route = table.numbers.get(request.number) if request is not None else None
    # From here on there is a call, whatever becomes of it: should the switch die, this is what is left of it.
    BegunCalls(desk.journal.file).calls_back(leg.uuid, packed(leg.notes), desk.now())
    if request is None or line is None or route is None:
        _send_away(leg, request, desk)
        return
    if is_here_himself(request, desk.dispatcher.callers()):
        # He called as the line was rung: he waits where he stood, and no attempt is counted.
        requests.release(request.id, leg.uuid, desk.now(), "calls himself")
        _send_away(leg, request, desk)
        return
    if not _has_place(leg, route, table):
        requests.release(request.id, leg.uuid, desk.now() + SOON, "full")
        leg.note(outcome="failed:callback-full")
        desk.play(leg, request.account, "callback-unreached")
        leg.hang_up("NORMAL_CIRCUIT_CONGESTION")
        return
    if not _is_paid_for(leg, request, route, table, desk):
        requests.release(request.id, leg.uuid, desk.now() + SOON, "no money")
        leg.note(outcome="failed:callback-no-credit")
        desk.play(leg, request.account, "callback-unreached")
        leg.hang_up("NORMAL_TEMPORARY_FAILURE")
        return
    claimed = requests.rings_him(request.id, leg.uuid, desk.dispatcher.owner, desk.now())
    if claimed is None:
        _send_away(leg, request, desk)
        return
    _call(leg, claimed, line, route, table, desk)


def _send_away(leg: Leg, request: Request | None, desk: Desk) -> None:
    """There is nobody to be called any more: he called himself, or a clerk closed it."""
    leg.note(outcome="ended:callback-withdrawn")
    desk.play(leg, leg.notes.get("account", "") if request is None else request.account, "callback-gone")
    leg.hang_up("NORMAL_CLEARING")


def _has_place(leg: Leg, route: NumberRoute, table: RoutingTable) -> bool:
    """Count the call among the number's and the account's, where these are limited; whether there is a place."""
    limits = (
        ("number", route.number, route.rules.max_calls),
        ("account", route.account, table.account_max_calls.get(route.account, 0)),
    )
    held = [leg.hold(realm, name) <= most for realm, name, most in limits if most]
    return all(held)


def _is_paid_for(leg: Leg, request: Request, route: NumberRoute, table: RoutingTable, desk: Desk) -> bool:
    """Hold money for the call, and have the switch keep it to what that pays for."""
    if desk.funds is None:
        return True
    trunk = table.trunk(request.trunk) or table.trunks[0]
    call = Incoming(trunk, route, numbers.caller(request.callee))
    found = desk.funds.hold(begins(leg, call, desk.now()), call.caller.kind.value, begins=False)
    if isinstance(found, Grant):
        limit_leg(leg, found, route.account, desk)
    return not isinstance(found, Unfunded)


def _call(leg: Leg, request: Request, line: Line, route: NumberRoute, table: RoutingTable, desk: Desk) -> None:
    requests = Callbacks(desk.journal.file)
    leg.note(outcome="abandoned:callback", tried=f"{line.id}={Disposition.ANSWERED}")
    try:
        tried = _rung(leg, request, line, route, table, desk)
    except BaseException:
        # He was spoken to, or not: the call's record knows.
        requests.over(request.id, leg.uuid, desk.now())
        raise
    finally:
        desk.dispatcher.settles([line.id], request.queue)
    what = verdict(tried, request.attempts, terms_of(request, table), desk.now())
    requests.settle(request.id, leg.uuid, what, str(tried.disposition), desk.now())
    if tried.disposition is Disposition.ANSWERED:
        leg.hang_up("NORMAL_CLEARING")
        return
    leg.note(outcome="failed:callback-caller", because=f"caller={tried.disposition}")
    desk.play(leg, request.account, "callback-unreached")
    leg.hang_up("NORMAL_CLEARING")


def _rung(leg: Leg, request: Request, line: Line, route: NumberRoute, table: RoutingTable, desk: Desk) -> Tried:
    """Ring him by one trunk after the other, until one reaches him or says why not.

    :raises CallerGone: the line's side has hung up.
    """
    record_to = _recorded(leg, request, line, route, table, desk)
    greeting = _greeting(leg, request, desk)
    tried = Tried(line.id, Disposition.UNREACHABLE, NO_WAY)
    ways = ways_to(request, line.id, table, desk.is_down)
    if not ways:
        _log.error("no trunk to call back by", callback=request.id, queue=request.queue)
    for target in ways:
        leg.note(trunk=target.trunk)
        (tried,) = leg.connect([replace(target, whisper=greeting)], record_to, go_on=True)
        leg.note(tried=f"{line.id}={Disposition.ANSWERED}")
        if not is_trunk_trouble(tried):
            break
    return tried


def _recorded(
    leg: Leg, request: Request, line: Line, route: NumberRoute, table: RoutingTable, desk: Desk
) -> str | None:
    """What the talk is recorded to; the caller is told as he answers, the line's side is not told here."""
    trunk = table.trunk(request.trunk) or table.trunks[0]
    leg.note(notice=route.record_notice)
    record_to = recording(leg, Incoming(trunk, route, numbers.caller(request.callee)), [line], desk)
    if record_to is None:
        leg.note(notice="")
    return record_to


def _greeting(leg: Leg, request: Request, desk: Desk) -> Path | None:
    """What he hears as he answers: who calls, and that it is recorded."""
    names = ["callback-greeting", *filter(None, [leg.notes.get("notice", "")])]
    found = [desk.find_prompt(request.account, name) for name in names]
    together = desk.together([path for path in found if path is not None])
    return together[0] if together else None
