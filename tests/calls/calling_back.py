"""A queue that calls back, without a switch: what this counts and rings is kept here, and the clock is ours."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.calls.callbacks import CallbackService, Sounds
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.domain.callback import Request, Terms
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.outcome import Target
from appliance.domain.queue import Queue
from appliance.domain.recording import Policy
from appliance.domain.routing import Line, NumberRoute, RoutingTable, Rules, Trunk
from appliance.errors import SwitchGone
from appliance.reference.workdays import day_kind
from appliance.store.callbacks import Asked, Callbacks
from appliance.store.journal import Journal
from appliance.store.outbox import JournalOutbox
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
        self.rung_by: list[Mapping[str, str]] = []
        self.as_it_rings: Callable[[], object] = lambda: None
        self.facts: dict[str, Mapping[str, str]] = {}
        self.legs: dict[str, str] = {}
        self.there: set[str] = set()
        self.away = False
        self.down: set[str] = set()
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
        self.rung_by.append(dict(legs))
        self.as_it_rings()
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
            is_down=self.down.__contains__,
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
