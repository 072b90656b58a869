"""Flows in a site file: what their nodes name is checked, and every field comes through apply and export."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from appliance.domain.flow import Flow as Graph
from appliance.flows.publish import Publisher
from appliance.store.models import Call, Flow, FlowPublication, FlowVersion
from appliance.store.unit import Store
from tests.site.ruled import NOW, exported, found, put, said, table
from tests.site.texts import every_prompt, line_of
from tests.support.databases import sqlite_database

#: Every field of every node type, at a value that is not its default.
SITE = """version: 1
accounts:
  - {id: demo, name: 示范企业}
  - {id: other, name: 别家}
trunks:
  - {id: t, proxy: "127.0.0.1:5090", caller_id: pass}
lines:
  - {id: a, account: demo, number: "02160000001", kind: landline, trunk: t, skills: [english]}
  - {id: b, account: demo, number: "02160000002", kind: landline, trunk: t}
  - {id: theirs, account: other, number: "02160000003", kind: landline, trunk: t}
queues:
  - {id: support, account: demo, lines: [a, b]}
  - {id: foreign, account: other, lines: [theirs]}
schedules:
  - {id: office, account: demo}
  - {id: nights, account: other}
lists:
  - {id: vip, account: demo}
  - {id: shops, account: other}
flows:
  - name: main
    account: demo
    start: play
    variables:
      customer: "true"
      other: ""
    layout:
      play: [0, -12.5]
      menu: [100000.25, 3]
      set: [1e-05, 40]
    nodes:
      play: {type: play, title: 欢迎, prompt: p, next: menu}
      menu:
        type: menu
        prompt: p
        keys: {"1": collect, "*": play, "#": play}
        silence: bye
        wrong: bye
        attempts: 9
        timeout_s: 2.5
        silence_prompt: s
        wrong_prompt: w
        barge_in: false
      collect:
        type: collect
        prompt: p
        variable: number_given
        next: say
        silence: bye
        wrong: bye
        least: 3
        most: 30
        attempts: 1
        timeout_s: 60
        silence_prompt: s
        wrong_prompt: w
        secret: true
      say: {type: say, what: digits, value: "{customer}", next: hours}
      hours:
        type: hours
        schedule: office
        open: region
        closed: bye
        holiday: bye
      region:
        type: region
        cases:
          上海: vip
          广东/深圳: bye
          境外: bye
        other: bye
      vip:
        type: vip
        list: vip
        yes: switch
        no: bye
      switch:
        type: switch
        variable: caller
        cases: {"138*": set, "1380*": bye}
        other: set
      set: {type: set, variable: kept, value: "", next: ring}
      ring:
        type: ring
        lines: [a, b]
        strategy: rotate
        fail_over: [busy, no-answer]
        failed: queue
        after: survey
      queue:
        type: queue
        queue: support
        priority: 99
        skill: english
        keys: {"0": bye}
        full: bye
        timeout: bye
        nobody: bye
        after: survey
      survey: {type: survey, prompt: p, marks: "123*", next: into, attempts: 9, timeout_s: 1.5, thanks: t}
      into:
        type: flow
        flow: helper
        next: back
      back: {type: return}
      bye: {type: hangup, prompt: bye, cause: USER_BUSY}
  - {name: helper, account: demo, start: deeper, nodes: {deeper: {type: flow, flow: deepest}}}
  - {name: deepest, account: demo, start: bye, nodes: {bye: {type: hangup, prompt: bye}}}
  - {name: secret, account: other, start: bye, nodes: {bye: {type: hangup, prompt: bye}}}
numbers:
  - {number: "4008001234", account: demo, flow: main}
