"""Handlers, lines, callers and the switch do whatever they like in any order: each request has one end, nobody is
called by two at once, or after he was reached, and no line is over its limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.domain.callback import Ending, Stage
from appliance.domain.hunt import Strategy
from appliance.domain.outcome import Disposition
from tests.calls.callback_people import Back, Him, Process, Ring
from tests.calls.callback_town import Town

NO_ANSWER = st.sampled_from([Disposition.BUSY, Disposition.NO_ANSWER])
#: Of lines; the last is their trunk's trouble, and they are rung by the other one.
NOT_TAKEN = st.sampled_from([Disposition.BUSY, Disposition.NO_ANSWER, Disposition.UNREACHABLE])


T = TypeVar("T")


def pick(data: st.DataObject, among: Sequence[T]) -> T:
    """One of them; by its place, which is short to tell."""
    return among[data.draw(st.integers(0, len(among) - 1))]


class Races(RuleBasedStateMachine):
    """Anything may happen at any time."""

    strategy: Strategy = Strategy.LONGEST_IDLE

    def __init__(self) -> None:
        super().__init__()
        self.town = Town(self.strategy, {"a": 1, "b": 1})
        self.town.start()

    # -- who there is ----------------------------------------------------------------------------------------

    def people(self, *states: str) -> list[Him]:
        return [one for one in self.town.people if one.state.split()[0] in states]

    def with_handlers(self, *states: str) -> list[Him]:
        """Whose handlers live."""
        return [one for one in self.people(*states) if one.process is not None and one.process.is_alive]

    def backs(self, state: str) -> list[Back]:
        """Lines' legs: on the way to the handlers, or with him in that state."""
        if state == "comes":
            return [one for one in self.town.backs if one.process is None]
        return [one for one in self.town.backs if one.him is not None and one.him.state == f"back {state}"]

    def ringing(self) -> list[Ring]:
        return [one for one in self.town.rings if one.rings]

    def process(self, data: st.DataObject) -> Process:
        return pick(data, self.town.alive)

    # -- what usually happens --------------------------------------------------------------------------------

    @precondition(lambda self: self.people("free"))
    @rule(data=st.data(), hangs_up=st.booleans())
    def he_asks(self, data: st.DataObject, hangs_up: bool) -> None:
        """All lines talk to others; he calls, waits, presses the key, and is told."""
        town, him = self.town, pick(data, self.people("free"))
        others = {name: most - town.counts[name] for name, most in town.slots.items()}
        town.counts.update(others)
        town.he_calls(him, self.process(data))
        if him in self.with_handlers("waits") and him.ticket is not None and not him.ticket.lines:
            town.he_asks(him)
        if hangs_up:
            town.he_hangs_up(him)
        town.counts.subtract(others)

    @rule(data=st.data(), steps=st.integers(1, 8))
    def it_goes_on(self, data: st.DataObject, steps: int) -> None:
        """The next step of whatever is under way; where nothing is, some time, and a look."""
        for _ in range(steps):
            step = pick(data, list(self._steps(data)) or [lambda: self._looked(data)])
            step()

    def _looked(self, data: st.DataObject) -> None:
        self.town.time_passes(16)
        self._look(data)

    def _look(self, data: st.DataObject) -> None:
        """Of one process; the other may have its own between what that has read and what it writes."""
        one = self.process(data)
        if len(self.town.alive) == 2 and data.draw(st.booleans()):
            (other,) = (process for process in self.town.alive if process is not one)
            one.interrupted_by = lambda: self.town.looks(other)
        self.town.looks(one)
        one.interrupted_by = None

    def _steps(self, data: st.DataObject) -> Iterator[Callable[[], object]]:
        town = self.town
        for ring in town.rings:
            if ring.rings:
                yield lambda ring=ring: town.line_answers(ring, pick(data, sorted(ring.legs)))
            else:
                yield lambda ring=ring: town.reply_comes(ring)
        for back in self.backs("comes"):
            yield lambda back=back: town.leg_comes(back, self.process(data))
        for back in self.backs("rings"):
            yield lambda back=back: town.he_answers(back)
        for back in self.backs("talks"):
            yield lambda back=back: town.his_leg_over(back, Disposition.ANSWERED)

    # -- he calls himself ------------------------------------------------------------------------------------

    @precondition(lambda self: self.people("free"))
    @rule(data=st.data())
    def he_calls(self, data: st.DataObject) -> None:
        self.town.he_calls(pick(data, self.people("free")), self.process(data))

    @precondition(lambda self: any(one.ticket and one.ticket.lines for one in self.with_handlers("waits")))
    @rule(data=st.data())
    def he_is_rung_for(self, data: st.DataObject) -> None:
        wanted = [one for one in self.with_handlers("waits") if one.ticket and one.ticket.lines]
        self.town.he_is_rung_for(pick(data, wanted))

    @precondition(lambda self: self.people("rung"))
    @rule(data=st.data(), answers=st.booleans())
    def his_line_answers_or_not(self, data: st.DataObject, answers: bool) -> None:
        him = pick(data, self.people("rung"))
        (self.town.his_line_answers if answers else self.town.his_lines_do_not)(him)

    @precondition(lambda self: self.people("waits", "rung", "talks", "told"))
    @rule(data=st.data())
    def he_hangs_up(self, data: st.DataObject) -> None:
        self.town.he_hangs_up(pick(data, self.people("waits", "rung", "talks", "told")))

    # -- what may go wrong -----------------------------------------------------------------------------------

    @precondition(lambda self: self.ringing() or self.town.backs)
    @rule(data=st.data(), how=NO_ANSWER, lines=NOT_TAKEN)
    def somebody_does_not(self, data: st.DataObject, how: Disposition, lines: Disposition) -> None:
        """Lines do not answer, he does not, or the line hangs up."""
        town = self.town
        may: list[Callable[[], object]] = [lambda one=one: town.lines_do_not(one, lines) for one in self.ringing()]
        may += [lambda one=one: town.his_leg_over(one, how) for one in self.backs("rings")]
        may += [lambda one=one: town.line_hangs_up(one) for one in town.backs]
        pick(data, may)()

    @rule(seconds=st.sampled_from([0.5, 3, 31, 130]))
    def time_passes(self, seconds: float) -> None:
        self.town.time_passes(seconds)

    @rule(data=st.data())
    def a_look(self, data: st.DataObject) -> None:
        self._look(data)

    @precondition(lambda self: self.town.records)
    @rule(data=st.data())
    def a_record_comes(self, data: st.DataObject) -> None:
        self.town.record_comes(pick(data, self.town.records))

    @rule(data=st.data())
    def handlers_die(self, data: st.DataObject) -> None:
        self.town.die(self.process(data))

    @rule(data=st.data(), writes=st.integers(0, 4), behind=st.booleans())
    def handlers_will_die(self, data: st.DataObject, writes: int, behind: bool) -> None:
        process = self.process(data)
        process.writes_left, process.dies_behind = writes, behind

    @precondition(lambda self: len(self.town.alive) < 2)
    @rule()
    def handlers_start(self) -> None:
        self.town.start()

    @rule(what=st.sampled_from(["opens", "closes", "opens", "switch", "clerk"]), data=st.data())
    def something_else(self, what: str, data: st.DataObject) -> None:
        """Hours begin or end, the switch dies, a clerk closes a request."""
        if what == "switch":
            self.town.switch_dies()
        elif what != "clerk":
            self.town.opens(what == "opens")
        elif open_ := self.town.register.collector.open():
            self.town.register.collector.close(pick(data, open_).id, "by hand", "clerk", self.town.now)

    # -- what must hold --------------------------------------------------------------------------------------

    @invariant()
    def no_line_is_over_its_limit(self) -> None:
        for name, slots in self.town.slots.items():
            assert 0 <= self.town.counts[name] <= slots

    @invariant()
    def an_end_is_one_and_stays(self) -> None:
        self.town.register.holds()

    def teardown(self) -> None:
        """Left alone, with lines and callers that answer, every request comes to its end, and nothing sticks."""
        town = self.town
        town.opens(True)
        for process in town.alive:
            process.writes_left = None
        for _ in range(400):
            for ring in self.ringing():
                town.line_answers(ring, min(ring.legs))
            for ring in [one for one in town.rings if one.reply]:
                town.reply_comes(ring)
            for back in self.backs("comes"):
                town.leg_comes(back, town.alive[0])
            for back in self.backs("rings"):
                town.he_answers(back)
            for back in self.backs("talks"):
                town.his_leg_over(back, Disposition.ANSWERED)
            for him in self.people("waits", "rung", "talks", "told"):
                town.he_hangs_up(him)
            town.time_passes(1)
            town.looks(town.alive[0])
            if not (town.register.collector.any_open() or town.backs or town.rings or town.records):
                break
        town.register.is_settled()
        assert not town.backs and not town.rings
        assert sum(town.counts.values()) == 0


