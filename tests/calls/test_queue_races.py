"""Callers, lines and handlers do whatever they like in any order: who waits is served in turn, nothing sticks.

A box without a switch: what the switch counts and wakes is kept here, callers are what their greenlets would do,
the clock is ours. Handlers die and come back with the same journal, as processes do.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.calls.dispatch import Dispatcher
from appliance.calls.ticket import Ticket
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.outcome import Disposition, Tried
from appliance.domain.queue import Queue, Waiting
from appliance.domain.routing import Line, RoutingTable, Trunk
from appliance.reference.workdays import day_kind
from appliance.store.journal import Journal, Talked

BEGIN = datetime(2026, 11, 25, 2, tzinfo=UTC)
MAX_WAIT = timedelta(minutes=10)


@dataclass
class Caller:
    """What a caller's greenlet knows."""

    uuid: str
    priority: int
    entered_at: datetime
    ticket: Ticket | None
    handlers: Handlers
    state: str = "waits"
    outcome: str = ""
    joined_at: datetime | None = None

    @property
    def order(self) -> tuple[int, datetime, str]:
        return -self.priority, self.entered_at, self.uuid


@dataclass
class Handlers:
    """One process."""

    name: str
    dispatcher: Dispatcher


@dataclass
class Box:
    """Lines, callers and handlers."""

    slots: Mapping[str, int]
    strategy: Strategy = Strategy.LONGEST_IDLE
    wrap_up_s: int = 15
    seed: int = 400

    def __post_init__(self) -> None:
        self.now = BEGIN
        self.queue = Queue("q", "demo", Hunt(tuple(self.slots), self.strategy), wrap_up_s=self.wrap_up_s)
        self.table = RoutingTable(
            1,
            (Trunk("t", ("127.0.0.1",), proxy="127.0.0.1:5090"),),
            {name: Line(name, "demo", "02160000001", "t", max_calls=slots) for name, slots in self.slots.items()},
            {},
            queues={"q": self.queue},
        )
        self.callers: dict[str, Caller] = {}
        self.counts: Counter[str] = Counter()
        self.alive: set[str] = set()
        self.full = 0
        self.chosen: list[Ticket] = []
        self.served: list[str] = []
        self.lost_wakes = random.Random(self.seed)
        self.started = 0
        # Its file outlives the processes.
        self.journal = Journal(Path(":memory:"))
        self.handlers = self.start()

    # -- handlers --------------------------------------------------------------------------------------------

    def start(self) -> Handlers:
        """A new process."""
        self.started += 1
        name = f"p{self.started}"
        self.alive.add(name)
        dispatcher = Dispatcher(
            self.journal,
            lambda: self.table,
            self,
            lambda: self.now,
            day_kind,
            random.Random(self.seed),
            owner=name,
            is_alive=self.alive.__contains__,
        )
        return Handlers(name, dispatcher)

    def die(self) -> None:
        """The process dies: whoever waits hears music on, whoever is rung or talks goes on."""
        self.alive.discard(self.handlers.name)
        self.handlers = self.start()

    # -- the switch ------------------------------------------------------------------------------------------

    def usage(self, lines: Sequence[str]) -> Mapping[str, int]:
        return {line: self.counts[line] for line in lines}

    def wake(self, uuid: str) -> bool:
        caller = self.callers.get(uuid)
        if caller is None or caller.outcome:
            return False
        self.in_turn(caller)
        # A leg whose playing has not begun yet is not woken, and must be told again.
        if caller.state == "waits" and self.lost_wakes.random() > 0.2:
            self.awake(caller)
        return True

    def say_over(self, uuid: str, sound: Path) -> bool:
        return uuid in self.callers

    def hush(self, uuid: str, sound: Path) -> None:
        pass

    def rest(self) -> None:
        pass

    def in_turn(self, caller: Caller) -> None:
        """As lines were just chosen for him: nobody who came before him is left without."""
        if caller.handlers.name not in self.alive:
            return  # what the dead had chosen
        if caller.ticket is None or not caller.ticket.lines or any(one is caller.ticket for one in self.chosen):
            return
        self.chosen.append(caller.ticket)
        for other in self.callers.values():
            ticket = other.ticket
            if other.handlers.name not in self.alive:
                continue  # his turn is kept for him until he has come over
            if other.state == "waits" and ticket is not None and ticket.asleep and not ticket.lines:
                assert caller.order < other.order, f"{caller.uuid} is served before {other.uuid}"

    # -- callers ---------------------------------------------------------------------------------------------

    def arrive(self, uuid: str, priority: int = 0) -> Caller:
        waiting = Waiting(uuid, "q", self.now, "4008001234", "13800138000", priority)
        caller = self.callers[uuid] = Caller(uuid, priority, self.now, None, self.handlers)
        self.enter(caller, waiting)
        return caller

    def enter(self, caller: Caller, waiting: Waiting) -> None:
        caller.handlers, caller.ticket = self.handlers, None
        caller.ticket = self.handlers.dispatcher.enter(waiting, "demo", caller.entered_at + MAX_WAIT)
        self.awake(caller)

    def awake(self, caller: Caller) -> None:
        """His greenlet's turn: what ``calls.waiting`` does between two verbs."""
        if caller.handlers.name not in self.alive:
            # The switch hands him to the handlers that live.
            self.enter(
                caller, Waiting(caller.uuid, "q", caller.entered_at, "4008001234", "13800138000", caller.priority)
            )
            return
        ticket = caller.ticket
        ticket.asleep = False
        if ticket.lines:
            self.ring(caller)
        elif self.now >= ticket.wake_at:
            self.leave(caller, "timeout")
        else:
            caller.state = "waits"
            ticket.asleep = True

    def ring(self, caller: Caller) -> None:
        dispatcher = caller.handlers.dispatcher
        dispatcher.rings(caller.ticket)
        names = [line.id for line in caller.ticket.lines]
        taken = [name for name in names if self.counts[name] < self.slots[name]]
        if not taken:
            self.full += 1
            dispatcher.rang_in_vain(
                caller.ticket, [Tried(name, Disposition.FULL, "") for name in names], self.queue
            )
            self.awake(caller)
            return
        self.counts.update(taken)
        caller.state = "rung " + " ".join(taken)

    def rung_by(self, caller: Caller) -> list[str]:
        return caller.state.split()[1:]

    def answers(self, caller: Caller) -> None:
        first, *others = self.rung_by(caller)
        self.counts.subtract(others)
        caller.state = f"talks {first}"
        caller.joined_at = self.now
        self.served.append(caller.uuid)

    def rings_in_vain(self, caller: Caller, how: Disposition) -> None:
        names = self.rung_by(caller)
        self.counts.subtract(names)
        caller.state = "waits"
        self.chosen = [one for one in self.chosen if one is not caller.ticket]
        if caller.handlers.name in self.alive:
            tried = [Tried(name, how, "") for name in names]
            caller.handlers.dispatcher.rang_in_vain(caller.ticket, tried, self.queue)
        self.awake(caller)

    def hang_up(self, caller: Caller) -> None:
        """He ends the call, whatever he does."""
        self.counts.subtract(self.rung_by(caller))
        if caller.state.startswith("talks"):
            line = caller.state.split()[1]
            assert caller.joined_at is not None
            self.journal.talked([Talked(caller.uuid, "4008001234", "1", line, caller.joined_at, self.now)])
        self.leave(caller, "answered" if caller.joined_at else "abandoned")

    def leave(self, caller: Caller, outcome: str) -> None:
        assert not caller.outcome, "exactly one outcome"
        caller.state, caller.outcome = "gone", outcome
        self.chosen = [one for one in self.chosen if one is not caller.ticket]
        if caller.handlers.name in self.alive:
            caller.handlers.dispatcher.leave(caller.ticket)

    def look(self) -> None:
        self.handlers.dispatcher.look()

    def here(self, *states: str) -> list[Caller]:
        return [one for one in self.callers.values() if one.state.split()[0] in states]


