"""Processes, records and legs that are lost: nobody is called twice, and no request is left under way."""

from __future__ import annotations

from appliance.calls.answer import take
from appliance.domain.callback import RECORD_COMES, Ending, Stage
from tests.calls.calling_back import SECOND, Box
from tests.calls.test_scenarios import did


def test_the_line_hangs_up_while_he_is_rung_and_the_record_decides() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    take(box.line_leg(gone_at="connect"), desk)
    assert box.one().stage is Stage.OVER
    desk.dispatcher.look()
    assert not box.later, "he may have talked"
    box.requests.recorded("r", box.legs["a"], box.now, reached=False)
    desk.dispatcher.look()
    assert (box.one().stage, box.one().attempts, box.one().ending) == (Stage.WAITS, 1, None)


def test_a_record_that_never_comes() -> None:
    """The switch has died: it wrote none."""
    box = Box()
    box.asks()
    desk = box.rings()
    take(box.line_leg(gone_at="connect"), desk)
    box.now += RECORD_COMES - SECOND
    desk.dispatcher.look()
    assert box.one().stage is Stage.OVER
    box.now += SECOND
    desk.dispatcher.look()
    assert (box.one().stage, box.one().said) == (Stage.WAITS, "lost")


def test_handlers_die_while_the_line_rings() -> None:
    box = Box()
    box.asks()
    box.desk("here").dispatcher.look()
    box.alive.discard("here")
    (leg,) = box.one().legs
    box.there.add(leg)
    other = box.desk("there")
    other.dispatcher.look()
    assert box.one().stage is Stage.LINE and not box.rung, "the line rings on"
    box.there.clear()
    box.away = True
    other.dispatcher.look()
    assert box.one().stage is Stage.LINE, "nobody can tell"
    box.away = False
    other.dispatcher.look()
    assert box.one().owner == "there", "nobody had called him: it is tried again at once"
    # What the dead had begun comes to nothing.
    box.legs, box.facts = {"a": leg}, {"a": {"callback": "r", "line": "a"}}
    late = box.line_leg()
    take(late, other)
    assert did(late) == "play callback-gone, hang_up"


def test_handlers_die_while_he_talks() -> None:
    box = Box()
    box.asks()
    box.rings()
    leg = box.legs["a"]
    assert box.requests.rings_him("r", leg, "here", box.now) is not None
    box.alive.discard("here")
    box.there.add(leg)
    other = box.desk("there")
    other.dispatcher.look()
    assert box.one().stage is Stage.CALLER
    box.there.clear()
    other.dispatcher.look()
    assert box.one().stage is Stage.OVER, "gone, and its record is to come"
    box.requests.recorded("r", leg, box.now, reached=True)
    other.dispatcher.look()
    assert box.one().ending is Ending.REACHED and len(box.rung) == 1


def test_a_line_that_has_answered_and_is_lost_on_the_way() -> None:
    box = Box()
    box.asks()
    desk = box.rings()
    desk.dispatcher.look()
    assert box.one().stage is Stage.TAKEN
    box.now += 5 * SECOND
    desk.dispatcher.look()
    assert box.one().stage is Stage.LINE and box.later, "tried again"


def test_the_switch_is_away() -> None:
    box = Box()
    box.asks()
    box.away = True
    desk = box.rings()
    assert (box.one().stage, box.one().owner) == (Stage.LINE, "")
    desk.dispatcher.look()
    assert box.one().stage is Stage.LINE
    box.away = False
    desk.dispatcher.look()
    box.beside()
    assert box.one().stage is Stage.TAKEN


def test_a_fault_of_ours_is_not_tried_every_moment() -> None:
    box = Box()
    box.asks()

    def faulty(*_: object) -> str:
        raise ValueError("ours")

    box.ring = faulty  # type: ignore[assignment,method-assign]
    desk = box.rings()
    assert (box.one().stage, box.one().said) == (Stage.WAITS, "error")
    desk.dispatcher.look()
    assert not box.later