@pytest.mark.parametrize("strategy", [Strategy.LONGEST_IDLE, Strategy.RING_ALL])
@pytest.mark.parametrize("examples", [12, pytest.param(500, marks=[pytest.mark.accept, pytest.mark.timeout(600)])])
def test_whatever_happens_each_request_has_one_end(strategy: Strategy, examples: int) -> None:
    machine = type("Machine", (Races,), {"strategy": strategy})
    machine.TestCase.settings = settings(
        max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine.TestCase().runTest()


def asks_while_all_talk(town: Town, him: Him, process: Process) -> None:
    """He calls, asks to be called back and hangs up; then all lines are free."""
    town.counts.update(town.slots)
    town.he_calls(him, process)
    town.he_asks(him)
    town.he_hangs_up(him)
    town.counts.clear()


def test_two_processes_that_look_at_the_same_moment_ring_once() -> None:
    """One has read that it is his turn; before it can write that it rings for him the other has done so."""
    town = Town(Strategy.RING_ALL, {"a": 2, "b": 2})
    town.start()
    one, other = town.processes
    (him, _) = town.people
    asks_while_all_talk(town, him, one)
    town.time_passes(16)
    one.interrupted_by = lambda: town.looks(other)
    town.looks(one)
    assert one.interrupted_by is None, "it was about to write"
    (ring,) = town.rings
    assert (ring.process, town.register.collector.open()[0].owner) == (other, other.name)
    assert town.counts == {"a": 1, "b": 1}


def test_whose_handlers_died_in_his_own_talk_is_not_called_before_its_record_is_there() -> None:
    """He had asked, called again, and was answered; nobody but the record knows that the two have talked."""
    town = Town(Strategy.ORDER, {"a": 1})
    (process,), (him, _) = town.processes, town.people
    asks_while_all_talk(town, him, process)
    town.time_passes(3)
    town.he_calls(him, process)
    town.he_is_rung_for(him)
    town.his_line_answers(him)
    town.die(process)
    town.time_passes(20)
    town.looks(town.alive[0])
    town.he_hangs_up(him)
    for _ in range(40):
        town.looks(town.alive[0])
        assert not town.rings
        town.time_passes(0.5)
    (request,) = town.register.requests().values()
    assert (request.ending, request.attempts) == (Ending.WITHDRAWN, 0)


def test_a_line_that_its_trunk_does_not_reach_is_rung_by_the_other_one_under_a_new_uuid() -> None:
    """The record of the first leg is stored once the two talk: it is not the talk's."""
    town = Town(Strategy.ORDER, {"a": 1})
    (process,), (him, _) = town.processes, town.people
    asks_while_all_talk(town, him, process)
    town.time_passes(16)
    town.looks(process)
    (first,) = town.rings
    town.lines_do_not(first, Disposition.UNREACHABLE)
    town.reply_comes(first)
    (second,) = town.rings
    assert first.legs != second.legs
    town.line_answers(second, "a")
    town.reply_comes(second)
    (back,) = town.backs
    town.leg_comes(back, process)
    town.he_answers(back)
    town.record_comes(town.records[0])
    town.looks(process)
    (request,) = town.register.requests().values()
    assert (request.stage, request.legs) == (Stage.CALLER, (back.uuid,)), "he is not missed while he talks"
    town.his_leg_over(back, Disposition.ANSWERED)
    (request,) = town.register.requests().values()
    assert (request.ending, request.attempts) == (Ending.REACHED, 1)
