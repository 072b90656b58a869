"""Have a caller wait in a queue until a line answers, or he waits no longer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from appliance.calls.asking import ASKING, ask_for_callback, has_asked
from appliance.calls.connect import foretell, reached, reasons, recording
from appliance.calls.desk import Desk
from appliance.calls.hearing import Hearing
from appliance.calls.ticket import Ticket
from appliance.domain.admission import is_vip
from appliance.domain.called import Incoming
from appliance.domain.flow import Enqueue
from appliance.domain.outcome import Disposition
from appliance.domain.queue import Left, Queue, Stay, Waiting, read_stay, with_stay
from appliance.domain.routing import RoutingTable
from appliance.switch.leg import Leg, Tried

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: ``tried`` are the lines that rang, ``key`` the one that the caller pressed. ``ANSWERED``: the
    talk is over, and the call is to go on. ``CALLBACK``: he was told, and is to hang up."""

    left: Left
    tried: Sequence[Tried] = ()
    key: str = ""

    @property
    def exit(self) -> str:
        """The node's exit."""
        if self.left is Left.ANSWERED:
            return "after"
        return f"keys.{self.key}" if self.left is Left.KEY else self.left.value


def wait(leg: Leg, node: Enqueue, call: Incoming, table: RoutingTable, desk: Desk) -> Outcome:
    """Wait; returns when the caller leaves without a talk. A talk is the call's end (``CallerGone``), unless the
    node has an exit for when it is over.

    What the caller's record will say of it is noted before he waits: when he came, and that he gave up, which the
    next note corrects.
    """
    queue = table.queues.get(node.queue)
    if queue is None or queue.account != call.route.account:
        _log.error("queue missing", queue=node.queue, account=call.route.account, call=leg.uuid)
        lose_place(leg, desk.now())
        return Outcome(Left.NOBODY)
    waiting, resumed = _waiting(leg, node, queue, call, table, desk)
    if queue.callback.key and has_asked(leg, queue, desk):
        # Handlers died as he was told so.
        if resumed:
            _left(leg, waiting, Left.CALLBACK, desk.now())
        return Outcome(Left.CALLBACK)
    if not resumed and queue.max_length and desk.dispatcher.length(queue) >= queue.max_length:
        _left(leg, waiting, Left.FULL, desk.now())
        return Outcome(Left.FULL)
    if not _is_staffed(leg, queue, waiting, desk):
        _left(leg, waiting, Left.NOBODY, desk.now())
        return Outcome(Left.NOBODY)
    leg.note(queue=str(Stay(queue.id, waiting.entered_at)), outcome="abandoned:queue")
    ends = waiting.entered_at + timedelta(seconds=queue.max_wait_s)
    tried: list[Tried] = []
    # A key of the node leads where the node says.
    keys = "".join(dict.fromkeys((*node.keys, queue.callback.key)))
    ticket = desk.dispatcher.enter(waiting, queue.account, ends)
    hearing = Hearing(leg, ticket, queue, desk, resumed=resumed)
    with _place_of(ticket, desk):
        # He has his place already: who comes while this is played comes after him.
        foretell(leg, call, [line for id_ in queue.hunt.lines if (line := table.lines.get(id_))], desk)
        while True:
            if ticket.lines:
                hearing.hush()
                tried += _rung(leg, call, ticket, queue, table, desk, go_on=bool(node.after))
                if tried and tried[-1].disposition is Disposition.ANSWERED:
                    return Outcome(Left.ANSWERED, tried)
                continue
            why = _why_not_any_longer(leg, ticket, queue, ends, desk)
            if why is not None:
                hearing.hush()
                _left(leg, ticket.waiting, why, desk.now())
                return Outcome(why, tried)
            key = hearing.go_on(ends, keys)
            if key:
                hearing.hush()
            if key and key not in node.keys:
                if _asks(leg, ticket, queue, call, desk):
                    return Outcome(Left.CALLBACK, tried)
            elif key:
                _left(leg, ticket.waiting, Left.KEY, desk.now())
                return Outcome(Left.KEY, tried, key)


