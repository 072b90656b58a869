"""Every field of a site file and of a flow's nodes is in the documents, under its own heading."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

from appliance.domain import flow
from appliance.site.schema import SiteFile

DOCS = Path(__file__).resolve().parents[2] / "docs"


def sections(file: str) -> dict[str, set[str]]:
    """Heading → the fields that its table names."""
    made: dict[str, set[str]] = {}
    for part in re.split(r"^## ", (DOCS / file).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        made[part.splitlines()[0].strip()] = set(re.findall(r"^\| `([a-z_]+)` \|", part, flags=re.MULTILINE))
    return made


def parts() -> dict[str, type[BaseModel]]:
    """Heading → model: the file itself, and every model that a field of it leads to."""
    found: dict[str, type[BaseModel]] = {"site": SiteFile}
    todo: list[type[BaseModel]] = [SiteFile]
    while todo:
        for name, field in todo.pop().model_fields.items():
            for model in models(field.annotation):
                if name not in found:
                    found[name] = model
                    todo.append(model)
    return found


def models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in models(inner)]


def test_all_parts_are_walked() -> None:
    assert set(parts()) == {
        "site",
        "accounts",
        "operators",
        "trunks",
        "lines",
        "queues",
        "callback",
        "hooks",
        "numbers",
        "subscriptions",
        "flows",
        "plans",
        "prices",
        "costs",
        "schedules",
        "lists",
        "rules",
        "caller_limit",
        "refusals",
        "registration",
        "talk_keys",
        "billing",
        "credit",
    }


@pytest.mark.parametrize("name", sorted(parts()))
def test_every_field_is_documented_and_no_other(name: str) -> None:
    assert sections("site.md").get(name) == set(parts()[name].model_fields)


def test_every_node_is_documented() -> None:
    documented = sections("flow.md")
    assert {kind: documented.get(kind) for kind in flow.TYPES} == {
        kind: {one.name for one in flow.fields_of(node_type)} for kind, node_type in flow.TYPES.items()
    }


def test_every_cause_is_documented() -> None:
    text = (DOCS / "flow.md").read_text(encoding="utf-8")
    assert all(f"`{cause}`" in text for cause in flow.CAUSES)
