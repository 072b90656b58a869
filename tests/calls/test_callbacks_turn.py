"""Who asked is called in his turn, by one process, and within what limits."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls.answer import take
from appliance.domain.callback import Ending, Stage
from appliance.domain.outcome import Disposition
from appliance.domain.queue import Waiting
from appliance.domain.routing import Rules
from tests.calls.calling_back import CALLER, MINUTE, NUMBER, SECOND, Box
from tests.calls.test_scenarios import did


def test_he_is_called_again_after_the_gap_and_then_no_more() -> None:
    box = Box()
    box.asks()
    for attempt in (1, 2):
        desk = box.rings()
        take(box.line_leg(lines={"a": Disposition.BUSY}), desk)
        assert (box.one().attempts, len(box.rung)) == (attempt, attempt)
        box.now += 59 * SECOND
        desk.dispatcher.look()
        assert not box.later, "within the gap"
        box.now += SECOND
    assert box.one().ending is Ending.FAILED
    desk.dispatcher.look()
    assert not box.later


def test_in_his_order_among_those_who_wait() -> None:
    box = Box()
    desk = box.desk()
    box.calls["a"] = 1
    first = desk.dispatcher.enter(Waiting("first", "q", box.now - 20 * SECOND), "demo", box.now + MINUTE)
    box.asks(came=10 * SECOND)
    last = desk.dispatcher.enter(Waiting("last", "q", box.now), "demo", box.now + MINUTE)
    assert [desk.dispatcher.place(ticket) for ticket in (first, last)] == [1, 3]
    assert desk.dispatcher.length(box.queue) == 2, "he holds no line of ours"
    box.calls["a"] = 0
    desk.dispatcher.look()
    assert [line.id for line in first.lines] == ["a"] and not box.later
    first.waiting = replace(first.waiting, rung_at=box.now - 2 * SECOND)
    desk.dispatcher.look()
    assert box.later and not last.lines, "the next free line is for who asked to be called back"


def test_two_processes_call_once() -> None:
    box = Box()
    box.asks()
    for owner in ("here", "there"):
        box.desk(owner).dispatcher.look()
    box.beside()
    assert len(box.rung) == 1


def test_who_calls_again_is_not_called_meanwhile_nor_right_after() -> None:
    box = Box()
    box.asks(came=MINUTE)
    desk = box.desk()
    ticket = desk.dispatcher.enter(Waiting("again", "q", box.now, caller=CALLER), "demo", box.now + MINUTE)
    assert ticket.lines and not box.later
    desk.dispatcher.leave(ticket)  # he was rung for: he may have been answered
    box.now += 3 * SECOND
    desk.dispatcher.look()
    assert not box.later
    box.requests.answered("q", CALLER, "again", box.now, box.now)  # so his call's record says
    box.now += MINUTE
    desk.dispatcher.look()
    assert not box.later and box.one().ending is Ending.WITHDRAWN


def test_the_numbers_calls_at_once_are_kept_to() -> None:
    box = Box(rules=Rules(max_calls=2))
    box.asks()
    box.counts[("number", NUMBER)] = 2
    box.rings()
    assert not box.rung and (box.one().stage, box.one().said) == (Stage.WAITS, "full")
    box.counts[("number", NUMBER)] = 1
    box.now += MINUTE
    desk = box.rings()
    leg = box.line_leg(others={f"number {NUMBER}": 2})
    take(leg, desk)
    assert did(leg) == "play callback-unreached, hang_up" and leg.told["outcome"] == "failed:callback-full"
    assert (box.one().stage, box.one().attempts) == (Stage.WAITS, 0)
    box.now += MINUTE
    desk = box.rings()
    leg = box.line_leg(others={f"number {NUMBER}": 1})
    take(leg, desk)
    assert box.one().ending is Ending.REACHED and leg.held == {("number", NUMBER)}


def test_he_calls_again_while_the_line_is_rung_for_him() -> None:
    """His telephone is busy with us: it is not called, no attempt is counted, and he has one place, not two."""
    box = Box()
    box.asks(came=MINUTE)
    desk = box.rings()
    box.calls["a"] = 1
    again = Waiting("again", "q", box.now, caller=CALLER)
    ticket = desk.dispatcher.enter(again, "demo", box.now + MINUTE)
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "play callback-gone, hang_up" and leg.told["outcome"] == "ended:callback-withdrawn"
    assert (box.one().stage, box.one().attempts, box.one().ending) == (Stage.WAITS, 0, None)
    box.calls["a"] = 0
    box.now += MINUTE
    desk.dispatcher.look()
    assert ticket.lines and not box.later


def test_over_with_the_time() -> None:
    box = Box()
    box.calls["a"] = 1
    box.asks(expires_at=box.now + SECOND)
    desk = box.desk()
    desk.dispatcher.look()
    assert box.one().ending is None
    box.now += SECOND
    desk.dispatcher.look()
    assert box.one().ending is Ending.EXPIRED


def test_the_queue_goes_while_the_line_rings() -> None:
    box = Box()
    box.ends = ["USER_BUSY"]
    box.asks()
    desk = box.desk()
    desk.dispatcher.look()
    box.table = replace(box.table, queues={})
    box.beside()
    assert box.one().stage is Stage.WAITS
    desk.dispatcher.look()
    assert not box.later


def test_no_line_is_rung_while_there_is_no_way_to_him() -> None:
    """It would answer every few minutes only to hear that he cannot be called."""
    box = Box()
    box.down |= {"t", "u"}
    box.asks()
    desk = box.rings()
    assert not box.rung and box.one().stage is Stage.WAITS
    box.down.remove("u")
    desk.dispatcher.look()
    box.beside()
    assert len(box.rung) == 1


def test_no_line_is_rung_where_no_trunk_may_call_him() -> None:
    box = Box()
    trunks = box.table.trunks
    box.table = replace(box.table, trunks=tuple(replace(one, caller_number="") for one in trunks))
    box.asks()
    box.rings()
    assert not box.rung and box.one().stage is Stage.WAITS
