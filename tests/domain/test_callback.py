"""Who may be called back, when it is his turn, by which trunk, and what follows from a call to him."""

from __future__ import annotations

import doctest
import random
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import callback as module
from appliance.domain import duration
from appliance.domain.calendar import Hours, Schedule
from appliance.domain.callback import (
    NO_CALLBACK,
    Balance,
    Ending,
    Request,
    Stage,
    Terms,
    balance,
    expires_at,
    verdict,
)
from appliance.domain.callback_turn import (
    Moment,
    can_call,
    has_way,
    in_row,
    is_here_himself,
    may_be_called,
    terms_of,
    ways_to,
)
from appliance.domain.hunt import Hunt
from appliance.domain.lists import NumberList
from appliance.domain.numbers import NumberFormat
from appliance.domain.outcome import Disposition, Tried, Way
from appliance.domain.queue import Floor, LineNow, Queue, Waiting, position, serve
from appliance.domain.routing import Line, NumberRoute, Registration, RoutingTable, Rules, Trunk
from appliance.reference.workdays import day_kind

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # Wednesday, ten o'clock in Shanghai
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OWN = Trunk("own", ("127.0.0.1",), proxy="127.0.0.1:5090", caller_number="02180000000")
OTHER = Trunk(
    "other",
    ("127.0.0.2",),
    proxy="127.0.0.2:5090",
    caller_number="02190000000",
    number_format=NumberFormat.PLUS_86,
    max_calls=3,
)
MORNINGS = Schedule("mornings", "demo", {day: (Hours(480, 720),) for day in range(7)})
EVENINGS = Schedule("evenings", "demo", {day: (Hours(1080, 1200),) for day in range(7)})


def request(id_: str = "r", seconds: float = 60, **changed: object) -> Request:
    """Who came so many seconds ago, and asked when he had waited for ten."""
    came = NOW - timedelta(seconds=seconds)
    values = {
        "queue": "q",
        "account": "demo",
        "number": "4008001234",
        "caller": "13800138000",
        "callee": "13800138000",
        "trunk": "own",
        "priority": 0,
        "skill": "",
        "entered_at": came,
        "asked_at": came + 10 * SECOND,
        "expires_at": NOW + timedelta(hours=1),
        "due_at": came + 25 * SECOND,
    }
    return Request(id_, **{**values, **changed})  # type: ignore[arg-type]


def table(terms: Terms = NO_CALLBACK, rules: Rules = Rules(), **changed: object) -> RoutingTable:  # noqa: B008
    queue = Queue("q", "demo", Hunt(("a",)), callback=terms)
    line = Line("a", "demo", "02160000001", "other", backups=("gone",))
    values = {
        "numbers": {"4008001234": NumberRoute("4008001234", "demo", rules=rules)},
        "schedules": {"mornings": MORNINGS, "evenings": EVENINGS},
        "queues": {"q": queue},
    }
    return RoutingTable(1, (OWN, OTHER), {"a": line}, **{**values, **changed})  # type: ignore[arg-type]


def moment(at: RoutingTable | None = None, now: datetime = NOW) -> Moment:
    return Moment(table() if at is None else at, now, day_kind)


def row(*requests: Request, callers: tuple[Waiting, ...] = (), at: Moment | None = None) -> list[str]:
    return [one.uuid for one in standing_in(requests, callers, at or moment())]


def standing_in(requests: Iterable[Request], callers: Collection[Waiting], at: Moment) -> list[Waiting]:
    return list(in_row(requests, callers, at.now, lambda one: may_be_called(one, at)))


@pytest.mark.parametrize("checked", [module, duration], ids=lambda checked: checked.__name__)
def test_the_examples(checked: object) -> None:
    assert doctest.testmod(checked).failed == 0  # type: ignore[arg-type]


def test_a_request_is_over_with_the_day_but_not_within_the_hour() -> None:
    assert expires_at(NOW, NO_CALLBACK) == datetime(2026, 11, 25, 16, tzinfo=UTC)
    assert expires_at(datetime(2026, 11, 25, 15, 59, tzinfo=UTC), NO_CALLBACK) == datetime(
        2026, 11, 25, 16, 59, tzinfo=UTC
    )
    assert expires_at(NOW, Terms("9", expires_min=90)) == NOW + 90 * MINUTE


def tried(how: Disposition, cause: str = "USER_BUSY") -> Tried:
    return Tried("a", how, cause)


