"""A flow of a site file. The reader keeps every word as text: numbers and flags are made of those that are some."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from appliance.domain.flow.fields import fields_of
from appliance.domain.flow.kinds import Flag as FlagKind
from appliance.domain.flow.kinds import Seconds, Whole
from appliance.domain.flow.nodes import TYPES
from appliance.site.part import Part
from appliance.site.values import Id


class FlowPart(Part):
    """An IVR graph; its nodes are read by ``domain.flow`` (``docs/flow.md``)."""

    name: Id
    account: Id
    start: Id
    nodes: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    variables: dict[str, str] = {}
    layout: dict[str, list[Any]] = {}

    def graph(self) -> dict[str, Any]:
        """The graph as it is stored."""
        made: dict[str, Any] = {
            "start": self.start,
            "nodes": {name: _typed(node) for name, node in self.nodes.items()},
        }
        if self.variables:
            made["variables"] = dict(self.variables)
        if self.layout:
            made["layout"] = {name: [_number(one) for one in at] for name, at in self.layout.items()}
        return made


def _typed(node: dict[str, Any]) -> dict[str, Any]:
    """A node whose numbers are numbers, and flags are flags: the reader keeps every word as text."""
    made = dict(node)
    kind = made.get("type")
    for one in fields_of(TYPES[kind]) if isinstance(kind, str) and kind in TYPES else ():
        if one.name in made:
            match one.kind:
                case Whole() | Seconds():
                    made[one.name] = _number(made[one.name])
                case FlagKind():
                    made[one.name] = _flag(made[one.name])
    return made


def _flag(text: Any) -> Any:
    """``true`` or ``false`` that was written in quotes; anything else stays as it is."""
    return text == "true" if text in ("true", "false") else text


def _number(text: Any) -> Any:
    """A number that was written as one, or as an export writes it (``1e-05``); anything else stays as it is."""
    if isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,20})?(e[+-][0-9]{1,3})?", text, re.ASCII):
        return int(text) if text.removeprefix("-").isdecimal() else float(text)
    return text
