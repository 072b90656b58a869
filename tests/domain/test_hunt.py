"""Which lines ring, in which order: what holds for every strategy, and each strategy's own promise."""

from __future__ import annotations

import doctest
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import hunt as module
from appliance.domain import outcome
from appliance.domain.calendar import DayKind, Hours, Schedule
from appliance.domain.hunt import FAIL_OVER, NEVER_USED, Choice, Hunt, LineUse, Skip, Strategy, Uses, choose
from appliance.domain.outcome import Disposition
from appliance.domain.routing import Line, RoutingTable, Trunk

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # a Wednesday, ten in Shanghai
MORNINGS = Schedule("mornings", "demo", {day: (Hours(480, 720),) for day in range(5)})
NEVER = Schedule("never", "demo", {})
TRUNK = Trunk("t", (), "127.0.0.1:5090")
INBOUND = Trunk("in", ("127.0.0.1",))
NAMES = "abcdefgh"

moments = st.one_of(st.none(), st.integers(0, 50).map(lambda before: NOW - timedelta(minutes=before)))
lines = st.builds(
    Line,
    *map(st.just, ("", "demo", "02160000001")),
    st.sampled_from(["t", "t", "t", "in", "gone"]),
    schedule=st.sampled_from(["", "", "mornings", "never", "gone"]),
    daily_calls=st.integers(0, 2),
    monthly_calls=st.integers(0, 3),
    level=st.integers(1, 3),
    weight=st.integers(1, 4),
    backups=st.sampled_from([(), (), ("in",), ("gone", "t")]),
)
tables = st.dictionaries(st.sampled_from(NAMES), lines, max_size=8).map(
    lambda known: table(*(replace(made, id=name) for name, made in known.items()))
)
line_uses = st.builds(LineUse, moments, moments, st.integers(0, 3), st.integers(0, 4), st.booleans())
uses = st.builds(
    Uses, st.dictionaries(st.sampled_from(NAMES), line_uses, max_size=8), st.sampled_from(["", *NAMES])
)
hunts = st.builds(Hunt, st.lists(st.sampled_from(NAMES), max_size=10).map(tuple), st.sampled_from(Strategy))


def line(name: str, *, level: int = 1, weight: int = 1, **fields: object) -> Line:
    return Line(name, "demo", "02160000001", "t", level=level, weight=weight, **fields)  # type: ignore[arg-type]


def table(*known: Line) -> RoutingTable:
    return RoutingTable(
        1, (TRUNK, INBOUND), {line.id: line for line in known}, {}, schedules={"mornings": MORNINGS, "never": NEVER}
    )


def workday(day: date) -> DayKind:
    return DayKind.WORKDAY


def chosen(hunt: Hunt, known: RoutingTable, used: Uses = NEVER_USED, seed: int = 0, now: datetime = NOW) -> Choice:
    return choose(hunt, known, used, now, workday, random.Random(seed))


def order(choice: Choice) -> list[str]:
    """Ids in the order in which they ring, those that ring at once in theirs."""
    return [line.id for lines in choice.rounds for line in lines]


