"""A call's limit in the switch's words."""

from __future__ import annotations

import doctest

import pytest

from appliance.domain.duration import TimeLimit
from appliance.errors import UnsafeArgument
from appliance.switch import escape, timelimit


def test_doctests() -> None:
    assert doctest.testmod(timelimit).failed == 0


def test_from_the_answer_on() -> None:
    made = timelimit.variables("7d0c", TimeLimit(300, True, 60), "/p/w.wav")
    assert [*made] == ["api_on_answer_0", "api_on_answer_1", "api_on_answer_2"]
    assert list(made.values()) == timelimit.orders("7d0c", TimeLimit(300, True, 60), "/p/w.wav")
    escape.multiset(made)


def test_from_the_first_talk_on_and_from_no_other() -> None:
    made = timelimit.variables("7d0c", TimeLimit(300, False, 0), "/p/w.wav")
    assert made == {
        "api_before_bridge_0": "sched_hangup +299 7d0c FACILITY_NOT_SUBSCRIBED",
        "api_before_bridge_1": "uuid_setvar 7d0c api_before_bridge_0",
    }


@pytest.mark.parametrize(
    ("answered_us", "now", "left"),
    [
        ("1000000000", 1000.0, 8),
        ("1000000000", 1003.2, 4),
        ("1000000000", 2000.0, 1),
        ("1000000000", 990.0, 8),
        ("", 0, 8),
    ],
)
def test_what_is_left_of_it(answered_us: str, now: float, left: int) -> None:
    assert timelimit.since_answer(TimeLimit(8, True), answered_us, now).seconds == left


def test_nothing_but_an_id_is_sent() -> None:
    with pytest.raises(UnsafeArgument):
        timelimit.orders("a b", TimeLimit(8, True), "")
