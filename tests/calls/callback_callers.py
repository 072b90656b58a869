"""The callers of ``callback_town``, as they call themselves: wait, ask, are rung for, talk, hang up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from appliance.calls.asking import ask_for_callback, has_asked, take_leave
from appliance.domain.numbers import caller as caller_of
from appliance.domain.outcome import Disposition, Tried
from appliance.domain.queue import Waiting
from tests.calls.callback_handlers import NUMBER, Handlers
from tests.calls.callback_people import Him, Process, Record
from tests.contract.fake import FakeLeg

#: The record of a caller's own talk is stored within this time.
OWN_RECORD = timedelta(seconds=4)


class Callers(Handlers):
    """Methods are what callers may do; each leaves everything at rest."""

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
        him.state, him.joined_at = f"talks {first}", self.now
        him.answers.append(self.now)

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
            told, collector = ("q", him.number, him.uuid, him.joined_at), self.register.collector
            self.records.append(Record(self.now + OWN_RECORD, lambda: collector.answered(*told, self.now)))
        him.joined_at = None
        if process is None or not process.is_alive:
            return
        if state == "told":
            self.does(process, lambda: take_leave(FakeLeg(uuid=him.uuid), "demo", process.desk))
        elif ticket is not None:
            self.does(process, lambda: process.desk.dispatcher.leave(ticket))
