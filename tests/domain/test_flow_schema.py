"""The published schema says of fields what the reader of graphs says."""

from __future__ import annotations

import json
import re
from typing import Any

from appliance.domain.flow import TYPES, fields_of
from appliance.domain.flow.kinds import Kind, Whole
from appliance.domain.flow.schema import flow_schema
from tests.domain.test_flow import GOOD_GRAPH
from tests.domain.test_flow_nodes import BAD, FULL, GOOD, HOSTILE, MINIMAL, graph_of


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether a value is as a JSON Schema says; knows the words that ours is written in, and no others."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    types = {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "number": is_number,
        "integer": is_number and value % 1 == 0,
    }
    for word, said in schema.items():
        match word:
            case "$schema" | "$id" | "$defs" | "title" | "description":
                good = True
            case "$ref":
                good = fits(value, root["$defs"][said.removeprefix("#/$defs/")], root)
            case "oneOf":
                good = sum(fits(value, one, root) for one in said) == 1
            case "type":
                good = types[said]
            case "const":
                good = value == said
            case "enum":
                good = value in said
            case "minimum":
                good = not is_number or value >= said
            case "maximum":
                good = not is_number or value <= said
            case "minLength" | "minItems" | "minProperties":
                good = not hasattr(value, "__len__") or len(value) >= said
            case "maxLength" | "maxItems" | "maxProperties":
                good = not hasattr(value, "__len__") or len(value) <= said
            case "uniqueItems":
                good = not isinstance(value, list) or len(set(map(str, value))) == len(value)
            case "pattern":
                good = not isinstance(value, str) or bool(re.search(said.removesuffix("$") + r"\Z", value))
            case "items":
                good = not isinstance(value, list) or all(fits(one, said, root) for one in value)
            case "required":
                good = not isinstance(value, dict) or set(said) <= set(value)
            case "propertyNames":
                good = not isinstance(value, dict) or all(fits(name, said, root) for name in value)
            case "properties":
                good = not isinstance(value, dict) or all(
                    fits(one, said[name], root) for name, one in value.items() if name in said
                )
            case "additionalProperties":
                others = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else set()
                good = all(said and fits(value[name], said, root) for name in others)
            case _:
                raise AssertionError(word)
        if not good:
            return False
    return True


SCHEMA = flow_schema()


def is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False


def test_the_schema_is_json_and_tells_of_every_type() -> None:
    assert is_json(SCHEMA) and set(SCHEMA["$defs"]) == set(TYPES)
    assert all(one["description"] for one in SCHEMA["$defs"].values())


def test_what_parse_takes_the_schema_takes() -> None:
    assert fits(json.loads(json.dumps(GOOD_GRAPH)), SCHEMA, SCHEMA)
    for kind in TYPES:
        for raw in (MINIMAL[kind].raw, {**FULL[kind].raw, "title": "t"}):
            assert fits(graph_of(kind, raw), SCHEMA, SCHEMA), kind
        for one in fields_of(TYPES[kind]):
            for value in filter(is_json, GOOD[type(one.kind)]):
                assert fits(graph_of(kind, {**FULL[kind].raw, one.name: value}), SCHEMA, SCHEMA), (kind, one.name)


#: What JSON calls whole, and Python does not.
PARSE_ALONE: list[tuple[type[Kind], str]] = [(Whole, "1.0")]


def test_what_a_field_refuses_the_schema_refuses() -> None:
    for kind in TYPES:
        assert not fits(graph_of(kind, {**FULL[kind].raw, "colour": 1}), SCHEMA, SCHEMA)
        for one in fields_of(TYPES[kind]):
            for value in filter(is_json, [*HOSTILE, *BAD[type(one.kind)]]):
                made = graph_of(kind, {**FULL[kind].raw, one.name: value})
                known = (type(one.kind), repr(value)) in PARSE_ALONE
                assert fits(made, SCHEMA, SCHEMA) is known, (kind, one.name, value)
