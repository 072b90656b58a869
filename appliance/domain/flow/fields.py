"""What is read off any node: its fields, where its exits lead, what it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import NamedTuple

from appliance.domain.flow.kinds import Kind, Section
from appliance.domain.flow.node import Node
from appliance.domain.flow.nodes import TYPES


class FieldOf(NamedTuple):
    """A field of a node type."""

    name: str
    kind: Kind
    required: bool


_FIELDS = {
    node_type: tuple(
        FieldOf(one.name, one.metadata["kind"], one.default is MISSING and one.default_factory is MISSING)
        for one in fields(node_type)
    )
    for node_type in TYPES.values()
}


def fields_of(node_type: type[Node]) -> tuple[FieldOf, ...]:
    """A type's fields in their order."""
    return _FIELDS[node_type]


def exits_of(node: Node) -> Mapping[str, str]:
    """Exit (``next``, ``keys.1``) → node that it leads to; exits left open are not in it."""
    found: dict[str, str] = {}
    for one in fields_of(type(node)):
        for behind, target in one.kind.exits(getattr(node, one.name)).items():
            found[f"{one.name}{behind}"] = target
    return found


def references_of(node: Node) -> Iterator[tuple[str, Section, str]]:
    """(field, section, name) of all that a node refers to."""
    for one in fields_of(type(node)):
        for section, name in one.kind.refers(getattr(node, one.name)):
            yield one.name, section, name


def prompts_of(node: Node) -> tuple[str, ...]:
    """Prompts of a node, those set."""
    return tuple(name for _, section, name in references_of(node) if section is Section.PROMPT)