def why_not(known: RoutingTable, used: Uses, name: str) -> Skip | None:
    """The rule once more: what keeps a line from being rung, the first that holds."""
    found, use = known.lines.get(name), used.lines.get(name, LineUse())
    if found is None:
        return Skip.GONE
    reasons = {
        Skip.NO_TRUNK: "t" not in (found.trunk, *found.backups),
        Skip.OFF_SCHEDULE: found.schedule == "never",
        Skip.DAILY_CAP: 0 < found.daily_calls <= use.today,
        Skip.MONTHLY_CAP: 0 < found.monthly_calls <= use.this_month,
        Skip.BUSY: use.busy,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def test_doctests() -> None:
    assert doctest.testmod(module).failed == 0 and doctest.testmod(outcome).failed == 0


@given(hunts, tables, uses, st.integers())
def test_every_line_rings_once_or_is_skipped_for_its_reason(
    hunt: Hunt, known: RoutingTable, used: Uses, seed: int
) -> None:
    choice = chosen(hunt, known, used, seed)
    ringing = order(choice)
    assert len(set(ringing)) == len(ringing)
    expected = {name: why_not(known, used, name) for name in hunt.lines}
    assert dict(choice.skipped) == {name: why for name, why in expected.items() if why is not None}
    assert set(ringing) == {name for name, why in expected.items() if why is None}
    assert all(choice.rounds), "no round is empty"


@given(hunts, tables, uses, st.integers())
def test_levels_ascend_but_for_the_familiar_line(hunt: Hunt, known: RoutingTable, used: Uses, seed: int) -> None:
    rounds = list(chosen(hunt, known, used, seed).rounds)
    if hunt.strategy is Strategy.LAST_SPOKEN and rounds and rounds[0][0].id == used.last_spoken:
        rounds = rounds[1:]
    levels = [[line.level for line in lines] for lines in rounds]
    assert all(len(set(level)) == 1 for level in levels)
    if hunt.strategy is Strategy.RING_ALL:
        assert all(one[0] < other[0] for one, other in pairwise(levels)), "one round a level"
    else:
        assert all(len(level) == 1 for level in levels)
        assert levels == sorted(levels)


@given(hunts, tables, uses)
def test_the_same_dice_choose_the_same(hunt: Hunt, known: RoutingTable, used: Uses) -> None:
    assert chosen(hunt, known, used, 7) == chosen(hunt, known, used, 7)


@given(st.sampled_from([Strategy.ORDER, Strategy.RING_ALL]), st.permutations(NAMES), tables, uses)
def test_in_order_means_as_listed(strategy: Strategy, listed: list[str], known: RoutingTable, used: Uses) -> None:
    ringing = order(chosen(Hunt(tuple(listed), strategy), known, used))
    assert ringing == sorted(ringing, key=lambda name: (known.lines[name].level, listed.index(name)))


@given(st.permutations(NAMES), tables, uses)
def test_the_line_this_caller_spoke_to_rings_first_whatever_its_level(
    listed: list[str], known: RoutingTable, used: Uses
) -> None:
    ringing = order(chosen(Hunt(tuple(listed), Strategy.LAST_SPOKEN), known, used))
    plain = order(chosen(Hunt(tuple(listed), Strategy.ORDER), known, used))
    if used.last_spoken in plain:
        plain.remove(used.last_spoken)
        plain.insert(0, used.last_spoken)
    assert ringing == plain


@given(st.permutations(NAMES), tables, uses)
def test_longest_idle_goes_by_the_end_of_the_last_talk(listed: list[str], known: RoutingTable, used: Uses) -> None:
    ringing = order(chosen(Hunt(tuple(listed), Strategy.LONGEST_IDLE), known, used))
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    assert ringing == sorted(
        ringing,
        key=lambda name: (
            known.lines[name].level,
            used.of(name).talked_until or long_ago,  # who never talked is idle longest
            listed.index(name),
        ),
    )


def test_a_line_that_never_talked_is_idle_longest() -> None:
    used = Uses(
        {"a": LineUse(talked_until=NOW), "b": LineUse(talked_until=NOW - timedelta(days=60)), "c": LineUse()}
    )
    known = table(line("a"), line("b"), line("c"), line("d"))
    assert order(chosen(Hunt(tuple("abcd"), Strategy.LONGEST_IDLE), known, used)) == ["c", "d", "b", "a"]


@given(st.permutations(NAMES), tables, uses)
def test_rotation_begins_behind_the_line_rung_last(listed: list[str], known: RoutingTable, used: Uses) -> None:
    """Level by level: first those listed behind it, then the others from the top, it itself last of all."""
    ringing = order(chosen(Hunt(tuple(listed), Strategy.ROTATE), known, used))
    for level in {known.lines[name].level for name in ringing}:
        ring = [name for name in listed if name in known.lines and known.lines[name].level == level]
        rung = [(used.of(name).rung_at, ring.index(name)) for name in ring if used.of(name).rung_at]
        first = max(rung, default=(None, -1))[1] + 1
        turned = [*ring[first:], *ring[:first]]
        here = [name for name in ringing if known.lines[name].level == level]
        assert here == [name for name in turned if name in here]


@given(st.integers(1, 8), st.integers(0, 7), st.integers(1, 3))
def test_rotation_gives_each_idle_line_its_turn(count: int, begun: int, rounds: int) -> None:
    """Where only the first of each round answers, ``n`` calls in a row go to ``n`` lines, wherever it began."""
    names = NAMES[:count]
    known, hunt = table(*(line(name) for name in names)), Hunt(tuple(names), Strategy.ROTATE)
    rung = {names[begun % count]: LineUse(rung_at=NOW)}
    answered = []
    for number in range(1, rounds * count + 1):
        first = order(chosen(hunt, known, Uses(rung)))[0]
        answered.append(first)
        rung[first] = LineUse(rung_at=NOW + timedelta(microseconds=10 * number))
    for begin in range(0, len(answered), count):
        assert sorted(answered[begin : begin + count]) == list(names)
    assert answered[count:] == answered[:-count], "and every round is like the one before"


def test_rotation_goes_on_behind_a_line_that_is_not_rung_today() -> None:
    known = table(line("a"), line("b", schedule="never"), line("c"), line("d", level=2), line("e"))
    used = Uses({"b": LineUse(rung_at=NOW), "a": LineUse(rung_at=NOW - timedelta(minutes=1))})
    assert order(chosen(Hunt(tuple("abcde"), Strategy.ROTATE), known, used)) == ["c", "e", "a", "d"]


def test_each_level_takes_its_own_turns() -> None:
    known = table(line("a"), line("x", level=2), line("b"), line("y", level=2))
    used = Uses({"y": LineUse(rung_at=NOW), "a": LineUse(rung_at=NOW - timedelta(minutes=1))})
    assert order(chosen(Hunt(tuple("axby"), Strategy.ROTATE), known, used)) == ["b", "a", "x", "y"]


@given(
    st.sampled_from([Strategy.RANDOM, Strategy.WEIGHT]),
    st.lists(st.integers(1, 1000), min_size=1, max_size=8),
    st.integers(),
)
def test_chance_only_changes_the_order(strategy: Strategy, weights: list[int], seed: int) -> None:
    names = NAMES[: len(weights)]
    known = table(*(line(name, weight=weight) for name, weight in zip(names, weights, strict=True)))
    assert sorted(order(chosen(Hunt(tuple(names), strategy), known, seed=seed))) == list(names)


DRAWS = 20_000


def in_front(strategy: Strategy, *known: Line) -> Counter[str]:
    """How often each line is in front, over many draws of the same dice."""
    dice, routing = random.Random(400), table(*known)
    hunt = Hunt(tuple(line.id for line in known), strategy)
    return Counter(order(choose(hunt, routing, NEVER_USED, NOW, workday, dice))[0] for _ in range(DRAWS))


@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.WEIGHT])
def test_lines_of_one_weight_are_in_front_equally_often(strategy: Strategy) -> None:
    counted = in_front(strategy, *(line(name, weight=5) for name in "abcd"))
    # Four standard deviations of a count that is a quarter of the draws: 4 * sqrt(20000 * 1/4 * 3/4).
    assert all(abs(counted[name] - DRAWS / 4) < 245 for name in "abcd"), counted


