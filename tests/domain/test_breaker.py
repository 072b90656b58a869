"""Who fails several times in a row is left alone for a while, then tried once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import breaker
from appliance.domain.breaker import TABLE, Breaker, Event, Limits, State, asked, ended, step
from appliance.errors import RuleError

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits(3, 30 * SECOND)


def failed(times: int, now: datetime = NOW) -> Breaker:
    made = Breaker()
    for _ in range(times):
        made = ended(made, now, LIMITS, answered=False)
    return made


def test_the_table_has_every_step() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in Event}


def test_a_step_that_is_not_there_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "TABLE", {})
    with pytest.raises(RuleError, match="a breaker that is open knows no answered"):
        step(State.OPEN, Event.ANSWERED)


def test_who_answers_is_asked() -> None:
    assert asked(Breaker(), NOW, LIMITS) == (Breaker(), True)
    assert ended(Breaker(), NOW, LIMITS, answered=True) == Breaker()
    assert Breaker().is_new


def test_an_answer_forgets_the_failures_before_it() -> None:
    assert not failed(2).is_new
    made = ended(failed(2), NOW, LIMITS, answered=True)
    assert made.is_new
    assert asked(ended(made, NOW, LIMITS, answered=False), NOW, LIMITS)[1]


def test_the_last_failure_has_it_left_alone_for_the_rest() -> None:
    assert asked(failed(2), NOW, LIMITS)[1]
    made = failed(3)
    assert made.state is State.OPEN
    assert not asked(made, NOW, LIMITS)[1]
    assert not asked(made, NOW + 30 * SECOND - timedelta(microseconds=1), LIMITS)[1]
    made, may_ask = asked(made, NOW + 30 * SECOND, LIMITS)
    assert may_ask and made.state is State.TRIAL


def test_one_tries_and_nobody_else_asks_meanwhile() -> None:
    later = NOW + 31 * SECOND
    trial, _ = asked(failed(3), later, LIMITS)
    assert asked(trial, later + SECOND, LIMITS) == (trial, False)
    assert ended(trial, later, LIMITS, answered=True) == Breaker()
    again = ended(trial, later + SECOND, LIMITS, answered=False)
    assert again.state is State.OPEN
    assert not asked(again, later + 30 * SECOND, LIMITS)[1]
    assert asked(again, later + 31 * SECOND, LIMITS)[1]


def test_a_trial_that_nobody_ended_is_followed_by_another() -> None:
    later = NOW + 31 * SECOND
    trial, _ = asked(failed(3), later, LIMITS)
    assert asked(trial, later + 30 * SECOND, LIMITS)[1]


def test_what_was_asked_before_and_ends_late_changes_nothing() -> None:
    made = failed(3)
    late = NOW + 20 * SECOND
    assert ended(made, late, LIMITS, answered=True).state is State.OPEN
    made = ended(made, late, LIMITS, answered=False)
    assert made.rested_at == NOW + 30 * SECOND, "the rest is not made longer by it"


def test_a_clock_that_was_set_back_holds_nobody_for_long() -> None:
    assert asked(failed(3), NOW - timedelta(hours=1), LIMITS)[1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_it_is_never_left_alone_for_longer_than_the_rest(story: list[tuple[bool, int]]) -> None:
    made, now = Breaker(), NOW
    for answered, seconds in story:
        now += seconds * SECOND
        made, may_ask = asked(made, now, LIMITS)
        if may_ask:
            made = ended(made, now, LIMITS, answered=answered)
        else:
            assert made.failures >= LIMITS.failures
    assert asked(made, now + LIMITS.rest, LIMITS)[1]
