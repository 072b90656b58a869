"""The published schema: a JSON Schema, and what it says of graphs is what the reader of graphs says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from appliance.domain.flow import TYPES, parse
from appliance.domain.flow.schema import flow_schema
from appliance.site import read
from tests.calls.scenarios import FOLDER
from tests.site.texts import DEMO

VALIDATOR = Draft202012Validator(flow_schema())


def graphs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every graph of the scenarios' site and of the demonstration, as it is stored."""
    for text in ((FOLDER / "site.yaml").read_text(encoding="utf-8"), DEMO):
        for part in read.parse(text.encode(), "site.yaml").site.flows:
            yield part.name, part.graph()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(flow_schema())
    assert flow_schema()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    json.dumps(flow_schema(), allow_nan=False)


@pytest.mark.parametrize(("name", "graph"), list(graphs()), ids=lambda one: one if isinstance(one, str) else "")
def test_it_accepts_what_calls_go_through(name: str, graph: dict[str, Any]) -> None:
    assert parse(name, 1, graph)[1] == []
    assert list(VALIDATOR.iter_errors(graph)) == []


#: Each node type at its fullest.
FULL = YAML(typ="safe", pure=True).load("""
start: play
variables: {customer: ""}
layout: {play: [0, -12.5], menu: [1e3, 20]}
nodes:
  play: {type: play, title: 欢迎, prompt: p, next: menu}
  menu: {type: menu, prompt: p, keys: {"1": collect, "*": play, "#": play}, silence: bye, wrong: bye, attempts: 9,
         timeout_s: 1.5, silence_prompt: s, wrong_prompt: w, barge_in: false, dial: true, between_s: 2.5,
         failed: service, after: bye}
  service: {type: service, sign_in: true, record: false, prompt: p, next: bye, failed: menu, attempts: 5,
            timeout_s: 8}
  collect: {type: collect, prompt: p, variable: customer, next: say, silence: bye, wrong: bye, least: 1, most: 30,
            attempts: 1, timeout_s: 60, silence_prompt: "", wrong_prompt: w, secret: true}
  say: {type: say, what: digits, value: "{customer}", next: hours}
  hours: {type: hours, schedule: office, open: region, closed: bye, holiday: bye}
  region: {type: region, cases: {上海: vip, 广东/深圳: bye}, other: bye}
  vip: {type: vip, list: vip, yes: switch, no: bye}
  switch: {type: switch, variable: caller, cases: {138*: set, "": bye}, other: set}
  set: {type: set, variable: kept, value: "", next: ring}
  ring: {type: ring, lines: [a, b], strategy: rotate, fail_over: [busy, no-answer], failed: queue, after: survey}
  queue: {type: queue, queue: q, priority: 99, skill: english, keys: {"0": bye}, full: bye, timeout: bye,
          nobody: bye, after: survey}
  survey: {type: survey, prompt: p, marks: "123*", next: flow, attempts: 9, timeout_s: 1, thanks: t}
  flow: {type: flow, flow: other, next: back}
  back: {type: return}
  bye: {type: hangup, prompt: bye, cause: USER_BUSY}
""")
FULL["nodes"] |= {
    "dial": {
        "type": "dial",
        "prompt": "p",
        "silence": "bye",
        "wrong": "bye",
        "failed": "voicemail",
        "after": "bye",
        "attempts": 2,
        "timeout_s": 4,
        "silence_prompt": "p",
        "wrong_prompt": "p",
    },
    "voicemail": {"type": "voicemail", "prompt": "p", "max_s": 60, "next": "message", "failed": "bye"},
    "message": {"type": "message", "hook": "crm", "text": "{caller}", "to": "{caller}", "next": "lookup"},
    "lookup": {
        "type": "lookup",
        "url": "https://crm.example/c?n={caller}",
        "method": "POST",
        "body": '{"n": "{caller}"}',
        "values": {"level": "customer.level"},
        "timeout_s": 2.5,
        "found": "bye",
        "missing": "bye",
        "failed": "bye",
    },
}
FULL["nodes"]["switch"]["cases"] = {"138*": "set", "139": "bye", "137": "dial"}