class Races(RuleBasedStateMachine):
    """Anything may happen at any time."""

    strategy: Strategy = Strategy.LONGEST_IDLE

    def __init__(self) -> None:
        super().__init__()
        self.box = Box({"a": 1, "b": 2, "c": 1}, self.strategy)

    @rule(priority=st.integers(0, 2))
    def arrives(self, priority: int) -> None:
        self.box.arrive(f"caller{len(self.box.callers):03}", priority)

    def one(self, data: st.DataObject, *states: str) -> Caller:
        uuid = data.draw(st.sampled_from([one.uuid for one in self.box.here(*states)]))
        return self.box.callers[uuid]

    @precondition(lambda self: self.box.here("waits", "rung", "talks"))
    @rule(data=st.data())
    def hangs_up(self, data: st.DataObject) -> None:
        self.box.hang_up(self.one(data, "waits", "rung", "talks"))

    @precondition(lambda self: self.box.here("rung"))
    @rule(data=st.data())
    def a_line_answers(self, data: st.DataObject) -> None:
        self.box.answers(self.one(data, "rung"))

    @precondition(lambda self: self.box.here("rung"))
    @rule(data=st.data(), how=st.sampled_from([Disposition.BUSY, Disposition.NO_ANSWER, Disposition.FULL]))
    def a_line_does_not(self, data: st.DataObject, how: Disposition) -> None:
        self.box.rings_in_vain(self.one(data, "rung"), how)

    @precondition(lambda self: self.box.here("waits"))
    @rule(data=st.data())
    def his_music_is_over(self, data: st.DataObject) -> None:
        self.box.awake(self.one(data, "waits"))

    @rule(seconds=st.sampled_from([0.05, 0.5, 3, 20, 200]))
    def time_passes(self, seconds: float) -> None:
        self.box.now += timedelta(seconds=seconds)

    @rule()
    def a_look(self) -> None:
        self.box.look()

    @rule()
    def handlers_die(self) -> None:
        self.box.die()

    @invariant()
    def no_line_is_over_its_limit(self) -> None:
        for name, slots in self.box.slots.items():
            assert 0 <= self.box.counts[name] <= slots

    @invariant()
    def whoever_left_is_not_waited_for(self) -> None:
        gone = {one.uuid for one in self.box.callers.values() if one.outcome}
        dispatcher = self.box.handlers.dispatcher
        assert not gone & set(dispatcher._tickets)

    def teardown(self) -> None:
        """Nothing sticks: left alone, with lines that answer, everybody is served or told."""
        box = self.box
        for _ in range(1000):
            if not box.here("waits", "rung", "talks"):
                break
            for caller in box.here("talks"):
                box.hang_up(caller)
            for caller in box.here("rung"):
                box.answers(caller)
            box.now += timedelta(seconds=1)
            box.look()
        assert not box.here("waits", "rung", "talks")
        box.now += timedelta(seconds=40)
        box.look()
        assert box.handlers.dispatcher.length(box.queue) == 0
        assert sum(box.counts.values()) == 0
        assert all(one.outcome for one in box.callers.values())