"""


def wrote(old: str, new: str) -> str:
    """The site with one part written otherwise; it is there exactly once."""
    assert SITE.count(old) == 1, old
    return SITE.replace(old, new)


def main(store: Store) -> Graph:
    flow = table(store).numbers["4008001234"].flow
    assert flow is not None
    return flow


def stored(store: Store, name: str = "main") -> dict[str, Any]:
    """The newest version of a graph, as it is stored."""
    with store.reading() as session:
        newest = select(FlowVersion).join(Flow, Flow.id == FlowVersion.flow_id).where(Flow.name == name)
        row = session.scalars(newest.order_by(FlowVersion.version.desc())).first()
        assert row is not None
        return row.graph


def history(store: Store, name: str = "main") -> list[tuple[int | None, str, bool]]:
    """(version, by whom, whether it was cancelled), in the order in which they were made."""
    with store.reading() as session:
        rows = select(FlowPublication).join(Flow, Flow.id == FlowPublication.flow_id).where(Flow.name == name)
        return [
            (one.version, one.made_by, one.cancelled_at is not None)
            for one in session.scalars(rows.order_by(FlowPublication.id))
        ]


def test_every_field_comes_through_apply_and_export(store: Store, tmp_path: Path) -> None:
    put(store, SITE)
    graph = stored(store)
    assert graph["variables"] == {"customer": "true", "other": ""}
    assert graph["layout"] == {"play": [0, -12.5], "menu": [100000.25, 3], "set": [1e-05, 40]}
    menu, collect = graph["nodes"]["menu"], graph["nodes"]["collect"]
    assert (menu["attempts"], menu["timeout_s"], menu["barge_in"]) == (9, 2.5, False)
    assert (collect["timeout_s"], collect["secret"]) == (60, True)
    assert all(isinstance(value, int) for value in (menu["attempts"], collect["timeout_s"], collect["most"]))
    assert list(graph["nodes"]["switch"]["cases"]) == ["138*", "1380*"], "the first that fits is taken"
    assert main(store).variables == {"customer": "true", "other": ""}
    text = exported(store)
    assert not put(store, SITE).changed and not put(store, text, prune=True).changed
    other = sqlite_database(tmp_path / "other.db")
    with Store(other) as second:
        put(second, text)
        assert stored(second) == graph and table(second).flows == table(store).flows
        assert exported(second) == text


NUMBERS = [0, -1, 99999, 123456, 1234567890123, 0.1 + 0.2, -1e-07, 123456789.125, 1e21, 12.0, 100000.0]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_graph_of_a_designer_comes_through_export_and_apply(store: Store) -> None:
    """It has numbers that nobody would write into a file, and words that mean something to YAML."""
    put(store, SITE)
    graph = {
        "start": "m",
        "variables": {"yes": "no", "n": "1.50", "day": "2026-11-25", "null": "null", "e": "", "zero": "007"},
        "layout": {f"at-{at}": [number, 1] for at, number in enumerate(NUMBERS)},
        "nodes": {
            "m": {
                "type": "menu",
                "title": "a: b #c 😀 'x' \"y\"",
                "prompt": "p",
                "keys": {"1": "s"},
                "silence": "s",
                "wrong": "s",
                "timeout_s": 3.0000000000000004,
            },
            "s": {"type": "set", "variable": "told", "value": "true", "next": "t"},
            "t": {"type": "switch", "variable": "n", "cases": {"1e3": "y", "no": "y", "~": "y"}, "other": "y"},
            "y": {"type": "hangup"},
        },
    }
    publisher = Publisher(store, "demo", every_prompt, "wang", NOW)
    publisher.save("main", graph)
    assert publisher.publish("main") == 2
    assert not put(store, exported(store), prune=True).changed
    assert stored(store) == graph


SAME = [
    ("attempts: 9\n        timeout_s: 2.5", 'timeout_s: "2.50"\n        attempts: "09"'),
    ("barge_in: false", 'barge_in: "false"'),
    ("secret: true", "secret: True"),
    ("menu: [100000.25, 3]", 'menu: ["100000.250", 3.0]'),
    ("      other: bye\n      vip:", '      "other": bye\n      vip:'),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new"), SAME, ids=[new.strip() for _, new in SAME])
def test_another_spelling_of_the_same_is_no_change(store: Store, old: str, new: str) -> None:
    put(store, SITE)
    assert not put(store, wrote(old, new)).changed


CHANGED = [
    ("timeout_s: 2.5", "timeout_s: 2.6"),
    ("barge_in: false", "barge_in: true"),
    ('cases: {"138*": set, "1380*": bye}', 'cases: {"1380*": bye, "138*": set}'),
    ('customer: "true"', 'customer: "false"'),
    ("play: [0, -12.5]", "play: [0, -12.6]"),
    ("title: 欢迎", "title: 你好"),
    ("strategy: rotate", "strategy: order"),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new"), CHANGED, ids=[new for _, new in CHANGED])
def test_a_graph_that_differs_is_the_next_version(store: Store, old: str, new: str) -> None:
    put(store, SITE)
    assert said(put(store, wrote(old, new))) == {"published flow demo/main (version 2)"}
    assert not put(store, wrote(old, new)).changed
    assert main(store).version == 2


NODES = "flows[0].nodes"
WRONG = [
    ("lines: [a, b]\n        strategy", "lines: [a, theirs]\n        strategy", "ring.lines", "line-of-another"),
    ("lines: [a, b]\n        strategy", "lines: [a, none]\n        strategy", "ring.lines", "unknown-line"),
    ("        queue: support\n", "        queue: foreign\n", "queue.queue", "queue-of-another"),
    ("        queue: support\n", "        queue: none\n", "queue.queue", "unknown-queue"),
    ("skill: english\n", "skill: french\n", "queue.skill", "queue-without-skill"),
    ("schedule: office", "schedule: nights", "hours.schedule", "schedule-of-another"),
    ("schedule: office", "schedule: none", "hours.schedule", "unknown-schedule"),
    ("        list: vip", "        list: shops", "vip.list", "list-of-another"),
    ("        list: vip", "        list: none", "vip.list", "unknown-list"),
    ("        flow: helper", "        flow: secret", "into.flow", "unknown-flow"),
    ("        flow: helper", "        flow: none", "into.flow", "unknown-flow"),
    ("        flow: helper", "        flow: main", "into.flow", "flow-ring"),
    ("          上海: vip", "          月球: vip", "region.cases.月球", "unknown-place"),
    ("          广东/深圳: bye", "          上海/深圳: bye", "region.cases.上海/深圳", "unknown-place"),
    ("silence_prompt: s\n        wrong_prompt: w\n        barge_in", "silence_prompt: ../s\n        barge_in",
     "menu.silence_prompt", "not-a-prompt-name"),
    ("attempts: 9\n", "attempts: 10\n", "menu.attempts", "flow"),
    ("attempts: 9\n", "attempts: [9]\n", "menu.attempts", "flow"),
    ("timeout_s: 2.5", "timeout_s: soon", "menu.timeout_s", "flow"),
    ("barge_in: false", "barge_in: [false]", "menu.barge_in", "flow"),
    ("barge_in: false", "barge_in: {a: b}", "menu.barge_in", "flow"),
    ("barge_in: false", "barge_in: 0", "menu.barge_in", "flow"),
    ("barge_in: false", "barge_in:", "menu.barge_in", "flow"),
    ("variable: caller", "variable: nobody", "switch.variable", "flow"),
    ("variable: number_given", "variable: caller", "collect.variable", "flow"),
    ("least: 3", "least: 31", "collect.least", "flow"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "place", "code"), WRONG, ids=[f"{place}-{code}-{new.strip()}" for _, new, place, code in WRONG]
)
def test_what_a_node_has_wrong_is_one_finding_in_both_languages(old: str, new: str, place: str, code: str) -> None:
    text = wrote(old, new)
    (item,) = found(text)
    assert item.code == code
    assert item.text().startswith(f"site.yaml:{item.line}: {NODES}.{place}: ")
    # The finding names the line of the field, or of the part around it.
    begin = SITE[: SITE.index(old)].count("\n") + 1
    assert begin <= item.line <= begin + new.count("\n")
    assert item.what("zh") != item.what("en") and not item.what("zh").isascii()


GRAPH = [
    ('      customer: "true"\n', '      Customer: "true"\n', "variables.Customer", "not a variable's name"),
    ('      customer: "true"\n', '      caller: "true"\n', "variables.caller", "every call has this variable"),
    ("      play: [0, -12.5]\n", "      play: [0]\n", "layout", "must map nodes to two numbers"),
    ("      play: [0, -12.5]\n", "      play: [0, left]\n", "layout", "must map nodes to two numbers"),
    ("    start: play\n", "    start: nowhere\n", "start", "no such node: nowhere"),
]


@pytest.mark.parametrize(("old", "new", "place", "what"), GRAPH, ids=[new.strip() for _, new, _, _ in GRAPH])
def test_what_the_graph_itself_has_wrong(old: str, new: str, place: str, what: str) -> None:
    faults = {item.text().partition(": ")[2]: item.what("zh") for item in found(wrote(old, new))}
    assert f"flows[0].{place}: {what}" in faults
    assert not faults[f"flows[0].{place}: {what}"].isascii()


def test_flows_that_enter_each_other_are_found_at_each_of_them() -> None:
    text = wrote("nodes: {bye: {type: hangup, prompt: bye}}}\n  - {name: secret", (
        "nodes: {bye: {type: flow, flow: helper}}}\n  - {name: secret"
    ))  # fmt: skip
    assert [item.text() for item in found(text)] == [
        f"site.yaml:{line_of(text, mark)}: flows[{at}].nodes.{node}.flow:"
        f" the flow {name} would be entered again from within itself"
        for at, name, node, mark in (
            (1, "helper", "deeper", "{name: helper"),
            (2, "deepest", "bye", "{name: deepest"),
        )
    ]


def test_a_flow_of_another_account_by_the_same_name_makes_no_ring() -> None:
    text = SITE.replace("{name: secret, account: other, start: bye, nodes: {bye: {type: hangup, prompt: bye}}}",
                        "{name: deepest, account: other, start: in, nodes: {in: {type: flow, flow: helper}}}\n"
                        "  - {name: helper, account: other, start: bye, nodes: {bye: {type: hangup}}}")  # fmt: skip
    assert found(text) == []


def scheduled(store: Store, name: str, prompt: str, at: timedelta) -> None:
    """A draft that is to be published later."""
    publisher = Publisher(store, "demo", every_prompt, "wang", NOW)
    publisher.save(name, {"start": "bye", "nodes": {"bye": {"type": "hangup", "prompt": prompt}}})
    publisher.publish(name, at=NOW + at)


HOUR = timedelta(hours=1)


def test_a_graph_that_differs_cancels_what_was_to_come(store: Store) -> None:
    put(store, SITE)
    scheduled(store, "main", "one", HOUR)
    scheduled(store, "main", "two", 2 * HOUR)
    scheduled(store, "helper", "three", HOUR)
    assert not put(store, SITE).changed, "the graph is what calls take"
    assert history(store)[1:] == [(2, "wang", False), (3, "wang", False)]
    report = put(store, wrote("timeout_s: 2.5", "timeout_s: 4"))
    assert said(report) == {"published flow demo/main (version 4; 2 later publications cancelled)"}
    assert history(store) == [
        (1, "site-file", False),
        (2, "wang", True),
        (3, "wang", True),
        (4, "site-file", False),
    ]
    assert history(store, "helper")[1:] == [(2, "wang", False)], "another flow's stay"


def went_through(store: Store, flow: str) -> None:
    with store.work() as session:
        session.add(
            Call(uuid=flow, account_id="demo", flow=f"{flow}@1", started_at=NOW, ended_at=NOW, collected_at=NOW)
        )
        session.commit()


def test_a_flow_that_goes_takes_what_was_to_come_with_it(store: Store) -> None:
    """Whether it is published at the moment or not; what calls went through stays."""
    put(store, SITE)
    extra = "flows:\n  - {name: spare, account: demo, start: bye, nodes: {bye: {type: hangup, prompt: bye}}}\n"
    put(store, wrote("flows:\n", extra))
    went_through(store, "spare")
    scheduled(store, "spare", "one", HOUR)
    with store.work() as session:
        row = session.scalars(select(Flow).where(Flow.name == "spare")).one()
        session.add(FlowPublication(flow_id=row.id, version=None, at=NOW, made_at=NOW))
        session.commit()
    report = put(store, SITE, prune=True)
    assert report.changed
    assert history(store, "spare") == [(1, "site-file", False), (2, "wang", True), (None, "", False)]
    assert not put(store, SITE, prune=True).changed


def test_a_flow_that_no_call_went_through_goes_with_all_of_it(store: Store) -> None:
    put(store, SITE)
    publisher = Publisher(store, "demo", every_prompt, "wang", NOW)
    publisher.save("sketch", {"start": "nothing", "nodes": {}})
    scheduled(store, "later", "one", HOUR)
    assert not put(store, SITE).changed
    assert said(put(store, SITE, prune=True)) == {"removed flow demo/sketch", "removed flow demo/later"}
    with store.reading() as session:
        assert {row.name for row in session.scalars(select(Flow))} == {"main", "helper", "deepest", "secret"}
        assert len(session.scalars(select(FlowPublication)).all()) == 4
