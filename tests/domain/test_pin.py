"""PINs: which may be one, and how long wrong ones lock; whose line a caller calls from."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.domain import pin
from appliance.domain.calendar import SHANGHAI
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.numbers import WITHHELD, caller
from appliance.domain.pin import OF_A_LINE, Lock, locked_until
from appliance.domain.queue import Queue
from appliance.domain.routing import Line, RoutingTable
from appliance.domain.signing import asks_for_sign_in, line_called_from

BEGAN = datetime(2026, 11, 27, 10, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)
LOCK = Lock(allowed=2, first=MINUTE, longest=5 * MINUTE, window=timedelta(hours=1))


def test_doctests() -> None:
    assert doctest.testmod(pin).failed == 0


@pytest.mark.parametrize(
    ("wrong", "minutes"),
    [
        ([], None),
        ([0], None),
        ([0, 1], 1 + 1),
        ([0, 1, 2], 1 + 1),
        ([0, 1, 2, 3], 3 + 2),
        ([0, 1, 2, 3, 4, 5], 5 + 4),
        # Never for longer than that.
        (list(range(8)), 7 + 5),
        # What is older than the window before the last one is forgotten.
        ([0, 60, 61], 61 + 1),
        ([0, 100], None),
    ],
)
def test_how_long_wrong_ones_lock(wrong: list[int], minutes: int | None) -> None:
    until = locked_until([BEGAN + minute * MINUTE for minute in wrong], LOCK)
    assert until == (None if minutes is None else BEGAN + minutes * MINUTE)


def test_wrong_ones_for_ever_overflow_nothing() -> None:
    until = locked_until([BEGAN] * 100_000, LOCK)
    assert until == BEGAN + 5 * MINUTE


def test_a_day_of_guessing_gets_some_thirty_tries_at_a_line() -> None:
    """Somebody tries whenever he is let."""
    at, wrong = BEGAN, list[datetime]()
    while at < BEGAN + timedelta(days=1):
        until = locked_until(wrong, OF_A_LINE)
        if until is not None and at < until:
            at = until
            continue
        wrong.append(at)
        at += timedelta(seconds=10)
    assert 25 <= len(wrong) <= 40


LINES = {
    "a": Line("a", "demo", "13800138000", "t"),
    "b": Line("b", "demo", "02161234567", "t"),
    "c": Line("c", "demo", "02161234567", "t"),
    "p": Line("p", "demo", "", "", is_phone=True),
    "s": Line("s", "other", "13900139000", "t"),
}
TABLE = RoutingTable(1, (), LINES, {})


@pytest.mark.parametrize(
    ("number", "line"),
    [("13800138000", "a"), ("+8613800138000", "a"), ("02161234567", None), ("13900139000", None), ("1391", None)],
)
def test_whose_line_a_caller_calls_from(number: str, line: str | None) -> None:
    found = line_called_from(caller(number), "demo", TABLE)
    assert (found.id if found else None) == line


def test_nobody_calls_from_a_phone_without_a_number() -> None:
    assert line_called_from(WITHHELD, "demo", TABLE) is None


def test_which_lines_anybody_signs_in_at() -> None:
    asking = Queue("q", "demo", Hunt(("a",), Strategy.ORDER), sign_in=True)
    known = replace(TABLE, queues={"q": asking, "r": replace(asking, hunt=Hunt(("b",)), sign_in=False)})
    assert [line for line in LINES if asks_for_sign_in(LINES[line], known)] == ["a"]


def test_a_lines_pin_is_not_told() -> None:
    assert "argon" not in repr(replace(LINES["a"], pin_hash="$argon2id$v=19$"))
