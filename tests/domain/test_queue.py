"""Who is served next, by which line, and how a caller's stay is noted and counted."""

from __future__ import annotations

import doctest
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import queue as module
from appliance.domain.calendar import Hours, Schedule
from appliance.domain.hunt import Hunt, LineUse, Skip, Strategy, Uses
from appliance.domain.outcome import Disposition
from appliance.domain.queue import (
    Floor,
    Left,
    LineNow,
    Queue,
    Stay,
    Waiting,
    expected_wait,
    position,
    read_stay,
    rest_after,
    serve,
    staff,
    stays_of,
    summary,
    with_stay,
)
from appliance.domain.routing import Line, RoutingTable, Trunk
from appliance.reference.workdays import day_kind

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
TRUNK = Trunk("t", ("127.0.0.1",), proxy="127.0.0.1:5090")


def line(name: str, **changed: object) -> Line:
    return Line(name, "demo", "02160000001", "t", **changed)  # type: ignore[arg-type]


def queue(*lines: str, name: str = "q", strategy: Strategy = Strategy.ORDER, **changed: object) -> Queue:
    return Queue(name, "demo", Hunt(lines, strategy), **changed)  # type: ignore[arg-type]


def caller(name: str, seconds: float = 0, **changed: object) -> Waiting:
    """Who came so many seconds before now."""
    return Waiting(name, **{"queue": "q", "entered_at": NOW - timedelta(seconds=seconds), **changed})  # type: ignore[arg-type]


def floor(
    lines: list[Line],
    queues: list[Queue],
    waiting: list[Waiting],
    now: Mapping[str, LineNow] | None = None,
    uses: Uses | None = None,
    **changed: object,
) -> Floor:
    table = RoutingTable(
        1,
        (TRUNK,),
        {one.id: one for one in lines},
        {},
        queues={one.id: one for one in queues},
        **changed,  # type: ignore[arg-type]
    )
    return Floor(
        table, waiting, now or {}, NOW, day_kind, random.Random(1), lambda queue, one: uses if uses else Uses()
    )


def served(floor: Floor) -> list[tuple[str, str]]:
    return [(one.uuid, "+".join(line.id for line in one.lines)) for one in serve(floor)]


def there(queue: Queue, who: Waiting, floor: Floor) -> tuple[str, ...]:
    return tuple(line.id for lines in staff(queue, who, floor).rounds for line in lines)


A, B, C = line("a"), line("b"), line("c")


def test_a_queues_turns_are_no_numbers_turns() -> None:
    """A number's are remembered by its digits."""
    assert Queue("sales", "demo", Hunt(("a",))).turns == "queue/sales"


def test_doctests() -> None:
    assert doctest.testmod(module).failed == 0


def test_first_come_first_served() -> None:
    who = [caller("late", 1), caller("first", 9), caller("second", 5)]
    assert served(floor([A, B], [queue("a", "b")], who)) == [("first", "a"), ("second", "b")]


def test_priority_goes_before_arrival() -> None:
    who = [caller("first", 9), caller("vip", 1, priority=5)]
    assert served(floor([A], [queue("a")], who)) == [("vip", "a")]


def test_nobody_is_served_by_a_busy_or_resting_line() -> None:
    now = {"a": LineNow(calls=1), "b": LineNow(rests_until=NOW + timedelta(seconds=1)), "c": LineNow()}
    assert served(floor([A, B, C], [queue("a", "b", "c")], [caller("x")], now)) == [("x", "c")]
    now["c"] = LineNow(calls=1)
    assert served(floor([A, B, C], [queue("a", "b", "c")], [caller("x")], now)) == []


def test_a_rest_that_is_over_is_over() -> None:
    assert served(floor([A], [queue("a")], [caller("x")], {"a": LineNow(rests_until=NOW)})) == [("x", "a")]


def test_a_line_takes_as_many_callers_as_it_has_slots() -> None:
    wide = line("wide", max_calls=3)
    who = [caller(name, 9 - index) for index, name in enumerate("vwxyz")]
    now = {"wide": LineNow(calls=1)}
    assert served(floor([wide], [queue("wide")], who, now)) == [("v", "wide"), ("w", "wide")]


def test_a_line_without_a_count_takes_everybody() -> None:
    open_ = line("open", max_calls=0)
    who = [caller(str(number)) for number in range(20)]
    assert len(serve(floor([open_], [queue("open")], who, {"open": LineNow(calls=99)}))) == 20


@pytest.mark.parametrize(
    ("rung_at", "calls", "is_free"),
    [
        (None, 0, False),  # chosen, not yet told to ring
        (NOW, 0, False),  # told, the switch may not count it yet
        (NOW - timedelta(seconds=2), 1, False),
        (NOW - timedelta(seconds=2), 0, True),  # it rang in vain, and nobody has said so yet
    ],
)
def test_a_line_that_is_chosen_is_not_chosen_again(rung_at: datetime | None, calls: int, is_free: bool) -> None:
    who = [caller("first", 9, rung=("a",), rung_at=rung_at), caller("second", 5)]
    found = served(floor([A], [queue("a")], who, {"a": LineNow(calls=calls)}))
    assert found == ([("second", "a")] if is_free else [])


