"""A caller may have other numbers than his own called back, and only a few of them: the enterprise pays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.calls.asking import ask_for_callback
from appliance.domain.callback import Terms
from appliance.domain.callback_number import MOST_OF_WITHHELD, MOST_OTHERS
from appliance.domain.called import Incoming
from appliance.domain.numbers import caller
from appliance.domain.queue import Waiting
from tests.calls.calling_back import BEGIN, CALLER, NUMBER, Box
from tests.contract.fake import FakeLeg


class Asking(Box):
    """Calls in which somebody asks; each is another one."""

    asked = 0

    def other(self, other: str, own: str = CALLER) -> tuple[bool, bool]:
        """He wants to be called at another number than his own: whether that is kept, and whether he heard no."""
        self.asked += 1
        queue = replace(self.queue, callback=Terms("9", other_number=True))
        call = Incoming(self.table.trunks[0], self.table.numbers[NUMBER], caller(own))
        presses = ["2", other, "1"] if own else [other, "1"]
        leg = FakeLeg(presses=presses, uuid=f"asked-{self.asked}")
        waiting = Waiting(leg.uuid, "q", self.now, NUMBER, own)
        kept = ask_for_callback(leg, waiting, queue, call, self.desk())
        refusals = [verb for verb in leg.did if "callback-cannot.wav" in verb]
        return kept, len(refusals) > (0 if own else 1)  # a withheld number cannot be called: he hears so first


@pytest.mark.parametrize(("own", "most"), [(CALLER, MOST_OTHERS), ("", MOST_OF_WITHHELD)])
def test_so_many_others_a_day(own: str, most: int) -> None:
    box = Asking()
    numbers = [f"021600000{nth:02}" for nth in range(most + 1)]
    assert [box.other(number, own) for number in numbers] == [(True, False)] * most + [(False, True)]
    assert box.other(numbers[0], own) == (True, False), "one that he has asked for already is no other"
    assert box.other(numbers[-1], "13900139000") == (True, False), "somebody else"
    for one in box.requests.open():
        box.requests.close(one.id, "done", "me", box.now)
    assert box.other(numbers[-1], own) == (False, True), "closed or not"
    box.now = BEGIN + timedelta(days=1, seconds=1)
    assert box.other(numbers[-1], own) == (True, False)


def test_his_own_number_always() -> None:
    box = Asking()
    for nth in range(MOST_OTHERS):
        assert box.other(f"0216000000{nth}")[0]
    call = Incoming(box.table.trunks[0], box.table.numbers[NUMBER], caller(CALLER))
    leg = FakeLeg(presses=["1"], uuid="own")
    assert ask_for_callback(leg, Waiting("own", "q", box.now, NUMBER, CALLER), box.queue, call, box.desk())
