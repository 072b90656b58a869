"""The line is rung, then he: who is told what, and what becomes of the request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls.answer import take
from appliance.domain.callback import Ending, Stage
from appliance.domain.hunt import Strategy
from appliance.domain.outcome import Disposition
from tests.calls.calling_back import CALLER, MINUTE, NUMBER, Box
from tests.calls.test_scenarios import did
from tests.contract.fake import INVITE, FakeLeg


def test_the_line_first_then_he_then_both_talk() -> None:
    box = Box(confirm=True)
    box.asks()
    desk = box.rings()
    ((target,),) = box.rung
    assert (target.line, target.caller_number, target.diversion, target.confirm) == (
        "a",
        "02180000000",
        CALLER,
        True,
    )
    assert target.whisper == Path("/prompts/callback-line.wav")
    assert (box.one().stage, box.one().lines, box.one().owner) == (Stage.TAKEN, ("a",), "here")
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "connect a, hang_up"
    (his,) = leg.targets
    assert (his.number, his.trunk, his.caller_number, his.max_calls) == (CALLER, "t", "02180000000", 0)
    assert his.whisper == Path("/prompts/callback-greeting.wav")
    assert leg.recorded_to and leg.told["notice"] == "record-notice", "he is told, the line's side is not"
    assert (leg.told["callback"], leg.told["caller"], leg.told["trunk"]) == ("r", CALLER, "t")
    assert leg.told["tried"] == "a=answered"
    assert (box.one().ending, box.one().attempts) == (Ending.REACHED, 1)
    assert desk.dispatcher.look() == 1.0 and len(box.rung) == 1


def test_what_the_records_say_until_somebody_says_otherwise() -> None:
    box = Box()
    box.asks(callee="+14155550100")
    box.rings()
    assert box.facts["a"] == {
        "number": NUMBER,
        "account": "demo",
        "caller": "+14155550100",
        "caller_kind": "overseas",
        "callback": "r",
        "line": "a",
        "outcome": "failed:callback-line",
    }


@pytest.mark.parametrize(
    ("how", "said", "attempts", "ending"),
    [
        (Disposition.BUSY, "busy", 1, None),
        (Disposition.NO_ANSWER, "no-answer", 1, None),
        (Disposition.NOT_EXISTING, "not-existing", 1, Ending.FAILED),
    ],
)
def test_he_is_not_reached(how: Disposition, said: str, attempts: int, ending: Ending | None) -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = box.line_leg(lines={"a": how})
    take(leg, desk)
    assert did(leg) == "connect a, play callback-unreached, hang_up"
    assert (leg.told["outcome"], leg.told["because"]) == ("failed:callback-caller", f"caller={said}")
    assert leg.told["tried"] == "a=answered", "the line did its part"
    assert (box.one().said, box.one().attempts, box.one().ending) == (said, attempts, ending)


def test_by_the_other_trunk_where_the_first_is_full() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = box.line_leg(lines={"a@t": Disposition.UNREACHABLE})
    take(leg, desk)
    assert [target.trunk for target in leg.targets] == ["t", "u"] and leg.told["trunk"] == "u"
    assert box.one().ending is Ending.REACHED


def test_a_trunk_that_cannot_place_it_is_no_attempt() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = box.line_leg(lines={"a": Disposition.UNREACHABLE})
    take(leg, desk)
    assert (box.one().ending, box.one().attempts) == (None, 0)


def test_no_trunk_may_place_calls() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    box.table = replace(box.table, trunks=tuple(replace(one, caller_number="") for one in box.table.trunks))
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "play callback-unreached, hang_up"
    assert (box.one().ending, box.one().attempts) == (None, 0)


def test_no_line_takes_it_and_he_keeps_his_place() -> None:
    box = Box(lines=("a", "b"))
    box.ends = ["USER_BUSY"]
    box.asks(came=MINUTE)
    desk = box.rings()
    assert (box.one().stage, box.one().attempts, box.one().said) == (Stage.WAITS, 0, "line busy")
    desk.dispatcher.look()
    box.beside()
    assert [target.line for (target,) in box.rung] == ["a", "b"], "the one that rang in vain rests"


def test_the_line_by_its_backup_trunk() -> None:
    box = Box()
    box.ends = ["NORMAL_CIRCUIT_CONGESTION"]
    box.asks()
    box.rings()
    assert [target.trunk for (target,) in box.rung] == ["t", "u"]
    assert box.one().stage is Stage.TAKEN
    first, second = (legs["a"] for legs in box.rung_by)
    assert first != second and box.one().legs == (second,), "the record of the first leg is not the talk's"
    box.requests.recorded("r", first, box.now, reached=False)
    assert box.one().stage is Stage.TAKEN


def test_closed_before_the_line_is_rung_by_the_other_trunk() -> None:
    box = Box()
    box.ends = ["NORMAL_CIRCUIT_CONGESTION"]
    box.asks()
    desk = box.desk()
    desk.dispatcher.look()
    box.as_it_rings = lambda: box.requests.close("r", "called by hand", "clerk", box.now)
    box.beside()
    assert [target.trunk for (target,) in box.rung] == ["t"]
    assert box.one().ending is Ending.WITHDRAWN


def test_all_lines_at_once_and_the_one_that_answers_calls_him() -> None:
    box = Box(lines=("a", "b"), strategy=Strategy.RING_ALL)
    box.asks()
    desk = box.rings()
    assert [target.line for target in box.rung[0]] == ["a", "b"]
    assert sorted(box.one().legs) == sorted(box.legs.values())
    leg = box.line_leg("b")
    take(leg, desk)
    assert leg.told["line"] == "b" and box.one().ending is Ending.REACHED


def test_closed_while_the_line_rings() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    box.requests.close("r", "called by hand", "clerk", box.now)
    leg = box.line_leg()
    take(leg, desk)
    assert did(leg) == "play callback-gone, hang_up" and leg.told["outcome"] == "ended:callback-withdrawn"
    assert box.one().attempts == 0


def test_a_leg_whose_request_is_forgotten() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    leg = FakeLeg(INVITE, uuid="stranger", notes={"callback": "none", "line": "a", "account": "demo"})
    take(leg, desk)
    assert did(leg) == "play callback-gone, hang_up"
    assert box.one().stage is Stage.TAKEN
