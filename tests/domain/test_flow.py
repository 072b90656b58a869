"""Graphs: read whole, or every fault named by node and field."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.domain.flow import HangUp, Menu, Play, Ring, exits_of, parse
from appliance.domain.hunt import Hunt, Strategy
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
    assert flow.nodes["sales"] == Ring(Hunt(("a", "b")), "bye")
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
    assert flow.nodes["sales"] == Ring(Hunt(("a", "b"), Strategy.RING_ALL, frozenset({Disposition.BUSY})), "bye")


@pytest.mark.parametrize(
    ("field", "value"),
    [("strategy", "fastest"), ("strategy", []), ("fail_over", "busy"), ("fail_over", ["full"]), ("fail_over", [1])],
)
def test_a_strategy_that_is_none(field: str, value: object) -> None:
    assert faults(changed("sales", **{field: value})) == {("sales", field)}


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
