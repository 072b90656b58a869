"""Passwords of a number are guessed: each wrong one counts before the caller hears that it was one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.calls.answer import take
from tests.calls.scenarios import Board, Clock, desk
from tests.contract.fake import INVITE, FakeLeg

#: Its passwords are 1234 and 567890.
NUMBER = "4008000024"
WITHHELD = "anonymous"


class Box:
    """A box that calls come to one after the other."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.desk = desk(self.clock, Board())

    def call(self, *keyed: str, caller: str = "13800138000", gone_at: str = "") -> FakeLeg:
        presses: Sequence[str] = [key for one in keyed for key in (*one, "")]
        invite = replace(INVITE, request_user=NUMBER, to_user=NUMBER, caller_number=caller)
        leg = FakeLeg(invite, presses=presses, gone_at=gone_at)
        take(leg, self.desk)
        return leg

    def is_asked(self, caller: str = "13800138000") -> bool:
        return "collect" in [verb for verb, *_ in self.call("", caller=caller).did]

    def guess(self, times: int, caller: str = "13800138000") -> None:
        """Two wrong ones a call, each answered by ``password-again``, then the caller hangs up."""
        for _ in range(times):
            leg = self.call("0000", "1111", caller=caller, gone_at="collect 11")
            assert leg.told["outcome"] == "abandoned:password"


@pytest.fixture
def box() -> Box:
    return Box()


def test_who_hangs_up_before_the_third_is_stopped_as_well(box: Box) -> None:
    box.guess(2)
    assert box.is_asked(), "four were wrong"
    assert box.call("2222", gone_at="collect 6").told["outcome"] == "abandoned:password"
    locked = box.call("1234")
    assert locked.told["outcome"] == "refused:wrong-password"
    assert locked.told["because"].startswith("locked_until=")
    assert not box.is_asked() and box.is_asked("13900139000")
    box.clock.now += timedelta(minutes=16)
    assert box.call("1234").told.get("outcome") != "refused:wrong-password"


def test_the_right_one_is_not_compared_behind_too_many_in_the_same_call(box: Box) -> None:
    box.guess(2)
    assert box.call("0000", "1234").told["outcome"] == "refused:wrong-password"


def test_a_right_one_forgets_those_before_it(box: Box) -> None:
    box.guess(2)
    assert box.call("1234").told.get("outcome") != "refused:wrong-password"
    box.guess(2)
    assert box.is_asked()


def test_silence_is_no_wrong_one(box: Box) -> None:
    for _ in range(6):
        assert box.call("").told["outcome"] == "refused:wrong-password"
    assert box.is_asked()


def test_callers_without_a_number_are_locked_out_by_many_and_not_for_long(box: Box) -> None:
    box.guess(14, caller=WITHHELD)
    # The right one of somebody else: who guesses has not become another.
    assert box.call("1234", caller=WITHHELD).told.get("outcome") != "refused:wrong-password"
    box.guess(1, caller=WITHHELD)
    assert not box.is_asked(WITHHELD) and box.is_asked()
    box.clock.now += timedelta(minutes=31)
    assert box.is_asked(WITHHELD)