def test_what_follows_from_a_call_to_him() -> None:
    terms = Terms("9", attempts=2, gap_s=60)
    reached = verdict(tried(Disposition.ANSWERED), 1, terms, NOW)
    assert (reached.ending, reached.attempts) == (Ending.REACHED, 1)
    again = verdict(tried(Disposition.BUSY), 1, terms, NOW)
    assert (again.ending, again.due_at, again.attempts) == (None, NOW + MINUTE, 1)
    assert verdict(tried(Disposition.NO_ANSWER), 2, terms, NOW).ending is Ending.FAILED
    assert verdict(tried(Disposition.NOT_EXISTING), 1, terms, NOW).ending is Ending.FAILED
    # He never heard of it: it does not count, and is tried after the gap all the same.
    nothing = verdict(tried(Disposition.UNREACHABLE, "NORMAL_CIRCUIT_CONGESTION"), 2, terms, NOW)
    assert (nothing.ending, nothing.due_at, nothing.attempts) == (None, NOW + MINUTE, 1)
    # Switched off, or out of reach: that was he.
    assert verdict(tried(Disposition.UNREACHABLE, "SUBSCRIBER_ABSENT"), 2, terms, NOW).ending is Ending.FAILED


@given(st.lists(st.sampled_from([*Disposition]), max_size=30), st.integers(1, 10))
def test_however_calls_end_he_is_not_called_more_often_than_it_may_be(ends: list[Disposition], most: int) -> None:
    attempts = rung = 0
    for how in ends:
        attempts, rung = attempts + 1, rung + 1
        follows = verdict(tried(how), attempts, Terms("9", attempts=most), NOW)
        assert follows.attempts == attempts
        if follows.ending is not None:
            break
    assert rung <= most


def test_he_stands_where_he_came() -> None:
    asked = request("r", 60)
    waiting = Waiting("early", "q", NOW - 90 * SECOND), Waiting("late", "q", NOW - 30 * SECOND)
    callers = [*waiting, *standing_in([asked], waiting, moment())]
    assert [position(one, callers) for one in ("early", "r", "late")] == [1, 2, 3]
    (kept,) = standing_in([request(priority=7, skill="english", caller="")], (), moment())
    assert (kept.priority, kept.skill, kept.caller, kept.number) == (7, "english", "13800138000", "4008001234")


def test_who_has_just_asked_keeps_his_place_and_is_not_served_yet() -> None:
    asked = request(due_at=NOW + SECOND)
    others = [Waiting("late", "q", NOW)]

    def served(now: datetime) -> list[str]:
        at = moment(now=now)
        floor = Floor(
            at.table,
            [*others, *standing_in([asked], others, at)],
            {"a": LineNow()},
            now,
            day_kind,
            random.Random(1),
        )
        return [one.uuid for one in serve(floor)]

    assert position("late", [*others, *standing_in([asked], others, moment())]) == 2
    assert served(NOW) == ["late"]
    assert served(NOW + SECOND) == ["r"]


def test_who_was_not_reached_has_no_place_until_the_gap_is_over() -> None:
    asked = request(attempts=1, due_at=NOW + SECOND)
    assert row(asked) == []
    assert row(asked, at=moment(now=NOW + SECOND)) == ["r"]


def test_a_line_that_rings_for_him_is_taken() -> None:
    for stage in (Stage.LINE, Stage.TAKEN):
        (rung,) = standing_in([request(stage=stage, lines=("a",), since=NOW)], (), moment())
        assert (rung.rung, rung.rung_at) == (("a",), NOW)
    for stage in (Stage.CALLER, Stage.OVER, Stage.MISSED):
        asked = request(stage=stage)
        assert row(asked) == [] and asked.is_under_way


@pytest.mark.parametrize(
    "waits",
    [
        Waiting("r", "q", NOW),  # his call is not over yet
        Waiting("x", "q", NOW, caller="13800138000"),  # he called again
        Waiting("x", "q", NOW, caller="13900139000"),  # from the telephone that he asked from
        Waiting("x", "q", NOW, caller="13800138000", rung=("a",), rung_at=NOW),  # and talks
    ],
)
def test_who_waits_himself_is_not_two(waits: Waiting) -> None:
    asked = request(caller="13900139000", callee="13800138000")
    assert row(asked, callers=(waits,)) == []
    assert row(asked, callers=(Waiting("x", "elsewhere", NOW, caller="13800138000"),)) == ["r"]
    assert row(request(caller=""), callers=(Waiting("x", "q", NOW),)) == ["r"], "two withheld numbers are two"


