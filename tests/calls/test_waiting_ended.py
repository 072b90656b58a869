"""A caller who waits while the process that has him ends: his place stays for another one, as if it had died."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from gevent import GreenletExit

from appliance.calls.answer import take
from appliance.errors import SwitchGone
from appliance.store.waitlist import Waitlist
from tests.calls.scenarios import Board, Clock, desk
from tests.contract.fake import INVITE, FakeLeg

#: It leads into a queue, and its lines are taken.
NUMBER = "4008000050"


def waiting(error: type[BaseException] | None) -> FakeLeg:
    """Whose wait to music ends by an error, or by his hanging up."""
    invite = replace(INVITE, request_user=NUMBER, to_user=NUMBER)
    leg = FakeLeg(invite, gone_at="" if error else "wait", uuid="one")

    def end() -> None:
        if error is not None:
            raise error("meanwhile")

    leg.on_wait = end
    return leg


@pytest.mark.parametrize(("error", "stays"), [(GreenletExit, True), (SwitchGone, False), (None, False)])
def test_the_place_of_a_caller_whose_process_ends(error: type[BaseException] | None, stays: bool) -> None:
    board = Board()
    made = desk(Clock(), board)
    board.full = set(made.routing().lines)
    with contextlib.suppress(GreenletExit, SwitchGone):
        take(waiting(error), made)
    assert [kept.waiting.uuid for kept in Waitlist(made.journal.file).here()] == (["one"] if stays else [])
