"""A carrier's bill against our calls."""

from __future__ import annotations

import doctest
import random
from collections import Counter
from time import process_time
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import reconcile
from appliance.domain.reconcile import (
    Billed,
    Compared,
    Ours,
    Status,
    Terms,
    compare,
    explained,
    shift,
    sure_differences,
)

S = 1000
T = TypeVar("T")


def billed(line: int, at: int, seconds: int = 60, amount: int | None = 100) -> Billed:
    return Billed(line, at, seconds, amount)


def ours(name: str, at: int, seconds: int = 60, amount: int | None = 100) -> Ours:
    return Ours(name, at, seconds, amount)


def told(lines: list[Billed], calls: list[Ours], **terms: int) -> list[tuple[str, int, str]]:
    found = compare(lines, calls, Terms(**({"window_ms": 30 * S} | terms)))
    return [
        (one.status.value, one.billed.line if one.billed else 0, one.ours.id if one.ours else "") for one in found
    ]


def test_the_examples() -> None:
    assert doctest.testmod(reconcile).failed == 0


@pytest.mark.parametrize(
    ("lines", "calls", "terms", "expected"),
    [
        ([billed(2, 0)], [ours("a", 5 * S)], {}, [("same", 2, "a")]),
        ([billed(2, 0)], [ours("a", 31 * S)], {}, [("only-bill", 2, ""), ("only-ours", 0, "a")]),
        ([billed(2, 100 * S)], [ours("a", 0)], {"offset_ms": 99 * S}, [("same", 2, "a")]),
        ([billed(2, 0, 62)], [ours("a", 0, 60)], {"seconds": 2}, [("same", 2, "a")]),
        ([billed(2, 0, 63)], [ours("a", 0, 60)], {"seconds": 2}, [("seconds", 2, "a")]),
        ([billed(2, 0, 60, 101)], [ours("a", 0)], {"amount": 1}, [("same", 2, "a")]),
        ([billed(2, 0, 60, 102)], [ours("a", 0)], {"amount": 1}, [("amount", 2, "a")]),
        ([billed(2, 0, 9, 102)], [ours("a", 0)], {}, [("seconds-and-amount", 2, "a")]),
        # What one side does not know is no difference.
        ([billed(2, 0, 60, None)], [ours("a", 0)], {}, [("same", 2, "a")]),
        ([billed(2, 0)], [ours("a", 0, 60, None)], {}, [("same", 2, "a")]),
        # The nearest, not the first that comes.
        ([billed(2, 0), billed(3, 20 * S)], [ours("a", 19 * S)], {}, [("only-bill", 2, ""), ("same", 3, "a")]),
        # At the same time by their lengths.
        (
            [billed(2, 0, 10), billed(3, 0, 99)],
            [ours("a", 0, 99), ours("b", 0, 10)],
            {},
            [("same", 2, "b"), ("same", 3, "a")],
        ),
        # One call on two lines, and two calls on two.
        ([billed(3, 0), billed(2, 0)], [ours("a", S)], {}, [("same", 2, "a"), ("doubled", 3, "")]),
        ([billed(3, 0), billed(2, 0)], [], {}, [("only-bill", 2, ""), ("doubled", 3, "")]),
        (
            [billed(3, 0), billed(2, 0)],
            [ours("a", S), ours("b", S)],
            {},
            [("same", 2, "a"), ("same", 3, "b")],
        ),
        # A pair that stands around another.
        (
            [billed(2, 0), billed(3, 10 * S)],
            [ours("a", 11 * S), ours("b", 20 * S)],
            {},
            [("same", 2, "b"), ("same", 3, "a")],
        ),
        ([], [], {}, []),
    ],
)
def test_what_is_told(
    lines: list[Billed], calls: list[Ours], terms: dict[str, int], expected: list[tuple[str, int, str]]
) -> None:
    assert told(lines, calls, **terms) == expected


_LINES = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 4), st.one_of(st.none(), st.integers(0, 3))), max_size=25
)


