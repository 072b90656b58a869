"""The JSON Schema of a flow, made of the node types: what a designer or another program writes graphs by."""

from __future__ import annotations

from typing import Any

from appliance.domain.flow.fields import fields_of
from appliance.domain.flow.kinds import VARIABLE
from appliance.domain.flow.node import Node
from appliance.domain.flow.nodes import TYPES

_ID = "https://gateway400.invalid/flow.schema.json"


def flow_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a graph. What goes beyond a field (exits that lead nowhere, loops, names that the
    site does not know) only ``parse`` and the site can tell."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _ID,
        "title": "Flow",
        "type": "object",
        "required": ["start", "nodes"],
        "additionalProperties": False,
        "properties": {
            "start": {"type": "string", "minLength": 1},
            "variables": {
                "type": "object",
                "propertyNames": {"pattern": f"^{VARIABLE.pattern}$"},
                "additionalProperties": {"type": "string", "maxLength": 200},
            },
            "layout": {
                "type": "object",
                "additionalProperties": {
                    "type": "array",
                    "items": {"type": "number"},
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
            "nodes": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in TYPES]},
            },
        },
        "$defs": {kind: _node(kind, node_type) for kind, node_type in TYPES.items()},
    }


def _node(kind: str, node_type: type[Node]) -> dict[str, Any]:
    known = fields_of(node_type)
    described = (node_type.__doc__ or "").strip().partition("\n\n")[0]
    return {
        "type": "object",
        "description": " ".join(described.split()),
        "required": ["type", *(one.name for one in known if one.required)],
        "additionalProperties": False,
        "properties": {
            "type": {"const": kind},
            "title": {"type": "string", "maxLength": 200},
            **{one.name: one.kind.schema() for one in known},
        },
    }
