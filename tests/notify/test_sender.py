"""The sender: what is due goes out, in its order, and no hook waits for another."""

from __future__ import annotations

import threading

from appliance.domain.hook import Message
from appliance.notify.verdict import Verdict, delivered, refused
from tests.notify.outbox_world import HOOKS, HOUR, SECOND, World


def test_what_is_handed_over_is_sent_once(world: World) -> None:
    world.put("1")
    for _ in range(3):
        world.step()
    assert world.asked == [("a", "1", 1)] and world.states() == {"1": "sent: ok"}


def test_messages_of_a_hook_go_one_by_one_in_their_order(world: World) -> None:
    for name in ("3", "1", "2"):
        world.put(name, after=int(name) * SECOND)
    world.now += 5 * SECOND
    for count in (1, 2, 3):
        world.step()
        assert len(world.asked) == count
    assert [name for _, name, _ in world.asked] == ["1", "2", "3"]


def test_a_hook_that_fails_holds_its_own_messages_and_no_others(world: World) -> None:
    world.verdicts["a"] = lambda message: refused("HTTP 500")
    for name in ("a1", "a2", "b1", "b2"):
        world.put(name, name[0])
    for _ in range(4):
        world.step()
    assert sorted(world.asked) == [("a", "a1", 1), ("b", "b1", 1), ("b", "b2", 1)]
    assert world.states() == {"a1": "waits: HTTP 500", "a2": "waits: ", "b1": "sent: ok", "b2": "sent: ok"}


def test_a_hook_that_is_not_there_yet_is_waited_for(world: World) -> None:
    world.put("1", "new")
    world.step()
    assert world.states() == {"1": "waits: there is no hook new"} and world.asked == []
    assert world.hooks is not None
    world.hooks["new"] = HOOKS["a"]
    world.now += 12 * SECOND
    world.step()
    assert world.states() == {"1": "sent: ok"}


def test_nothing_is_tried_while_no_hooks_are_known(world: World) -> None:
    world.hooks = None
    world.put("1")
    world.step()
    assert world.states() == {"1": "waits: "}
    world.hooks = dict(HOOKS)
    world.step()
    assert world.states() == {"1": "sent: ok"}


def test_a_slow_hook_does_not_hold_the_others(world: World) -> None:
    goes_on = threading.Event()

    def slow(message: Message) -> Verdict:
        goes_on.wait(20)
        return delivered("late")

    world.verdicts["a"] = slow
    world.put("1")
    world.put("2")
    world.put("b1", "b")
    world.put("b2", "b", SECOND)
    world.now += SECOND
    for _ in range(40):
        world.sender.step(0.05)
        if len(world.asked) == 3:
            break
    assert (
        world.states() == {"1": "waits: ", "2": "waits: ", "b1": "sent: ok", "b2": "sent: ok"}
        or len(world.asked) == 3
    )
    goes_on.set()
    world.sender.finish()
    assert world.states()["1"] == "sent: late" and world.states()["2"] == "waits: "


def test_a_clock_that_was_set_back_holds_nothing(world: World) -> None:
    world.verdicts["robot"] = lambda message: refused("down")
    world.put("1", "robot")
    world.step()
    world.now -= 10 * HOUR
    world.verdicts.clear()
    world.step()
    assert world.states() == {"1": "sent: ok"}
