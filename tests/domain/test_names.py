"""Names that people give, and graphs that are the same."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.domain.flow import same
from appliance.domain.names import MOST, is_id, is_prompt_name


@pytest.mark.parametrize("name", ["a", "A-1", "sales.east_2", "4008001234", "x" * MOST])
def test_what_may_name_something(name: str) -> None:
    assert is_id(name)


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "a b", "a@1", "a;b", "a=b", "a>b", "a:b", "流程", "a\n", "x" * 41]
)
def test_what_may_not(name: str) -> None:
    assert not is_id(name)


def test_prompts_are_files() -> None:
    assert is_prompt_name("record-notice") and is_prompt_name("p" * 60)
    for name in ("", "Notice", "../notice", "a.wav", "a b", "p" * 61, "a\n"):
        assert not is_prompt_name(name)


BYE: dict[str, Any] = {"type": "hangup", "prompt": "bye"}
SWITCH: dict[str, Any] = {"type": "switch", "variable": "n", "cases": {"1*": "a", "12*": "b"}, "other": "a"}
GRAPH: dict[str, Any] = {"start": "s", "nodes": {"s": SWITCH, "a": BYE, "b": BYE}}


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (GRAPH, True),
        ({"nodes": {"b": BYE, "a": {"prompt": "bye", "type": "hangup"}, "s": SWITCH}, "start": "s"}, True),
        (GRAPH | {"nodes": GRAPH["nodes"] | {"s": SWITCH | {"cases": {"12*": "b", "1*": "a"}}}}, False),
        (GRAPH | {"nodes": GRAPH["nodes"] | {"a": BYE | {"prompt": "x"}}}, False),
        (GRAPH | {"layout": {"s": [1, 2]}}, False),
        ({}, False),
    ],
)
def test_graphs_that_are_the_same(other: dict[str, Any], is_same: bool) -> None:
    assert same(GRAPH, other) is is_same
    assert same(other, GRAPH) is is_same


@pytest.mark.parametrize("graph", [{}, {"nodes": 5}, {"nodes": {"a": 5, "b": {"cases": 5}}}])
def test_drafts_of_any_form_are_compared(graph: dict[str, Any]) -> None:
    assert same(graph, dict(graph))
