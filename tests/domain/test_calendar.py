"""Office hours against a slow model that marks every minute of every day."""

from __future__ import annotations

import doctest
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.domain import calendar
from appliance.domain.calendar import (
    MINUTES_A_DAY,
    SHANGHAI,
    DayKind,
    Hours,
    Schedule,
    Standing,
    hours_of,
    read_hours,
    read_minutes,
    standing,
)

#: A Monday; the days that properties look at are this week and the next one.
MONDAY = date(2026, 11, 23)
DAYS = [MONDAY + timedelta(days=number) for number in range(14)]
OFFICE = Schedule(
    "office",
    "demo",
    {day: (Hours(540, 720), Hours(810, 1080)) for day in range(5)} | {5: (Hours(600, 720),)},
    makeup_as=4,
    own_days={date(2026, 12, 31): (Hours(540, 720),), date(2026, 12, 30): ()},
)

hours = st.builds(Hours, st.integers(0, MINUTES_A_DAY - 1), st.integers(0, MINUTES_A_DAY))
some_hours = st.lists(hours, max_size=3).map(tuple)
schedules = st.builds(
    Schedule,
    st.just("s"),
    st.just("demo"),
    st.dictionaries(st.integers(0, 6), some_hours),
    st.booleans(),
    st.integers(0, 6),
    st.dictionaries(st.sampled_from(DAYS), some_hours, max_size=4),
)
#: The kinds of all days that a property may look at; the day before the first one among them.
kinds = st.lists(st.sampled_from(DayKind), min_size=15, max_size=15).map(
    lambda found: dict(zip([MONDAY - timedelta(days=1), *DAYS], found, strict=True))
)
minutes = st.integers(0, 14 * MINUTES_A_DAY - 1)


def ordinary(day: date) -> DayKind:
    return DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKDAY


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def moment(minute: int) -> datetime:
    """So many minutes after the first Monday's midnight."""
    return datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=SHANGHAI) + timedelta(minutes=minute)


def begun_on(schedule: Schedule, day: date, kind: DayKind) -> list[Hours]:
    """The rule as ``docs/site.md`` says it, once more."""
    if day in schedule.own_days:
        return list(schedule.own_days[day])
    if kind is DayKind.HOLIDAY and not schedule.works_holidays:
        return []
    made_up = kind is DayKind.MAKEUP and not schedule.works_holidays
    weekday = schedule.makeup_as if made_up else day.weekday()
    return list(schedule.week.get(weekday, ()))


def open_minutes(schedule: Schedule, days: dict[date, DayKind]) -> set[int]:
    """Every minute that is open, walked one by one from each beginning."""
    found = set()
    for day, kind in days.items():
        for one in begun_on(schedule, day, kind):
            minute = one.begin
            while True:
                found.add((day - MONDAY).days * MINUTES_A_DAY + minute)
                minute += 1
                # The end is the first such minute of the clock behind the beginning; 24:00 is the next midnight.
                if minute % MINUTES_A_DAY == one.end % MINUTES_A_DAY:
                    break
    return found