def test_who_needs_a_skill_waits_for_it_and_keeps_nobody_up() -> None:
    english = line("b", skills=frozenset({"english"}))
    who = [caller("needs", 9, skill="english"), caller("any", 5)]
    both = queue("a", "b")
    assert served(floor([A, english], [both], who)) == [("needs", "b"), ("any", "a")]
    assert served(floor([A, english], [both], who, {"b": LineNow(calls=1)})) == [("any", "a")]


def test_only_lines_that_are_signed_in_serve_where_that_is_asked() -> None:
    asked = queue("a", "b", sign_in=True)
    now = {"b": LineNow(signed_in=True)}
    assert served(floor([A, B], [asked], [caller("x"), caller("y")], now)) == [("x", "b")]
    assert served(floor([A, B], [asked], [caller("x")])) == []


def test_a_line_of_two_queues_goes_to_whoever_came_first() -> None:
    queues = [queue("a", name="one"), queue("a", name="two")]
    who = [caller("x", 1, queue="one"), caller("y", 2, queue="two")]
    assert served(floor([A], queues, who)) == [("y", "a")]


def test_ring_all_rings_what_is_free_for_the_first() -> None:
    everybody = queue("a", "b", "c", strategy=Strategy.RING_ALL)
    who = [caller("x", 2), caller("y", 1)]
    assert served(floor([A, B, C], [everybody], who, {"b": LineNow(calls=1)})) == [("x", "a+c")]


def test_strategies_are_those_of_lines() -> None:
    idle = queue("a", "b", strategy=Strategy.LONGEST_IDLE)
    uses = Uses({"a": LineUse(talked_until=NOW), "b": LineUse(talked_until=NOW - timedelta(hours=1))})
    assert served(floor([A, B], [idle], [caller("x")], uses=uses)) == [("x", "b")]
    turns = queue("a", "b", "c", strategy=Strategy.ROTATE)
    assert served(floor([A, B, C], [turns], [caller("x")], uses=Uses({"a": LineUse(rung_at=NOW)}))) == [("x", "b")]


def test_a_queue_that_is_gone_serves_nobody() -> None:
    assert served(floor([A], [], [caller("x")])) == []
    assert served(floor([], [queue("a")], [caller("x")])) == []


def test_who_is_there_may_be_busy_but_not_off_his_schedule() -> None:
    shop = queue("a", "b")
    mornings = Schedule("mornings", "demo", {2: (Hours(9 * 60, 9 * 60 + 30),)})
    off = line("b", schedule="mornings")
    found = floor([A, off], [shop], [], {"a": LineNow(calls=1)}, schedules={"mornings": mornings})
    assert there(shop, caller("x"), found) == ("a",)
    assert there(shop, caller("x", skill="english"), found) == ()
    assert staff(shop, caller("x", skill="english"), found).skipped == {"a": Skip.NO_SKILL, "b": Skip.OFF_SCHEDULE}
    signed = queue("a", "gone", sign_in=True)
    assert staff(signed, caller("x"), found).skipped == {"a": Skip.SIGNED_OUT, "gone": Skip.GONE}
    capped = floor([line("a", daily_calls=1)], [queue("a")], [], uses=Uses({"a": LineUse(today=1)}))
    assert there(queue("a"), caller("x"), capped) == ()


def test_positions_are_those_of_ones_own_queue() -> None:
    who = [caller("x", 3), caller("other", 9, queue="p"), caller("y", 2), caller("rung", 9, rung=("a",))]
    assert [position(one, who) for one in ("x", "y", "other", "rung", "gone")] == [1, 2, 1, 0, 0]


def test_expected_wait_goes_by_what_was_measured() -> None:
    assert expected_wait(2, 1, timedelta(seconds=90)) == timedelta(minutes=3)
    assert expected_wait(1, 3, None) == timedelta(minutes=1)
    assert expected_wait(0, 3, None) is None
    assert expected_wait(61, 1, timedelta(minutes=1)) is None


def test_a_line_that_was_full_need_not_rest() -> None:
    assert rest_after(Disposition.FULL, queue("a")) == timedelta()
    assert rest_after(Disposition.NO_ANSWER, queue("a", rest_s=7)) == timedelta(seconds=7)


