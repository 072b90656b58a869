"""A town for callbacks: a switch that outlives its handlers, telephones, lines, and a collector; the clock is ours.

Handlers are real ones, each with a journal of its own on the same file. Whatever of theirs waits for a telephone is
a greenlet, which goes on when the switch says so. A process dies between two of its writes: what it does afterwards
changes nothing any more, as after a SIGKILL; what the switch does for it goes on.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from greenlet import getcurrent, greenlet

from appliance.calls.answer import take
from appliance.calls.asking import ask_for_callback, has_asked, take_leave
from appliance.calls.callbacks import CallbackService, Sounds
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.domain.callback import Request, Terms
from appliance.domain.called import Incoming
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.numbers import caller as caller_of
from appliance.domain.outcome import Disposition, Target, Tried
from appliance.domain.queue import Queue, Waiting
from appliance.domain.recording import Policy
from appliance.domain.routing import Line, NumberRoute, RoutingTable, Trunk
from appliance.errors import CallerGone, SwitchGone
from appliance.reference.workdays import day_kind
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.outbox import JournalOutbox
from appliance.switch.dialling import LINE_FULL
from tests.calls.callback_people import BEGIN, Back, Him, Killed, Mortal, Process, Record, Ring
from tests.contract.fake import INVITE, FakeLeg
from tests.support.outside import FakeLookup

NUMBER, ATTEMPTS = "4008001234", 2
#: A record is stored within this time: one of the caller's own talk, and one of a call back.
OWN_RECORD, RECORD = timedelta(seconds=4), timedelta(seconds=60)
CAUSES = {Disposition.BUSY: "USER_BUSY", Disposition.NO_ANSWER: "NO_ANSWER", Disposition.REJECTED: "CALL_REJECTED"}


class ScriptedLeg(FakeLeg):
    """A line's leg: ``connect`` waits until the town says how it ended."""

    def __init__(self, town: Town, back: Back) -> None:
        super().__init__(INVITE, uuid=back.uuid, notes=dict(back.facts))
        self._town, self._back = town, back

    def connect(
        self, targets: Sequence[Target], record_to: str | None, *, go_on: bool, music: Path | None = None
    ) -> Sequence[Tried]:
        assert go_on and not self._gone
        how = self._town.rings_him(self._back, targets[0].number)
        return [Tried(targets[0].line, how, CAUSES.get(how, "SUCCESS"))]

    def hang_up(self, cause: str) -> None:
        if not self._gone:
            super().hang_up(cause)
            self._town.line_leg_over(self._back)


