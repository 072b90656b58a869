"""Graphs: read whole, or every fault named by node and field or exit."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.domain import names
from appliance.domain.flow import (
    BUILT_IN,
    TYPES,
    Fault,
    Flow,
    HangUp,
    Menu,
    Play,
    Ring,
    Subflow,
    graph,
    parse,
    same,
)
from appliance.domain.flow.chinese import in_chinese
from appliance.domain.flow.ways import entering_rings
from tests.domain.test_flow_nodes import FULL, Form, graph_of

SILENT = "loops without asking the caller"
UNREACHED = "no exit leads here"
GOOD_GRAPH: dict[str, Any] = {
    "start": "hello",
    "variables": {"customer": "", "tier": "gold"},
    "layout": {"hello": [10, 20.5], "gone": (0, -3)},
    "nodes": {
        "hello": {"type": "play", "prompt": "hello", "next": "ask", "title": "问候"},
        "ask": {
            "type": "menu",
            "prompt": "ask",
            "keys": {"1": "sales", "#": "ask"},
            "silence": "bye",
            "wrong": "bye",
            "wrong_prompt": "wrong-key",
        },
        "sales": {"type": "ring", "lines": ["a", "b"], "failed": "bye"},
        "bye": {"type": "hangup", "prompt": "bye"},
    },
}


def changed(node: str, **fields: Any) -> dict[str, Any]:
    """The graph with other fields of a node."""
    nodes = GOOD_GRAPH["nodes"]
    return {**GOOD_GRAPH, "nodes": {**nodes, node: {**nodes[node], **fields}}}


def faults(raw: Any) -> set[tuple[str, str]]:
    """(node, field) of all that is wrong."""
    flow, found = parse("main", 1, raw)
    assert (flow is None) == bool(found)
    assert all(one.what and in_chinese(one.what) != one.what for one in found), found
    assert len(set(found)) == len(found), "no fault is told twice"
    return {(one.node, one.field) for one in found}


def test_doctests() -> None:
    assert doctest.testmod(graph).failed == doctest.testmod(names).failed == 0


def test_a_good_graph() -> None:
    flow, found = parse("main", 3, GOOD_GRAPH)
    assert found == [] and flow is not None
    assert (flow.name, flow.version, flow.label, flow.start) == ("main", 3, "main@3", "hello")
    assert flow.nodes == {
        "hello": Play("hello", "ask"),
        "ask": Menu("ask", {"1": "sales", "#": "ask"}, "bye", "bye", wrong_prompt="wrong-key"),
        "sales": Ring(("a", "b"), failed="bye"),
        "bye": HangUp("bye"),
    }
    assert flow.variables == {"customer": "", "tier": "gold"}
    assert list(flow.prompts()) == [("hello", "hello"), ("ask", "ask"), ("ask", "wrong-key"), ("bye", "bye")]
    assert list(flow.lines()) == [("sales", "a"), ("sales", "b")] and list(flow.queues()) == []


def test_what_is_for_people_may_be_left_out() -> None:
    flow, _ = parse("main", 3, GOOD_GRAPH)
    assert parse("main", 3, {**GOOD_GRAPH, "layout": {}})[0] == flow
    bare = {"start": "bye", "nodes": {"bye": {"type": "hangup"}}}
    assert parse("main", 1, bare) == (Flow("main", 1, "bye", {"bye": HangUp()}), [])


# ---- the graph itself


#: Names that are no texts, which YAML can make, beside one that is.
STRANGE: dict[Any, Any] = {"Start": "hello", 7: 1, None: 2}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, {("", "nodes")}),
        ({"nodes": {}, "start": "a"}, {("", "nodes")}),
        ({"nodes": [], "start": "a", "extra": 1}, {("", "nodes"), ("", "extra")}),
        ({**GOOD_GRAPH, "nodes": "hello"}, {("", "nodes")}),
        ({**GOOD_GRAPH, "nodes": [{"type": "hangup"}]}, {("", "nodes")}),
        (GOOD_GRAPH | STRANGE, {("", "Start"), ("", "7"), ("", "None")}),
        ({**GOOD_GRAPH, "start": "nowhere"}, {("", "start")}),
        ({**GOOD_GRAPH, "start": ""}, {("", "start")}),
        ({**GOOD_GRAPH, "start": 7}, {("", "start")}),
        ({**GOOD_GRAPH, "start": ["hello"]}, {("", "start")}),
        ({"nodes": GOOD_GRAPH["nodes"]}, {("", "start")}),
        # Everything that is wrong is told at once, wherever it stands.
        (
            {
                "start": "x",
                "nodes": {
                    "a": {"type": "play", "next": "y", "loud": 1},
                    "b": 1,
                    "c": {"type": "flow", "flow": "f", "next": "z"},
                },
                "variables": [],
                "layout": 1,
                "colour": 1,
            },
            {
                *[("", "start"), ("", "variables"), ("", "layout"), ("", "colour")],
                *[("a", "prompt"), ("a", "loud"), ("b", ""), ("c", "next")],
            },
        ),
    ],
)
def test_faults_of_the_graph(raw: dict[Any, Any], expected: set[tuple[str, str]]) -> None:
    assert faults(raw) == expected


@pytest.mark.parametrize("layout", [{}, {"a": [0, 0]}, {"a": (1.5, -2), "b": [1, 2]}, {"a": [10**400, 0]}])
def test_a_good_layout(layout: Any) -> None:
    assert faults({**GOOD_GRAPH, "layout": layout}) == set()


@pytest.mark.parametrize(
    "layout",
    [
        *[[], "", None, 1, {"a": []}, {"a": [1]}, {"a": [1, 2, 3]}, {"a": "12"}, {"a": {"x": 1, "y": 2}}],
        *[{"a": [1, "2"]}, {"a": [1, None]}, {"a": [True, False]}, {"a": [1, 2], "b": 3}],
        # What JSON cannot write would stop a browser that reads the graph.
        *[{"a": [float("nan"), 1]}, {"a": [1, float("-inf")]}],
    ],
)
def test_a_layout_that_is_none(layout: Any) -> None:
    assert faults({**GOOD_GRAPH, "layout": layout}) == {("", "layout")}


@pytest.mark.parametrize(
    ("name", "value", "is_good"),
    [
        *[("v", "", True), ("a" * 30, "x" * 200, True), ("a_1", "张", True)],
        *[("v", "x" * 201, False), ("v", 1, False), ("v", None, False), ("v", ["x"], False), ("v", True, False)],
        *[("V", "", False), ("", "", False), ("1", "", False), ("a" * 31, "", False), ("a-b", "", False)],
        *[("a\n", "", False), (7, "", False), (None, "", False), *[(name, "", False) for name in BUILT_IN]],
    ],
)
def test_variables_that_are_declared(name: Any, value: Any, is_good: bool) -> None:
    raw = {**GOOD_GRAPH, "variables": {"other": "", name: value}}
    assert faults(raw) == (set() if is_good else {("", f"variables.{name}")})


@pytest.mark.parametrize("variables", [None, [], "customer", 1, [["customer", ""]]])
def test_variables_that_are_none(variables: Any) -> None:
    assert faults({**GOOD_GRAPH, "variables": variables}) == {("", "variables")}


# ---- a node among others


NO_NODES: list[Any] = ["text", None, 1, [], ["type"], True]
NO_TYPES: list[Any] = ["fax", "", "Menu", "node", None, 1, ["menu"], {}, True]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        *[(one, {("x", "")}) for one in NO_NODES],
        *[({"type": one}, {("x", "type")}) for one in NO_TYPES],
        *[({}, {("x", "type")}), ({"prompt": "p", "next": "bye"}, {("x", "type")})],
        ({"type": "play"}, {("x", "prompt"), ("x", "next")}),
        ({"type": "play", "prompt": 1, "next": 2, "to": 3}, {("x", "prompt"), ("x", "next"), ("x", "to")}),
        ({"type": "hangup"}, {("x", "")}),
        *[({"type": "hangup", "title": one}, {("x", "title")}) for one in (None, 1, ["t"], "t" * 201)],
    ],
)
def test_faults_of_a_node(node: Any, expected: set[tuple[str, str]]) -> None:
    assert faults({**GOOD_GRAPH, "nodes": {**GOOD_GRAPH["nodes"], "x": node}}) == expected


def test_a_node_that_no_exit_leads_to() -> None:
    nodes = {
        **GOOD_GRAPH["nodes"],
        "lost": {"type": "play", "prompt": "p", "next": "found"},
        "found": {"type": "play", "prompt": "p", "next": "bye"},
        "round": {"type": "menu", "prompt": "p", "keys": {"1": "round"}, "silence": "round", "wrong": "hello"},
    }
    flow, found = parse("main", 1, {**GOOD_GRAPH, "nodes": nodes})
    assert flow is None and found == [Fault(one, "", UNREACHED) for one in ("lost", "found", "round")]


def test_a_node_is_reached_by_any_of_its_exits() -> None:
    for kind, form in FULL.items():
        made = graph_of(kind, form.raw)
        unreached = [one for one in made["nodes"] if one != "at" and one not in form.exits.values()]
        found = parse("main", 1, made)[1]
        assert found == [Fault(one, "", UNREACHED) for one in unreached], kind


# ---- exits


def led(form: Form, exit_name: str, target: str) -> dict[str, Any]:
    """A node with another target behind one of its exits."""
    field_name, _, behind = exit_name.partition(".")
    return {**form.raw, field_name: {**form.raw[field_name], behind: target} if behind else target}


EXITS = [pytest.param(kind, name, id=f"{kind}-{name}") for kind, form in FULL.items() for name in form.exits]


@pytest.mark.parametrize(("kind", "exit_name"), EXITS)
def test_an_exit_that_leads_nowhere(kind: str, exit_name: str) -> None:
    for nowhere in ("nowhere", "AT", " at"):
        found = parse("main", 1, graph_of(kind, led(FULL[kind], exit_name, nowhere)))
        assert found == (None, [Fault("at", exit_name, f"no such node: {nowhere}")])


@pytest.mark.parametrize(("kind", "exit_name"), EXITS)
def test_a_call_goes_round_only_through_exits_behind_a_pause(kind: str, exit_name: str) -> None:
    """Back to the node by a prompt, and at once."""
    form = FULL[kind]
    kept = {target for name, target in form.exits.items() if name != exit_name}
    for target, silent in (("back", [("at", exit_name), ("back", "next")]), ("at", [("at", exit_name)])):
        made = graph_of(kind, led(form, exit_name, target))
        made["nodes"] = {name: one for name, one in made["nodes"].items() if name == "at" or name in kept}
        if target == "back":
            made["nodes"]["back"] = {"type": "play", "prompt": "p", "next": "at"}
        flow, found = parse("main", 1, made)
        assert found == ([] if exit_name in form.pauses else [Fault(*at, SILENT) for at in silent])
        assert (flow is None) == bool(found)


def test_pauses_are_fields_with_exits() -> None:
    for kind, form in FULL.items():
        assert {name.partition(".")[0] for name in form.pauses} == TYPES[kind].PAUSES, kind


def test_a_key_that_leads_to_a_node_without_a_name() -> None:
    assert faults(changed("ask", keys={"1": "", "2": "sales"})) == {("ask", "keys.1")}


def test_every_exit_of_a_silent_loop_is_named_and_no_other() -> None:
    """Two ways round, with a way in and a way out; the menu on the third way is a pause."""
    nodes = {
        "in": {"type": "play", "prompt": "p", "next": "a"},
        "a": {"type": "vip", "list": "gold", "yes": "b", "no": "c"},
        "b": {"type": "hours", "schedule": "s", "open": "out", "closed": "a", "holiday": "ask"},
        "c": {"type": "ring", "lines": ["l"], "failed": "a", "after": "a"},
        "ask": {"type": "menu", "prompt": "p", "keys": {"1": "a"}, "silence": "a", "wrong": "out"},
        "out": {"type": "hangup"},
    }
    loops = {("a", "yes"), ("a", "no"), ("b", "closed"), ("c", "failed")}
    found = parse("main", 1, {"start": "in", "nodes": nodes})[1]
    assert {(one.node, one.field) for one in found} == loops and {one.what for one in found} == {SILENT}


def test_a_loop_of_which_one_node_asks_is_allowed() -> None:
    nodes = {
        **{f"n{n}": {"type": "play", "prompt": "p", "next": f"n{n + 1}"} for n in range(300)},
        "n300": {"type": "survey", "prompt": "p", "next": "n0"},
    }
    assert faults({"start": "n0", "nodes": nodes}) == set()


# ---- variables that nodes look at


def looking(node: dict[str, Any], variable: str, then: dict[str, Any]) -> dict[str, Any]:
    """A graph in which a node looks at a variable (``@``), and another comes after it."""
    first = {name: one.replace("@", variable) if isinstance(one, str) else one for name, one in node.items()}
    nodes = {"x": first, "y": {"next": "end", **then}, "end": {"type": "hangup"}}
    return {"start": "x", "nodes": nodes}


@pytest.mark.parametrize(
    ("node", "field", "variable"),
    [
        ({"type": "switch", "variable": "@", "cases": {"1": "y"}, "other": "y"}, "variable", "card"),
        ({"type": "say", "what": "digits", "value": "<{@}>", "next": "y"}, "value", "card"),
        ({"type": "set", "variable": "other", "value": "{caller}-{@}", "next": "y"}, "value", "card"),
        # A node does not look at what it sets.
        ({"type": "set", "variable": "card_2", "value": "{@}", "next": "y"}, "value", "card"),
        # Names are taken as they are written.
        ({"type": "say", "what": "digits", "value": "{@}", "next": "y"}, "value", "Caller"),
        ({"type": "message", "hook": "h", "text": "{@}", "next": "y"}, "text", "caler"),
        ({"type": "lookup", "url": "http://crm/{@}", "found": "y", "failed": "y"}, "url", "card"),
    ],
)
def test_a_variable_that_nobody_sets(node: dict[str, Any], field: str, variable: str) -> None:
    play = {"type": "play", "prompt": "p"}
    raw = looking(node, variable, play)
    assert parse("main", 1, raw) == (None, [Fault("x", field, f"no such variable: {variable}")])
    for known in BUILT_IN:
        assert faults(looking(node, known, play)) == set()
    assert faults({**raw, "variables": {"card": ""}}) == (set() if variable == "card" else {("x", field)})


def test_a_variable_may_be_set_anywhere() -> None:
    """In a node that is good or not; whether it comes first only a call can tell."""
    say = {"type": "say", "what": "digits", "value": "{@}", "next": "y"}
    collect = {"type": "collect", "prompt": "p", "variable": "card", "silence": "end", "wrong": "end"}
    assert faults(looking(say, "card", {"type": "set", "variable": "card", "value": ""})) == set()
    assert faults(looking(say, "card", collect)) == set()
    assert faults(looking(say, "card", {**collect, "attempts": 0})) == {("y", "attempts")}
    assert faults(looking(say, "card", {**collect, "variable": "Card"})) == {("y", "variable"), ("x", "value")}
    itself = {"type": "set", "variable": "@", "value": "{@}1", "next": "y"}
    assert faults(looking(itself, "card", collect)) == set()


# ---- flows that enter one another


def entering(**others: str) -> dict[str, Flow]:
    """Flows by name, each with a node for every flow that it enters (``a="bc"``)."""
    return {
        name: Flow(name, 1, "n0", {f"n{at}": Subflow(one) for at, one in enumerate(entered)} or {"n0": HangUp()})
        for name, entered in others.items()
    }


@pytest.mark.parametrize(
    ("flows", "name", "nodes"),
    [
        ({"a": ""}, "a", []),
        ({"a": "a"}, "a", ["n0"]),
        ({"a": "b", "b": ""}, "a", []),
        ({"a": "bcb", "b": "a", "c": ""}, "a", ["n0", "n2"]),
        ({"a": "b", "b": "c", "c": "d", "d": "a"}, "c", ["n0"]),
        # It leads into a ring, and is not part of it.
        ({"a": "b", "b": "b"}, "a", []),
        ({"a": "bc", "b": "d", "c": "d", "d": ""}, "a", []),
        ({"a": "z"}, "a", []),
    ],
)
def test_flows_that_are_entered_again_from_within(flows: dict[str, str], name: str, nodes: list[str]) -> None:
    assert list(entering_rings(name, entering(**flows))) == nodes


# ---- the same or not


def cased(*cases: str) -> dict[str, Any]:
    node = {"type": "switch", "variable": "kind", "cases": dict.fromkeys(cases, "end"), "other": "end"}
    return {"start": "at", "nodes": {"at": node, "end": {"type": "hangup"}}}


def test_the_order_of_fields_and_nodes_does_not_count() -> None:
    turned = {
        name: dict(reversed(one.items())) if isinstance(one, dict) else one
        for name, one in reversed(GOOD_GRAPH.items())
    }
    assert list(turned) != list(GOOD_GRAPH) and same(turned, GOOD_GRAPH)
    assert not same(GOOD_GRAPH, {**GOOD_GRAPH, "layout": {}}), "people see it"
    assert not same(GOOD_GRAPH, changed("bye", cause="NO_ANSWER"))


def test_the_order_of_cases_counts() -> None:
    """The first that fits is taken."""
    assert same(cased("13*", "138*"), cased("13*", "138*"))
    assert not same(cased("13*", "138*"), cased("138*", "13*"))


@pytest.mark.parametrize("raw", [{}, {"nodes": 1}, {"nodes": {"at": 1}}, {"nodes": {"at": {"cases": [1]}}}])
def test_drafts_with_faults_can_be_compared(raw: dict[str, Any]) -> None:
    assert same(raw, dict(raw)) and not same(raw, GOOD_GRAPH)


# ---- whatever comes


junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["at", "x", "menu"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers()), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_nothing_makes_reading_crash(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(FULL)))
    raw = dict(FULL[kind].raw)
    for name in data.draw(st.lists(st.sampled_from([*raw, "title", "type", "other"]), unique=True, max_size=3)):
        raw[name] = data.draw(junk)
    made: dict[Any, Any] = graph_of(kind, raw)
    for name in data.draw(
        st.lists(st.sampled_from(["start", "variables", "layout", "nodes", "other"]), max_size=1)
    ):
        made[name] = data.draw(junk)
    flow, found = parse("main", 1, made)
    assert (flow is None) == bool(found)
    assert all(isinstance(one.node, str) and isinstance(one.field, str) and one.what for one in found)


def test_words_that_have_no_chinese_stay() -> None:
    assert in_chinese("something else") == "something else"
    assert in_chinese("no such node: {0} {x}\n") == "没有节点：{0} {x}\n"
