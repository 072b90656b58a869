"""Where a call stands in its flow, and in the flows that it was entered from.

A place is written as a path, ``help@2:ask`` for a node of the second version of ``help`` that the call's own flow
entered, behind the nodes that it was entered by: ``support>help@2:ask``. So handlers that take a call over from
dead ones go on where it stood, in the versions that it went by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.domain.flow.fields import exits_of
from appliance.domain.flow.graph import Flow
from appliance.domain.flow.node import Node
from appliance.domain.flow.nodes import Subflow

#: Flows that enter one another deeper than this go round.
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Course:
    """A call's place: the flow, the node in it, and the places to return to, the outermost first.

    :param flows: the account's flows by name, those that may be entered.
    """

    flow: Flow
    at: str
    flows: Mapping[str, Flow]
    outer: tuple[tuple[Flow, str], ...] = ()

    @classmethod
    def begin(cls, flow: Flow, flows: Mapping[str, Flow]) -> Course:
        """At the start of a flow."""
        return cls(flow, flow.start, flows)

    @property
    def node(self) -> Node:
        """The node."""
        return self.flow.nodes[self.at]

    @property
    def root(self) -> Flow:
        """The call's own flow."""
        return self.outer[0][0] if self.outer else self.flow

    @property
    def path(self) -> str:
        """The place in words; of a node of the call's own flow its name alone."""
        if not self.outer:
            return self.at
        places = [self.outer[0][1], *(f"{flow.label}:{at}" for flow, at in self.outer[1:])]
        return ">".join([*places, f"{self.flow.label}:{self.at}"])

    @property
    def hunt_name(self) -> str:
        """By which the turns of a node's lines are remembered, whatever way led there."""
        return f"{self.flow.name}/{self.at}"

    @property
    def can_enter(self) -> bool:
        """Whether the node enters a flow that is there, and not too deep."""
        node = self.node
        return isinstance(node, Subflow) and node.flow in self.flows and len(self.outer) < DEEPEST

    def leave(self, exit_name: str) -> Course | None:
        """Where an exit leads to; None: nowhere, the call ends.

        ``enter`` leads into the flow that the node names, ``return`` out of this one.
        """
        if exit_name == "enter":
            node = self.node
            assert isinstance(node, Subflow)  # noqa: S101 - no other is left so
            inner = self.flows[node.flow]
            return Course(inner, inner.start, self.flows, (*self.outer, (self.flow, self.at)))
        if exit_name == "return":
            if not self.outer:
                return None
            flow, at = self.outer[-1]
            return Course(flow, at, self.flows, self.outer[:-1]).leave("next")
        target = exits_of(self.node).get(exit_name, "")
        return Course(self.flow, target, self.flows, self.outer) if target else None


def resumed(
    label: str, path: str, flows: Mapping[str, Flow], version: Callable[[str], Flow | None]
) -> Course | None:
    """A place from its flow's label and its path; None: it is not there any more, or the texts say no place.

    :param version: a flow's version by its label.
    """
    first, *deeper = path.split(">", DEEPEST + 1)
    labels = [label, *(part.rpartition(":")[0] for part in deeper)]
    nodes = [first, *(part.rpartition(":")[2] for part in deeper)]
    found = [version(one) for one in labels]
    places = [(flow, at) for flow, at in zip(found, nodes, strict=True) if flow is not None and at in flow.nodes]
    if len(places) < len(nodes) or len(places) > DEEPEST + 1:
        return None
    *outer, (flow, at) = places
    if not all(isinstance(entering.nodes[by], Subflow) for entering, by in outer):
        return None
    return Course(flow, at, flows, tuple(outer))
