"""Who asked is called back in his turn: once, by one process, whatever dies meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.calls.answer import take
from appliance.calls.callbacks import CallbackService, Sounds
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.domain.callback import RECORD_COMES, Ending, Request, Stage, Terms
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.outcome import Disposition, Target
from appliance.domain.queue import Queue, Waiting
from appliance.domain.recording import Policy
from appliance.domain.routing import Line, NumberRoute, RoutingTable, Rules, Trunk
from appliance.errors import SwitchGone
from appliance.reference.workdays import day_kind
from appliance.store.callbacks import Asked, Callbacks
from appliance.store.journal import Journal
from appliance.store.outbox import JournalOutbox
from tests.calls.test_scenarios import did
from tests.contract.fake import INVITE, FakeLeg
from tests.support.outside import FakeLookup

BEGIN = datetime(2026, 11, 25, 2, tzinfo=UTC)
CALLER, NUMBER = "13800138000", "4008001234"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass
class Box:
    """The switch as the queues see it, the journal, and processes of handlers."""

    confirm: bool = False
    strategy: Strategy = Strategy.ORDER
    rules: Rules = field(default_factory=Rules)
    lines: tuple[str, ...] = ("a",)
    now: datetime = BEGIN

    def __post_init__(self) -> None:
        trunk = Trunk("t", ("127.0.0.1",), proxy="127.0.0.1:5090", caller_number="02180000000")
        backup = Trunk("u", ("127.0.0.2",), proxy="127.0.0.2:5090", caller_number="02190000000")
        self.queue = Queue("q", "demo", Hunt(self.lines, self.strategy), callback=Terms("9", attempts=2, gap_s=60))
        number = NumberRoute(NUMBER, "demo", rules=self.rules, record=Policy(100))
        lines = {
            name: Line(name, "demo", "02160000001", "t", backups=("u",), confirm=self.confirm)
            for name in self.lines
        }
        self.table = RoutingTable(1, (trunk, backup), lines, {NUMBER: number}, queues={"q": self.queue})
        self.journal = Journal(Path(":memory:"))
        self.requests = Callbacks(self.journal.file)
        self.alive = {"here", "there"}
        self.calls: dict[str, int] = {}
        self.counts: dict[tuple[str, str], int] = {}
        #: How each ring of lines ends, in turn; then it is answered.
        self.ends: list[str] = []
        self.rung: list[list[Target]] = []
        self.facts: dict[str, Mapping[str, str]] = {}
        self.legs: dict[str, str] = {}
        self.there: set[str] = set()
        self.away = False
        self.later: list[Callable[[], None]] = []

    # -- the switch ------------------------------------------------------------------------------------------

    def usage(self, lines: Sequence[str]) -> Mapping[str, int]:
        return {line: self.calls.get(line, 0) for line in lines}

    def wake(self, uuid: str) -> bool:
        return True

    def rest(self) -> None:
        pass

    def ring(
        self, targets: Sequence[Target], legs: Mapping[str, str], facts: Mapping[str, Mapping[str, str]]
    ) -> str:
        if self.away:
            raise SwitchGone("away")
        self.rung.append(list(targets))
        self.legs, self.facts = dict(legs), dict(facts)
        return self.ends.pop(0) if self.ends else "SUCCESS"

    def exists(self, uuid: str) -> bool:
        if self.away:
            raise SwitchGone("away")
        return uuid in self.there

    def count(self, realm: str, name: str) -> int:
        return self.counts.get((realm, name), 0)

    # -- handlers --------------------------------------------------------------------------------------------

    def desk(self, owner: str = "here") -> Desk:
        """A process; what it does beside waits in ``later``."""

        def find(account: str, name: str) -> Path:
            return Path(f"/prompts/{name}.wav")

        service = CallbackService(
            self.journal,
            lambda: self.table,
            self,
            Sounds(find),
            lambda: self.now,
            day_kind,
            owner,
            self.alive.__contains__,
            lambda work: self.later.append(work),
        )
        dispatcher = Dispatcher(
            self.journal,
            lambda: self.table,
            self,
            lambda: self.now,
            day_kind,
            random.Random(1),
            owner=owner,
            is_alive=self.alive.__contains__,
            callbacks=service,
        )
        return Desk(
            routing=lambda: self.table,
            find_prompt=find,
            journal=self.journal,
            public_day=day_kind,
            place_of=lambda caller, table: None,
            now=lambda: self.now,
            dispatcher=dispatcher,
            outbox=JournalOutbox(self.journal.file),
            lookup=FakeLookup(),
            dice=random.Random(1),
        )

    # -- callers ---------------------------------------------------------------------------------------------

    def asks(self, id_: str = "r", came: timedelta = timedelta(), **changed: object) -> Request:
        asked = Request(
            id_,
            "q",
            "demo",
            NUMBER,
            CALLER,
            CALLER,
            "t",
            0,
            "",
            self.now - came,
            self.now,
            self.now + timedelta(hours=1),
            self.now,
        )
        asked = replace(asked, **changed)  # type: ignore[arg-type]
        assert self.requests.ask(asked) is Asked.NOTED
        return asked

    def one(self, id_: str = "r") -> Request:
        found = self.requests.one(id_)
        assert found is not None
        return found

    def beside(self) -> None:
        """Do what waits."""
        waits, self.later = self.later, []
        for work in waits:
            work()

    def line_leg(self, line: str = "a", **scripted: object) -> FakeLeg:
        """The leg of a line that has answered, as it comes to the handlers."""
        return FakeLeg(
            INVITE,
            uuid=self.legs[line],
            notes=dict(self.facts[line]),
            **scripted,  # type: ignore[arg-type]
        )

    def rings(self) -> Desk:
        """It is his turn, and the line has answered."""
        desk = self.desk()
        desk.dispatcher.look()
        self.beside()
        return desk


def test_the_line_first_then_he_then_both_talk() -> None:
    box = Box(confirm=True)
    box.asks()
    desk = box.rings()
    ((target,),) = box.rung
    assert (target.line, target.caller_number, target.diversion, target.confirm) == (
        "a",
        "02180000000",
        CALLER,
        True,
    )
    assert target.whisper == Path("/prompts/callback-line.wav")
    assert (box.one().stage, box.one().lines, box.one().owner) == (Stage.TAKEN, ("a",), "here")
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "connect a, hang_up"
    (his,) = leg.targets
    assert (his.number, his.trunk, his.caller_number, his.max_calls) == (CALLER, "t", "02180000000", 0)
    assert his.whisper == Path("/prompts/callback-greeting.wav")
    assert leg.recorded_to and leg.told["notice"] == "record-notice", "he is told, the line's side is not"
    assert (leg.told["callback"], leg.told["caller"], leg.told["trunk"]) == ("r", CALLER, "t")
    assert leg.told["tried"] == "a=answered"
    assert (box.one().ending, box.one().attempts) == (Ending.REACHED, 1)
    assert desk.dispatcher.look() == 1.0 and len(box.rung) == 1


def test_what_the_records_say_until_somebody_says_otherwise() -> None:
    box = Box()
    box.asks(callee="+14155550100")
    box.rings()
    assert box.facts["a"] == {
        "number": NUMBER,
        "account": "demo",
        "caller": "+14155550100",
        "caller_kind": "overseas",
        "callback": "r",
        "line": "a",
        "outcome": "failed:callback-line",
    }


@pytest.mark.parametrize(
    ("how", "said", "attempts", "ending"),
    [
        (Disposition.BUSY, "busy", 1, None),
        (Disposition.NO_ANSWER, "no-answer", 1, None),
        (Disposition.NOT_EXISTING, "not-existing", 1, Ending.FAILED),
    ],
)
def test_he_is_not_reached(how: Disposition, said: str, attempts: int, ending: Ending | None) -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = box.line_leg(lines={"a": how})
    take(leg, desk)
    assert did(leg) == "connect a, play callback-unreached, hang_up"
    assert (leg.told["outcome"], leg.told["because"]) == ("failed:callback-caller", f"caller={said}")
    assert leg.told["tried"] == "a=answered", "the line did its part"
    assert (box.one().said, box.one().attempts, box.one().ending) == (said, attempts, ending)


def test_he_is_called_again_after_the_gap_and_then_no_more() -> None:
    box = Box()
    box.asks()
    for attempt in (1, 2):
        desk = box.rings()
        take(box.line_leg(lines={"a": Disposition.BUSY}), desk)
        assert (box.one().attempts, len(box.rung)) == (attempt, attempt)
        box.now += 59 * SECOND
        desk.dispatcher.look()
        assert not box.later, "within the gap"
        box.now += SECOND
    assert box.one().ending is Ending.FAILED
    desk.dispatcher.look()
    assert not box.later


def test_by_the_other_trunk_where_the_first_is_full() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = box.line_leg(lines={"a@t": Disposition.UNREACHABLE})
    take(leg, desk)
    assert [target.trunk for target in leg.targets] == ["t", "u"] and leg.told["trunk"] == "u"
    assert box.one().ending is Ending.REACHED


def test_a_trunk_that_cannot_place_it_is_no_attempt() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = box.line_leg(lines={"a": Disposition.UNREACHABLE})
    take(leg, desk)
    assert (box.one().ending, box.one().attempts) == (None, 0)


def test_no_trunk_may_place_calls() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    box.table = replace(box.table, trunks=tuple(replace(one, caller_number="") for one in box.table.trunks))
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "play callback-unreached, hang_up"
    assert (box.one().ending, box.one().attempts) == (None, 0)


def test_no_line_takes_it_and_he_keeps_his_place() -> None:
    box = Box(lines=("a", "b"))
    box.ends = ["USER_BUSY"]
    box.asks(came=MINUTE)
    desk = box.rings()
    assert (box.one().stage, box.one().attempts, box.one().said) == (Stage.WAITS, 0, "line busy")
    desk.dispatcher.look()
    box.beside()
    assert [target.line for (target,) in box.rung] == ["a", "b"], "the one that rang in vain rests"


def test_the_line_by_its_backup_trunk() -> None:
    box = Box()
    box.ends = ["NORMAL_CIRCUIT_CONGESTION"]
    box.asks()
    box.rings()
    assert [target.trunk for (target,) in box.rung] == ["t", "u"]
    assert box.one().stage is Stage.TAKEN


def test_all_lines_at_once_and_the_one_that_answers_calls_him() -> None:
    box = Box(lines=("a", "b"), strategy=Strategy.RING_ALL)
    box.asks()
    desk = box.rings()
    assert [target.line for target in box.rung[0]] == ["a", "b"]
    assert sorted(box.one().legs) == sorted(box.legs.values())
    leg = box.line_leg("b")
    take(leg, desk)
    assert leg.told["line"] == "b" and box.one().ending is Ending.REACHED


def test_in_his_order_among_those_who_wait() -> None:
    box = Box()
    desk = box.desk()
    box.calls["a"] = 1
    first = desk.dispatcher.enter(Waiting("first", "q", box.now - 20 * SECOND), "demo", box.now + MINUTE)
    box.asks(came=10 * SECOND)
    last = desk.dispatcher.enter(Waiting("last", "q", box.now), "demo", box.now + MINUTE)
    assert [desk.dispatcher.place(ticket) for ticket in (first, last)] == [1, 3]
    assert desk.dispatcher.length(box.queue) == 2, "he holds no line of ours"
    box.calls["a"] = 0
    desk.dispatcher.look()
    assert [line.id for line in first.lines] == ["a"] and not box.later
    first.waiting = replace(first.waiting, rung_at=box.now - 2 * SECOND)
    desk.dispatcher.look()
    assert box.later and not last.lines, "the next free line is for who asked to be called back"


def test_two_processes_call_once() -> None:
    box = Box()
    box.asks()
    for owner in ("here", "there"):
        box.desk(owner).dispatcher.look()
    box.beside()
    assert len(box.rung) == 1


def test_who_calls_again_is_not_called_meanwhile_nor_right_after() -> None:
    box = Box()
    box.asks(came=MINUTE)
    desk = box.desk()
    ticket = desk.dispatcher.enter(Waiting("again", "q", box.now, caller=CALLER), "demo", box.now + MINUTE)
    assert ticket.lines and not box.later
    desk.dispatcher.leave(ticket)  # he was rung for: he may have been answered
    box.now += 3 * SECOND
    desk.dispatcher.look()
    assert not box.later
    box.requests.answered("q", CALLER, "again", box.now, box.now)  # so his call's record says
    box.now += MINUTE
    desk.dispatcher.look()
    assert not box.later and box.one().ending is Ending.WITHDRAWN


def test_closed_while_the_line_rings() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    box.requests.close("r", "called by hand", "clerk", box.now)
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "play callback-gone, hang_up" and leg.told["outcome"] == "ended:callback-withdrawn"
    assert box.one().attempts == 0


def test_a_leg_whose_request_is_forgotten() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = FakeLeg(INVITE, uuid="stranger", notes={"callback": "none", "line": "a", "account": "demo"})
    take(leg, desk)
    assert did(leg) == "play callback-gone, hang_up"
    assert box.one().stage is Stage.TAKEN


def test_the_numbers_calls_at_once_are_kept_to() -> None:
    box = Box(rules=Rules(max_calls=2))
    box.asks()
    box.counts[("number", NUMBER)] = 2
    box.rings()
    assert not box.rung and (box.one().stage, box.one().said) == (Stage.WAITS, "full")
    box.counts[("number", NUMBER)] = 1
    box.now += MINUTE
    desk = box.rings()
    leg = box.line_leg(others={f"number {NUMBER}": 2})
    take(leg, desk)
    assert did(leg) == "play callback-unreached, hang_up" and leg.told["outcome"] == "failed:callback-full"
    assert (box.one().stage, box.one().attempts) == (Stage.WAITS, 0)
    box.now += MINUTE
    desk = box.rings()
    leg = box.line_leg(others={f"number {NUMBER}": 1})
    take(leg, desk)
    assert box.one().ending is Ending.REACHED and leg.held == {("number", NUMBER)}


def test_the_line_hangs_up_while_he_is_rung_and_the_record_decides() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    take(box.line_leg(gone_at="connect"), desk)
    assert box.one().stage is Stage.OVER
    desk.dispatcher.look()
    assert not box.later, "he may have talked"
    box.requests.recorded("r", box.legs["a"], box.now, reached=False)
    desk.dispatcher.look()
    assert (box.one().stage, box.one().attempts, box.one().ending) == (Stage.WAITS, 1, None)


def test_a_record_that_never_comes() -> None:
    """The switch has died: it wrote none."""
    box = Box()
    box.asks()
    desk = box.rings()
    take(box.line_leg(gone_at="connect"), desk)
    box.now += RECORD_COMES - SECOND
    desk.dispatcher.look()
    assert box.one().stage is Stage.OVER
    box.now += SECOND
    desk.dispatcher.look()
    assert (box.one().stage, box.one().said) == (Stage.WAITS, "lost")


def test_handlers_die_while_the_line_rings() -> None:
    box = Box()
    box.asks()
    box.desk("here").dispatcher.look()
    box.alive.discard("here")
    (leg,) = box.one().legs
    box.there.add(leg)
    other = box.desk("there")
    other.dispatcher.look()
    assert box.one().stage is Stage.LINE and not box.rung, "the line rings on"
    box.there.clear()
    box.away = True
    other.dispatcher.look()
    assert box.one().stage is Stage.LINE, "nobody can tell"
    box.away = False
    other.dispatcher.look()
    assert box.one().owner == "there", "nobody had called him: it is tried again at once"
    # What the dead had begun comes to nothing.
    box.legs, box.facts = {"a": leg}, {"a": {"callback": "r", "line": "a"}}
    late = box.line_leg()
    take(late, other)
    assert did(late) == "play callback-gone, hang_up"


def test_handlers_die_while_he_talks() -> None:
    box = Box()
    box.asks()
    box.rings()
    leg = box.legs["a"]
    assert box.requests.rings_him("r", leg, "here", box.now) is not None
    box.alive.discard("here")
    box.there.add(leg)
    other = box.desk("there")
    other.dispatcher.look()
    assert box.one().stage is Stage.CALLER
    box.there.clear()
    other.dispatcher.look()
    assert box.one().stage is Stage.OVER, "gone, and its record is to come"
    box.requests.recorded("r", leg, box.now, reached=True)
    other.dispatcher.look()
    assert box.one().ending is Ending.REACHED and len(box.rung) == 1


def test_a_line_that_has_answered_and_is_lost_on_the_way() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    desk.dispatcher.look()
    assert box.one().stage is Stage.TAKEN
    box.now += 5 * SECOND
    desk.dispatcher.look()
    assert box.one().stage is Stage.LINE and box.later, "tried again"


def test_the_switch_is_away() -> None:
    box = Box()
    box.asks()
    box.away = True
    desk = box.rings()
    assert (box.one().stage, box.one().owner) == (Stage.LINE, "")
    desk.dispatcher.look()
    assert box.one().stage is Stage.LINE
    box.away = False
    desk.dispatcher.look()
    box.beside()
    assert box.one().stage is Stage.TAKEN


def test_a_fault_of_ours_is_not_tried_every_moment() -> None:
    box = Box()
    box.asks()

    def faulty(*_: object) -> str:
        raise ValueError("ours")

    box.ring = faulty  # type: ignore[assignment,method-assign]
    desk = box.rings()
    assert (box.one().stage, box.one().said) == (Stage.WAITS, "error")
    desk.dispatcher.look()
    assert not box.later


def test_over_with_the_time() -> None:
    box = Box()
    box.calls["a"] = 1
    box.asks(expires_at=box.now + SECOND)
    desk = box.desk()
    desk.dispatcher.look()
    assert box.one().ending is None
    box.now += SECOND
    desk.dispatcher.look()
    assert box.one().ending is Ending.EXPIRED


def test_the_queue_goes_while_the_line_rings() -> None:
    box = Box()
    box.ends = ["USER_BUSY"]
    box.asks()
    desk = box.desk()
    desk.dispatcher.look()
    box.table = replace(box.table, queues={})
    box.beside()
    assert box.one().stage is Stage.WAITS
    desk.dispatcher.look()
    assert not box.later
