"""Calls that left no CDR are closed once, those that are alive never, and a CDR that comes after all corrects."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from appliance.cdr import lost as closing
from appliance.cdr.collect import collect_once
from appliance.cdr.lost import LostCalls
from appliance.domain.cdr import packed
from appliance.domain.lost import Sound
from appliance.errors import StoreError, SwitchGone, SwitchRefused
from appliance.rating.run import rate_calls
from appliance.store.begun import BegunCalls
from appliance.store.calls import talks
from appliance.store.journal import Journal, Started
from appliance.store.models import Account, Charge, Number, Plan, Price, QueueStay, Subscription
from appliance.store.unit import Store
from tests.cdr.spooled import NOW, START, caller_leg, clock, line_leg, put, put_bytes, stored

AFTER_S = 60
FACTS = packed(
    {
        "number": "4008001234",
        "account": "east",
        "flow": "front@1",
        "line": "sales",
        "queue": f"desk@{int(START.timestamp() * 1000) + 2000}",
        "recording": "2026/11/22/one.wav",
    }
)


@dataclass
class Switch:
    """What it lists, and what it has (they may differ)."""

    listed: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    pairs: dict[str, datetime] = field(default_factory=dict)
    away: Exception | None = None
    says: str = ""

    def api(self, command: str) -> str:
        if command == "show channels as json":
            rows = [{"uuid": uuid, "direction": "inbound"} for uuid in self.listed]
        elif command == "show calls as json":
            rows = [
                {"uuid": uuid, "b_uuid": f"{uuid}-line", "call_created_epoch": str(int(at.timestamp()))}
                for uuid, at in self.pairs.items()
            ]
        else:
            verb, _, uuid = command.partition(" ")
            assert verb == "uuid_exists"
            return self.says or str(uuid in self.listed | self.hidden).lower()
        return json.dumps({"row_count": len(rows), "rows": rows} if rows else {"row_count": 0})

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Callable[[str], str]]:
        if self.away is not None:
            raise self.away
        yield self.api


@dataclass
class Box:
    """A journal, a database, a spool and a switch; ``look`` is one look so many seconds after the last."""

    journal: Journal
    store: Store
    spool: Path
    switch: Switch = field(default_factory=Switch)
    sounds: dict[str, Sound] = field(default_factory=dict)
    now: datetime = NOW
    ticks: float = 1000.0

    def __post_init__(self) -> None:
        self.begun = BegunCalls(self.journal.file)
        self.restart()

    def restart(self) -> None:
        """A new collector."""
        self.lost = LostCalls(
            self.begun,
            self.store,
            self.spool,
            self.switch,
            self.sounds.get,
            lambda: self.now,
            lambda: self.ticks,
            AFTER_S,
        )

    def begin(self, uuid: str, seconds: float = 0, facts: str = FACTS) -> None:
        at = START + timedelta(seconds=seconds)
        self.journal.call_started(Started(uuid, at, "4008001234", "east", "in", "13800138000", True))
        if facts:
            self.begun.noted({uuid: facts}, at + timedelta(seconds=20))

    def look(self, seconds: float = 0) -> list[str]:
        self.ticks += seconds
        return self.lost.look()

    def open(self) -> list[str]:
        return sorted(one.uuid for one in self.begun.open())

    def stays(self) -> list[tuple[str, int, str]]:
        with self.store.reading() as session:
            rows = session.scalars(select(QueueStay).order_by(QueueStay.call_uuid, QueueStay.ordinal))
            return [(row.call_uuid, row.wait_ms, row.left) for row in rows]


@pytest.fixture
def box(tmp_path: Path, store: Store) -> Iterator[Box]:
    spool = tmp_path / "spool"
    spool.mkdir()
    journal = Journal(tmp_path / "journal.db")
    yield Box(journal, store, spool)
    journal.close()


def test_a_call_that_is_gone_is_closed_once(box: Box) -> None:
    box.begin("one")
    assert box.look() == []
    assert box.look(AFTER_S - 1) == []
    with capture_logs() as logs:
        assert box.look(1) == ["one"]
    assert [(entry["event"], entry["call"]) for entry in logs] == [("call closed as abnormal", "one")]
    assert box.look(AFTER_S) == box.open() == []
    call = stored(box.store)["one"]
    assert (call.outcome, call.account_id, call.number, call.caller) == (
        "abnormal",
        "east",
        "4008001234",
        "13800138000",
    )
    assert (call.started_at, call.ended_at) == (START, START + timedelta(seconds=20))
    assert (call.line_id, call.joined_at, call.recording) == ("sales", None, "")
    assert box.stays() == [("one", 18_000, "lost")]


def test_calls_that_are_alive_stay_open(box: Box) -> None:
    """Whatever happens around them: a list that lags, a collector that is new, a clock that is set, years."""
    box.begin("listed")
    box.begin("hidden")
    box.switch.listed, box.switch.hidden = {"listed"}, {"hidden"}
    box.look()
    assert box.look(AFTER_S) == box.look(AFTER_S) == []
    box.now -= timedelta(days=400)
    assert box.look(AFTER_S) == []
    box.now += timedelta(days=4000)
    assert box.look(10 * AFTER_S) == []
    box.restart()
    assert box.look(AFTER_S) == []
    assert box.open() == ["hidden", "listed"]
    box.switch.listed, box.switch.hidden = set(), set()
    box.look()
    assert box.look(AFTER_S) == ["hidden", "listed"]


def test_a_new_collector_begins_to_count_anew(box: Box) -> None:
    box.begin("one")
    box.look()
    box.ticks += 10 * AFTER_S
    box.restart()
    assert box.look() == []
    assert box.look(AFTER_S) == ["one"]


def test_while_the_switch_cannot_be_asked_nothing_is_closed(box: Box) -> None:
    box.begin("one")
    box.look()
    box.switch.away = SwitchGone("nobody listens")
    with capture_logs() as logs:
        assert box.look(AFTER_S) == box.look(AFTER_S) == []
    assert [entry["event"] for entry in logs] == ["calls without a CDR not looked for"]
    box.switch.away = SwitchRefused("not on the allow-list")
    assert box.look() == []
    box.switch.away, box.switch.says = None, "-ERR"
    assert box.look() == []
    box.switch.says = ""
    assert box.look() == ["one"]


def test_a_cdr_in_the_spool_goes_first(box: Box) -> None:
    """Be it whole, half-written, or one that the database was not there for."""
    box.begin("one")
    box.begin("half")
    put(box.spool, caller_leg("one"))
    put_bytes(box.spool, "a_half.cdr.json", b'{"variables": {"uuid": "ha')
    put(box.spool, line_leg("other"))  # a line's leg says nothing of its caller's
    box.look()
    assert box.look(AFTER_S) == []
    collect_once(box.spool, box.store, clock, partial_s=1e9)
    assert stored(box.store)["one"].outcome == "answered"
    assert box.look() == [] and box.open() == ["half"]
    # Set aside as a file that never became whole.
    collect_once(box.spool, box.store, clock, partial_s=0)
    assert box.look() == ["half"]


def test_what_the_switch_says_of_it_is_in_the_record(box: Box) -> None:
    box.begin("one")
    box.switch.listed, box.switch.pairs = {"one"}, {"one": START + timedelta(seconds=9)}
    box.now = START + timedelta(seconds=30)
    box.look()
    box.now, box.switch.listed = START + timedelta(seconds=31), set()
    box.switch.pairs = {}
    box.look()
    assert box.look(AFTER_S) == ["one"]
    call = stored(box.store)["one"]
    assert (call.joined_at, call.ended_at) == (START + timedelta(seconds=9), START + timedelta(seconds=30))
    assert (call.bridged_ms, call.outcome, call.recording) == (21_000, "abnormal", "2026/11/22/one.wav")
    assert box.stays() == [("one", 7000, "answered")]
    with box.store.reading() as session:
        assert [talk.line for talk in talks(session, ["one"])] == ["sales"]


def test_a_recording_tells_of_a_talk(box: Box) -> None:
    box.begin("one")
    box.sounds["2026/11/22/one.wav"] = Sound(START + timedelta(seconds=25), timedelta(seconds=15))
    box.look()
    box.look(AFTER_S)
    call = stored(box.store)["one"]
    assert (call.joined_at, call.ended_at) == (START + timedelta(seconds=10), START + timedelta(seconds=25))


def book(store: Store) -> None:
    since = START.replace(day=1)
    with store.work() as session:
        session.add(Account(id="east", name="east"))
        session.add(Plan(code="minute", name="minute", charge_by="time", meter="answer"))
        session.flush()
        session.add(Number(number="4008001234", account_id="east"))
        session.add(Price(plan_code="minute", effective_from=since, effective_text="t", per_minute=100_000))
        session.flush()
        session.add(Subscription(number="4008001234", plan_code="minute", starts_at=since))
        session.commit()


def rated(store: Store, uuid: str) -> list[tuple[str, int]]:
    with store.work() as session:
        rate_calls(session, [uuid], clock)
        session.commit()
    with store.reading() as session:
        return [(row.reason, row.amount) for row in session.scalars(select(Charge))]


def test_a_cdr_that_comes_after_all_corrects_it_once(box: Box) -> None:
    book(box.store)
    box.begin("one")
    box.look()
    box.look(AFTER_S)
    assert rated(box.store, "one") == [], "it waits for a person"
    put(box.spool, line_leg("one"))
    collect_once(box.spool, box.store, clock)
    assert stored(box.store)["one"].outcome == "abnormal", "a line's leg is no call"
    put(box.spool, caller_leg("one", gw_queue=f"desk@{int(START.timestamp() * 1000) + 2000}"))
    for _ in range(2):
        collect_once(box.spool, box.store, clock)
        put(box.spool, caller_leg("one"))
    (call,) = stored(box.store).values()
    assert (call.outcome, call.bill_ms, call.bridged_ms) == ("answered", 39_000, 20_000)
    assert (call.joined_at, call.hangup_cause) == (START + timedelta(seconds=10), "NORMAL_CLEARING")
    assert box.stays() == [("one", 8000, "answered")], "one outcome, and now the right one"
    assert len(rated(box.store, "one")) == 1
    box.look()
    assert box.look(AFTER_S) == [] and len(stored(box.store)) == 1


def test_lines_that_left_a_cdr_are_in_the_record(box: Box) -> None:
    box.begin("one")
    put(box.spool, line_leg("one", gw_line="annex"))
    collect_once(box.spool, box.store, clock)
    box.look()
    assert box.look(AFTER_S) == ["one"]
    call = stored(box.store)["one"]
    assert (call.line_id, call.joined_at) == ("annex", START + timedelta(seconds=10))


def test_a_kill_between_commit_and_journal(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.begin("one")
    box.look()
    monkeypatch.setattr(box.begun, "settled", lambda uuids: None)
    assert box.look(AFTER_S) == ["one"]
    monkeypatch.undo()
    assert box.open() == ["one"]
    box.restart()
    box.look()
    assert box.look(AFTER_S) == [] and box.open() == []
    assert len(stored(box.store)) == 1


def test_another_collector_is_quicker(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.begin("one")
    other = Box(box.journal, box.store, box.spool)
    for one in (box, other):
        one.look()
        one.ticks += AFTER_S
    assert other.look() == ["one"]
    box.begin("one")
    with monkeypatch.context() as patched:
        patched.setattr(closing.lost, "stored_of", lambda session, uuids: set())
        with capture_logs() as logs:
            assert box.look() == []
    assert logs[-1]["event"] == "calls without a CDR not closed"
    assert box.look() == [] and box.open() == [] and len(stored(box.store)) == 1


def test_many_are_closed_in_batches(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "BATCH", 3)
    uuids = [f"call-{number}" for number in range(8)]
    for number, uuid in enumerate(uuids):
        box.begin(uuid, number, facts="")
    box.look()
    assert sorted(box.look(AFTER_S)) == uuids
    assert set(stored(box.store)) == set(uuids)


def test_a_start_that_is_no_calls_is_dropped(box: Box) -> None:
    box.begin("no uuid at all", facts="")
    box.look()
    with capture_logs() as logs:
        assert box.look(AFTER_S) == []
    assert [entry["event"] for entry in logs] == ["call without times is dropped"]
    assert box.open() == [] and stored(box.store) == {}


def test_a_spool_that_cannot_be_read(box: Box) -> None:
    box.begin("one")
    box.look()
    box.spool.rmdir()
    with pytest.raises(StoreError, match="spool"):
        box.look(AFTER_S)
    box.spool.mkdir()
    assert box.look() == ["one"]


def test_an_idle_box_asks_the_switch_nothing(box: Box) -> None:
    box.switch.away = AssertionError("asked")
    assert box.look() == []
