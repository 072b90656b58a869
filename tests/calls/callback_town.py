"""A town for callbacks: a switch that outlives its handlers, telephones, lines, and a collector; the clock is ours.

What dead handlers had the switch do goes on, until the switch says how it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from greenlet import getcurrent

from appliance.calls.answer import take
from appliance.domain.outcome import Disposition, Target, Tried
from appliance.errors import CallerGone, SwitchGone
from appliance.switch.dialling import LINE_FULL
from tests.calls.callback_callers import Callers
from tests.calls.callback_handlers import NUMBER
from tests.calls.callback_people import Back, Broken, Process, Record, Ring
from tests.contract.fake import INVITE, FakeLeg

#: The record of a call back is stored within this time.
RECORD = timedelta(seconds=60)
CAUSES = {
    Disposition.BUSY: "USER_BUSY",
    Disposition.NO_ANSWER: "NO_ANSWER",
    Disposition.REJECTED: "CALL_REJECTED",
    Disposition.UNREACHABLE: "NORMAL_CIRCUIT_CONGESTION",
}


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


class Town(Callers):
    """Everybody. Methods are what may happen; each leaves everything at rest."""

    # -- the switch, as handlers see it -------------------------------------------------------------------------

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
        ring = Ring(request, {line: legs[line] for line in free}, facts, getcurrent(), process)
        try:
            self.register.lines_ring(ring, self.rings, self.backs)
        except AssertionError as wrong:
            raise Broken(wrong) from wrong
        self.rings.append(ring)
        reply: str = getcurrent().parent.switch()
        if reply == "gone":
            raise SwitchGone("away")
        return reply

    def rings_him(self, back: Back, number: str) -> Disposition:
        him = next(one for one in self.people if one.number == number)
        self.register.calls(back.request, him)
        if him.state == "told":
            return Disposition.BUSY  # he still hears that we shall call him
        him.state, back.him = "back rings", him
        back.waits = getcurrent()
        how: Disposition | None = getcurrent().parent.switch()
        if how is None:
            raise CallerGone("the line hung up")
        return how

    # -- lines --------------------------------------------------------------------------------------------------

    def line_answers(self, ring: Ring, line: str) -> None:
        for other, uuid in ring.legs.items():
            if other != line:
                self.counts[other] -= 1
                self.has_record(ring.request, uuid, reached=False)
        ring.rings, ring.reply = False, "SUCCESS"
        self.backs.append(Back(ring.legs[line], line, ring.request, ring.facts[line]))

    def lines_do_not(self, ring: Ring, how: Disposition) -> None:
        self.counts.subtract(ring.legs.keys())
        for uuid in ring.legs.values():
            self.has_record(ring.request, uuid, reached=False)
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
        self.has_record(back.request, back.uuid, reached=back.talked)

    def has_record(self, request: str, uuid: str, *, reached: bool) -> None:
        """The leg has ended: the collector will store it."""
        tell = lambda: self.register.collector.recorded(request, uuid, self.now, reached=reached)  # noqa: E731
        self.records.append(Record(self.now + RECORD, tell))

    # -- he, as he is called back -------------------------------------------------------------------------------

    def he_answers(self, back: Back) -> None:
        assert back.him is not None
        back.him.state, back.talked = "back talks", True
        self.register.talk(back.request)

    def his_leg_over(self, back: Back, how: Disposition) -> None:
        """He does not answer, or (``ANSWERED``) has hung up after the talk."""
        assert back.him is not None and back.process is not None and back.waits is not None
        back.him.state = "free"
        back.him = None
        if back.process.is_alive:
            self.goes_on(back.process, back.waits, how)
        # Of dead handlers, and of those that died with this: the dialplan ends the leg.
        self.line_leg_over(back)

    # -- time, records, the switch ------------------------------------------------------------------------------

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
            if own.startswith("talks"):
                him.answers.pop()
            if own.split()[0] in ("waits", "rung", "talks") and him.process is not None and him.ticket is not None:
                ticket, process, him.joined_at = him.ticket, him.process, None
                if process.is_alive:
                    self.does(process, lambda t=ticket, p=process: p.desk.dispatcher.leave(t))  # type: ignore[misc]
        for ring in rings:
            self.goes_on(ring.process, ring.waits, "gone")
        for back in backs:
            if back.talked:
                self.register.lost(back.request)
            if back.waits is not None and back.process is not None:
                self.goes_on(back.process, back.waits, None)

    def opens(self, open_: bool) -> None:
        """Outside of the hours nobody is called."""
        route = replace(self.route, in_service=open_)
        self.table = replace(self.table, numbers={NUMBER: route})