@given(
    waiting=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 60), st.sampled_from(["", "s"]), st.sampled_from("qp")),
        max_size=12,
    ),
    calls=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    strategy=st.sampled_from(Strategy),
)
def test_nobody_is_passed_by_and_no_line_beyond_its_slots(
    waiting: list[tuple[int, int, str, str]], calls: list[int], strategy: Strategy
) -> None:
    lines = [line("a"), line("b", max_calls=2), line("c", skills=frozenset("s")), line("d", level=2)]
    queues = [queue("a", "b", "c", strategy=strategy), queue("b", "c", "d", name="p", strategy=strategy)]
    who = [
        caller(str(index), seconds, priority=priority, skill=skill, queue=name)
        for index, (priority, seconds, skill, name) in enumerate(waiting)
    ]
    now = {one.id: LineNow(calls=count) for one, count in zip(lines, calls, strict=True)}
    got = serve(floor(lines, queues, who, now))
    rung = [one.id for turn in got for one in turn.lines]
    for one in lines:
        assert now[one.id].calls + rung.count(one.id) <= max(one.max_calls, now[one.id].calls)
    turns = {turn.uuid: {one.id for one in turn.lines} for turn in got}
    serves = {"q": {"a", "b", "c"}, "p": {"b", "c", "d"}}
    for left_out in (one for one in who if one.uuid not in turns):
        able = {
            one.id
            for one in lines
            if one.id in serves[left_out.queue] and (not left_out.skill or "s" in one.skills)
        }
        for other in who:
            after = (-other.priority, other.entered_at) > (-left_out.priority, left_out.entered_at)
            if after and other.uuid in turns:
                assert not turns[other.uuid] & able, "served before one who came first"


def test_a_stay_is_read_as_it_was_written() -> None:
    over = Stay("support", NOW, timedelta(milliseconds=31200), Left.TIMEOUT)
    assert read_stay(str(over)) == over
    lasting = Stay("support", NOW)
    assert read_stay(str(lasting)) == lasting
    for wrong in (
        "",
        "support@",
        "@1",
        "support@1+2=gone",
        f"support@{'9' * 13}0",
        "a b@1",
        "a@99999999999999+1=key;",
    ):
        assert read_stay(wrong) is None
    assert read_stay("a@999999999999999") is None


def test_stays_of_a_call_that_was_joined() -> None:
    found = stays_of(
        "a@1000+500=key", f"{Stay('b', NOW)}", NOW + timedelta(seconds=3), NOW + timedelta(minutes=1), True
    )
    assert [(one.queue, one.left, one.waited) for one in found] == [
        ("a", Left.KEY, timedelta(milliseconds=500)),
        ("b", Left.ANSWERED, timedelta(seconds=3)),
    ]


@pytest.mark.parametrize(("gave_up", "left"), [(True, Left.ABANDONED), (False, Left.LOST)])
def test_stays_of_a_call_that_was_not(gave_up: bool, left: Left) -> None:
    (found,) = stays_of("", str(Stay("b", NOW)), None, NOW + timedelta(seconds=9), gave_up)
    assert (found.left, found.waited) == (left, timedelta(seconds=9))


def test_what_is_no_stay_is_left_out() -> None:
    assert stays_of("nonsense;a@1", "nonsense", None, NOW, True) == []
    assert stays_of("", "a@1+2=key", None, NOW, True) == []


def test_a_clock_that_was_set_back_makes_no_negative_wait() -> None:
    (found,) = stays_of("", str(Stay("b", NOW)), None, NOW - timedelta(seconds=9), True)
    assert found.waited == timedelta()


def test_a_caller_who_goes_in_and_out_is_followed_as_far_as_a_record_holds() -> None:
    text = ""
    for _ in range(50):
        text = with_stay(text, Stay("support", NOW, timedelta(seconds=1), Left.KEY))
    assert 800 < len(text) <= 900
    assert all(read_stay(one) for one in text.split(";"))


def test_the_sums_match() -> None:
    waits = [
        (Left.ANSWERED, 20),
        (Left.ANSWERED, 21),
        (Left.ABANDONED, 5),
        (Left.ABANDONED, 6),
        (Left.TIMEOUT, 600),
    ]
    stays = [Stay("q", NOW, timedelta(seconds=seconds), left) for left, seconds in waits]
    found = summary(queue("a"), [*stays, Stay("q", NOW)])
    assert (found.offered, found.short, found.in_time) == (5, 1, 1)
    assert found.left[Left.ANSWERED] == 2
    assert found.service_level == 0.25
    assert summary(queue("a"), []).service_level is None


def test_callers_at_once_are_served_as_far_as_a_lines_caps_go() -> None:
    """It may take one more call today, and three at once by itself."""
    lines = [line("a", max_calls=3, daily_calls=10), line("b", max_calls=1)]
    row = [caller("one", 3), caller("two", 2), caller("three", 1)]
    used = Uses({"a": LineUse(today=9)})
    assert served(floor(lines, [queue("a", "b")], row, uses=used)) == [("one", "a"), ("two", "b")]
    busy = {"a": LineNow(calls=1), "b": LineNow(calls=1)}
    assert served(floor(lines, [queue("a", "b")], row, busy, uses=used)) == []
