"""Who is recorded, what a message is, how much room there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.recording import (
    ALL,
    OFF,
    Kind,
    Policy,
    Room,
    Unrecorded,
    is_message,
    keep_until,
    policy_for,
    read_policy,
    room,
    why_not,
)


@pytest.mark.parametrize("text", ["off", "all", "share:1", "share:99"])
def test_a_policy_is_read_as_it_is_written(text: str) -> None:
    assert str(read_policy(text)) == text


@pytest.mark.parametrize("text", ["", "share:0", "share:100", "share:01", "share:-1", "share:", "ALL", "share:٣"])
def test_no_policy(text: str) -> None:
    assert read_policy(text) is None


@pytest.mark.parametrize(
    ("number", "flow", "lines", "holds"),
    [
        ("all", "", [""], "all"),
        ("off", "", [""], "off"),
        ("all", "off", [""], "off"),  # the flow's off
        ("all", "off", ["all"], "off"),  # … wins over a line that records all
        ("all", "all", ["off"], "off"),  # the line's off wins over all
        ("off", "all", [""], "all"),  # the flow overrides the number
        ("off", "", ["all"], "all"),  # and so does the line
        ("all", "share:10", [""], "share:10"),
        ("all", "share:10", ["share:70"], "share:70"),  # the line's own goes before the flow's
        ("all", "nonsense", [""], "all"),
        ("all", "", ["", "off", "all"], "off"),  # of several the one that records least
        ("all", "", ["share:70", "", "share:30"], "share:30"),
        ("share:5", "", ["all", ""], "share:5"),
        ("share:5", "", [], "share:5"),
    ],
)
def test_precedence(number: str, flow: str, lines: list[str], holds: str) -> None:
    policy = read_policy(number)
    assert policy is not None
    assert str(policy_for(policy, flow, lines)) == holds


def test_a_share_of_a_hundred_draws() -> None:
    for share in (1, 30, 99):
        assert sum(Policy(share).records(draw) for draw in range(100)) == share


def test_why_a_talk_is_not_recorded() -> None:
    assert why_not(OFF, 0, has_room=True) is Unrecorded.OFF
    assert why_not(OFF, 0, has_room=False) is Unrecorded.OFF
    assert why_not(Policy(30), 30, has_room=True) is Unrecorded.SHARE
    assert why_not(Policy(30), 29, has_room=True) is None
    assert why_not(ALL, 99, has_room=False) is Unrecorded.NO_ROOM
    assert why_not(ALL, 99, has_room=True) is None


def test_a_breath_is_no_message_and_every_talk_is_kept() -> None:
    assert is_message(Kind.TALK, 0.0)
    assert not is_message(Kind.VOICEMAIL, 0.9)
    assert is_message(Kind.VOICEMAIL, 1.0)


def test_retention() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert keep_until(at, 180) == at + timedelta(days=180)


@pytest.mark.parametrize(
    ("free", "before", "now"),
    [
        (5000, Room.PLENTY, Room.PLENTY),
        (4999, Room.PLENTY, Room.SHORT),
        (1000, Room.SHORT, Room.SHORT),
        (999, Room.SHORT, Room.NONE),
        (1099, Room.NONE, Room.NONE),
        (1100, Room.NONE, Room.SHORT),
        (9999, Room.NONE, Room.PLENTY),
    ],
)
def test_room(free: int, before: Room, now: Room) -> None:
    assert room(free, 1000, 5000, before) is now
