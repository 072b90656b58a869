"""A table of cases, read and walked through a graph that is not published."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow import Flow, parse
from appliance.errors import FlowError
from appliance.reference.workdays import day_kind
from appliance.simulate.trial import Case, Trial, read_table
from appliance.store.journal import Journal


def flow(nodes: dict[str, Any], name: str = "draft", start: str = "", **more: Any) -> Flow:
    """A graph as a flow; it begins at its first node."""
    made, faults = parse(name, 0, {"start": start or next(iter(nodes)), "nodes": nodes, **more})
    assert made is not None, faults
    return made


def trial(session: Session, account: str = "demo") -> Trial:
    return Trial(session, Journal(Path("/nowhere/journal.db"), reads_only=True), day_kind, account)


def ways(session: Session, graph: Flow, *lines: str) -> list[str]:
    """The ways of cases, without what is expected."""
    return [one.way for one in trial(session).run(graph, read_table("\n".join(lines)))]


def test_a_table_is_read() -> None:
    text = """
# when             | caller      | keys  | busy | way
2026-11-27 10:00   | 13800138000 | 1 - * |      | menu=keys.1   sales=joined

  # a remark
2026-10-01 10:00:30|02161234567  |       | a b
2026-10-01 00:00|
"""

    def at(*when: int) -> datetime:
        return datetime(*when, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]

    assert read_table(text) == [
        Case(3, at(2026, 11, 27, 10), "13800138000", ("1", "", "*"), (), "menu=keys.1 sales=joined"),
        Case(6, at(2026, 10, 1, 10, 0, 30), "02161234567", (), ("a", "b")),
        Case(7, at(2026, 10, 1), ""),
    ]
    assert read_table("") == read_table("# nothing\n\n") == []
    assert read_table("2026-11-27 10:00 | 1\r\n# x\r\n2026-11-27 10:01 | 2\r\n") == [
        Case(1, at(2026, 11, 27, 10), "1"),
        Case(3, at(2026, 11, 27, 10, 1), "2"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-11-27 10:00", "columns"),
        ("2026-11-27 10:00 | 1 | 1 | a | way | more", "columns"),
        ("tomorrow | 13800138000", "not a time (YYYY-MM-DD HH:MM, 2000 to 2099): tomorrow"),
        ("2026-11-31 10:00 | 13800138000", "not a time"),
        ("2026-11-27 | 13800138000", "not a time"),
        ("2026-11-27 25:00 | 13800138000", "not a time"),
        ("0001-01-01 00:00 | 13800138000", "not a time"),
        ("9999-12-31 23:59 | 13800138000", "not a time"),
        (" | 13800138000", "not a time"),
    ],
)
def test_a_line_that_is_no_case_is_named(line: str, told: str) -> None:
    with pytest.raises(FlowError) as refused:
        read_table(f"2026-11-27 10:00 | 1\n# x\n{line}\n")
    (finding,) = refused.value.findings
    assert finding.startswith("line 3: ") and told in finding


def test_every_line_that_is_wrong_is_named() -> None:
    with pytest.raises(FlowError) as refused:
        read_table("a | b\n2026-11-27 10:00 | 1\nc\n")
    assert [finding.partition(":")[0] for finding in refused.value.findings] == ["line 1", "line 3"]


def test_a_way_is_right_when_it_is_as_expected_or_only_shown(session: Session) -> None:
    graph = flow({"ring": {"type": "ring", "lines": ["a", "b"]}})
    table = """
