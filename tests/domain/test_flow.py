"""Graphs: read whole, or every fault named by node and field."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.domain.flow import Enqueue, HangUp, Menu, Play, Ring, exits_of, parse, prompts_of
from appliance.domain.hunt import Strategy
from appliance.domain.outcome import Disposition

GOOD: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        "hello": {"type": "play", "prompt": "hello", "next": "ask"},
        "ask": {
            "type": "menu",
            "prompt": "ask",
            "keys": {"1": "sales", "#": "ask"},
            "silence": "bye",
            "wrong": "bye",
            "attempts": 2,
            "timeout_s": 2.5,
            "wrong_prompt": "wrong-key",
        },
        "sales": {"type": "ring", "lines": ["a", "b"], "failed": "bye"},
        "bye": {"type": "hangup", "prompt": "bye", "cause": "NORMAL_CLEARING"},
    },
}


def changed(node: str, **fields: Any) -> dict[str, Any]:
    nodes = dict(GOOD["nodes"])
    nodes[node] = {**nodes[node], **fields}
    return {**GOOD, "nodes": nodes}


def faults(graph: dict[str, Any]) -> set[tuple[str, str]]:
    flow, found = parse("main", 1, graph)
    assert (flow is None) == bool(found)
    return {(fault.node, fault.field) for fault in found}


def test_a_good_graph() -> None:
    flow, found = parse("main", 3, GOOD)
    assert found == []
    assert flow is not None
    assert flow.label == "main@3"
    assert flow.nodes["hello"] == Play("hello", "ask")
    assert flow.nodes["sales"] == Ring(("a", "b"), failed="bye")
    assert flow.nodes["bye"] == HangUp("bye")
    menu = flow.nodes["ask"]
    assert isinstance(menu, Menu)
    assert (menu.attempts, menu.timeout_s, menu.keys["#"]) == (2, 2.5, "ask")
    assert set(flow.prompts()) == {("hello", "hello"), ("ask", "ask"), ("ask", "wrong-key"), ("bye", "bye")}
    assert set(flow.lines()) == {("sales", "a"), ("sales", "b")}
    assert exits_of(menu) == {"keys.1": "sales", "keys.#": "ask", "silence": "bye", "wrong": "bye"}
    assert exits_of(flow.nodes["bye"]) == {}


def test_a_ring_node_with_a_strategy() -> None:
    flow, found = parse("main", 1, changed("sales", strategy="ring-all", fail_over=["busy"]))
    assert found == [] and flow is not None
    assert flow.nodes["sales"] == Ring(("a", "b"), Strategy.RING_ALL, frozenset({Disposition.BUSY}), "bye")


@pytest.mark.parametrize(
    ("field", "value"),
    [("strategy", "fastest"), ("strategy", []), ("fail_over", "busy"), ("fail_over", ["full"]), ("fail_over", [1])],
)
def test_a_strategy_that_is_none(field: str, value: object) -> None:
    assert faults(changed("sales", **{field: value})) == {("sales", field)}


WAITING: dict[str, Any] = {
    "start": "wait",
    "nodes": {
        "wait": {
            "type": "queue",
            "queue": "support",
            "priority": 3,
            "skill": "english",
            "keys": {"*": "bye", "1": "wait"},
            "full": "busy",
            "timeout": "wait",
            "nobody": "bye",
        },
        "busy": {"type": "hangup", "prompt": "busy"},
        "bye": {"type": "hangup"},
    },
}


def waiting(**fields: Any) -> dict[str, Any]:
    """That graph with other fields of its queue; ``None``: without the field."""
    wait = {**WAITING["nodes"]["wait"], **fields}
    wait = {name: value for name, value in wait.items() if value is not None}
    return {**WAITING, "nodes": {**WAITING["nodes"], "wait": wait}}


def test_a_queue_node() -> None:
    flow, found = parse("main", 1, WAITING)
    assert found == [] and flow is not None
    node = Enqueue("support", 3, "english", {"*": "bye", "1": "wait"}, "busy", "wait", "bye")
    assert flow.nodes["wait"] == node
    assert exits_of(node) == {
        "keys.*": "bye",
        "keys.1": "wait",
        "full": "busy",
        "timeout": "wait",
        "nobody": "bye",
    }
    assert list(flow.queues()) == [("wait", "support")]
    assert list(flow.lines()) == [] and prompts_of(node) == ()
    assert list(flow.prompts()) == [("busy", "busy")]


def test_a_queue_node_needs_no_more_than_a_queue() -> None:
    flow, found = parse("main", 1, {"start": "wait", "nodes": {"wait": {"type": "queue", "queue": "q"}}})
    assert found == [] and flow is not None
    assert flow.nodes["wait"] == Enqueue("q") and exits_of(Enqueue("q")) == {}
    good, _ = parse("main", 1, GOOD)
    assert good is not None and list(good.queues()) == []


@pytest.mark.parametrize("priority", [0, 99])
def test_the_least_and_the_greatest_priority(priority: int) -> None:
    assert faults(waiting(priority=priority)) == set()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"queue": None}, "queue"),
        ({"queue": ""}, "queue"),
        ({"queue": ["q"]}, "queue"),
        ({"priority": -1}, "priority"),
        ({"priority": 100}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": "1"}, "priority"),
        ({"priority": 1.5}, "priority"),
        ({"skill": 7}, "skill"),
        ({"keys": {}}, "keys"),
        ({"keys": ["1"]}, "keys"),
        ({"keys": {"12": "bye"}}, "keys"),
        ({"keys": {"1": 2}}, "keys"),
        ({"keys": {"1": "nowhere", "*": "bye"}}, "keys.1"),
        ({"full": 1}, "full"),
        ({"timeout": "nowhere"}, "timeout"),
        ({"nobody": []}, "nobody"),
        ({"failed": "bye"}, "failed"),
        # These take no time.
        ({"nobody": "wait"}, "nobody"),
        ({"full": "wait"}, "full"),
    ],
)
def test_faults_of_a_queue_node(fields: dict[str, Any], field: str) -> None:
    found = faults(waiting(**fields))
    assert ("wait", field) in found
    assert {node for node, _ in found} <= {"wait", "busy", "bye"}


def test_a_queue_is_a_pause_where_he_waits_and_none_where_he_does_not() -> None:
    """Round by timeout or by a key he was there for a while; by full and nobody at once."""
    say = {"type": "play", "prompt": "p", "next": "wait"}
    for exit_name, is_fault in (("timeout", False), ("full", True), ("nobody", True)):
        wait = {"type": "queue", "queue": "q", exit_name: "say"}
        found = faults({"start": "wait", "nodes": {"wait": wait, "say": say}})
        assert found == ({("wait", exit_name), ("say", "next")} if is_fault else set()), exit_name
    by_key = {"type": "queue", "queue": "q", "keys": {"1": "say"}}
    assert faults({"start": "wait", "nodes": {"wait": by_key, "say": say}}) == set()


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({}, {("", "nodes")}),
        ({"nodes": [], "start": "a", "extra": 1}, {("", "nodes"), ("", "extra")}),
        ({**GOOD, "start": "nowhere"}, {("", "start")}),
        ({**GOOD, "start": 7}, {("", "start")}),
        ({**GOOD, "nodes": {**GOOD["nodes"], "x": "text"}}, {("x", "")}),
        ({**GOOD, "nodes": {**GOOD["nodes"], "x": {"type": "fax"}}}, {("x", "type")}),
        ({**GOOD, "nodes": {**GOOD["nodes"], "x": {"type": ["menu"]}}}, {("x", "type")}),
        ({**GOOD, "nodes": {**GOOD["nodes"], "x": {"type": "play"}}}, {("x", "prompt"), ("x", "next")}),
        ({**GOOD, "nodes": {**GOOD["nodes"], "x": {"type": "hangup"}}}, {("x", "")}),  # no exit leads here
        (changed("hello", colour="red"), {("hello", "colour")}),
        (changed("hello", next="nowhere"), {("hello", "next")}),
        (changed("hello", next="hello"), {("hello", "next"), ("ask", ""), ("sales", ""), ("bye", "")}),
        (changed("hello", prompt=3), {("hello", "prompt")}),
        (changed("hello", next=""), {("hello", "next")}),
        (changed("ask", keys={}), {("ask", "keys")}),
        (changed("ask", keys={"12": "sales"}), {("ask", "keys")}),
        (changed("ask", keys={1: "sales"}), {("ask", "keys")}),
        (changed("ask", keys={"1": 5}), {("ask", "keys")}),
        (changed("ask", keys={"1": "nowhere"}), {("ask", "keys.1")}),
        (changed("ask", silence="nowhere"), {("ask", "silence")}),
        (changed("ask", attempts=0), {("ask", "attempts")}),
        (changed("ask", attempts=True), {("ask", "attempts")}),
        (changed("ask", timeout_s=0), {("ask", "timeout_s")}),
        (changed("ask", timeout_s="5"), {("ask", "timeout_s")}),
        (changed("sales", lines=[]), {("sales", "lines")}),
        (changed("sales", lines=["a", "a"]), {("sales", "lines")}),
        (changed("sales", lines="a"), {("sales", "lines")}),
        (changed("bye", cause="system reboot"), {("bye", "cause")}),
    ],
)
def test_faults_are_named(graph: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    if graph.get("nodes", {}) and isinstance(graph["nodes"], dict) and "x" in graph["nodes"]:
        # The node under test must not be the only fault's cause of others: it leads nowhere.
        assert expected <= faults(graph)
    else:
        assert faults(graph) == expected


def test_a_loop_through_a_menu_is_allowed_and_one_through_prompts_is_not() -> None:
    loop = {
        "start": "a",
        "nodes": {
            "a": {"type": "play", "prompt": "p", "next": "b"},
            "b": {"type": "play", "prompt": "p", "next": "a"},
        },
    }
    assert faults(loop) == {("a", "next"), ("b", "next")}
    into_loop = {
        "start": "c",
        "nodes": {**loop["nodes"], "c": {"type": "play", "prompt": "p", "next": "a"}},  # type: ignore[dict-item]
    }
    assert faults(into_loop) == {("a", "next"), ("b", "next")}
