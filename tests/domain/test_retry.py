"""When a message is tried again, and how close two may follow."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.retry import GAPS, OLDEST, is_due, next_try, not_before

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def gap(tries: int, dice: random.Random, at_least: timedelta = timedelta()) -> timedelta:
    at = next_try(tries, NOW, NOW, dice, at_least)
    assert at is not None
    return at - NOW


def test_ten_times_more_and_then_no_more() -> None:
    dice = random.Random(1)
    assert all(next_try(tries, NOW, NOW, dice) for tries in range(1, 11))
    assert next_try(11, NOW, NOW, dice) is None


@given(st.randoms(use_true_random=False))
def test_gaps_grow_whatever_the_dice_say(dice: random.Random) -> None:
    gaps = [gap(tries, dice) for tries in range(1, 11)]
    assert gaps == sorted(gaps) and len(set(gaps)) == 10
    assert all(plain <= found <= plain * 1.2 for plain, found in zip(GAPS, gaps, strict=True))


def test_who_wants_to_be_left_alone_is_for_so_long_at_least() -> None:
    dice = random.Random(1)
    assert gap(1, dice, timedelta(minutes=10)) == timedelta(minutes=10)
    assert gap(8, dice, timedelta(minutes=10)) > timedelta(hours=1) - timedelta(seconds=1)


def test_an_old_message_has_one_try() -> None:
    dice = random.Random(1)
    assert next_try(1, NOW - OLDEST, NOW, dice) is not None
    assert next_try(1, NOW - OLDEST - timedelta(seconds=1), NOW, dice) is None


@pytest.mark.parametrize(("per_minute", "seconds"), [(0, 0), (20, 3), (100, 0.6), (1, 60)])
def test_messages_are_spaced_evenly(per_minute: int, seconds: float) -> None:
    assert not_before(NOW, per_minute) - NOW == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("due", "last_try", "per_minute", "expected"),
    [
        (0, -100, 20, True),
        (1, -100, 20, False),
        (0, -2, 20, False),
        (0, -3, 20, True),
        (0, 0, 0, True),
        (4 * 3600 * 1.2, -100, 0, False),
        # Noted before the clock was set back.
        (4 * 3600 * 1.2 + 1, -100, 0, True),
        (0, 58, 20, True),
    ],
)
def test_a_message_is_due_by_its_own_time_and_its_receivers(
    due: float, last_try: float, per_minute: int, expected: bool
) -> None:
    at, tried = NOW + timedelta(seconds=due), NOW + timedelta(seconds=last_try)
    assert is_due(at, tried, per_minute, NOW) is expected
