"""A walk through a flow without a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.flow import Enqueue, Flow, HangUp, Menu, Node, Play, Ring, exits_of, parse
from appliance.domain.hunt import Choice, Hunt, Skip
from appliance.domain.routing import Line
from appliance.domain.walk import Left, Visit, walk

LINE = Line("a", "demo", "02160000001", "t")
RINGS = Choice(((LINE,),), {})
NOBODY = Choice((), {"a": Skip.BUSY})
HUNT = Hunt(("a",))
MENU = Menu("main", {"1": "sales", "2": "news", "*": "menu"}, silence="bye", wrong="lost")
NODES: dict[str, Node] = {
    "menu": MENU,
    "news": Play("news", "menu"),
    "sales": Ring(HUNT, "sorry"),
    "desk": Ring(HUNT),
    "sorry": Play("sorry", "desk"),
    "bye": HangUp("bye"),
    "lost": HangUp("lost", "USER_BUSY"),
}
FLOW = Flow("main", 1, "menu", NODES)


def by_node(**choices: Choice) -> Callable[[str, Hunt], Choice]:
    """The lines that ring at each node, by its name."""
    return lambda node, hunt: choices[node]


def seen(flow: Flow, keys: list[str], **choices: Choice) -> tuple[list[str], list[tuple[str, ...]], Left]:
    """Names of the nodes, the keys that each took, and the end."""
    found = walk(flow, keys, by_node(**choices))
    return [visit.node_id for visit in found.visits], [visit.keys for visit in found.visits], found.left


@pytest.mark.parametrize(
    ("keys", "nodes", "taken"),
    [
        (["1"], ["menu", "sales"], [("1",), ()]),
        (["9", "1"], ["menu", "sales"], [("9", "1"), ()]),
        (["", "9", "1"], ["menu", "sales"], [("", "9", "1"), ()]),
        (["1", "1", "1"], ["menu", "sales"], [("1",), ()]),
        (["2", "1"], ["menu", "news", "menu", "sales"], [("2",), (), ("1",), ()]),
        (["*", "*", "1"], ["menu", "menu", "menu", "sales"], [("*",), ("*",), ("1",), ()]),
        # Attempts are counted anew each time the menu is come to.
        (
            ["9", "9", "2", "9", "9", "1"],
            ["menu", "news", "menu", "sales"],
            [("9", "9", "2"), (), ("9", "9", "1"), ()],
        ),
    ],
)
def test_keys_lead_to_a_line(keys: list[str], nodes: list[str], taken: list[tuple[str, ...]]) -> None:
    assert seen(FLOW, keys, sales=RINGS) == (nodes, taken, Left.JOINED)


@pytest.mark.parametrize(
    ("keys", "end"),
    [(["", "", ""], "bye"), (["9", "9", "9"], "lost"), (["9", "9", ""], "bye"), (["", "", "12"], "lost")],
)
def test_the_last_miss_decides(keys: list[str], end: str) -> None:
    assert seen(FLOW, keys) == (["menu", end], [tuple(keys), ()], Left.HUNG_UP)


@pytest.mark.parametrize("keys", [[], ["9"], ["", ""], ["2"], ["2", "9", "9"]])
def test_a_menu_without_a_key_left_still_asks(keys: list[str]) -> None:
    nodes, taken, left = seen(FLOW, keys)
    assert left is Left.ASKED and nodes[-1] == "menu"
    assert [key for used in taken for key in used] == keys, "every key was taken"


def test_lines_that_do_not_ring_lead_to_the_exit_for_that() -> None:
    found = walk(FLOW, ["1"], by_node(sales=NOBODY, desk=RINGS))
    assert found.left is Left.JOINED
    assert found.visits == (
        Visit("menu", MENU, ("1",)),
        Visit("sales", NODES["sales"], choice=NOBODY),
        Visit("sorry", NODES["sorry"]),
        Visit("desk", NODES["desk"], choice=RINGS),
    )


def test_without_such_an_exit_the_call_ends() -> None:
    assert seen(FLOW, ["1"], sales=NOBODY, desk=NOBODY)[::2] == (["menu", "sales", "sorry", "desk"], Left.NO_LINE)


def test_the_lines_are_asked_for_by_node_and_hunt() -> None:
    asked = []

    def lines_of(node: str, hunt: Hunt) -> Choice:
        asked.append((node, hunt))
        return NOBODY

    walk(FLOW, ["1"], lines_of)
    assert asked == [("sales", HUNT), ("desk", HUNT)]


def test_what_goes_round_has_an_end() -> None:
    again = Flow("again", 1, "ring", {"ring": Ring(HUNT, "say"), "say": Play("busy", "ring")})
    nodes, _, left = seen(again, [], ring=NOBODY)
    assert (nodes, left) == (["ring", "say"] * 50, Left.ENDLESS)
    assert seen(again, [], ring=RINGS)[2] is Left.JOINED


def test_a_caller_who_presses_on_for_ever_is_left_in_the_end() -> None:
    assert seen(FLOW, ["2"] * 1000)[2] is Left.ENDLESS


QUEUE = Enqueue("q", keys={"1": "sales", "*": "wait"}, nobody="sorry", timeout="lost", full="lost")
IN_QUEUE = Flow(
    "q", 1, "wait", {"wait": QUEUE, "sales": Ring(HUNT), "sorry": HangUp("sorry"), "lost": HangUp("lost")}
)
GONE = Choice((), {"a": Skip.OFF_SCHEDULE, "b": Skip.DAILY_CAP})


@pytest.mark.parametrize(
    ("served", "keys", "nodes", "taken", "left"),
    [
        (RINGS, ["1"], ["wait"], [()], Left.JOINED),
        (NOBODY, [], ["wait"], [()], Left.QUEUED),
        (NOBODY, ["1", "9"], ["wait", "sales"], [("1",), ()], Left.JOINED),
        # A key that leads nowhere does nothing, nor does silence.
        (NOBODY, ["9", "", "1"], ["wait", "sales"], [("9", "", "1"), ()], Left.JOINED),
        (NOBODY, ["9", "", "9"], ["wait"], [("9", "", "9")], Left.QUEUED),
        (NOBODY, ["*", "*", "1"], ["wait", "wait", "wait", "sales"], [("*",), ("*",), ("1",), ()], Left.JOINED),
        (GONE, ["1"], ["wait", "sorry"], [(), ()], Left.HUNG_UP),
        (Choice((), {}), [], ["wait", "sorry"], [(), ()], Left.HUNG_UP),
    ],
)
def test_a_queue(
    served: Choice, keys: list[str], nodes: list[str], taken: list[tuple[str, ...]], left: Left
) -> None:
    found = walk(IN_QUEUE, keys, by_node(sales=RINGS), lambda node: served)
    assert [visit.node_id for visit in found.visits] == nodes
    assert [visit.keys for visit in found.visits] == taken
    assert found.left is left and found.visits[0].choice == served


def test_a_queue_that_nobody_serves_and_that_leads_nowhere_then() -> None:
    alone = Flow("q", 1, "wait", {"wait": Enqueue("q")})
    assert walk(alone, [], by_node(), lambda node: GONE).left is Left.NO_LINE
    assert walk(alone, [], by_node()).left is Left.NO_LINE, "no queue is known"
    assert walk(alone, ["1"], by_node(), lambda node: NOBODY).left is Left.QUEUED


def test_a_queue_is_asked_for_by_its_node() -> None:
    asked = []

    def served_by(node: Enqueue) -> Choice:
        asked.append(node)
        return NOBODY

    walk(IN_QUEUE, ["*"], by_node(), served_by)
    assert asked == [QUEUE, QUEUE]


@pytest.mark.parametrize(
    "nodes",
    [
        {"ring": {"type": "ring", "lines": ["a"], "failed": "ring"}},
        {
            "ring": {"type": "ring", "lines": ["a"], "failed": "other"},
            "other": {"type": "ring", "lines": ["b"], "failed": "ring"},
        },
    ],
)
def test_a_flow_that_may_go_round_without_a_sound_is_refused(nodes: Mapping[str, object]) -> None:
    flow, faults = parse("again", 1, {"start": "ring", "nodes": nodes})
    assert flow is None and faults


names = st.sampled_from("abcde")
rings = st.builds(Ring, st.just(HUNT), st.one_of(st.just(""), names))
menus = st.builds(Menu, st.just("m"), st.dictionaries(st.sampled_from("12"), names, min_size=1), names, names)
queues = st.builds(
    Enqueue,
    st.just("q"),
    keys=st.dictionaries(st.sampled_from("12"), names),
    nobody=st.one_of(st.just(""), names),
    timeout=names,
)
nodes = st.one_of(st.builds(Play, st.just("p"), names), menus, rings, queues, st.builds(HangUp, st.just("h")))
flows = st.tuples(*[nodes] * 5).map(lambda made: Flow("f", 1, "a", dict(zip("abcde", made, strict=True))))


@given(
    flows,
    st.lists(st.sampled_from(["", "1", "2", "9"]), max_size=12),
    st.sampled_from([RINGS, NOBODY]),
    st.sampled_from([RINGS, NOBODY, GONE]),
)
def test_a_walk_goes_by_exits_and_takes_keys_in_their_order(
    flow: Flow, keys: list[str], choice: Choice, served: Choice
) -> None:
    found = walk(flow, keys, lambda node, hunt: choice, lambda node: served)
    visits = found.visits
    assert visits[0].node_id == "a" and all(visit.node == flow.nodes[visit.node_id] for visit in visits)
    for one, other in pairwise(visits):
        assert other.node_id in exits_of(one.node).values()
    taken = [key for visit in visits for key in visit.keys]
    assert taken == keys[: len(taken)]
    assert all(bool(visit.choice) is isinstance(visit.node, Ring | Enqueue) for visit in visits)
    last = visits[-1].node
    rung = choice if isinstance(last, Ring) else served if isinstance(last, Enqueue) else None
    ends = {
        Left.JOINED: rung is RINGS,
        Left.NO_LINE: (isinstance(last, Ring) and choice is NOBODY and not last.failed)
        or (isinstance(last, Enqueue) and served is GONE and not last.nobody),
        Left.QUEUED: isinstance(last, Enqueue) and served is NOBODY and taken == keys,
        Left.HUNG_UP: isinstance(last, HangUp),
        Left.ASKED: isinstance(last, Menu) and taken == keys,
        Left.ENDLESS: len(visits) == 100,
    }
    assert ends[found.left]