def test_a_line_of_weight_3_is_in_front_three_times_as_often() -> None:
    counted = in_front(Strategy.WEIGHT, line("light", weight=1), line("heavy", weight=3))
    # Three quarters of the draws, within four standard deviations.
    assert abs(counted["heavy"] - DRAWS * 3 / 4) < 245, counted
    assert 2.85 < counted["heavy"] / counted["light"] < 3.15


def test_weights_count_against_each_other_in_one_level_only() -> None:
    counted = in_front(
        Strategy.WEIGHT, line("a", weight=1), line("b", weight=9), line("late", level=2, weight=1000)
    )
    assert abs(counted["b"] - DRAWS * 9 / 10) < 170 and counted["late"] == 0, counted


def test_weights_count_for_every_place_not_only_the_first() -> None:
    """Drawing without putting back: behind the heaviest line the other two are as 1 to 3 again."""
    dice, known = random.Random(400), table(line("a", weight=1), line("b", weight=3), line("c", weight=6))
    hunt = Hunt(("a", "b", "c"), Strategy.WEIGHT)
    drawn = Counter("".join(order(choose(hunt, known, NEVER_USED, NOW, workday, dice))) for _ in range(DRAWS))
    behind_c = drawn["cab"] + drawn["cba"]
    assert abs(behind_c - DRAWS * 6 / 10) < 280, drawn
    assert 2.8 < drawn["cba"] / drawn["cab"] < 3.2, drawn
    assert set(drawn) == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_random_takes_no_account_of_weights() -> None:
    counted = in_front(Strategy.RANDOM, line("a", weight=1), line("b", weight=1000))
    assert abs(counted["a"] - DRAWS / 2) < 283, counted


