"""A flow: a versioned graph in JSON, read whole or with every fault named.

::

    {"start": "welcome",
     "variables": {"customer": ""},
     "nodes": {"welcome": {"type": "menu", "prompt": "welcome", "keys": {"1": "sales", "2": "service"},
                           "silence": "bye", "wrong": "bye"},
               "sales":   {"type": "ring", "lines": ["sales-1", "sales-2"], "failed": "bye"},
               "bye":     {"type": "hangup", "prompt": "bye"}}}

An exit names the node it leads to; exits that may be left open say so. ``layout`` (where the designer draws the
nodes) and a node's ``title`` are for people: calls do not look at them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from appliance.domain.flow.fields import exits_of, fields_of, prompts_of, references_of
from appliance.domain.flow.kinds import VARIABLE, Section
from appliance.domain.flow.node import Node
from appliance.domain.flow.nodes import TYPES, Enqueue, Ring
from appliance.domain.flow.ways import reached_from, silent_loops

#: Variables that every call has.
BUILT_IN = ("caller", "kind", "province", "city", "number", "date", "time", "weekday")
#: Longest title of a node, and longest default of a variable.
_LONGEST = 200
_GRAPH_FIELDS = frozenset({"start", "nodes", "variables", "layout"})


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of a graph. ``label`` (``NAME@VERSION``) is what a call's record says.

    :param variables: those that the graph looks at without setting them, with what they are at first.
    """

    name: str
    version: int
    start: str
    nodes: Mapping[str, Node] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"

    def references(self) -> Iterator[tuple[str, str, Section, str]]:
        """(node, field, section, name) of all that the graph refers to."""
        for node_id, node in self.nodes.items():
            for field_name, section, name in references_of(node):
                yield node_id, field_name, section, name

    def prompts(self) -> Iterator[tuple[str, str]]:
        """(node, prompt) of every prompt that the graph plays."""
        for node_id, node in self.nodes.items():
            for name in prompts_of(node):
                yield node_id, name

    def lines(self) -> Iterator[tuple[str, str]]:
        """(node, line) of every line that the graph rings."""
        for node_id, node in self.nodes.items():
            if isinstance(node, Ring):
                for line in node.lines:
                    yield node_id, line

    def queues(self) -> Iterator[tuple[str, str]]:
        """(node, queue) of every queue that callers wait in."""
        for node_id, node in self.nodes.items():
            if isinstance(node, Enqueue):
                yield node_id, node.queue


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a graph: the node (empty: the graph itself), the field or exit, and in words."""

    node: str
    field: str
    what: str


def parse(name: str, version: int, graph: Mapping[str, Any]) -> tuple[Flow | None, list[Fault]]:
    """Read a graph. Either the flow and no fault, or None and every fault found."""
    faults = [Fault("", unknown, "unknown field") for unknown in sorted(set(map(str, graph)) - _GRAPH_FIELDS)]
    variables = _variables(graph.get("variables", {}), faults)
    _check_layout(graph.get("layout", {}), faults)
    raw_nodes = graph.get("nodes")
    if not isinstance(raw_nodes, Mapping) or not raw_nodes:
        return None, [*faults, Fault("", "nodes", "a graph needs nodes")]
    nodes: dict[str, Node] = {}
    known = {*BUILT_IN, *variables}
    for node_id, raw in raw_nodes.items():
        node = _node(str(node_id), raw, known, faults)
        if node is not None:
            nodes[str(node_id)] = node
    start = graph.get("start")
    if not isinstance(start, str) or start not in raw_nodes:
        faults.append(Fault("", "start", f"no such node: {start}"))
    for node_id, node in nodes.items():
        for exit_name, target in exits_of(node).items():
            if target not in raw_nodes:
                faults.append(Fault(node_id, exit_name, f"no such node: {target}"))
    faults += _unknown_variables(nodes, known)
    if not faults:
        faults += [Fault(*at, "loops without asking the caller") for at in silent_loops(nodes)]
        reached = reached_from(str(start), nodes)
        faults += [Fault(node_id, "", "no exit leads here") for node_id in nodes if node_id not in reached]
    if faults:
        return None, faults
    return Flow(name, version, str(start), nodes, variables), []


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two graphs are the same to calls and to people. The order of fields and nodes does not count, but
    that of cases does: the first that fits is taken.

    >>> same({"nodes": {}, "start": "a"}, {"start": "a", "nodes": {}})
    True
    """
    return one == other and _cases_in_order(one) == _cases_in_order(other)