def test_every_field_of_every_type_is_accepted() -> None:
    assert {node["type"] for node in FULL["nodes"].values()} == set(TYPES)
    assert parse("full", 1, FULL)[1] == []
    assert list(VALIDATOR.iter_errors(FULL)) == []


_GONE = object()
WRONG: list[tuple[str, Any]] = [
    ("start", _GONE),
    ("start", 5),
    ("nodes", _GONE),
    ("nodes", {}),
    ("nodes", []),
    ("version", 1),
    ("variables", []),
    ("variables.Customer", "x"),
    ("variables.customer", 5),
    ("variables.customer", "x" * 201),
    ("layout", []),
    ("layout.play", [1]),
    ("layout.play", [1, 2, 3]),
    ("layout.play", ["1", 2]),
    ("layout.play", [True, 2]),
    ("nodes.play", "play"),
    ("nodes.play.type", _GONE),
    ("nodes.play.type", "dance"),
    ("nodes.play.prompt", _GONE),
    ("nodes.play.prompt", ""),
    ("nodes.play.prompt", 5),
    ("nodes.play.prompt", "p" * 61),
    ("nodes.play.next", ""),
    ("nodes.play.volume", 11),
    ("nodes.play.title", 5),
    ("nodes.play.title", "x" * 201),
    ("nodes.menu.keys", {}),
    ("nodes.menu.keys", {"12": "bye"}),
    ("nodes.menu.keys", {"A": "bye"}),
    ("nodes.menu.keys", {"1": 5}),
    ("nodes.menu.keys", ["bye"]),
    ("nodes.menu.attempts", 0),
    ("nodes.menu.attempts", 10),
    ("nodes.menu.attempts", 1.5),
    ("nodes.menu.attempts", True),
    ("nodes.menu.attempts", "3"),
    ("nodes.menu.timeout_s", 0.5),
    ("nodes.menu.timeout_s", 61),
    ("nodes.menu.timeout_s", True),
    ("nodes.menu.barge_in", "false"),
    ("nodes.menu.barge_in", 0),
    ("nodes.menu.dial", "yes"),
    ("nodes.menu.between_s", 11),
    ("nodes.service.attempts", 6),
    ("nodes.service.pin", "4711"),
    ("nodes.collect.variable", "Customer"),
    ("nodes.collect.variable", "a-b"),
    ("nodes.collect.most", 31),
    ("nodes.say.what", "poem"),
    ("nodes.say.value", "x" * 201),
    ("nodes.hours.open", _GONE),
    ("nodes.region.cases", {}),
    ("nodes.region.cases", {"": "bye"}),
    ("nodes.region.cases", {"上海": ""}),
    ("nodes.region.cases", {"x" * 61: "bye"}),
    ("nodes.switch.cases", {str(number): "bye" for number in range(51)}),
    ("nodes.switch.other", _GONE),
    ("nodes.set.value", _GONE),
    ("nodes.ring.lines", []),
    ("nodes.ring.lines", "a"),
    ("nodes.ring.lines", ["a", "a"]),
    ("nodes.ring.lines", ["a", 5]),
    ("nodes.ring.strategy", "fastest"),
    ("nodes.ring.fail_over", ["joy"]),
    ("nodes.ring.fail_over", "busy"),
    ("nodes.queue.priority", 100),
    ("nodes.queue.priority", -1),
    ("nodes.survey.marks", ""),
    ("nodes.survey.marks", "112"),
    ("nodes.survey.marks", "12a"),
    ("nodes.back.next", "bye"),
    ("nodes.bye.cause", "BOREDOM"),
]


@pytest.mark.parametrize(("place", "value"), WRONG, ids=[f"{place}={str(value)[:20]}" for place, value in WRONG])
def test_what_is_wrong_is_refused_by_both(place: str, value: Any) -> None:
    graph = copy.deepcopy(FULL)
    *outer, last = place.split(".")
    at = graph
    for step in outer:
        at = at[step]
    if value is _GONE:
        del at[last]
    else:
        at[last] = value
    assert parse("full", 1, graph)[1] != [], "the reader"
    assert not VALIDATOR.is_valid(graph), "the schema"
