"""What became of the callers of queues, and whose rows are counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.hunt import Hunt
from appliance.domain.queue import Left, Queue, Stay, summary
from appliance.store import models
from appliance.store.models import Account, Call, Flow, FlowPublication, FlowVersion, Line, Number, QueueStay, Trunk
from appliance.store.queries import Reader, Scope, reading
from appliance.store.queries.queues import QueueReport, StayView, queue_report, stays_of_call
from appliance.store.queries.routing import numbers_and_lines
from appliance.store.unit import Store

AT = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: (call, account, queue, minutes after ``AT``, milliseconds, left, line)
STAYS = [
    ("a", "east", "support", 0, 20_000, "answered", "e"),
    ("b", "east", "support", 1, 20_001, "answered", "e"),
    ("c", "east", "support", 2, 4_000, "abandoned", ""),
    ("d", "east", "support", 3, 5_000, "abandoned", ""),
    ("e", "east", "support", 4, 5_001, "abandoned", ""),
    ("f", "east", "support", 5, 600_000, "timeout", ""),
    ("g", "east", "support", 6, 0, "full", ""),
    ("h", "east", "support", 7, 0, "nobody", ""),
    ("i", "east", "support", 8, 9_000, "key", ""),
    ("i", "east", "desk", 9, 1_000, "answered", "e"),
    ("j", "east", "support", 10, 7_000, "lost", ""),
    ("k", "east", "gone", 11, 3_000, "abandoned", ""),
    ("l", "west", "counter", 12, 2_000, "answered", "w"),
    ("m", "east", "support", 60, 1_000, "answered", "e"),
    ("n", "east", "support", -1, 1_000, "answered", "e"),
]
GRAPH = {
    "start": "wait",
    "nodes": {"wait": {"type": "queue", "queue": "support", "timeout": "bye"}, "bye": {"type": "hangup"}},
}


@pytest.fixture
def filled(store: Store) -> Store:
    with store.work() as session:
        session.add_all([Account(id="east", name="东"), Account(id="west", name="西")])
        session.add(Trunk(id="t", name="", accept=[], called_from=[], landing={}, codecs=[]))
        session.flush()
        for line, account in (("e", "east"), ("w", "west")):
            session.add(
                Line(id=line, account_id=account, name=f"line {line}", number="1", kind="landline", trunk_id="t")
            )
        session.add_all(
            [
                models.Queue(id="support", account_id="east", name="支持", line_ids=["e"], short_abandon_seconds=5),
                models.Queue(id="desk", account_id="east", line_ids=["e"], service_level_seconds=1),
                models.Queue(id="idle", account_id="east", name="闲", line_ids=["e"]),
                models.Queue(id="counter", account_id="west", name="柜台", line_ids=["w"]),
                Flow(id=1, account_id="east", name="help"),
            ]
        )
        session.flush()
        session.add(FlowVersion(flow_id=1, version=1, graph=GRAPH, created_at=AT))
        session.add(FlowPublication(flow_id=1, version=1, at=AT, made_at=AT))
        session.add(Number(number="4008001234", account_id="east", flow_id=1))
        for uuid, account in {(uuid, account) for uuid, account, *_ in STAYS}:
            times = {"started_at": AT, "ended_at": AT, "collected_at": AT}
            session.add(Call(uuid=uuid, account_id=account, number="400", **times))
        session.flush()
        for ordinal, (uuid, account, queue, minutes, wait_ms, left, line) in enumerate(STAYS, start=1):
            session.add(
                QueueStay(
                    call_uuid=uuid,
                    ordinal=ordinal,
                    queue_id=queue,
                    account_id=account,
                    number="400",
                    entered_at=AT + timedelta(minutes=minutes),
                    wait_ms=wait_ms,
                    left=left,
                    line_id=line,
                )
            )
        session.commit()
    return store


@pytest.fixture
def east(filled: Store) -> Iterator[Reader]:
    with reading(filled, Scope("east")) as reader:
        yield reader


SUPPORT = QueueReport(
    queue_id="support",
    name="支持",
    offered=10,
    answered=2,
    abandoned=3,
    short=2,
    timeout=1,
    full=1,
    nobody=1,
    key=1,
    callback=0,
    lost=1,
    service_level=125,
    mean_wait_ms=20_000,
    longest_wait_ms=600_000,
)
DESK = QueueReport("desk", "", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1000, 1000, 1000)
#: Its queue is gone, and with it what would be short.
GONE = QueueReport("gone", "", 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, None, None, 3000)
IDLE = QueueReport("idle", "闲", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, None, None, 0)
COUNTER = QueueReport("counter", "柜台", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1000, 2000, 2000)


def test_every_queue_is_counted(east: Reader) -> None:
    assert queue_report(east, AT, AT + HOUR) == [DESK, GONE, IDLE, SUPPORT]


@pytest.mark.parametrize(
    ("account", "expected"),
    [("west", [COUNTER]), ("nobody", []), (None, [COUNTER, DESK, GONE, IDLE, SUPPORT])],
)
def test_each_account_has_its_own_queues(filled: Store, account: str | None, expected: list[QueueReport]) -> None:
    with reading(filled, Scope(account)) as reader:
        assert queue_report(reader, AT, AT + HOUR) == expected


def test_nobody_came(east: Reader) -> None:
    report = queue_report(east, AT - 9 * HOUR, AT - 8 * HOUR)
    assert [(one.queue_id, one.offered) for one in report] == [("desk", 0), ("idle", 0), ("support", 0)]
    assert astuple(report[2])[2:] == astuple(IDLE)[2:]


def test_those_who_gave_up_at_once_alone_count_for_nothing(east: Reader) -> None:
    (support,) = [
        one
        for one in queue_report(east, AT + timedelta(minutes=2), AT + timedelta(minutes=4))
        if one.queue_id == "support"
    ]
    assert (support.offered, support.abandoned, support.short, support.service_level) == (2, 2, 2, None)


def test_it_counts_as_the_rules_do(east: Reader) -> None:
    stays = [
        Stay(queue, AT, timedelta(milliseconds=wait_ms), Left(left))
        for _, _, queue, minutes, wait_ms, left, _ in STAYS
        if queue == "support" and 0 <= minutes < 60
    ]
    rules = summary(Queue("support", "east", Hunt(("e",))), stays)
    assert (rules.offered, rules.short, rules.in_time) == (SUPPORT.offered, SUPPORT.short, 1)
    assert {left.value: count for left, count in rules.left.items()} == {
        left.value: getattr(SUPPORT, left.value) for left in Left
    }
    assert rules.service_level is not None and SUPPORT.service_level == int(1000 * rules.service_level)


def test_the_stays_of_a_call(east: Reader) -> None:
    assert stays_of_call(east, "i") == [
        StayView("support", "支持", AT + timedelta(minutes=8), 9000, "key", "", ""),
        StayView("desk", "", AT + timedelta(minutes=9), 1000, "answered", "e", "line e"),
    ]
    assert stays_of_call(east, "k") == [StayView("gone", "", AT + timedelta(minutes=11), 3000, "abandoned", "", "")]
    assert stays_of_call(east, "l") == stays_of_call(east, "none") == []


def test_a_flow_shows_the_lines_of_its_queue(east: Reader) -> None:
    (number,), lines = numbers_and_lines(east, AT)
    assert number.flow is not None
    wait, bye = number.flow.steps
    assert (wait.kind, wait.queue, wait.strategy, wait.exits) == (
        "queue",
        "支持",
        "longest-idle",
        (("timeout", "bye"),),
    )
    assert [line.id for line in wait.lines] == ["e"]
    assert (bye.kind, bye.queue, bye.lines) == ("hangup", "", ())
    assert {line.id: line.used_by for line in lines} == {"e": ("4008001234",)}


def test_a_flow_whose_queue_is_gone_shows_its_id(filled: Store) -> None:
    with filled.work() as session:
        session.delete(session.get_one(models.Queue, "support"))
        session.commit()
    with reading(filled, Scope("east")) as reader:
        (number,), _ = numbers_and_lines(reader, AT)
    assert number.flow is not None
    wait = number.flow.steps[0]
    assert (wait.queue, wait.lines, wait.strategy) == ("support", (), "")