@pytest.mark.parametrize(
    ("waits", "here"),
    [
        (Waiting("r", "q", NOW), True),
        (Waiting("x", "q", NOW, caller="13800138000"), True),
        (Waiting("x", "q", NOW, caller="13900139000", rung=("a",)), True),
        (Waiting("x", "elsewhere", NOW, caller="13800138000"), False),
        (Waiting("x", "q", NOW, caller="13700137000"), False),
        (Waiting("x", "q", NOW, caller=""), False),
    ],
)
def test_whether_he_is_here_himself(waits: Waiting, here: bool) -> None:
    assert is_here_himself(request(caller="13900139000", callee="13800138000"), [waits]) is here
    assert not is_here_himself(request(caller=""), [Waiting("x", "q", NOW)])


def test_never_outside_of_the_hours_nor_when_it_is_over() -> None:
    assert row(request(expires_at=NOW)) == []
    evenings, mornings = Rules(schedule="evenings"), Rules(schedule="mornings")
    assert row(request(), at=moment(table(rules=evenings))) == []
    assert row(request(), at=moment(table(rules=mornings))) == ["r"]
    assert row(request(), at=moment(table(Terms("9", schedule="evenings"), rules=mornings))) == []
    assert row(request(), at=moment(table(Terms("9", schedule="gone")))) == ["r"]
    assert not may_be_called(request(), moment(table(queues={})))
    assert not may_be_called(request(), moment(table(numbers={})))
    closed = {"4008001234": NumberRoute("4008001234", "demo", in_service=False)}
    assert not may_be_called(request(), moment(table(numbers=closed)))


def test_nobody_who_was_put_on_a_black_list_since_he_asked() -> None:
    barred = Rules(black_lists=("bad",))
    for entries, called in (({"13800138000"}, False), ({"139*"}, True)):
        lists = {"bad": NumberList("bad", "demo", frozenset(entries))}
        assert may_be_called(request(), moment(table(rules=barred, lists=lists))) is called


def test_by_which_trunk_and_with_which_number() -> None:
    first, second = ways_to(request(), "a", table())
    assert (first.trunk, first.number, first.caller_number, first.line) == (
        "own",
        "13800138000",
        "02180000000",
        "a",
    )
    assert (second.trunk, second.number, second.trunk_max_calls) == ("other", "+8613800138000", 3)
    assert first.max_calls == 0 and first.diversion == "", "his telephone is no line, and nobody was diverted"
    assert [one.trunk for one in ways_to(request(), "a", table(), lambda trunk: trunk == "own")] == ["other", "own"]
    assert [one.trunk for one in ways_to(request(trunk="gone"), "a", table(queues={}))] == []
    registered = Trunk("own", (), proxy="192.0.2.1:5060", caller_number="1", registration=Registration("u"))
    (target,) = ways_to(request(), "a", RoutingTable(1, (registered,), {}, {}))
    assert target.way is Way.REGISTERED


def test_whether_a_trunk_that_is_there_can_call_him() -> None:
    assert has_way(table(), lambda trunk: trunk == "own")(request())
    assert not has_way(table(), lambda trunk: True)(request())
    assert not has_way(table(queues={}), lambda trunk: False)(request(trunk="gone"))
    no_such_line = {"q": Queue("q", "demo", Hunt(("gone", "a")))}
    assert has_way(table(queues=no_such_line), lambda trunk: False)(request(trunk="gone"))


def test_in_one_pass_each_trunk_is_asked_for_once() -> None:
    """It is done for all who asked, several times a look."""
    asked: list[str] = []

    def is_down(trunk: str) -> bool:
        asked.append(trunk)
        return True

    lines = {f"l{n}": Line(f"l{n}", "demo", "02160000001", "other", backups=("own",)) for n in range(50)}
    wide = replace(table(queues={"q": Queue("q", "demo", Hunt(tuple(lines)))}), lines=lines)
    may = has_way(wide, is_down)
    assert not any(may(request(f"r{n}")) for n in range(20))
    assert sorted(asked) == ["other", "own"]


def test_a_400_number_is_never_the_calling_number() -> None:
    assert can_call(OWN)
    assert not can_call(Trunk("t", (), proxy="192.0.2.1:5060", caller_number="4008001234"))
    assert not can_call(Trunk("t", (), proxy="192.0.2.1:5060"))
    assert not can_call(Trunk("t", (), caller_number="02180000000"))


def test_the_terms_of_a_queue_that_is_gone_are_the_usual_ones() -> None:
    assert terms_of(request(), table(Terms("9", attempts=7))).attempts == 7
    assert terms_of(request(), table(queues={})) is NO_CALLBACK


@given(st.lists(st.sampled_from([None, *Ending])))
def test_the_sums_match(ends: list[Ending | None]) -> None:
    sums = balance(request(str(at), ending=end) for at, end in enumerate(ends))
    assert sums.asked == len(ends) and sums.open == ends.count(None)
    assert sums == Balance({end: ends.count(end) for end in Ending}, ends.count(None))
