"""Missed calls become one task a caller, in whatever order they come to light."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.missed import Closing, MissedTask, Reach, Seen, tasks

BASE = datetime(2026, 11, 25, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return BASE + minutes * MINUTE


def seen(name: str, began: float, outcome: str, lasted: float = 0.5) -> Seen:
    joined = at(began + lasted / 2) if outcome == "answered" else None
    return Seen(name, "4008001234", at(began), joined, at(began + lasted), outcome)


def shown(found: list[MissedTask]) -> list[tuple[str, str]]:
    """Calls of each task, and by what it was closed."""
    return [
        (" ".join(call.uuid for call in task.calls), "" if task.reach is None else task.reach.call or task.reach.by)
        for task in found
    ]


@pytest.mark.parametrize(
    ("outcome", "missed"),
    [
        ("abandoned:queue", True),
        ("abandoned:ringing", True),
        ("abandoned:menu", True),
        ("failed:no-answer", True),
        ("ended:message", True),
        ("ended:menu", False),
        ("ended", False),
        ("refused:black-listed", False),
        ("answered", False),
        ("abnormal", False),
    ],
)
def test_who_was_missed(outcome: str, missed: bool) -> None:
    assert bool(tasks([seen("a", 0, outcome)])) is missed


def test_calls_are_counted_until_he_is_reached() -> None:
    calls = [
        seen("m2", 2, "failed:no-answer"),
        seen("m1", 1, "abandoned:queue"),
        seen("r", 3, "refused:too-frequent"),
        seen("a1", 4, "answered", 2),
        seen("a2", 8, "answered"),
        seen("m3", 9, "abandoned:ringing"),
    ]
    found = tasks(calls)
    assert shown(found) == [("m1 m2", "a1"), ("m3", "")]
    assert found[0].reach == Reach(at(5), "a1")


def test_a_call_that_is_missed_while_he_talks_needs_nobody() -> None:
    assert shown(tasks([seen("a", 0, "answered", 10), seen("m", 5, "failed:user-busy")])) == [("m", "a")]
    assert shown(tasks([seen("a", 0, "answered", 4), seen("m", 5, "failed:user-busy")])) == [("m", "")]


def test_a_clerk_closes_what_was_missed_before() -> None:
    closing = Closing(at(6), "desk", "回过了")
    calls = [seen("m1", 1, "abandoned:queue"), seen("m2", 5, "abandoned:queue"), seen("m3", 7, "abandoned:queue")]
    found = tasks(calls, [closing])
    assert shown(found) == [("m1 m2", "desk"), ("m3", "")]
    assert found[0].reach == Reach(at(6), by="desk", note="回过了")
    # The call that reached him comes to light later: it is what closed the task.
    assert shown(tasks([*calls, seen("a", 5.5, "answered", 0.2)], [closing])) == [("m1 m2", "a"), ("m3", "")]


def test_a_closing_of_nothing_is_none() -> None:
    assert tasks([seen("a", 1, "answered")], [Closing(at(2), "desk", "x")]) == []


CALLS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["answered", "abandoned:queue", "failed:no-answer", "refused:region", "ended:menu"]),
        st.sampled_from([0, 1, 7]),
    ),
    max_size=12,
)


@given(CALLS, st.lists(st.integers(0, 50), max_size=3), st.randoms(use_true_random=False))
def test_the_order_in_which_calls_come_does_not_matter(
    drawn: list[tuple[int, str, int]], closings: list[int], dice: object
) -> None:
    calls = [seen(f"{n:02}", began, how, lasted) for n, (began, how, lasted) in enumerate(drawn)]
    closed = [Closing(at(minute), "desk", "") for minute in closings]
    found = tasks(calls, closed)
    shuffled = list(calls)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tasks(shuffled, closed[::-1]) == found
    missed = [call.uuid for call in calls if call.is_missed]
    assert sorted(call.uuid for task in found for call in task.calls) == missed, "each once"
    assert all(task.reach is not None for task in found[:-1]), "one is open at the most"
    for task in found:
        later = [call for call in calls if call.reached and call.ended_at >= task.calls[-1].started_at]
        reached = later or [one for one in closed if one.at >= task.calls[-1].started_at]
        assert (task.reach is not None) is bool(reached)