2026-11-27 10:00 | 13800138000 | |     | ring=joined
2026-11-27 10:00 | 13800138000 | |     | ring=no-line
2026-11-27 10:00 | 13800138000 | | a b | ring=no-line
2026-11-27 10:00 | 13800138000 | | a b | ring
2026-11-27 10:00 | 13800138000 | |     |
"""
    tried = list(trial(session).run(graph, read_table(table)))
    assert [(one.case.line, one.is_right) for one in tried] == [
        (2, True),
        (3, False),
        (4, True),
        (5, False),
        (6, True),
    ]
    assert [one.way for one in tried] == ["ring=joined"] * 2 + ["ring=no-line"] * 2 + ["ring=joined"]
    assert [[line.id for line in lines] for lines in tried[0].walk.visits[0].choice.rounds] == [["a"], ["b"]]  # type: ignore[union-attr]


BYE: dict[str, Any] = {"type": "hangup", "prompt": "bye"}
AT, CALLER = "2026-11-25 10:00", "13800138000"
#: A graph, then cases: (when, caller, keys, busy) → the way.
TABLE: list[tuple[dict[str, Any], Sequence[tuple[str, str, str, str, str]]]] = [
    (
        {
            "menu": {
                "type": "menu",
                "prompt": "m",
                "keys": {"1": "menu", "2": "bye"},
                "silence": "bye",
                "wrong": "bye",
            },
            "bye": BYE,
        },
        [
            (AT, CALLER, "2", "", "menu=keys.2 bye=hung-up"),
            (AT, CALLER, "1 9 - 2", "", "menu=keys.1 menu=keys.2 bye=hung-up"),
            (AT, CALLER, "- - -", "", "menu=silence bye=hung-up"),
            (AT, CALLER, "- - 9", "", "menu=wrong bye=hung-up"),
            (AT, CALLER, "- -", "", "menu=asked"),
        ],
    ),
    (
        {
            "hours": {"type": "hours", "schedule": "office", "open": "a", "closed": "b", "holiday": "c"},
            "a": BYE,
            "b": BYE,
            "c": BYE,
        },
        [
            ("2026-11-25 10:00", CALLER, "", "", "hours=open a=hung-up"),
            ("2026-11-25 12:30", CALLER, "", "", "hours=closed b=hung-up"),
            ("2026-10-01 10:00", CALLER, "", "", "hours=holiday c=hung-up"),
            ("2026-12-11 10:00", CALLER, "", "", "hours=holiday c=hung-up"),
        ],
    ),
    (
        {
            "region": {"type": "region", "cases": {"上海": "a", "境外": "b"}, "other": "c"},
            "a": BYE,
            "b": BYE,
            "c": BYE,
        },
        [
            (AT, "02161234567", "", "", "region=cases.上海 a=hung-up"),
            (AT, "19912345678", "", "", "region=cases.上海 a=hung-up"),
            (AT, "+12125550100", "", "", "region=cases.境外 b=hung-up"),
            (AT, "anonymous", "", "", "region=other c=hung-up"),
        ],
    ),
    (
        {"vip": {"type": "vip", "list": "vip", "yes": "a", "no": "b"}, "a": BYE, "b": BYE},
        [
            (AT, "13899990000", "", "", "vip=yes a=hung-up"),
            (AT, "anonymous", "", "", "vip=yes a=hung-up"),
            (AT, "13800000000", "", "", "vip=no b=hung-up"),
        ],
    ),
    (
        {
            "ask": {
                "type": "collect",
                "prompt": "p",
                "variable": "n",
                "next": "sw",
                "silence": "bye",
                "wrong": "bye",
            },
            "sw": {"type": "switch", "variable": "n", "cases": {"12*": "a", "1": "b"}, "other": "bye"},
            "a": BYE,
            "b": BYE,
            "bye": BYE,
        },
        [
            (AT, CALLER, "123", "", "ask=next sw=cases.12* a=hung-up"),
            (AT, CALLER, "1", "", "ask=next sw=cases.1 b=hung-up"),
            (AT, CALLER, "7", "", "ask=next sw=other bye=hung-up"),
            (AT, CALLER, "- - -", "", "ask=silence bye=hung-up"),
        ],
    ),
    (
        {"wait": {"type": "queue", "queue": "quiet", "keys": {"*": "bye"}, "nobody": "bye"}, "bye": BYE},
        [
            (AT, CALLER, "", "", "wait=joined"),
            (AT, CALLER, "", "a", "wait=joined"),
            (AT, CALLER, "", "a b", "wait=queued"),
            (AT, CALLER, "1 *", "a b", "wait=keys.* bye=hung-up"),
        ],
    ),
    (
        {"wait": {"type": "queue", "queue": "back", "keys": {"*": "bye"}}, "bye": BYE},
        [
            (AT, CALLER, "9 1", "", "wait=joined"),
            (AT, CALLER, "9 1", "a", "wait=callback"),
            (AT, CALLER, "9", "a", "wait=queued"),
            (AT, CALLER, "9 0 *", "a", "wait=keys.* bye=hung-up"),
            (AT, CALLER, "9 2 02160000000 1", "a", "wait=queued"),
            (AT, "anonymous", "9 1", "a", "wait=queued"),
        ],
    ),
    (
        {"wait": {"type": "queue", "queue": "anywhere"}},
        [
            (AT, CALLER, "9 2 02160000000# 1", "a", "wait=callback"),
            (AT, CALLER, "9 2 02160000000 0", "a", "wait=queued"),
            (AT, "anonymous", "9 110 02161234567 02160000000 1", "a", "wait=callback"),
            (AT, "anonymous", "9 110 02161234567 4008000092 1", "a", "wait=queued"),
            (AT, "anonymous", "9 - 02160000000", "a", "wait=queued"),
        ],
    ),
    (
        {"in": {"type": "flow", "flow": "once", "next": "bye"}, "bye": BYE},
        [
            (AT, CALLER, "1", "", "in=enter in>once@1:menu=keys.1 in>once@1:sales=joined"),
            (AT, CALLER, "-", "", "in=enter in>once@1:menu=silence in>once@1:bye=hung-up"),
        ],
    ),
    (
        {"ring": {"type": "ring", "lines": ["morning", "a"], "fail_over": ["no-answer"]}},
        [
            ("2026-11-25 10:00", CALLER, "", "morning", "ring=no-line"),
            ("2026-11-25 20:00", CALLER, "", "", "ring=joined"),
        ],
    ),
]


@pytest.mark.parametrize(("nodes", "cases"), TABLE, ids=[next(iter(nodes)) for nodes, _ in TABLE])
def test_ways_through_a_draft(
    session: Session, nodes: dict[str, Any], cases: Sequence[tuple[str, str, str, str, str]]
) -> None:
    table = "\n".join(" | ".join(case) for case in cases)
    tried = list(trial(session).run(flow(nodes), read_table(table)))
    assert [one.way for one in tried] == [case[-1] for case in cases]
    assert all(one.is_right for one in tried)


def test_an_expected_way_in_the_other_order_is_wrong(session: Session) -> None:
    (one,) = trial(session).run(
        flow({"bye": BYE}), [Case(1, datetime(2026, 11, 25, tzinfo=SHANGHAI), "", (), (), "x")]
    )
    assert not one.is_right and one.way == "bye=hung-up"


def test_another_enterprise_has_none_of_it(session: Session) -> None:
    """Its list, its lines and its flows are as if they were not there."""
    table = read_table("2026-11-25 10:00 | 13899990000 |\n")
    graph = flow(
        {
            "vip": {"type": "vip", "list": "vip", "yes": "a", "no": "in"},
            "a": BYE,
            "in": {"type": "flow", "flow": "once"},
        }
    )
    (one,) = trial(session, "small").run(graph, table)
    assert one.way == "vip=no in=next"


def test_the_draft_stands_for_its_own_flow(session: Session) -> None:
    """Flows that enter the one that is tried enter the draft, not what is published of it."""
    graph = flow({"in": {"type": "flow", "flow": "goodbye"}})
    assert ways(session, graph, "2026-11-25 10:00 | 1") == ["in=enter in>goodbye@1:bye=hung-up"]
    own = flow({"ring": {"type": "ring", "lines": ["a"]}}, name="main")
    (one,) = trial(session).run(own, read_table("2026-11-25 10:00 | 1"))
    assert one.walk.visits[0].node_id == "ring"


def test_the_black_lists_of_the_number_that_leads_to_the_flow(session: Session) -> None:
    nodes = {"wait": {"type": "queue", "queue": "anywhere"}}
    for name, way in (("anywhere", "wait=queued"), ("draft", "wait=callback")):
        case = "2026-11-25 10:00 | 13800138000 | 9 2 17012345678 1 | a"
        assert ways(session, flow(nodes, name), case) == [way]


def test_variables_are_filled_in(session: Session) -> None:
    """The number is the first that leads to the flow; of one that none leads to it is empty."""
    nodes = {
        "set": {
            "type": "set",
            "variable": "told",
            "value": "{caller}/{number}/{date} {time}/{weekday}",
            "next": "bye",
        },
        "bye": BYE,
    }
    for name, number in (("main", "4008001234"), ("draft", "")):
        (one,) = trial(session).run(flow(nodes, name), read_table("2026-11-25 10:05 | 013800138000"))
        assert one.walk.visits[0].said == f"13800138000/{number}/2026-11-25 10:05/3"


def test_chance_decides_alike_each_time(session: Session) -> None:
    graph = flow({"ring": {"type": "ring", "lines": ["a", "b", "c"], "strategy": "random"}})
    random.seed(7)
    runs = [
        [line.id for lines in one.walk.visits[0].choice.rounds for line in lines]  # type: ignore[union-attr]
        for one in trial(session).run(graph, read_table("2026-11-25 10:00 | 1\n" * 5))
    ]
    assert len(runs) == 5 and all(run == runs[0] for run in runs) and set(runs[0]) == {"a", "b", "c"}
