"""Mandarin numbers as prompts."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.bootstrap import SCRIPTS_DIR
from appliance.domain import speech
from appliance.domain.speech import MOST, minutes_prompts, number_prompts, position_prompts

DIGITS = {f"n-{number}": sign for number, sign in enumerate("零一二三四五六七八九十")}
SIGNS = {**DIGITS, "n-100": "百", "n-2-liang": "两"}


def written(prompts: tuple[str, ...]) -> str:
    return "".join(SIGNS[name] for name in prompts)


def read(text: str) -> int:
    """A number as it is said, read by another way than it was made."""
    hundreds, _, rest = text.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    value = 100 * "零一二三四五六七八九".index(hundreds) if hundreds else 0
    if ten:
        value += 10 * ("零一二三四五六七八九".index(tens) if tens else 1)
    return value + ("零一二三四五六七八九".index(ones.lstrip("零")) if ones.lstrip("零") else 0)


def test_doctests() -> None:
    assert doctest.testmod(speech).failed == 0


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *[(0, "零"), (1, "一"), (2, "二"), (9, "九"), (10, "十"), (11, "十一"), (20, "二十"), (22, "二十二")],
        *[(99, "九十九"), (100, "一百"), (101, "一百零一"), (110, "一百一十"), (112, "一百一十二")],
        *[(120, "一百二十"), (200, "二百"), (205, "二百零五"), (999, "九百九十九"), (1000, "九百九十九")],
        (-5, "零"),
    ],
)
def test_numbers(number: int, said: str) -> None:
    assert written(number_prompts(number)) == said


@given(st.integers(0, MOST))
def test_every_number_is_said_as_itself(number: int) -> None:
    said = written(number_prompts(number))
    assert read(said) == number
    assert "零零" not in said and not (len(said) > 1 and said.endswith("零"))


def test_no_two_numbers_sound_alike() -> None:
    assert len({number_prompts(number) for number in range(MOST + 1)}) == MOST + 1


@pytest.mark.parametrize(("minutes", "said"), [(1, "一"), (2, "两"), (12, "十二"), (20, "二十"), (60, "六十")])
def test_minutes(minutes: int, said: str) -> None:
    *number, unit = minutes_prompts(minutes)
    assert (written(tuple(number)), unit) == (said, "queue-minutes")


@pytest.mark.parametrize(
    ("place", "minutes", "behind"),
    [
        (1, None, []),
        (1, 0, ["queue-soon"]),
        (1, -1, ["queue-soon"]),
        (1, 1, ["queue-wait", "n-1", "queue-minutes"]),
        (15, 2, ["queue-wait", "n-2-liang", "queue-minutes"]),
    ],
)
def test_positions(place: int, minutes: int | None, behind: list[str]) -> None:
    said = position_prompts(place, minutes)
    numbers = number_prompts(place)
    assert list(said) == ["queue-place", *numbers, "queue-place-end", *behind]


@given(st.integers(1, 2000), st.one_of(st.none(), st.integers(0, 60)))
def test_every_prompt_that_is_said_is_in_the_default_set(place: int, minutes: int | None) -> None:
    folder = SCRIPTS_DIR / "prompts" / "zh"
    assert all((folder / f"{name}.wav").is_file() for name in position_prompts(place, minutes))