class Town:
    """Everybody. Methods are what may happen; each leaves everything at rest."""

    def __init__(self, strategy: Strategy, lines: Mapping[str, int], seed: int = 400) -> None:
        self.now = BEGIN
        self.slots = dict(lines)
        trunk = Trunk("t", ("127.0.0.1",), proxy="127.0.0.1:5090", caller_number="02180000000")
        terms = Terms("9", attempts=ATTEMPTS, gap_s=30, expires_min=5)
        self.queue = Queue("q", "demo", Hunt(tuple(lines), strategy), wrap_up_s=1, callback=terms)
        self.route = NumberRoute(NUMBER, "demo", record=Policy(0))
        known = {name: Line(name, "demo", "02160000001", "t", max_calls=most) for name, most in lines.items()}
        self.table = RoutingTable(1, (trunk,), known, {NUMBER: self.route}, queues={"q": self.queue})
        self.call = Incoming(trunk, self.route, caller_of("13800138000"))
        self.dice = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.people = [Him("13800138000"), Him("13900139000")]
        self.rings: list[Ring] = []
        self.backs: list[Back] = []
        self.records: list[Record] = []
        self.talks: Counter[str] = Counter()
        #: Talks that the switch took with it: nobody will ever know of them.
        self.forgotten: set[str] = set()
        self.called: Counter[str] = Counter()
        self.processes: list[Process] = []
        self.journal = Journal(Path(":memory:"))
        self.collector = Callbacks(self.journal.file)
        self.start()

    # -- processes -------------------------------------------------------------------------------------------

    @property
    def alive(self) -> list[Process]:
        return [one for one in self.processes if one.is_alive]

    def start(self) -> None:
        process = Process(f"p{len(self.processes)}")
        self.processes.append(process)
        journal = copy.copy(self.journal)
        journal._file = Mortal(self.journal.file, process)  # type: ignore[assignment]

        def is_alive(name: str) -> bool:
            return any(one.name == name for one in self.alive)

        def find(account: str, name: str) -> Path:
            return Path(f"/prompts/{name}.wav")

        common = (journal, lambda: self.table, self)
        service = CallbackService(
            *common, Sounds(find), lambda: self.now, day_kind, process.name, is_alive, process.later.append
        )
        dispatcher = Dispatcher(
            *common,
            lambda: self.now,
            day_kind,
            self.dice,
            owner=process.name,
            is_alive=is_alive,
            callbacks=service,
        )
        process.desk = Desk(
            routing=lambda: self.table,
            find_prompt=find,
            journal=journal,
            public_day=day_kind,
            place_of=lambda caller, table: None,
            now=lambda: self.now,
            dispatcher=dispatcher,
            outbox=JournalOutbox(journal.file),
            lookup=FakeLookup(),
            dice=self.dice,
        )

    def does(self, process: Process, what: Callable[[], object]) -> None:
        """A process does something, in a greenlet, until that is over or waits for a telephone."""

        def whole() -> None:
            try:
                what()
            except Killed:
                process.is_alive = False

        one = greenlet(whole)
        process.greenlets.append(one)
        one.switch()
        while process.is_alive and process.later:
            self.does(process, process.later.pop(0))
        if not process.is_alive and process.greenlets:
            self.die(process)

    def goes_on(self, process: Process, one: greenlet, with_what: Any) -> None:
        """What had waited goes on, if its process lives."""
        if process.is_alive:
            one.parent = getcurrent()
            one.switch(with_what)
            self.does(process, lambda: None)

    def die(self, process: Process) -> None:
        """SIGKILL. Others are there at once."""
        process.is_alive = False
        waiting, process.greenlets = process.greenlets, []
        for one in waiting:
            if not one.dead:
                one.parent = getcurrent()
                one.throw(Killed)
        process.later.clear()
        if not self.alive:
            self.start()
        for him in self.people:
            # Whoever is asked comes back at once; whoever waits hears music until he is woken.
            if him.process is process and him.state == "told":
                self.comes_back(him)

    # -- the switch, as handlers see it ----------------------------------------------------------------------

    def usage(self, lines: Sequence[str]) -> Mapping[str, int]:
        return {line: self.counts[line] for line in lines}

    def wake(self, uuid: str) -> bool:
        him = next((one for one in self.people if one.uuid == uuid and one.state.split()[0] != "free"), None)
        if him is not None and him.state == "waits" and him.process is not None and not him.process.is_alive:
            him.process = None  # on his way to those who live: ``comes_back``
        return him is not None

    def rest(self) -> None:
        pass

    def exists(self, uuid: str) -> bool:
        ringing = any(one.rings and uuid in one.legs.values() for one in self.rings)
        return ringing or any(one.uuid == uuid for one in self.backs)

    def count(self, realm: str, name: str) -> int:
        return 0

    def ring(
        self, targets: Sequence[Target], legs: Mapping[str, str], facts: Mapping[str, Mapping[str, str]]
    ) -> str:
        process = next(one for one in self.processes if getcurrent() in one.greenlets)
        free = [one.line for one in targets if self.counts[one.line] < self.slots[one.line]]
        if not free:
            return LINE_FULL
        self.counts.update(free)
        request = facts[free[0]]["callback"]
        assert not any(one.rings and one.request == request for one in self.rings), "one try at a time"
        assert not any(one.request == request for one in self.backs), "one try at a time"
        ring = Ring(request, {line: legs[line] for line in free}, facts, getcurrent(), process)
        self.rings.append(ring)
        reply: str = getcurrent().parent.switch()
        if reply == "gone":
            raise SwitchGone("away")
        return reply

    def rings_him(self, back: Back, number: str) -> Disposition:
        him = next(one for one in self.people if one.number == number)
        request = self.collector.one(back.request)
        assert request is not None and request.ending is None, "nobody is called who has been reached, or withdrew"
        assert him.answered_at <= request.asked_at, "nobody is called who has been answered since he asked"
        assert not him.state.startswith("back"), "never two calls at once to the same caller"
        assert him.state in ("free", "told"), f"he is called while he {him.state}"
        self.called[back.request] += 1
        assert self.called[back.request] <= ATTEMPTS
        if him.state == "told":
            return Disposition.BUSY  # he still hears that we shall call him
        him.state, back.him = "back rings", him
        back.waits = getcurrent()
        how: Disposition | None = getcurrent().parent.switch()
        if how is None:
            raise CallerGone("the line hung up")
        return how

    # -- lines -----------------------------------------------------------------------------------------------

    def line_answers(self, ring: Ring, line: str) -> None:
        for other in ring.legs:
            if other != line:
                self.counts[other] -= 1
        ring.rings, ring.reply = False, "SUCCESS"
        self.backs.append(Back(ring.legs[line], line, ring.request, ring.facts[line]))

    def lines_do_not(self, ring: Ring, how: Disposition) -> None:
        self.counts.subtract(ring.legs.keys())
        ring.rings, ring.reply = False, CAUSES[how]

    def reply_comes(self, ring: Ring) -> None:
        """The answer to ``originate``, before or after the leg that it speaks of."""
        self.rings.remove(ring)
        self.goes_on(ring.process, ring.waits, ring.reply)

    def leg_comes(self, back: Back, process: Process) -> None:
        back.process = process
        self.does(process, lambda: take(ScriptedLeg(self, back), process.desk))
        if not process.is_alive and back in self.backs and back.him is None:
            self.line_leg_over(back)  # the dialplan ends it

    def line_hangs_up(self, back: Back) -> None:
        self.line_leg_over(back)
        if back.waits is not None and back.process is not None:
            self.goes_on(back.process, back.waits, None)

    def line_leg_over(self, back: Back) -> None:
        if back not in self.backs:
            return
        self.backs.remove(back)
        self.counts[back.line] -= 1
        if back.him is not None:
            back.him.state = "free"
        tell = lambda: self.collector.recorded(back.request, back.uuid, self.now, reached=back.talked)  # noqa: E731
        self.records.append(Record(self.now + RECORD, tell))

    # -- he, as he is called back ----------------------------------------------------------------------------

    def he_answers(self, back: Back) -> None:
        assert back.him is not None
        back.him.state, back.talked = "back talks", True
        self.talks[back.request] += 1

    def his_leg_over(self, back: Back, how: Disposition) -> None:
        """He does not answer, or (``ANSWERED``) has hung up after the talk."""
        assert back.him is not None and back.process is not None and back.waits is not None
        back.him.state = "free"
        back.him = None
        if back.process.is_alive:
            self.goes_on(back.process, back.waits, how)
        # Of dead handlers, and of those that died with this: the dialplan ends the leg.
        self.line_leg_over(back)

    # -- he, as he calls himself -----------------------------------------------------------------------------

    def he_calls(self, him: Him, process: Process) -> None:
        him.calls += 1
        him.uuid, him.entered_at, him.joined_at = f"{him.number}-{him.calls}", self.now, None
        self.enters(him, process)

    def enters(self, him: Him, process: Process) -> None:
        him.process, him.ticket, him.state = process, None, "waits"

        def enter() -> None:
            waiting = Waiting(him.uuid, "q", him.entered_at, NUMBER, him.number)
            him.ticket = process.desk.dispatcher.enter(waiting, "demo", him.entered_at + timedelta(minutes=10))

        self.his_step(him, process, enter)

    def his_step(self, him: Him, process: Process, what: Callable[[], object]) -> None:
        """A step of his own call: when his handlers die in it the switch hands him to others at once. Music, which
        he hears between two steps, goes on without."""
        self.does(process, what)
        if not process.is_alive and him.process is process and him.state in ("waits", "told"):
            self.comes_back(him)

    def comes_back(self, him: Him) -> None:
        """The switch hands him to handlers that live: as ``calls.waiting`` has it."""
        process = self.alive[0]
        asked = False

        def look() -> None:
            nonlocal asked
            asked = has_asked(FakeLeg(uuid=him.uuid), self.queue, process.desk)

        him.process = process
        self.his_step(him, process, look)
        if him.process is not process:
            return
        if asked:
            him.state, him.ticket = "told", None
        else:
            self.enters(him, process)

    def he_asks(self, him: Him) -> None:
        """He presses 9 and 1; he is told, and still holds his telephone."""
        process, ticket = him.process, him.ticket
        assert process is not None and ticket is not None
        call = replace(self.call, caller=caller_of(him.number))
        him.state = "told"

        def ask() -> None:
            leg = FakeLeg(presses=["1"], uuid=him.uuid)
            assert ask_for_callback(leg, ticket.waiting, self.queue, call, process.desk)
            process.desk.dispatcher.leave(ticket)

        self.his_step(him, process, ask)

    def he_is_rung_for(self, him: Him) -> None:
        process, ticket = him.process, him.ticket
        assert process is not None and ticket is not None
        taken = [one.id for one in ticket.lines if self.counts[one.id] < self.slots[one.id]]
        if not taken:
            self.he_is_not_taken(him, [one.id for one in ticket.lines], Disposition.FULL)
            return
        self.counts.update(taken)
        him.state = "rung " + " ".join(taken)
        self.his_step(him, process, lambda: process.desk.dispatcher.rings(ticket))

    def his_line_answers(self, him: Him) -> None:
        first, *others = him.state.split()[1:]
        self.counts.subtract(others)
        him.state, him.joined_at, him.answered_at = f"talks {first}", self.now, self.now

    def his_lines_do_not(self, him: Him) -> None:
        lines = him.state.split()[1:]
        self.counts.subtract(lines)
        self.he_is_not_taken(him, lines, Disposition.BUSY)

    def he_is_not_taken(self, him: Him, lines: Sequence[str], how: Disposition) -> None:
        process, ticket = him.process, him.ticket
        him.state = "waits"
        if process is None or ticket is None or not process.is_alive:
            self.comes_back(him)
            return
        tried = [Tried(line, how, "") for line in lines]
        self.his_step(him, process, lambda: process.desk.dispatcher.rang_in_vain(ticket, tried, self.queue))

    def he_hangs_up(self, him: Him) -> None:
        """He ends his own call, whatever he does in it."""
        process, ticket, state = him.process, him.ticket, him.state
        if state.startswith(("rung", "talks")):
            self.counts.subtract(state.split()[1:])
        him.state = "free"
        if him.joined_at is not None:
            told = ("q", him.number, him.uuid, him.joined_at)
            self.records.append(Record(self.now + OWN_RECORD, lambda: self.collector.answered(*told, self.now)))
        him.joined_at = None
        if process is None or not process.is_alive:
            return
        if state == "told":
            self.does(process, lambda: take_leave(FakeLeg(uuid=him.uuid), "demo", process.desk))
        elif ticket is not None:
            self.does(process, lambda: process.desk.dispatcher.leave(ticket))

    # -- time, records, the switch ---------------------------------------------------------------------------

    def time_passes(self, seconds: float) -> None:
        """Records come in time."""
        then = self.now + timedelta(seconds=seconds)
        while due := [one for one in self.records if one.due_at <= then]:
            first = min(due, key=lambda one: one.due_at)
            self.now = max(self.now, first.due_at)
            self.record_comes(first)
        self.now = then

    def record_comes(self, record: Record) -> None:
        self.records.remove(record)
        record.tell()

    def looks(self, process: Process) -> None:
        self.does(process, process.desk.dispatcher.look)
        for him in self.people:
            if him.state == "waits" and him.process is None:
                self.comes_back(him)

    def switch_dies(self) -> None:
        """Every leg is gone, and no record is written."""
        self.counts.clear()
        rings, self.rings = self.rings, []
        backs, self.backs = self.backs, []
        for him in self.people:
            own = him.state
            him.state = "free"
            if own.split()[0] in ("waits", "rung", "talks") and him.process is not None and him.ticket is not None:
                ticket, process, him.joined_at = him.ticket, him.process, None
                if process.is_alive:
                    self.does(process, lambda t=ticket, p=process: p.desk.dispatcher.leave(t))  # type: ignore[misc]
        for ring in rings:
            self.goes_on(ring.process, ring.waits, "gone")
        for back in backs:
            if back.talked:
                self.forgotten.add(back.request)
            if back.waits is not None and back.process is not None:
                self.goes_on(back.process, back.waits, None)

    def opens(self, open_: bool) -> None:
        """Outside of the hours nobody is called."""
        route = replace(self.route, in_service=open_)
        self.table = replace(self.table, numbers={NUMBER: route})

    # -- what has come of it ---------------------------------------------------------------------------------

    def requests(self) -> dict[str, Request]:
        return {one.id: one for one in (*self.collector.open(), *self.collector.ended(10_000))}
