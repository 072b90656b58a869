"""The box at one moment: lines, queues and trunks beside the calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.hunt import Hunt, LineUse, Strategy
from appliance.domain.live.board import Board, Known, LineState, LiveQueue, TrunkNow, board
from appliance.domain.live.calls import LineLeg, LiveCall, Stage
from appliance.domain.queue import Queue, Waiting
from appliance.domain.routing import Line, RoutingTable, Trunk
from appliance.reference.workdays import day_kind

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def line(name: str, trunk: str = "t", **changed: object) -> Line:
    return Line(name, "east", "02160000001", trunk, **changed)  # type: ignore[arg-type]


def known(lines: Sequence[Line], queues: Sequence[Queue] = (), **more: object) -> Known:
    trunks = (
        Trunk("t", (), proxy="127.0.0.1:5090", max_calls=30),
        Trunk("spare", (), proxy="127.0.0.1:5091"),
    )
    table = RoutingTable(1, trunks, {one.id: one for one in lines}, {}, queues={one.id: one for one in queues})
    return Known(table, NOW, day_kind, **more)  # type: ignore[arg-type]


def leg(name: str, call: str = "c", joined: bool = False, **more: str) -> LineLeg:
    return LineLeg(
        f"leg-{name}", name, "east", call, NOW - 9 * SECOND, NOW - 3 * SECOND if joined else None, **more
    )


def call(uuid: str = "c", stage: Stage = Stage.QUEUE, account: str = "east", trunk: str = "t") -> LiveCall:
    return LiveCall(uuid, account, "4008001234", trunk, "139", "mobile", NOW - 60 * SECOND, stage, NOW)


def states(seen: Board) -> Mapping[str, LineState]:
    return {one.id: one.state for one in seen.lines}


def test_what_a_line_does() -> None:
    down = {"t": TrunkNow(False, NOW - 60 * SECOND), "spare": TrunkNow(True, NOW)}
    lines = [
        line("talks", max_calls=2),
        line("rings"),
        line("down"),
        line("spared", backups=("spare",)),
        line("desk", "", is_phone=True),
        line("home", "", is_phone=True),
        line("day", "spare", daily_calls=3),
        line("month", "spare", monthly_calls=9),
        line("rests", "spare"),
        line("free", "spare", daily_calls=4, monthly_calls=10),
    ]
    uses = {
        "home": LineUse(registered=True),
        "day": LineUse(today=3),
        "month": LineUse(this_month=9),
        "free": LineUse(today=3, this_month=9),
    }
    rests = {"rests": NOW + 15 * SECOND, "talks": NOW + 15 * SECOND}
    seen = board(
        [],
        [leg("talks", joined=True), leg("talks", "d"), leg("rings")],
        known(lines, uses=uses, rests=rests, trunks=down),
    )
    assert states(seen) == {
        "talks": LineState.TALKING,
        "rings": LineState.RINGING,
        "down": LineState.TRUNK_DOWN,
        "spared": LineState.FREE,
        "desk": LineState.UNREGISTERED,
        "home": LineState.FREE,
        "day": LineState.CAPPED,
        "month": LineState.CAPPED,
        "rests": LineState.RESTING,
        "free": LineState.FREE,
    }
    by_id = {one.id: one for one in seen.lines}
    assert (by_id["talks"].calls, by_id["talks"].max_calls, by_id["talks"].since) == (2, 2, NOW - 3 * SECOND)
    assert by_id["rings"].since == NOW - 9 * SECOND
    assert by_id["down"].since == NOW - 60 * SECOND
    assert by_id["rests"].rests_until == NOW + 15 * SECOND


def test_while_the_switch_is_away_nothing_is_said_of_it() -> None:
    waiting = [Waiting("w", "q", NOW - 60 * SECOND)]
    seen = board(None, (), known([line("a")], [Queue("q", "east", Hunt(("a",)))], waiting=waiting))
    assert seen.calls == ()
    assert states(seen) == {"a": LineState.UNKNOWN}
    assert [one.uuid for one in seen.queues[0].callers] == ["w"], "who waited when it went; the journal knows"
    assert seen.queues[0].away == 1


def queue_of(
    calls: list[LiveCall], waiting: list[Waiting], legs: Sequence[LineLeg] = (), **more: object
) -> LiveQueue:
    lines = [line("a"), line("b", skills=frozenset({"english"})), line("c")]
    queue = Queue("q", "east", Hunt(("a", "b", "c", "gone"), Strategy.ORDER), **more.pop("queue", {}))  # type: ignore[arg-type]
    return board(calls, legs, known(lines, [queue], waiting=waiting, **more)).queues[0]


def waits(uuid: str, seconds: float, **more: object) -> Waiting:
    return Waiting(uuid, "q", NOW - seconds * SECOND, "4008001234", "139", **more)  # type: ignore[arg-type]


def test_who_waits_in_order_and_for_how_long_still() -> None:
    waiting = [
        waits("first", 50),
        waits("vip", 20, priority=5),
        waits("rung", 60, rung=("a",)),
        waits("talks", 70, rung=("b",)),
        waits("hung-up", 30),
        waits("fresh", 1),
        waits("english", 10, skill="english"),
        Waiting("other", "elsewhere", NOW),
    ]
    calls = [call(one) for one in ("first", "vip", "english")]
    calls += [call("rung", Stage.RINGING), call("talks", Stage.TALKING)]
    seen = queue_of(calls, waiting, handling={"q": timedelta(seconds=90)})
    assert [(one.uuid, one.position, one.expected_s) for one in seen.callers] == [
        ("rung", 0, None),
        ("vip", 1, 30),
        ("first", 2, 60),
        ("english", 3, 270),
        ("fresh", 4, 120),
    ]


@pytest.mark.parametrize(
    ("signed_in", "counted"),
    [({}, (0, 1, 0, 2, 0)), ({"a": NOW, "b": NOW}, (0, 1, 1, 1, 2)), ({"c": NOW}, (1, 1, 0, 1, 1))],
)
def test_lines_of_a_queue_are_counted_once_each(signed_in: dict[str, datetime], counted: tuple[int, ...]) -> None:
    seen = queue_of(
        [],
        [],
        [leg("a", joined=True)],
        queue={"sign_in": True},
        signed_in=signed_in,
        rests={"b": NOW + SECOND},
    )
    assert (seen.free, seen.busy, seen.resting, seen.away, seen.signed_in) == counted
    assert seen.lines == 3 == seen.free + seen.busy + seen.resting + seen.away


def test_who_asks_for_signing_in_is_said_of_the_line() -> None:
    lines = [line("a"), line("b")]
    seen = board([], (), known(lines, [Queue("q", "east", Hunt(("a",)), sign_in=True)], signed_in={"a": NOW}))
    assert [(one.asks_sign_in, one.signed_in_at) for one in seen.lines] == [(True, NOW), (False, None)]


def test_channels_of_a_trunk_by_account() -> None:
    lines = [line("a"), replace(line("b", backups=("spare",)), account="west")]
    legs = [leg("a"), leg("b", proxy="127.0.0.1:5091"), leg("b", proxy="127.0.0.1:5090"), leg("unknown")]
    since = NOW - 60 * SECOND
    seen = board([call(), call("d", account="")], legs, known(lines, trunks={"t": TrunkNow(True, since)}))
    assert [(one.id, one.up, one.since, dict(one.channels), one.max_calls) for one in seen.trunks] == [
        ("t", True, since, {"east": 2, "": 1, "west": 1}, 30),
        ("spare", None, None, {"west": 1}, 0),
    ]