def by_model(schedule: Schedule, days: dict[date, DayKind], asked: Iterable[int]) -> dict[int, Standing]:
    """How it stands at each of the minutes."""
    opened = open_minutes(schedule, days)

    def stands(minute: int) -> Standing:
        day = MONDAY + timedelta(days=minute // MINUTES_A_DAY)
        day_off = days[day] is DayKind.HOLIDAY and not schedule.works_holidays and day not in schedule.own_days
        if minute in opened:
            return Standing.OPEN
        return Standing.HOLIDAY if day_off else Standing.CLOSED

    return {minute: stands(minute) for minute in asked}


def test_doctests() -> None:
    assert doctest.testmod(calendar).failed == 0


@settings(deadline=None)
@given(schedules, kinds, st.lists(minutes, min_size=1, max_size=20))
def test_it_stands_as_the_slow_model_says(schedule: Schedule, days: dict[date, DayKind], asked: list[int]) -> None:
    found = {minute: standing(schedule, moment(minute), days.__getitem__) for minute in asked}
    assert found == by_model(schedule, days, asked)


@settings(deadline=None)
@given(schedules, kinds)
def test_it_turns_only_at_a_beginning_or_an_end(schedule: Schedule, days: dict[date, DayKind]) -> None:
    """The minutes at which hours begin and end, and the one before each, where a mistake by one would show."""
    edges = {0, MINUTES_A_DAY - 1}
    for day, kind in days.items():
        base = (day - MONDAY).days * MINUTES_A_DAY
        for one in begun_on(schedule, day, kind):
            for edge in (base + one.begin, base + one.begin + one.length):
                edges |= {edge - 1, edge}
    asked = sorted(edge for edge in edges if 0 <= edge < 14 * MINUTES_A_DAY)
    found = {minute: standing(schedule, moment(minute), days.__getitem__) for minute in asked}
    assert found == by_model(schedule, days, asked)


@settings(deadline=None, max_examples=20)  # each is a day's 1,440 questions
@given(schedules, kinds, st.integers(0, 13))
def test_it_is_never_open_longer_than_its_hours_say(
    schedule: Schedule, days: dict[date, DayKind], number: int
) -> None:
    """On one day, by its own hours and what is left of the day's before."""
    day = DAYS[number]
    begun = hours_of(schedule, day, days.__getitem__)
    before = hours_of(schedule, day - timedelta(days=1), days.__getitem__)
    over_midnight = sum(max(one.begin + one.length - MINUTES_A_DAY, 0) for one in before)
    said = sum(min(one.length, MINUTES_A_DAY - one.begin) for one in begun) + over_midnight
    first = number * MINUTES_A_DAY
    found = sum(
        standing(schedule, moment(minute), days.__getitem__) is Standing.OPEN
        for minute in range(first, first + MINUTES_A_DAY)
    )
    assert found <= min(said, MINUTES_A_DAY)
    # Where nothing overlaps it is just as long.
    parts = [(one.begin, min(one.begin + one.length, MINUTES_A_DAY)) for one in begun]
    parts += [(0, one.begin + one.length - MINUTES_A_DAY) for one in before]
    parts = sorted(part for part in parts if part[1] > part[0])
    if all(one[1] <= other[0] for one, other in pairwise(parts)):
        assert found == said


@given(schedules, kinds, minutes, st.integers(0, 59), st.integers(-14 * 60, 14 * 60))
def test_the_offset_of_the_clock_and_its_seconds_are_of_no_matter(
    schedule: Schedule, days: dict[date, DayKind], minute: int, second: int, offset: int
) -> None:
    now = moment(minute)
    elsewhere = (now + timedelta(seconds=second)).astimezone(timezone(timedelta(minutes=offset)))
    assert standing(schedule, elsewhere, days.__getitem__) is standing(schedule, now, days.__getitem__)


@given(schedules, kinds, minutes)
def test_an_own_day_goes_before_whatever_kind_of_day_it_is(
    schedule: Schedule, days: dict[date, DayKind], minute: int
) -> None:
    day = MONDAY + timedelta(days=minute // MINUTES_A_DAY)
    owning = replace(schedule, own_days={one: (Hours(0, 60),) for one in (day, day - timedelta(days=1))})
    expected = Standing.OPEN if minute % MINUTES_A_DAY < 60 else Standing.CLOSED
    assert standing(owning, moment(minute), days.__getitem__) is expected


@given(hours)
@example(Hours(0, MINUTES_A_DAY))
@example(Hours(0, 0))
@example(Hours(MINUTES_A_DAY - 1, MINUTES_A_DAY))
def test_hours_are_at_least_a_minute_and_at_most_a_day(one: Hours) -> None:
    assert 1 <= one.length <= MINUTES_A_DAY
    assert (one.begin + one.length) % MINUTES_A_DAY == one.end % MINUTES_A_DAY


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-25 08:59:59", "closed"),
        ("2026-11-25 09:00:00", "open"),
        ("2026-11-25 11:59:59.999999", "open"),
        ("2026-11-25 12:00:00", "closed"),
        ("2026-11-28 11:00", "open"),
        ("2026-11-29 11:00", "closed"),
        ("2026-12-30 10:00", "closed"),
        ("2026-12-31 11:59", "open"),
        ("2026-12-31 15:00", "closed"),
    ],
)
def test_an_office(when: str, expected: str) -> None:
    assert standing(OFFICE, at(when), ordinary) is Standing(expected)