@pytest.mark.parametrize(
    ("changed", "use", "why"),
    [
        ({}, LineUse(), None),
        ({"daily_calls": 2}, LineUse(today=1), None),
        ({"daily_calls": 2}, LineUse(today=2), Skip.DAILY_CAP),
        ({"daily_calls": 2}, LineUse(today=3), Skip.DAILY_CAP),
        ({"monthly_calls": 2}, LineUse(today=1, this_month=1), None),
        ({"monthly_calls": 2}, LineUse(this_month=2), Skip.MONTHLY_CAP),
        ({"daily_calls": 1, "monthly_calls": 1}, LineUse(today=1, this_month=1), Skip.DAILY_CAP),
        ({}, LineUse(today=99, this_month=99), None),
        ({}, LineUse(busy=True), Skip.BUSY),
        ({"daily_calls": 1}, LineUse(today=1, busy=True), Skip.DAILY_CAP),
        ({"schedule": "mornings"}, LineUse(), None),
        ({"schedule": "never"}, LineUse(busy=True), Skip.OFF_SCHEDULE),
        ({"schedule": "gone"}, LineUse(), None),
        ({"trunk": "gone"}, LineUse(), Skip.NO_TRUNK),
        ({"trunk": "gone", "backups": ("in", "t")}, LineUse(), None),
        ({"trunk": "in", "backups": ("in", "gone")}, LineUse(), Skip.NO_TRUNK),
        ({"trunk": "in", "schedule": "never"}, LineUse(busy=True), Skip.NO_TRUNK),
    ],
)
def test_why_a_line_is_not_rung(changed: dict[str, object], use: LineUse, why: Skip | None) -> None:
    known = table(replace(line("a"), **changed))  # type: ignore[arg-type]
    choice = chosen(Hunt(("a",)), known, Uses({"a": use}))
    assert dict(choice.skipped) == ({} if why is None else {"a": why})
    assert order(choice) == (["a"] if why is None else [])


def test_a_line_is_rung_in_its_hours_only() -> None:
    known = table(line("a", schedule="mornings"), line("b"))
    noon = NOW.replace(hour=4)
    assert order(chosen(Hunt(("a", "b")), known, now=noon - timedelta(microseconds=1))) == ["a", "b"]
    choice = chosen(Hunt(("a", "b")), known, now=noon)
    assert (order(choice), dict(choice.skipped)) == (["b"], {"a": Skip.OFF_SCHEDULE})
    holiday = choose(Hunt(("a", "b")), known, NEVER_USED, NOW, lambda day: DayKind.HOLIDAY, random.Random(0))
    assert dict(holiday.skipped) == {"a": Skip.OFF_SCHEDULE}


def test_no_lines_are_no_rounds() -> None:
    for strategy in Strategy:
        assert chosen(Hunt((), strategy), table(line("a"))) == Choice((), {})
        assert chosen(Hunt(("gone",), strategy), table(line("a"))) == Choice((), {"gone": Skip.GONE})


@given(st.sets(st.sampled_from(sorted(FAIL_OVER))), st.sampled_from(Disposition))
def test_after_which_ends_the_next_line_is_rung(named: set[Disposition], how: Disposition) -> None:
    counts_as = {"full": "busy", "not-existing": "unreachable", "off": "unreachable"}
    assert Hunt(fail_over=frozenset(named)).goes_on(how) is (counts_as.get(how, how) in named)


def test_nothing_leads_on_from_a_talk() -> None:
    assert not Hunt().goes_on(Disposition.ANSWERED)
    assert all(Hunt().goes_on(how) for how in Disposition if how is not Disposition.ANSWERED)


@pytest.mark.parametrize(
    ("fields", "today", "month", "at_once"),
    [
        ({"max_calls": 5, "daily_calls": 10}, 9, 0, 1),
        ({"max_calls": 5, "daily_calls": 10}, 2, 0, 5),
        ({"max_calls": 0, "daily_calls": 10, "monthly_calls": 100}, 3, 96, 4),
        ({"max_calls": 0}, 50, 500, 0),
    ],
)
def test_a_line_has_no_more_calls_at_once_than_its_caps_leave_it(
    fields: dict[str, int], today: int, month: int, at_once: int
) -> None:
    """Five that come at once to a line that may take one more today."""
    one = Line("one", "demo", "02160000001", "t", **fields)  # type: ignore[arg-type]
    uses = Uses({"one": LineUse(today=today, this_month=month)})
    chosen = choose(
        Hunt(("one",)),
        RoutingTable(1, (TRUNK,), {"one": one}, {}),
        uses,
        NOW,
        lambda day: DayKind.WORKDAY,
        random.Random(4),
    )
    assert [[(line.id, line.max_calls) for line in lines] for lines in chosen.rounds] == [[("one", at_once)]]
