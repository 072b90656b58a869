"""The scenario table and the site it calls, as tests want them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from appliance import bootstrap
from appliance.calls.desk import Desk
from appliance.calls.dispatch import Dispatcher
from appliance.domain.calendar import SHANGHAI
from appliance.domain.outcome import Disposition
from appliance.domain.queue import Waiting, stays_of
from appliance.domain.routing import RoutingTable
from appliance.reference.workdays import day_kind
from appliance.site import check
from appliance.site.apply import apply
from appliance.store import schema
from appliance.store.journal import Journal, Talked
from appliance.store.outbox import JournalOutbox
from appliance.store.routing import load_table
from appliance.store.waitlist import Kept, Waitlist
from tests.contract.fake import INVITE, FakeLeg
from tests.support.databases import sqlite_database
from tests.support.outside import FakeLookup

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
COLUMNS = ("name", "called", "caller", "at", "lines", "keys", "did", "outcome", "cause", "because", "stays")
_TALK = timedelta(minutes=1)
#: How long a wait takes: one that ends at once because a line is free, an announcement of several prompts, and
#: music, which somebody ends who is to hear more.
_AT_ONCE, _MUSIC = timedelta(seconds=1), timedelta(seconds=30)
#: What is counted by the switch; other names behind an "@" are queues.
_REALMS = frozenset({"trunk", "account", "number"})


@dataclass(frozen=True)
class Scenario:
    """One row."""

    name: str
    called: str
    caller: str
    at: str
    lines: str
    keys: str
    did: str
    outcome: str
    cause: str
    because: str
    stays: str = ""

    @property
    def number(self) -> str:
        """What is dialled."""
        return self.called.partition(" from ")[0]

    @property
    def address(self) -> str:
        """Where the INVITE comes from."""
        return self.called.partition(" from ")[2] or "127.0.0.1"

    @property
    def moment(self) -> datetime:
        """When it is."""
        text = self.at or "11-25 10:00"
        form = "%Y-%m-%d %H:%M:%S" if text.count(":") == 2 else "%Y-%m-%d %H:%M"
        return datetime.strptime(f"2026-{text}", form).replace(tzinfo=SHANGHAI)

    def _told(self) -> Iterator[tuple[str, str, int | None]]:
        """Of the column ``lines``: who, what, and how often (None: always)."""
        for word in self.lines.split():
            who, _, what = word.partition("=")
            how, _, count = what.partition(":")
            yield who, how, int(count) if count else None

    @property
    def ends(self) -> dict[str, Disposition]:
        """How lines end that do not answer."""
        return {
            who: Disposition(how)
            for who, how, count in self._told()
            if how in frozenset(Disposition) and not (how == Disposition.FULL and count is not None)
        }

    @property
    def some_tries(self) -> dict[str, int]:
        """Lines that end so a few times only, and answer then."""
        full = Disposition.FULL
        ends = frozenset(Disposition) - {full}
        return {who: count for who, how, count in self._told() if how in ends and count is not None}

    @property
    def counted_full(self) -> dict[str, int | None]:
        """Lines that the switch counts as full, and until which wait is over (None: throughout)."""
        return {who: count for who, how, count in self._told() if how == Disposition.FULL}

    @property
    def signings(self) -> list[tuple[int, str, bool]]:
        """After how many waits somebody signs in at a line, or out."""
        return [(count or 0, who, how == "in") for who, how, count in self._told() if how in ("in", "out")]

    @property
    def others(self) -> dict[str, int]:
        """Other calls at once, by realm."""
        return {who[1:]: int(how) for who, how, _ in self._told() if who[0] == "@" and who[1:] in _REALMS}

    @property
    def before_him(self) -> dict[str, int]:
        """Others who wait, by queue."""
        return {who[1:]: int(how) for who, how, _ in self._told() if who[0] == "@" and who[1:] not in _REALMS}

    @property
    def presses(self) -> list[str]:
        """Keys at each asking; empty: silence."""
        return ["" if key == "-" else key for key in self.keys.partition("gone ")[0].split()]

    @property
    def gone_at(self) -> str:
        """During which verb the caller hangs up."""
        return self.keys.partition("gone ")[2]


def chains() -> list[list[Scenario]]:
    """Rows that belong together: one, and those that go on from it."""
    made: list[list[Scenario]] = []
    for row in _rows():
        if row.name.startswith("then "):
            made[-1].append(row)
        else:
            made.append([row])
    return made


@cache
def _rows() -> list[Scenario]:
    text = (FOLDER / "calls.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert tuple(cells[0]) == COLUMNS
    return [Scenario(*row, *[""] * (len(COLUMNS) - len(row))) for row in cells[1:]]


@cache
def table() -> RoutingTable:
    """The site's routing, on its way through the checks and a database."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_database(Path(folder) / "appliance.db")
        document = check.load(FOLDER / "site.yaml", lambda account, name: Path(f"/prompts/{name}.wav"))
        with schema.opened(url) as store:
            apply(store, document, now=datetime(2026, 1, 1, tzinfo=SHANGHAI))
            with store.reading() as session:
                return load_table(session, datetime(2026, 1, 1, tzinfo=SHANGHAI))


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)

    def __call__(self) -> datetime:
        return self.now