@pytest.mark.parametrize("strategy", [Strategy.LONGEST_IDLE, Strategy.RING_ALL, Strategy.ROTATE])
def test_whatever_happens_nothing_sticks(strategy: Strategy) -> None:
    machine = type("Machine", (Races,), {"strategy": strategy})
    machine.TestCase.settings = settings(
        max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine.TestCase().runTest()


@pytest.mark.parametrize("calls", [1_000, pytest.param(10_000, marks=pytest.mark.accept)])
def test_calls_in_turn(calls: int) -> None:
    """Five lines, callers that come, give up and talk at random; every look may come late."""
    box = Box(dict.fromkeys("abcde", 1), wrap_up_s=1)
    dice = random.Random(7)
    events: list[tuple[float, int, str, str]] = []
    serial = 0

    def plan(after_s: float, what: str, uuid: str) -> None:
        nonlocal serial
        serial += 1
        heapq.heappush(events, ((box.now - BEGIN).total_seconds() + after_s, serial, what, uuid))

    plan(0, "arrives", "0")
    plan(0, "look", "")
    rung: dict[str, str] = {}
    while events:
        at, _, what, uuid = heapq.heappop(events)
        box.now = BEGIN + timedelta(seconds=at)
        caller = box.callers.get(uuid)
        if what == "arrives":
            box.arrive(uuid, priority=int(dice.random() < 0.05))
            plan(dice.expovariate(1 / 12), "gives up", uuid)
            if int(uuid) + 1 < calls:
                plan(dice.expovariate(1 / 0.9), "arrives", str(int(uuid) + 1))
        elif what == "look":
            box.look()
            if box.callers or events:
                plan(dice.uniform(0.05, 1.0), "look", "")
        elif caller is not None and not caller.outcome:
            if what == "gives up" and caller.state == "waits":
                box.hang_up(caller)
            elif what == "answers" and caller.state == rung.get(uuid):
                box.answers(caller)
                plan(dice.expovariate(1 / 2), "ends", uuid)
            elif what == "in vain" and caller.state == rung.get(uuid):
                box.rings_in_vain(caller, Disposition.NO_ANSWER)
            elif what == "ends":
                box.hang_up(caller)
        for one in box.here("rung"):
            if rung.get(one.uuid) != one.state:
                rung[one.uuid] = one.state
                plan(dice.uniform(0.2, 1), "answers" if dice.random() < 0.95 else "in vain", one.uuid)
        for gone in [one for one in box.callers.values() if one.outcome]:
            rung.pop(gone.uuid, None)
            del box.callers[gone.uuid]
            box.served.append(gone.outcome)
    ends = Counter(one for one in box.served if one in ("answered", "abandoned", "timeout"))
    assert sum(ends.values()) == calls
    assert ends["answered"] > 0.5 * calls and ends["abandoned"] > 0.02 * calls
    assert box.full == 0, "a line was chosen that had no slot free"