def _cases_in_order(graph: Mapping[str, Any]) -> dict[str, list[str]]:
    nodes = graph.get("nodes")
    return {
        node_id: list(node["cases"])
        for node_id, node in (nodes if isinstance(nodes, Mapping) else {}).items()
        if isinstance(node, Mapping) and isinstance(node.get("cases"), Mapping)
    }


def _variables(raw: Any, faults: list[Fault]) -> dict[str, str]:
    """Variables that the graph declares."""
    if not isinstance(raw, Mapping):
        faults.append(Fault("", "variables", "must map variables to texts"))
        return {}
    for variable, value in raw.items():
        if not (isinstance(variable, str) and VARIABLE.fullmatch(variable)):
            faults.append(Fault("", f"variables.{variable}", "not a variable's name"))
        elif variable in BUILT_IN:
            faults.append(Fault("", f"variables.{variable}", "every call has this variable"))
        elif not isinstance(value, str) or len(value) > _LONGEST:
            faults.append(Fault("", f"variables.{variable}", f"must be a text of at most {_LONGEST} characters"))
    return {str(variable): str(value) for variable, value in raw.items()}


def _check_layout(raw: Any, faults: list[Fault]) -> None:
    if not isinstance(raw, Mapping) or not all(
        isinstance(at, list | tuple) and len(at) == 2 and all(map(_is_finite, at)) for at in raw.values()
    ):
        faults.append(Fault("", "layout", "must map nodes to two numbers"))


def _is_finite(value: Any) -> bool:
    """Whether a value is a number that JSON can write."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _node(node_id: str, raw: Any, known_variables: set[str], faults: list[Fault]) -> Node | None:
    """Read one node; what is wrong with it goes to ``faults``, the variables that it sets to ``known_variables``,
    even if something else is wrong with it."""
    before = len(faults)
    if not isinstance(raw, Mapping):
        faults.append(Fault(node_id, "", "a node is a mapping with a type"))
        return None
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        faults.append(Fault(node_id, "type", f"unknown type: {kind}"))
        return None
    known = fields_of(TYPES[kind])
    given = {str(key): value for key, value in raw.items() if key not in ("type", "title")}
    title = raw.get("title", "")
    if not isinstance(title, str) or len(title) > _LONGEST:
        faults.append(Fault(node_id, "title", f"must be a text of at most {_LONGEST} characters"))
    faults += [
        Fault(node_id, one.name, "is required") for one in sorted(known) if one.required and one.name not in given
    ]
    faults += [
        Fault(node_id, unknown, "unknown field") for unknown in sorted(set(given) - {one.name for one in known})
    ]
    values = {}
    for one in known:
        if one.name in given:
            problem = one.kind.check(given[one.name])
            if problem:
                faults.append(Fault(node_id, one.name, problem))
            else:
                values[one.name] = one.kind.read(given[one.name])
                known_variables.update(one.kind.sets(values[one.name]))
    if len(faults) > before:
        return None
    node = TYPES[kind](**values)
    faults += [Fault(node_id, field_name, what) for field_name, what in node.contradictions()]
    return node


def _unknown_variables(nodes: Mapping[str, Node], known: Set[str]) -> Iterator[Fault]:
    """Variables that a node looks at and that nobody ever sets: a slip of the pen that no call would show."""
    for node_id, node in nodes.items():
        for one in fields_of(type(node)):
            value = getattr(node, one.name)
            for variable in one.kind.uses(value):
                if variable not in known:
                    yield Fault(node_id, one.name, f"no such variable: {variable}")
            for variable in one.kind.sets(value):
                if variable in BUILT_IN:
                    yield Fault(node_id, one.name, f"every call has this variable: {variable}")
