"""Serve the queues: who of those who wait is rung for next, and who is to be woken for it.

Each process of the handlers looks after the callers whose legs it has. All see the same list of who waits (in the
journal), choose by the same rule, and act on their own callers alone; what their choices may collide in, a line's
last free slot, the switch decides (``limit``). Callers of a process that has died are woken out of their music, so
that the switch hands them to one that lives: they keep their place, for it goes by when they came.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from appliance.calls.floor import FloorFacts, counted
from appliance.calls.handling import Handling
from appliance.calls.orphans import Orphans
from appliance.calls.switchboard import CallingBack, Switchboard
from appliance.calls.ticket import Ticket
from appliance.domain.calendar import DayKinds
from appliance.domain.hunt import Choice, Strategy
from appliance.domain.outcome import Tried
from appliance.domain.queue import Queue, Waiting, expected_wait, position, rest_after, serve, staff
from appliance.domain.routing import RoutingTable
from appliance.errors import SwitchError
from appliance.store.journal import Journal
from appliance.store.waitlist import Kept, Waitlist

#: Seconds between two looks: while somebody is being woken, while somebody waits, and otherwise.
WAKING_S, WAITING_S, IDLE_S = 0.05, 0.5, 1.0
#: After a talk a line rests until the talk's record says so (``wrap_up_s``); until it is there, for this time.
SETTLES = timedelta(seconds=2)
#: Callers who are told their position in one look: nobody who is to be served waits for that.
_TOLD_AT_ONCE = 20
_log = structlog.get_logger(__name__)


class Dispatcher:
    """Serves the queues of one process. Its greenlet calls ``look`` again and again.

    :param owner: the name of this process, and ``is_alive`` whether one of that name is still there.
    :param poke: have the next look now.
    """

    def __init__(
        self,
        journal: Journal,
        routing: Callable[[], RoutingTable],
        switch: Switchboard,
        now: Callable[[], datetime],
        public_day: DayKinds,
        dice: random.Random,
        owner: str,
        is_alive: Callable[[str], bool],
        poke: Callable[[], None] = lambda: None,
        callbacks: CallingBack | None = None,
    ) -> None:
        self._journal = journal
        self._list = Waitlist(journal.file)
        self._routing = routing
        self._switch = switch
        self._now = now
        #: The name of this process.
        self.owner = owner
        self._poke = poke
        self._callbacks = callbacks
        self._tickets: dict[str, Ticket] = {}
        self._facts = FloorFacts(journal, self._list, now, public_day, dice)
        self._orphans = Orphans(is_alive, now)
        self._handling = Handling(self._list, now)
        self._away = False

    # -- what a caller's steps ask ---------------------------------------------------------------------------

    def enter(self, waiting: Waiting, account: str, wake_at: datetime) -> Ticket:
        """A caller begins to wait, or goes on where he stood. Where nobody of his queue waits before him, lines may
        be his at once."""
        ticket = self._tickets[waiting.uuid] = Ticket(waiting, account, wake_at)
        self._keep(ticket)
        if position(waiting.uuid, self._waiting()) == 1:
            self._look()
        else:
            self._poke()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """He waits no longer: he went elsewhere, hung up, or his talk is over."""
        if self._tickets.get(ticket.waiting.uuid) is ticket:
            del self._tickets[ticket.waiting.uuid]
        self._strike_out(Kept(ticket.waiting, ticket.account, self.owner))
        if ticket.waiting.rung:
            self.settles(ticket.waiting.rung, ticket.waiting.queue)
        self._poke()

    def _strike_out(self, kept: Kept) -> None:
        """He is not here any more. Lines that rang for him may have talked to him: only his call's record knows."""
        self._list.keep(kept, left_at=self._now())
        if kept.waiting.rung and kept.waiting.caller and self._callbacks is not None:
            self._callbacks.has_talked(kept.waiting.queue, kept.waiting.caller)

    def settles(self, lines: Iterable[str], queue_id: str) -> None:
        """These lines were rung, and are free again. Whether one talked is not known here: a record says it, and
        soon."""
        queue = self._routing().queues.get(queue_id)
        if queue is not None and queue.wrap_up_s:
            settles = min(SETTLES, timedelta(seconds=queue.wrap_up_s))
            self._list.rest(dict.fromkeys(lines, self._now() + settles))
        self._poke()

    def rings(self, ticket: Ticket) -> None:
        """His lines are told to ring now: from here on the switch counts them."""
        ticket.waiting = replace(ticket.waiting, rung_at=self._now())
        self._keep(ticket)

    def rang_in_vain(self, ticket: Ticket, tried: Iterable[Tried], queue: Queue) -> None:
        """None of his lines could be joined: they rest, and he waits on where he stood."""
        now = self._now()
        rests = {one.line: now + rest for one in tried if (rest := rest_after(one.disposition, queue))}
        if rests:
            self._list.rest(rests)
        ticket.lines = ()
        ticket.waiting = replace(ticket.waiting, rung=(), rung_at=None)
        self._keep(ticket)
        self._poke()

    def length(self, queue: Queue) -> int:
        """How many callers wait in a queue; those who are to be called back hold no line of ours."""
        return sum(one.queue == queue.id and not one.rung for one in self.callers())

    def place(self, ticket: Ticket) -> int:
        """His position; 0: lines ring for him."""
        return position(ticket.waiting.uuid, self._waiting())

    def staff(self, queue: Queue, waiting: Waiting) -> Choice:
        """The lines that may serve him, busy or not, and why the others may not."""
        return staff(queue, waiting, self._facts.floor(self._routing(), ()))

    def expected_wait(self, queue: Queue, ticket: Ticket) -> timedelta | None:
        """How long it will take until he is served; None: nobody can tell."""
        lines = sum(map(len, self.staff(queue, ticket.waiting).rounds))
        return expected_wait(self.place(ticket), lines, self._handling.of(queue))

    def say_over(self, ticket: Ticket, sound: Path) -> bool:
        """Say something over his music; False: it cannot be."""
        try:
            return self._switch.say_over(ticket.waiting.uuid, sound)
        except SwitchError as error:
            self._is_away(error)
            return False

    def hush(self, ticket: Ticket, sound: Path) -> None:
        """Have nobody hear the rest of what was said over his music."""
        try:
            self._switch.hush(ticket.waiting.uuid, sound)
        except SwitchError as error:
            self._is_away(error)

    # -- serving ---------------------------------------------------------------------------------------------

    def look(self) -> float:
        """One look; in how many seconds the next one is due."""
        self._adopt()
        if self._callbacks is not None:
            self._callbacks.tend()
        self._look()
        if not self._tickets and not self._to_call():
            self._switch.rest()
            return IDLE_S
        more = self._tell()
        return WAKING_S if more or any(map(self._is_wanted, self._tickets.values())) else WAITING_S

    def _look(self) -> None:
        if self._to_call() or not all(ticket.waiting.rung for ticket in self._tickets.values()):
            self._choose()
        for ticket in list(self._tickets.values()):
            if self._is_wanted(ticket):
                self._wake(ticket.waiting.uuid)

    def _tell(self) -> bool:
        """Have callers told their positions who are to be; whether more of them are left."""
        due = [ticket for ticket in self._tickets.values() if self._is_to_be_told(ticket)]
        for ticket in due[:_TOLD_AT_ONCE]:
            # What he waits for may have come while others were told.
            if self._is_to_be_told(ticket):
                ticket.tell()
        return len(due) > _TOLD_AT_ONCE

    def _is_to_be_told(self, ticket: Ticket) -> bool:
        due = ticket.tell_at is not None and self._now() >= ticket.tell_at
        return due and ticket.asleep and not self._is_wanted(ticket)

    def _choose(self) -> None:
        self._count()
        # From here to the end of the choice nothing waits: what is chosen is written before anybody else looks.
        waiting = self._waiting()
        table = self._routing()
        now = self._now()
        for served in serve(self._facts.floor(table, waiting)):
            rung = tuple(line.id for line in served.lines)
            ticket = self._tickets.get(served.uuid)
            if ticket is not None:
                ticket.lines = served.lines
                ticket.waiting = replace(ticket.waiting, rung=rung)
                self._keep(ticket)
            elif self._callbacks is None or not self._callbacks.call(served.uuid, served.lines):
                continue  # another process has his leg, or calls him, and chooses the same
            queue = table.queues[next(one.queue for one in waiting if one.uuid == served.uuid)]
            if queue.hunt.strategy is Strategy.ROTATE:
                self._journal.line_rung(queue.turns, rung, now)

    def _is_wanted(self, ticket: Ticket) -> bool:
        return ticket.asleep and bool(ticket.lines or self._now() >= ticket.wake_at)

    def _wake(self, uuid: str) -> bool:
        try:
            there = self._switch.wake(uuid)
        except SwitchError as error:
            self._is_away(error)
            return True
        self._away = False
        return there

    def _count(self) -> None:
        """How many calls each line of the queues has. While the switch cannot be asked lines are taken for idle:
        one that is not is found full when it is rung."""
        table = self._routing()
        wanted = {one.waiting.queue for one in self._tickets.values() if not one.waiting.rung}
        wanted |= {one.queue for one in self._to_call()}
        try:
            self._facts.usage = dict(self._switch.usage(counted(wanted, table)))
            self._away = False
        except SwitchError as error:
            self._facts.usage = {}
            self._is_away(error)

    def _is_away(self, error: SwitchError) -> None:
        if not self._away:
            _log.error("queues cannot ask the switch", error=str(error))
        self._away = True

    def _adopt(self) -> None:
        """Callers whose process has died: wake them, and the switch hands them to us; strike out those who have
        gone."""
        for kept in self._orphans.due(self._others(), self._tickets):
            if not self._wake(kept.waiting.uuid) and kept.waiting.uuid not in self._tickets:
                self._strike_out(kept)

    # -- what is known ---------------------------------------------------------------------------------------

    def _keep(self, ticket: Ticket) -> None:
        self._list.keep(Kept(ticket.waiting, ticket.account, self.owner))

    def _others(self) -> list[Kept]:
        """Callers of other processes, and those that came to us from them and have not been written yet."""
        return self._list.here(but=self.owner)

    def callers(self) -> list[Waiting]:
        """All who wait themselves: ours as we know them, whatever the journal could be told."""
        others = [kept.waiting for kept in self._others() if kept.waiting.uuid not in self._tickets]
        return [*others, *(ticket.waiting for ticket in self._tickets.values())]

    def _waiting(self) -> list[Waiting]:
        """All who wait, and those who are to be called back."""
        callers = self.callers()
        return callers if self._callbacks is None else [*callers, *self._callbacks.in_row(callers)]

    def _to_call(self) -> list[Waiting]:
        """Those who may be called back now."""
        if self._callbacks is None or not self._callbacks.any_open():
            return []
        now = self._now()
        waiting = self._callbacks.in_row(self.callers())
        return [one for one in waiting if not one.rung and (one.not_before is None or one.not_before <= now)]
