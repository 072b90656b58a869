"""The handlers of ``callback_town``: real ones, each with a journal of its own on the same file.

Whatever of theirs waits for a telephone is a greenlet, which goes on when the switch says so. A process dies
between two of its writes: what it does afterwards changes nothing any more, as after a SIGKILL.
"""

from __future__ import annotations

import copy
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from greenlet import getcurrent, greenlet

from appliance.calls.callbacks import CallbackService, Sounds
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.domain.callback import Terms
from appliance.domain.called import Incoming
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.numbers import caller as caller_of
from appliance.domain.queue import Queue
from appliance.domain.recording import Policy
from appliance.domain.routing import Line, NumberRoute, RoutingTable, Trunk
from appliance.reference.workdays import day_kind
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.outbox import JournalOutbox
from tests.calls.callback_people import BEGIN, Back, Him, Killed, Mortal, Process, Record, Ring
from tests.calls.callback_register import Register
from tests.support.outside import FakeLookup

NUMBER, ATTEMPTS = "4008001234", 2


class Handlers(ABC):
    """The site, the clock, and who serves callers. ``Town``, which is one, is the switch that they are handed."""

    def __init__(self, strategy: Strategy, lines: Mapping[str, int], seed: int = 400) -> None:
        self.now = BEGIN
        self.slots = dict(lines)
        trunk = Trunk("t", ("127.0.0.1",), proxy="127.0.0.1:5090", caller_number="02180000000")
        backup = Trunk("u", ("127.0.0.2",), proxy="127.0.0.2:5090", caller_number="02190000000")
        terms = Terms("9", attempts=ATTEMPTS, gap_s=30, expires_min=5)
        self.queue = Queue("q", "demo", Hunt(tuple(lines), strategy), wrap_up_s=1, callback=terms)
        self.route = NumberRoute(NUMBER, "demo", record=Policy(0))
        known = {
            name: Line(name, "demo", "02160000001", "t", backups=("u",), max_calls=most)
            for name, most in lines.items()
        }
        self.table = RoutingTable(1, (trunk, backup), known, {NUMBER: self.route}, queues={"q": self.queue})
        self.call = Incoming(trunk, self.route, caller_of("13800138000"))
        self.dice = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.people = [Him("13800138000"), Him("13900139000")]
        self.rings: list[Ring] = []
        self.backs: list[Back] = []
        self.records: list[Record] = []
        self.processes: list[Process] = []
        self.journal = Journal(Path(":memory:"))
        self.register = Register(Callbacks(self.journal.file), ATTEMPTS)
        self.start()

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

    @staticmethod
    def _below() -> list[greenlet]:
        """What goes on when this has ended: a step that was interrupted before its write, which then fails."""
        below, one = [], getcurrent()
        while one is not None:
            below.append(one)
            one = one.parent
        return below

    def die(self, process: Process) -> None:
        """SIGKILL. Others are there at once."""
        process.is_alive = False
        waiting, process.greenlets = process.greenlets, []
        below = self._below()
        for one in waiting:
            if not one.dead and one not in below:
                one.parent = getcurrent()
                one.throw(Killed)
        process.later.clear()
        if not self.alive:
            self.start()
        for him in self.people:
            # Whoever is asked comes back at once; whoever waits hears music until he is woken.
            if him.process is process and him.state == "told":
                self.comes_back(him)

    @abstractmethod
    def comes_back(self, him: Him) -> None:
        """The switch hands a caller to handlers that live."""