@contextmanager
def _place_of(ticket: Ticket, desk: Desk) -> Iterator[None]:
    """He has left when this is over. Not when the process is ended: what breaks off its calls is no ``Exception``,
    and they keep their places, so that another process fetches them as if this one had been killed."""
    try:
        yield
    except Exception:
        desk.dispatcher.leave(ticket)
        raise
    desk.dispatcher.leave(ticket)


def _waiting(
    leg: Leg, node: Enqueue, queue: Queue, call: Incoming, table: RoutingTable, desk: Desk
) -> tuple[Waiting, bool]:
    """The caller's place, and whether he had it before his handlers died."""
    before = read_stay(leg.notes.get("queue", ""))
    resumed = before is not None and before.queue == queue.id
    if before is not None and not resumed:
        lose_place(leg, desk.now())
    return (
        Waiting(
            uuid=leg.uuid,
            queue=queue.id,
            entered_at=before.entered_at if before is not None and resumed else desk.now(),
            number=call.route.number,
            caller=call.caller.number,
            priority=node.priority + (queue.vip_priority if is_vip(call, table) else 0),
            skill=node.skill,
        ),
        resumed,
    )


def _left(leg: Leg, waiting: Waiting, why: Left, now: datetime) -> None:
    """Note that his stay is over."""
    _close(leg, Stay(waiting.queue, waiting.entered_at), why, now)


def _close(leg: Leg, stay: Stay, why: Left, now: datetime) -> None:
    over = replace(stay, waited=max(now - stay.entered_at, timedelta()), left=why)
    leg.note(queue="", queued=with_stay(leg.notes.get("queued", ""), over))


def lose_place(leg: Leg, now: datetime) -> None:
    """A caller comes back from dead handlers and not into the queue that he waited in: it is gone, or his flow is
    another one now. Whoever joins him does not serve that queue."""
    stay = read_stay(leg.notes.get("queue", ""))
    # After a talk it stays for the record: when the line took him only the switch knows.
    if stay is not None and "talked" not in leg.notes:
        _close(leg, stay, Left.LOST, now)


def _is_staffed(leg: Leg, queue: Queue, waiting: Waiting, desk: Desk) -> bool:
    """Whether anybody is there to serve him; if not, it is noted why."""
    choice = desk.dispatcher.staff(queue, waiting)
    if not choice.rounds:
        leg.note(because=reasons(choice))
    return bool(choice.rounds)


def _why_not_any_longer(leg: Leg, ticket: Ticket, queue: Queue, ends: datetime, desk: Desk) -> Left | None:
    if desk.now() >= ends:
        return Left.TIMEOUT
    return None if _is_staffed(leg, queue, ticket.waiting, desk) else Left.NOBODY


def _asks(leg: Leg, ticket: Ticket, queue: Queue, call: Incoming, desk: Desk) -> bool:
    """He has pressed the key for a callback: whether he leaves by it. Nobody is rung for him while he is asked."""
    ticket.waiting = replace(ticket.waiting, not_before=desk.now() + ASKING)
    if not ticket.lines and ask_for_callback(leg, ticket.waiting, queue, call, desk):
        _left(leg, ticket.waiting, Left.CALLBACK, desk.now())
        return True
    ticket.waiting = replace(ticket.waiting, not_before=None)
    return False


def _rung(
    leg: Leg,
    call: Incoming,
    ticket: Ticket,
    queue: Queue,
    table: RoutingTable,
    desk: Desk,
    *,
    go_on: bool,
) -> Sequence[Tried]:
    """It is his turn: ring his lines; what became of them. He hears music meanwhile."""
    # Drawn and told before: this asks whether these lines are recorded.
    record_to = recording(leg, call, ticket.lines, desk)
    leg.note(outcome="abandoned:ringing")
    desk.dispatcher.rings(ticket)
    music = desk.find_prompt(queue.account, queue.music)
    tried = sorted(
        reached(leg, call, ticket.lines, table, desk, record_to, music, go_on=go_on),
        key=lambda one: one.disposition is Disposition.ANSWERED,
    )
    if tried and tried[-1].disposition is Disposition.ANSWERED:
        return tried
    leg.note(outcome="abandoned:queue")
    desk.dispatcher.rang_in_vain(ticket, tried, queue)
    return tried