@given(_LINES, _LINES, st.integers(0, 60), st.integers(-50, 50), st.randoms(use_true_random=False))
def test_every_one_once_whatever_the_order(
    bill: list[tuple[int, int, int | None]],
    box: list[tuple[int, int, int | None]],
    window: int,
    offset: int,
    dice: random.Random,
) -> None:
    lines = [Billed(number, *one) for number, one in enumerate(bill, start=2)]
    calls = [Ours(f"c{number:02}", *one) for number, one in enumerate(box)]
    terms = Terms(window, offset)
    found = compare(lines, calls, terms)
    assert sorted(one.billed.line for one in found if one.billed) == [one.line for one in lines]
    assert sorted(one.ours.id for one in found if one.ours) == [one.id for one in calls]
    for one in found:
        if one.billed and one.ours:
            assert abs(one.billed.at - one.ours.at - offset) <= window
        assert (one.ours is None) == (one.status in (Status.ONLY_BILL, Status.DOUBLED))
        assert (one.billed is None) == (one.status is Status.ONLY_OURS)
    left_lines = [one.billed for one in found if one.billed and not one.ours]
    left_calls = [one.ours for one in found if one.ours and not one.billed]
    assert not any(abs(b.at - o.at - offset) <= window for b in left_lines for o in left_calls)
    # In any order, under any numbers: the same is said.
    shuffled = [
        Billed(number, one.at, one.seconds, one.amount) for number, one in enumerate(_shuffled(lines, dice), 2)
    ]
    again = compare(shuffled, _shuffled(calls, dice), terms)
    assert Counter(map(_content, again)) == Counter(map(_content, found))


def _shuffled(items: list[T], dice: random.Random) -> list[T]:
    mixed = list(items)
    dice.shuffle(mixed)
    return mixed


def _content(one: Compared) -> tuple[object, ...]:
    return (
        one.status,
        one.billed and (one.billed.at, one.billed.seconds, one.billed.amount),
        one.ours and (one.ours.at, one.ours.seconds),
    )


def test_many_that_begin_at_once_take_no_squared_time() -> None:
    dice = random.Random(7)
    took = []
    for count in (2_000, 16_000):
        lines = [billed(n, dice.randrange(60 * S), dice.randrange(600)) for n in range(count)]
        calls = [ours(str(n), dice.randrange(60 * S), dice.randrange(600)) for n in range(count)]
        begun = process_time()
        compare(lines, calls, Terms(30 * S))
        took.append(process_time() - begun)
    assert took[1] < 32 * took[0] + 1, "eight times as many: sixty-four times as long would be squared"


@given(st.lists(st.integers(0, 500), max_size=12), st.lists(st.integers(0, 500), max_size=12), st.integers(1, 40))
def test_a_sure_difference_has_no_rival(bill: list[int], box: list[int], reach: int) -> None:
    for found in sure_differences(bill, box, reach):
        assert abs(found) <= reach
        assert any(line - found in box for line in bill)


def test_sure_differences_tell_who_is_ahead() -> None:
    assert list(sure_differences([100], [90], 20)) == [10]
    assert list(sure_differences([90], [100], 20)) == [-10]
    assert list(sure_differences([90], [100, 115], 20)) == []
    assert list(sure_differences([90, 85], [100], 20)) == []


def test_a_shift_takes_several_that_agree() -> None:
    assert shift([600 * S] * 2, 30 * S) == 0
    assert shift([600 * S, 615 * S, 630 * S], 30 * S) == 615 * S
    assert shift([-600 * S, 0, 600 * S], 30 * S) == 0
    assert shift([600 * S, 0, 600 * S, 600 * S, 0], 30 * S) == 600 * S


def test_what_terms_explain() -> None:
    lines, calls = [billed(2, 0), billed(3, 100 * S, 9)], [ours("a", 5 * S, 62), ours("b", 100 * S)]
    assert explained(lines, calls, Terms(30 * S, 0, 2)) == 1
    assert explained(lines, calls, Terms(30 * S, 0, 60)) == 2
    assert explained(lines, calls, Terms(30 * S, 100 * S, 60)) == 1