@pytest.mark.parametrize(
    ("when", "kind", "expected"),
    [
        ("2026-11-28 15:00", "makeup", "open"),  # a Saturday with a Friday's hours
        ("2026-11-28 12:30", "makeup", "closed"),
        ("2026-11-25 10:00", "holiday", "holiday"),
        ("2026-11-25 03:00", "holiday", "holiday"),  # whenever it is: nobody is there all day
        ("2026-12-31 10:00", "holiday", "open"),  # the schedule's own day
        ("2026-12-30 10:00", "holiday", "closed"),
        ("2026-11-29 10:00", "workday", "closed"),  # the box says so, but Sundays have no hours
    ],
)
def test_an_office_on_a_day_of_another_kind(when: str, kind: str, expected: str) -> None:
    assert standing(OFFICE, at(when), lambda day: DayKind(kind)) is Standing(expected)


def test_a_night_that_began_before_a_holiday_goes_on_into_it() -> None:
    nights = Schedule("nights", "demo", {day: (Hours(1320, 360),) for day in range(7)})
    holiday = date(2026, 11, 26)

    def kind(day: date) -> DayKind:
        return DayKind.HOLIDAY if day == holiday else ordinary(day)

    assert standing(nights, at("2026-11-26 05:59"), kind) is Standing.OPEN
    assert standing(nights, at("2026-11-26 06:00"), kind) is Standing.HOLIDAY
    assert standing(nights, at("2026-11-26 23:00"), kind) is Standing.HOLIDAY
    # What would have begun on it does not go on into the day behind it.
    assert standing(nights, at("2026-11-27 03:00"), kind) is Standing.CLOSED
    assert standing(replace(nights, works_holidays=True), at("2026-11-27 03:00"), kind) is Standing.OPEN


def test_who_works_holidays_has_no_weekends_to_make_up_for() -> None:
    shop = Schedule("shop", "demo", {0: (Hours(540, 1080),), 5: (Hours(600, 720),)}, works_holidays=True)
    saturday = at("2026-11-28 10:30"), at("2026-11-28 15:00")
    found = [standing(shop, now, lambda day: DayKind.MAKEUP) for now in saturday]
    assert found == [Standing.OPEN, Standing.CLOSED]


def test_it_is_the_day_of_shanghai_that_counts() -> None:
    monday = Schedule("s", "demo", {0: (Hours(0, 60),)})
    assert standing(monday, datetime(2026, 11, 22, 16, 30, tzinfo=UTC), ordinary) is Standing.OPEN
    assert standing(monday, datetime(2026, 11, 23, 0, 30, tzinfo=UTC), ordinary) is Standing.CLOSED


@given(st.integers(0, MINUTES_A_DAY), st.integers(0, MINUTES_A_DAY))
def test_hours_are_read_as_they_are_written(begin: int, end: int) -> None:
    written = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (begin, end))
    assert read_hours(written) == (None if begin == MINUTES_A_DAY else Hours(begin, end))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "9:30",
        "09:3",
        "0930",
        "09:60",
        "24:01",
        "25:00",
        "-1:00",
        "09:00:00",
        "０９:００",
        "+9:00",
        "09 :00",
    ],
)
def test_what_is_no_time_of_day(text: str) -> None:
    assert read_minutes(text) is None
    assert read_hours(f"{text}-10:00") is None and read_hours(f"08:00-{text}") is None


@given(st.text(alphabet="0123456789:-", max_size=12))
def test_whatever_is_read_can_be_written_again(text: str) -> None:
    found = read_hours(text)
    if found is not None:
        assert f"{found.begin // 60:02}:{found.begin % 60:02}-{found.end // 60:02}:{found.end % 60:02}" == text