class Board:
    """The switch as the queues see it: which lines it counts as full."""

    def __init__(self) -> None:
        self.full: set[str] = set()
        #: Writes down what is said over somebody's music.
        self.told: Callable[[str], None] = lambda sound: None

    def usage(self, lines: Sequence[str]) -> Mapping[str, int]:
        """See ``calls.dispatch.Switchboard``."""
        return {line: 9 if line in self.full else 0 for line in lines}

    def wake(self, uuid: str) -> bool:
        """Nobody has to: a scripted wait is over by itself."""
        return True

    def say_over(self, uuid: str, sound: Path) -> bool:
        """See ``calls.dispatch.Switchboard``."""
        self.told(sound.name)
        return True

    def hush(self, uuid: str, sound: Path) -> None:
        """See ``calls.dispatch.Switchboard``."""

    def rest(self) -> None:
        """See ``calls.dispatch.Switchboard``."""


def desk(clock: Clock | None = None, board: Board | None = None, **changed: object) -> Desk:
    """What the steps of a scenario's calls work with; the dice are the same each time."""
    clock = clock or Clock()
    journal = Journal(Path(":memory:"))
    dispatcher = Dispatcher(
        journal,
        lambda: made.routing(),
        board or Board(),
        clock,
        day_kind,
        random.Random(400),
        owner="here",
        is_alive=lambda name: True,
    )
    made = Desk(
        routing=table,
        find_prompt=lambda account, name: Path(f"/prompts/{name}.wav"),
        journal=journal,
        public_day=day_kind,
        place_of=bootstrap.place_of,
        now=clock,
        dispatcher=dispatcher,
        outbox=JournalOutbox(journal.file),
        lookup=FakeLookup(),
        together=lambda prompts: [Path(f"/prompts/{'+'.join(one.stem for one in prompts)}.wav")],
        dice=random.Random(400),
    )
    made = replace(made, **changed)  # type: ignore[arg-type]
    return made


class World:
    """Where the rows of a chain take place: a desk, its clock, and a switchboard that does what a row says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.board = Board()
        self.desk = desk(self.clock, self.board)
        self._list = Waitlist(self.desk.journal.file)
        self._before_him: list[Kept] = []

    def leg(self, row: Scenario, at: int = 0) -> FakeLeg:
        """The row's call as it comes; ``at`` tells rows of a chain apart."""
        self.clock.now = row.moment
        leg = leg_of(row, at)
        self._pass(row, leg, 0)
        for one in self._before_him:
            self._list.keep(one, left_at=row.moment)
        self._before_him = [
            Kept(Waiting(f"other{number}", queue, row.moment - (count - number) * _MUSIC), "demo", "there")
            for queue, count in row.before_him.items()
            for number in range(count)
        ]
        for one in self._before_him:
            self._list.keep(one)
        waits = 0
        self.board.told = lambda sound: leg.did.append(("tell", sound))

        def on_wait() -> None:
            nonlocal waits
            waits += 1
            self.desk.dispatcher.look()
            self.clock.now += self._length(leg)
            self._pass(row, leg, waits)
            if self._before_him:
                self._list.keep(self._before_him.pop(0), left_at=self.clock.now)
            self.desk.dispatcher.look()

        leg.on_wait = on_wait
        return leg

    def _length(self, leg: FakeLeg) -> timedelta:
        """Of the wait that has begun."""
        ticket = self.desk.dispatcher._tickets[leg.uuid]
        if ticket.lines:
            return _AT_ONCE
        return min(_MUSIC, ticket.wake_at - self.clock.now)

    def _pass(self, row: Scenario, leg: FakeLeg, waits: int) -> None:
        """So many waits are over."""
        self.board.full = {line for line, until in row.counted_full.items() if until is None or waits < until}
        for after, line, signed_in in row.signings:
            if after == waits:
                self._list.sign(line, self.clock.now, signed_in=signed_in)
        tried = [line for step in leg.did if step[0] == "connect" for line in step[1].split("+")]
        for line, most in row.some_tries.items():
            if tried.count(line) >= most:
                leg.lines.pop(line, None)

    def over(self, leg: FakeLeg) -> None:
        """What the collector writes down of the call."""
        if leg.joined:
            remember_talk(self.desk.journal, leg, self.clock.now)

    def stays(self, leg: FakeLeg) -> str:
        """The caller's times in queues as his call's record has them: ``QUEUE=how it ended:seconds``."""
        found = stays_of(
            leg.told.get("queued", ""),
            leg.told.get("queue", ""),
            self.clock.now if leg.joined else None,
            self.clock.now,
            gave_up=leg.ended_with is None,
        )
        return " ".join(f"{stay.queue}={stay.left}:{stay.waited.total_seconds():.0f}" for stay in found)


def leg_of(row: Scenario, at: int = 0) -> FakeLeg:
    """The scripted leg of a row; ``at`` tells rows of a chain apart."""
    route = table().numbers.get(row.number)
    # What is asked for secretly is asked for key by key, and a pause ends it.
    secret = route is not None and bool(route.rules.passwords)
    names = {"trunk": "thin", "number": row.number, "account": route.account if route else ""}
    return FakeLeg(
        replace(
            INVITE,
            request_user=row.number,
            to_user=row.number,
            address=row.address,
            caller_number=row.caller or "13800138000",
        ),
        presses=[key for press in row.presses for key in (*press, "")] if secret else row.presses,
        lines=row.ends,
        gone_at=row.gone_at,
        others={f"{realm} {names[realm]}": count for realm, count in row.others.items()},
        uuid=f"7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d{at:03}",
    )


def remember_talk(journal: Journal, leg: FakeLeg, began: datetime) -> None:
    """What the collector writes down after a talk."""
    notes = leg.notes
    journal.talked([Talked(leg.uuid, notes["number"], notes["caller"], leg.joined, began, began + _TALK)])
