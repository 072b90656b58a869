"""A walk through a flow without a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.calendar import Standing
from appliance.domain.flow import (
    TYPES,
    Assign,
    Collect,
    Dial,
    Enqueue,
    Flow,
    HangUp,
    Hours,
    Lookup,
    Menu,
    Message,
    Node,
    Play,
    Region,
    Return,
    Ring,
    Say,
    Service,
    Subflow,
    Survey,
    Switch,
    Vip,
    Voicemail,
    exits_of,
    parse,
)
from appliance.domain.flow.branch import Circumstances
from appliance.domain.hunt import Choice, Hunt, Skip
from appliance.domain.places import Place
from appliance.domain.routing import Line
from appliance.domain.walk import Left, Visit, Walk, World, walk

LINE = Line("a", "demo", "02160000001", "t")
RINGS = Choice(((LINE,),), {})
NOBODY = Choice((), {"a": Skip.BUSY})
RING = Ring(("a",))
MENU = Menu("main", {"1": "sales", "2": "news", "*": "menu"}, silence="bye", wrong="lost")
NODES: dict[str, Node] = {
    "menu": MENU,
    "news": Play("news", "menu"),
    "sales": Ring(("a",), failed="sorry"),
    "desk": RING,
    "sorry": Play("sorry", "desk"),
    "bye": HangUp("bye"),
    "lost": HangUp("lost", "USER_BUSY"),
}
FLOW = Flow("main", 1, "menu", NODES)


def by_node(**choices: Choice) -> Callable[[str, Hunt], Choice]:
    """The lines that ring at each node, by its name."""
    return lambda node, hunt: choices[node.partition("/")[2]]


def seen(flow: Flow, keys: list[str], **choices: Choice) -> tuple[list[str], list[tuple[str, ...]], Left]:
    """Names of the nodes, the keys that each took, and the end."""
    found = walk(flow, keys, World(by_node(**choices)))
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
    found = walk(FLOW, ["1"], World(by_node(sales=NOBODY, desk=RINGS)))
    assert found.left is Left.JOINED
    assert found.visits == (
        Visit("menu", MENU, ("1",), exit="keys.1"),
        Visit("sales", NODES["sales"], choice=NOBODY, exit="failed"),
        Visit("sorry", NODES["sorry"], exit="next"),
        Visit("desk", NODES["desk"], choice=RINGS),
    )
    assert found.way == ("menu=keys.1", "sales=failed", "sorry=next", "desk=joined")


def test_without_such_an_exit_the_call_ends() -> None:
    assert seen(FLOW, ["1"], sales=NOBODY, desk=NOBODY)[::2] == (["menu", "sales", "sorry", "desk"], Left.NO_LINE)


def test_the_lines_are_asked_for_by_node_and_hunt() -> None:
    asked = []

    def lines_of(node: str, hunt: Hunt) -> Choice:
        asked.append((node, hunt))
        return NOBODY

    walk(FLOW, ["1"], World(lines_of))
    assert asked == [("main/sales", Hunt(("a",))), ("main/desk", Hunt(("a",)))]


def test_what_goes_round_has_an_end() -> None:
    again = Flow("again", 1, "ring", {"ring": Ring(("a",), failed="say"), "say": Play("busy", "ring")})
    nodes, _, left = seen(again, [], ring=NOBODY)
    assert (nodes, left) == (["ring", "say"] * 50, Left.ENDLESS)
    assert seen(again, [], ring=RINGS)[2] is Left.JOINED


def test_a_caller_who_presses_on_for_ever_is_left_in_the_end() -> None:
    assert seen(FLOW, ["2"] * 1000)[2] is Left.ENDLESS


QUEUE = Enqueue("q", keys={"1": "sales", "*": "wait"}, nobody="sorry", timeout="lost", full="lost")
IN_QUEUE = Flow("q", 1, "wait", {"wait": QUEUE, "sales": RING, "sorry": HangUp("sorry"), "lost": HangUp("lost")})
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
    found = walk(IN_QUEUE, keys, World(by_node(sales=RINGS), lambda node: served))
    assert [visit.node_id for visit in found.visits] == nodes
    assert [visit.keys for visit in found.visits] == taken
    assert found.left is left and found.visits[0].choice == served


def test_a_queue_that_nobody_serves_and_that_leads_nowhere_then() -> None:
    alone = Flow("q", 1, "wait", {"wait": Enqueue("q")})
    assert walk(alone, [], World(served_by=lambda node: GONE)).left is Left.NO_LINE
    assert walk(alone, [], World()).way == ("wait=no-line",), "no queue is known"
    assert walk(alone, ["1"], World(served_by=lambda node: NOBODY)).way == ("wait=queued",)


@pytest.mark.parametrize(
    ("keys", "agrees", "taken", "left"),
    [
        (["9"], True, ("9",), Left.CALLBACK),
        (["5", "", "9", "x", "y"], True, ("5", "", "9", "x"), Left.CALLBACK),
        (["9", "x"], False, ("9", "x"), Left.QUEUED),
        (["9"], False, ("9",), Left.QUEUED),
    ],
)
def test_who_asks_to_be_called_back(keys: list[str], agrees: bool, taken: tuple[str, ...], left: Left) -> None:
    asked: list[tuple[str, str]] = []

    def answers(node: Enqueue, press: Callable[[], str]) -> bool:
        asked.append((node.queue, press()))
        return agrees

    back = World(served_by=lambda node: NOBODY, callback_key=lambda node: "9", agrees=answers)
    found = walk(IN_QUEUE, keys, back)
    assert (found.visits[0].keys, found.left) == (taken, left)
    assert found.way == (f"wait={left}",)
    assert asked == [("q", "x" if "x" in taken else "")]


def test_a_key_of_the_node_goes_before_the_queues_own() -> None:
    back = World(by_node(sales=RINGS), lambda node: NOBODY, callback_key=lambda node: "1", agrees=lambda *_: True)
    assert walk(IN_QUEUE, ["1"], back).way == ("wait=keys.1", "sales=joined")


def test_a_queue_is_asked_for_by_its_node() -> None:
    asked = []

    def served_by(node: Enqueue) -> Choice:
        asked.append(node)
        return NOBODY

    walk(IN_QUEUE, ["*"], World(served_by=served_by))
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


# ---- every node type

#: Nodes of each type, the keys that are pressed there, and the exit that is taken, or how the walk ends there.
THROUGH: dict[str, list[tuple[Node, list[str], str]]] = {
    "play": [(Play("p", "next"), [], "next")],
    "menu": [
        (Menu("p", {"1": "one"}, "silence", "wrong"), ["1"], "keys.1"),
        (Menu("p", {"1": "one"}, "silence", "wrong"), ["", "1"], "keys.1"),
        (Menu("p", {"1": "one"}, "silence", "wrong", 1), ["2"], "wrong"),
        (Menu("p", {"1": "one"}, "silence", "wrong"), ["2"], Left.ASKED),
        (Menu("p", {"1": "one"}, "silence", "wrong", dial=True), ["1"], "keys.1"),
        (Menu("p", {"1": "one"}, "silence", "wrong", dial=True), ["899", "801"], Left.JOINED),
        (Menu("p", {"1": "one"}, "silence", "wrong", dial=True, failed="failed"), ["802"], "failed"),
        (Menu("p", {"1": "one"}, "silence", "wrong", dial=True), ["802"], Left.NO_LINE),
        (Menu("p", {"1": "one"}, "silence", "wrong", 1), ["801"], "wrong"),
    ],
    "collect": [
        (Collect("p", "v", "next", "silence", "wrong"), ["123"], "next"),
        (Collect("p", "v", "next", "silence", "wrong", 4), ["123", "1234"], "next"),
        (Collect("p", "v", "next", "silence", "wrong", 4, attempts=2), ["", "123"], "wrong"),
        (Collect("p", "v", "next", "silence", "wrong", 4, attempts=2), ["123", ""], "silence"),
        (Collect("p", "v", "next", "silence", "wrong"), [], Left.ASKED),
    ],
    "say": [(Say("digits", "next", "{caller}"), [], "next")],
    "hours": [(Hours("office", "open", "closed", "holiday"), [], "closed")],
    "region": [
        (Region({"广东": "one"}, "other"), [], "cases.广东"),
        (Region({"上海": "one"}, "other"), [], "other"),
    ],
    "vip": [(Vip("gold", "yes", "no"), [], "yes"), (Vip("silver", "yes", "no"), [], "no")],
    "switch": [
        (Switch("caller", {"138*": "one"}, "other"), [], "cases.138*"),
        (Switch("gone", {"138*": "one"}, "other"), [], "other"),
    ],
    "set": [(Assign("v", "1", "next"), [], "next")],
    "ring": [
        (Ring(("a",), failed="failed"), [], Left.JOINED),
        # What comes behind the talk is no part of a walk.
        (Ring(("a",), after="after"), [], Left.JOINED),
        (Ring(("b",), failed="failed", after="after"), [], "failed"),
        (Ring(("b",), after="after"), [], Left.NO_LINE),
    ],
    "queue": [
        (Enqueue("served", after="after"), ["1"], Left.JOINED),
        (Enqueue("busy", keys={"1": "one"}, timeout="timeout"), [], Left.QUEUED),
        (Enqueue("busy", keys={"1": "one"}), ["2", "1"], "keys.1"),
        (Enqueue("gone", nobody="nobody", full="full"), [], "nobody"),
        (Enqueue("gone", full="full", timeout="timeout"), [], Left.NO_LINE),
    ],
    "survey": [
        (Survey("p", next="next"), ["5"], "next"),
        (Survey("p", "1", "next"), ["5", ""], "next"),
        (Survey("p", "1", "next"), ["5"], Left.ASKED),
    ],
    "dial": [
        (Dial("p", "silence", "wrong"), ["801"], Left.JOINED),
        (Dial("p", "silence", "wrong"), ["9", "801"], Left.JOINED),
        (Dial("p", "silence", "wrong", attempts=1), ["9"], "wrong"),
        (Dial("p", "silence", "wrong", attempts=1), [""], "silence"),
        (Dial("p", "silence", "wrong", "failed"), ["802"], "failed"),
        (Dial("p", "silence", "wrong"), ["802"], Left.NO_LINE),
        (Dial("p", "silence", "wrong"), ["9"], Left.ASKED),
    ],
    "voicemail": [(Voicemail(next="next"), [], "next")],
    "service": [(Service(next="next", failed="failed"), [], "next")],
    "message": [(Message("h", "{caller}", "next"), [], "next")],
    "lookup": [(Lookup("http://crm/", "one", "failed"), [], "failed")],
    "flow": [(Subflow("inner", "next"), [], "enter"), (Subflow("gone", "next"), [], "next")],
    "return": [(Return(), [], "return")],
    "hangup": [(HangUp("p"), [], Left.HUNG_UP)],
}
ENDS = {
    **{
        name: HangUp(name)
        for name in ("one", "next", "silence", "wrong", "open", "closed", "holiday", "other", "yes")
    },
    **{name: HangUp(name) for name in ("no", "failed", "after", "timeout", "nobody", "full")},
}
INNER = Flow("inner", 4, "back", {"back": Return()})
SEEN = Circumstances({"office": Standing.CLOSED}.get, lambda name: name == "gold", lambda: Place("广东", ("深圳",)))
MET = World(
    lambda node, hunt: RINGS if hunt.lines == ("a",) else NOBODY,
    lambda node: {"served": RINGS, "busy": NOBODY}.get(node.queue, GONE),
    SEEN,
    {"inner": INNER},
    {"caller": "13800138000", "time": "14:05", "date": "2026-11-27"},
    {"801": "a", "802": "b"},
)
CASES = [(kind, *case) for kind, cases in THROUGH.items() for case in cases]


def test_every_node_type_is_known_to_the_walk_and_the_table() -> None:
    """A type that ``_visited`` does not know would be taken for the end of the call."""
    assert set(THROUGH) == set(TYPES)
    for kind, cases in THROUGH.items():
        assert all(type(node) is TYPES[kind] for node, _, _ in cases)
        if kind != "hangup":
            assert Left.HUNG_UP not in {end for _, _, end in cases}


@pytest.mark.parametrize(("kind", "node", "keys", "end"), CASES)
def test_a_node_of_each_type(kind: str, node: Node, keys: list[str], end: str) -> None:
    found = walk(Flow("f", 1, "at", {"at": node, **ENDS}), keys, MET)
    assert found.way[0] == f"at={end}" and found.visits[0].node is node
    assert found.visits[0].keys == (() if kind == "queue" and end == Left.JOINED else tuple(keys))
    if isinstance(end, Left):
        assert found.left is end and len(found.visits) == 1
    elif end == "return":
        assert found.left is Left.HUNG_UP and found.way == ("at=return",), "nothing to return to"
    elif end == "enter":
        assert found.way == ("at=enter", "at>inner@4:back=return", "next=hung-up")
    else:
        assert found.way[1:] == (f"{exits_of(node)[end]}=hung-up",) and found.left is Left.HUNG_UP


def test_a_lookup_takes_the_exit_that_it_is_told() -> None:
    graph = {"at": Lookup("http://crm/", "left", "left"), "left": Voicemail(next="next", failed="failed"), **ENDS}
    told = replace(MET, exits={"at": "found", "left": "failed"})
    assert walk(Flow("f", 1, "at", graph), [], told).way[:2] == ("at=found", "left=failed")


def test_the_lines_of_inner_flows_are_asked_for_by_their_own_flow() -> None:
    asked = []

    def lines_of(node: str, hunt: Hunt) -> Choice:
        asked.append(node)
        return RINGS

    inner = Flow("inner", 4, "desk", {"desk": RING})
    found = walk(Flow("f", 1, "at", {"at": Subflow("inner")}), [], World(lines_of, flows={"inner": inner}))
    assert asked == ["inner/desk"] and found.way == ("at=enter", "at>inner@4:desk=joined")


# ---- flows in flows


def around(deep: int) -> dict[str, Flow]:
    """Flows that enter one another, so many deep."""
    made = {
        f"f{n}": Flow(f"f{n}", 1, "in", {"in": Subflow(f"f{n + 1}", "out"), "out": Return()}) for n in range(deep)
    }
    return {**made, f"f{deep}": Flow(f"f{deep}", 1, "last", {"last": Return()})}


def test_five_deep_and_back() -> None:
    flows = around(5)
    found = walk(flows["f0"], [], World(flows=flows))
    paths = [visit.node_id for visit in found.visits]
    assert paths[5] == "in>f1@1:in>f2@1:in>f3@1:in>f4@1:in>f5@1:last"
    assert [way.rpartition("=")[2] for way in found.way] == ["enter"] * 5 + ["return"] * 6
    assert (paths[6], paths[-1]) == ("in>f1@1:in>f2@1:in>f3@1:in>f4@1:out", "out")
    assert found.left is Left.HUNG_UP


def test_six_deep_is_too_deep() -> None:
    flows = around(6)
    found = walk(flows["f0"], [], World(flows=flows))
    assert "in>f1@1:in>f2@1:in>f3@1:in>f4@1:in>f5@1:in=next" in found.way
    assert not any("f6@1" in way for way in found.way) and found.way[-1] == "out=return"


def test_a_flow_that_enters_itself_comes_to_an_end() -> None:
    itself = Flow("f", 1, "in", {"in": Subflow("f", "out"), "out": Return()})
    found = walk(itself, [], World(flows={"f": itself}))
    assert found.left is Left.HUNG_UP and len(found.visits) == 12


def test_a_missing_flow_without_an_exit_is_the_end() -> None:
    found = walk(Flow("f", 1, "at", {"at": Subflow("gone")}), [], World())
    assert (found.way, found.left) == (("at=next",), Left.HUNG_UP)


def test_a_walk_that_never_began_has_no_way() -> None:
    assert Walk((), Left.HUNG_UP).way == ()


# ---- variables

LOOK: Node = Switch("v", {"1": "one", "2*": "two"}, "other")
LOOKS = {"look": LOOK, "one": HangUp("1"), "two": HangUp("2"), "other": HangUp("3")}


@pytest.mark.parametrize(
    ("nodes", "keys", "declared", "end"),
    [
        ({"at": Collect("p", "v", "look", "other", "other")}, ["1"], "", "one"),
        ({"at": Collect("p", "v", "look", "other", "other")}, ["", "23"], "", "two"),
        # What was no such number is not kept.
        ({"at": Collect("p", "v", "look", "look", "look", least=2, attempts=1)}, ["1"], "", "other"),
        ({"at": Collect("p", "v", "look", "look", "look", least=2, attempts=1)}, ["1"], "22", "two"),
        ({"at": Assign("v", "1", "look")}, [], "2", "one"),
        ({"at": Assign("v", "{v}1", "look")}, [], "2", "two"),
        ({"at": Assign("v", "", "look")}, [], "1", "other"),
        ({"at": Assign("w", "1", "on"), "on": Assign("v", "2{w}", "look")}, [], "", "two"),
        ({"at": Assign("w", "{{v}}", "on"), "on": Assign("v", "{w}", "look")}, [], "1", "other"),
        ({"at": Play("p", "look")}, [], "1", "one"),
    ],
)
def test_a_switch_looks_at_what_was_set(nodes: dict[str, Node], keys: list[str], declared: str, end: str) -> None:
    flow = Flow("f", 1, "at", {**nodes, **LOOKS}, {"v": declared})
    assert walk(flow, keys, World()).way[-1] == f"{end}=hung-up"


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Say("digits", "end", "{caller}-{v}"), "13800138000-7"),
        (Say("time", "end", "{v}"), "7"),
        (Say("digits", "end"), ""),
        # Nothing means now.
        (Say("time", "end"), "14:05"),
        (Say("date", "end"), "2026-11-27"),
        (Assign("v", "{v}8", "end"), "78"),
        (Assign("v", "a\nb", "end"), "a b"),
    ],
)
def test_what_is_said_or_set_is_told(node: Node, said: str) -> None:
    found = walk(Flow("f", 1, "at", {"at": node, "end": HangUp()}, {"v": "7"}), [], MET)
    assert found.visits[0].said == said


def test_now_is_not_said_where_nobody_knows_it() -> None:
    assert walk(Flow("f", 1, "at", {"at": Say("time", "end"), "end": HangUp()}), [], World()).visits[0].said == ""


@pytest.mark.parametrize(
    ("set_outside", "outer", "inner", "end"),
    [
        # As in a call (``calls.going``): what nodes have set goes before what flows declare, the inner before the
        # outer.
        ("2", "1", "1", "two"),
        (None, "1", "2", "two"),
        (None, "2", None, "two"),
        (None, None, "1", "one"),
        ("1", None, None, "one"),
        (None, None, None, "other"),
    ],
)
def test_variables_are_common_to_flows_that_enter_one_another(
    set_outside: str | None, outer: str | None, inner: str | None, end: str
) -> None:
    inside = Flow("inner", 1, "look", LOOKS, {} if inner is None else {"v": inner})
    first: Node = Play("p", "in") if set_outside is None else Assign("v", set_outside, "in")
    nodes = {"at": first, "in": Subflow("inner")}
    outside = Flow("f", 1, "at", nodes, {} if outer is None else {"v": outer})
    assert walk(outside, [], World(flows={"inner": inside})).way[-1] == f"in>inner@1:{end}=hung-up"


def test_what_an_inner_flow_has_set_stays_set() -> None:
    inside = Flow("inner", 1, "at", {"at": Assign("v", "1", "back"), "back": Return()})
    outside = Flow("f", 1, "in", {"in": Subflow("inner", "look"), **LOOKS}, {"v": ""})
    assert walk(outside, [], World(flows={"inner": inside})).way[-1] == "one=hung-up"


# ---- whatever comes

names = st.sampled_from("abcde")
rings = st.builds(Ring, st.just(("a",)), failed=st.one_of(st.just(""), names))
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
    found = walk(flow, keys, World(lambda node, hunt: choice, lambda node: served))
    visits = found.visits
    assert visits[0].node_id == "a" and all(visit.node == flow.nodes[visit.node_id] for visit in visits)
    for one, other in pairwise(visits):
        assert exits_of(one.node)[one.exit] == other.node_id
    assert len(found.way) == len(visits)
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
