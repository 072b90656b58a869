"""Ways through a graph: what a start leads to, and loops that no caller could leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from appliance.domain.flow.fields import exits_of
from appliance.domain.flow.node import Node
from appliance.domain.flow.nodes import Subflow

if TYPE_CHECKING:
    from appliance.domain.flow.graph import Flow


def reached_from(start: str, nodes: Mapping[str, Node]) -> set[str]:
    """All nodes that a call can come to, with the start."""
    reached: set[str] = set()
    todo = [start]
    while todo:
        at = todo.pop()
        if at not in reached:
            reached.add(at)
            todo += exits_of(nodes[at]).values()
    return reached


def silent_loops(nodes: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """(node, exit) by which a call comes back to the node though the caller was never asked. Lines are no pause:
    where all of them are passed over, ringing them takes no time at all; nor is a queue that nobody serves."""
    onward = {node_id: _unasked(node) for node_id, node in nodes.items()}
    for node_id, exits in onward.items():
        for exit_name, target in exits.items():
            if node_id in _led_to(target, onward):
                yield node_id, exit_name


def _unasked(node: Node) -> dict[str, str]:
    """The exits that are taken without the caller being asked, or made to wait."""
    return {
        exit_name: target
        for exit_name, target in exits_of(node).items()
        if exit_name.partition(".")[0] not in node.PAUSES
    }


def _led_to(start: str, onward: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Nodes that a call comes to without being asked, with the start."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += onward[at].values()
    return seen


def entering_rings(name: str, flows: Mapping[str, Flow]) -> Iterator[str]:
    """Nodes of a flow by which it is entered again from within, by way of others or at once."""
    for node_id, node in flows[name].nodes.items():
        if isinstance(node, Subflow) and name in entered_from(node.flow, flows):
            yield node_id


def entered_from(name: str, flows: Mapping[str, Flow]) -> set[str]:
    """Flows that a flow enters, with itself; those that are not there are left out."""
    entered: set[str] = set()
    todo = [name]
    while todo:
        at = todo.pop()
        if at in flows and at not in entered:
            entered.add(at)
            todo += [node.flow for node in flows[at].nodes.values() if isinstance(node, Subflow)]
    return entered
