"""Faults that other queues are known for, each as the shortest course of events that would show it here.

=====================================  ==============================================================
fault                                  scenario
=====================================  ==============================================================
members stuck as answered              a talk ends after the handlers that joined it have died
lines stuck reserved                   a caller leaves in the moment in which a line is his
a line rung after the caller left      a caller leaves, then the line that he waited for is free
callers served out of order            one who came earlier, and one who is urgent, against their names
a queue lost with its process          handlers die with callers who wait, and others come after them
=====================================  ==============================================================

``tests/accept/test_mutations.py`` breaks the rule behind each on purpose: then these fail. Real calls on FreeSWITCH
would show the same in ``test_queue.py`` and ``test_random_races.py`` there.
"""

from __future__ import annotations

from datetime import timedelta

from tests.calls.test_queue_races import Box


def box(lines: int = 1) -> Box:
    """So many lines of one slot that need no rest after a talk."""
    return Box(dict.fromkeys("abc"[:lines], 1), wrap_up_s=0)


def later(the_box: Box, seconds: float) -> None:
    """Time goes by, with the looks that belong to it; a wake that is lost is said again."""
    for _ in range(10):
        the_box.now += timedelta(seconds=seconds / 10)
        the_box.look()


def rung(the_box: Box) -> list[str]:
    return [one.uuid for one in the_box.here("rung")]


def test_no_member_is_stuck_as_answered() -> None:
    """Nobody has to say that a member is free again: the switch's own count of its calls is all there is."""
    the_box = box()
    talks = the_box.arrive("talks")
    the_box.answers(talks)
    the_box.die()
    later(the_box, 20)
    waits = the_box.arrive("waits")
    later(the_box, 5)
    assert rung(the_box) == []
    # His leg ends in the switch; no handlers are there to write it down.
    the_box.counts["a"] -= 1
    talks.state, talks.outcome = "gone", "answered"
    later(the_box, 1)
    assert rung(the_box) == ["waits"], waits.state


def test_no_line_is_stuck_reserved() -> None:
    """The line was chosen for him and not told to ring yet; the next caller is with other handlers."""
    the_box = box()
    talks = the_box.arrive("talks")
    the_box.answers(talks)
    leaves = the_box.arrive("leaves")
    first = the_box.handlers
    the_box.handlers = the_box.start()  # the others go on
    the_box.arrive("next")
    the_box.hang_up(talks)
    first.dispatcher._choose()
    assert leaves.ticket is not None and leaves.ticket.lines and leaves.state == "waits"
    later(the_box, 3)
    assert rung(the_box) == [], "the line is his"
    the_box.hang_up(leaves)
    later(the_box, 1)
    assert rung(the_box) == ["next"]


def test_no_line_rings_for_one_who_left() -> None:
    the_box = box()
    talks = the_box.arrive("talks")
    the_box.answers(talks)
    leaves = the_box.arrive("leaves")
    the_box.arrive("next")
    later(the_box, 2)
    the_box.hang_up(leaves)
    before = list(the_box.chosen)
    the_box.hang_up(talks)
    later(the_box, 1)
    assert rung(the_box) == ["next"]
    assert [ticket.waiting.uuid for ticket in the_box.chosen if ticket not in before] == ["next"]


def test_nobody_is_served_out_of_order() -> None:
    the_box = box()
    the_box.answers(the_box.arrive("m"))
    for uuid, priority in (("z", 0), ("a", 0), ("y", 5), ("b", 5)):
        the_box.now += timedelta(seconds=1)
        the_box.arrive(uuid, priority)
    served = []
    for _ in range(4):
        (talking,) = the_box.here("talks")
        the_box.hang_up(talking)
        later(the_box, 2)
        (next_one,) = the_box.here("rung")
        served.append(next_one.uuid)
        the_box.answers(next_one)
    assert served == ["y", "b", "z", "a"]


def test_no_queue_is_lost_with_its_process() -> None:
    the_box = box()
    talks = the_box.arrive("talks")
    the_box.answers(talks)
    for uuid in ("z", "y"):
        the_box.now += timedelta(seconds=1)
        the_box.arrive(uuid)
    the_box.die()
    the_box.now += timedelta(seconds=1)
    the_box.arrive("a")
    later(the_box, 5)
    assert the_box.handlers.dispatcher.length(the_box.queue) == 3
    assert all(the_box.callers[uuid].handlers is the_box.handlers for uuid in "zya")
    the_box.hang_up(talks)
    for uuid in ("z", "y", "a"):
        later(the_box, 2)
        assert rung(the_box) == [uuid]
        the_box.answers(the_box.callers[uuid])
        the_box.hang_up(the_box.callers[uuid])
