"""Stored calls through a draft: what would have become of them, and of which it differs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from appliance.domain.flow import Flow, parse
from appliance.reference.workdays import day_kind
from appliance.simulate.replay import Report, replay, told_end
from appliance.simulate.trial import Trial
from appliance.store import flows
from appliance.store.journal import Journal
from appliance.store.models import Account, Call, FlowVersion, Line
from appliance.store.models import Flow as FlowRow
from appliance.store.unit import Store
from tests.simulate.asked import NOW, put

BYE: dict[str, Any] = {"type": "hangup", "prompt": "bye"}
#: Published as ``main@1``.
MENU: dict[str, Any] = {
    "menu": {"type": "menu", "prompt": "m", "keys": {"1": "ring", "2": "other"}, "silence": "bye", "wrong": "lost"},
    "ring": {"type": "ring", "lines": ["a", "b"], "failed": "bye"},
    "other": {"type": "ring", "lines": ["b"], "failed": "bye"},
    "lost": {"type": "hangup", "prompt": "lost"},
    "bye": BYE,
}
SITE = """
trunks: [{id: t, accept: [127.0.0.1], proxy: "127.0.0.1:5090", caller_id: pass}]
lines:
  - {id: a, account: demo, number: "02160000001", kind: landline, trunk: t}
  - {id: b, account: demo, number: "02160000002", kind: landline, trunk: t}
lists: [{id: vip, account: demo, entries: ["13899990000"]}]
"""
SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.fixture
def box(store: Store) -> Iterator[Store]:
    """A site with the menu published."""
    put(store, SITE)
    version(store, "main", MENU)
    yield store


def version(store: Store, name: str, nodes: dict[str, Any]) -> None:
    """The next version of a flow, published."""
    with store.work() as session:
        row = flows.find(session, "demo", name)
        if row is None:
            row = FlowRow(account_id="demo", name=name)
            session.add(row)
            session.flush()
        made = flows.add_version(session, row, {"start": next(iter(nodes)), "nodes": nodes}, "test", SINCE)
        flows.publish(session, row, made.version, SINCE, "test", SINCE)
        session.commit()


def call(store: Store, serial: int = 0, **facts: Any) -> None:
    """A stored call: minute after minute, through ``main@1``, unless it is said otherwise."""
    at = NOW + timedelta(minutes=serial)
    usual = {"account_id": "demo", "flow": "main@1", "caller": "13800138000", "started_at": at}
    with store.work() as session:
        session.add(Call(uuid=f"call-{serial}", ended_at=at, collected_at=at, **(usual | facts)))
        session.commit()


def draft(nodes: dict[str, Any], name: str = "main") -> Flow:
    made, faults = parse(name, 0, {"start": next(iter(nodes)), "nodes": nodes})
    assert made is not None, faults
    return made


def changed(**nodes: dict[str, Any]) -> Flow:
    """The menu with some nodes changed."""
    return draft({name: node | nodes.get(name, {}) for name, node in MENU.items()})


def replayed(store: Store, graph: Flow, at_most: int = 1000) -> Report:
    with store.reading() as session:
        journal = Journal(Path("/nowhere/journal.db"), reads_only=True)
        return replay(Trial(session, journal, day_kind, "demo"), graph, SINCE, UNTIL, at_most)


def counted(report: Report) -> tuple[int, int, int, int, int]:
    """Calls, alike, asking more, left out, differing."""
    return report.calls, report.same, report.asks_more, report.left_out, len(report.differing)


def ends(store: Store, graph: Flow) -> list[tuple[str, str]]:
    """(before, after) of the calls that differ."""
    return [(told_end(one.before), told_end(one.after)) for one in replayed(store, graph).differing]


ONE = {"keys": "menu=1", "way": "menu=keys.1"}
SWAPPED = {"lines": ["b", "a"]}


def test_calls_that_end_alike(box: Store) -> None:
    call(box, 0, **ONE)
    call(box, 1, keys="menu=2", way="menu=keys.2")
    call(box, 2, way="menu=silence")
    call(box, 3, way="menu=wrong")
    call(box, 4)
    report = replayed(box, changed())
    assert counted(report) == (5, 5, 0, 0, 0) and not report.changes()
    # What a caller does not notice is no difference: other names, a longer patience, a play before.
    renamed = {f"{name}-x": dict(node) for name, node in MENU.items()}
    for node in renamed.values():
        for field in ("silence", "wrong", "failed"):
            if field in node:
                node |= {field: f"{node[field]}-x"}
    renamed["menu-x"] = renamed["menu-x"] | {"keys": {"1": "ring-x", "2": "other-x"}, "timeout_s": 30}
    renamed = {"news": {"type": "play", "prompt": "news", "next": "menu-x"}} | renamed
    assert counted(replayed(box, draft(renamed))) == (5, 5, 0, 0, 0)


def test_calls_that_would_ring_another_line_or_end_otherwise(box: Store) -> None:
    call(box, 0, **ONE)
    call(box, 1, **ONE)
    call(box, 2, keys="menu=2", way="menu=keys.2")
    call(box, 3, way="menu=silence")
    graph = changed(ring=SWAPPED, bye={"prompt": "farewell"})
    report = replayed(box, graph)
    assert counted(report) == (4, 1, 0, 0, 3)
    assert report.changes() == {("joined a", "joined b"): 2, ("hung-up bye", "hung-up bye"): 1}
    assert [one.uuid for one in report.differing] == ["call-3", "call-1", "call-0"], "the newest first"
    first = report.differing[-1]
    assert (first.started_at, first.caller) == (NOW, "13800138000")
    assert (first.before.way, first.after.way) == (("menu=keys.1", "ring=joined"),) * 2
    gone = {name: node for name, node in MENU.items() if name != "ring"}
    gone["menu"] = MENU["menu"] | {"keys": {"1": "lost", "2": "other"}}
    assert ends(box, draft(gone)) == [("joined a", "hung-up lost")] * 2
    together = changed(ring={"strategy": "ring-all"})
    assert ends(box, together) == [("joined a", "joined a+b")] * 2


def test_a_call_that_would_be_asked_what_it_never_was(box: Store) -> None:
    call(box, 0, **ONE)
    call(box, 1, keys="menu=2", way="menu=keys.2")
    more = MENU | {
        "menu": MENU["menu"] | {"keys": {"1": "second", "2": "other"}},
        "second": {"type": "menu", "prompt": "s", "keys": {"1": "ring"}, "silence": "bye", "wrong": "bye"},
    }
    assert counted(replayed(box, draft(more))) == (2, 1, 1, 0, 0)


def test_who_hung_up_while_he_was_asked_is_asked_in_both(box: Store) -> None:
    call(box, 0, outcome="abandoned:menu")
    assert counted(replayed(box, changed(ring=SWAPPED))) == (1, 1, 0, 0, 0)
    assert ends(box, changed(menu={"prompt": "another"})) == [("asked menu", "asked menu")]


def test_lines_that_were_busy_are_busy_again(box: Store) -> None:
    call(box, 0, **ONE, tried="a=busy;b=answered")
    call(box, 1, **ONE, tried="a=full;b=busy")
    call(box, 2, **ONE, tried="a=no-answer;b=answered")
    assert ends(box, changed(ring=SWAPPED)) == [("joined a", "joined b")], "the other two had one line or none"
    assert ends(box, changed(ring={"fail_over": ["no-answer"]})) == [("joined b", "hung-up bye")]
    assert ends(box, changed(bye={"cause": "USER_BUSY", "prompt": "x"})) == [("hung-up bye", "hung-up bye")]


def test_silence_and_wrong_keys_are_walked_as_they_were(box: Store) -> None:
    """Misses that led somewhere else are in the way; the key behind them is not theirs."""
    twice = MENU | {
        "menu": MENU["menu"] | {"silence": "again", "wrong": "again", "attempts": 2},
        "again": {
            "type": "menu",
            "prompt": "r",
            "keys": {"1": "ring", "2": "other"},
            "silence": "lost",
            "wrong": "bye",
        },
    }
    version(box, "main", twice)
    call(box, 0, flow="main@2", keys="again=1", way="menu=silence;again=keys.1")
    call(box, 1, flow="main@2", keys="again=2", way="menu=wrong;again=keys.2")
    call(box, 2, flow="main@2", way="menu=wrong;again=silence")
    call(box, 3, flow="main@2", way="menu=silence;again=wrong")
    assert counted(replayed(box, draft(twice))) == (4, 4, 0, 0, 0)
    with box.reading() as session:
        trial = Trial(session, Journal(Path("/nowhere/journal.db"), reads_only=True), day_kind, "demo")
        otherwise = twice | {
            name: {"type": "hangup", "prompt": f"{name}-end"} for name in ("ring", "other", "bye", "lost")
        }
        report = replay(trial, draft(otherwise), SINCE, UNTIL)
    assert [" ".join(one.before.way) for one in reversed(report.differing)] == [
        "menu=silence again=keys.1 ring=joined",
        "menu=wrong again=keys.2 other=joined",
        "menu=wrong again=silence lost=hung-up",
        "menu=silence again=wrong bye=hung-up",
    ]


COLLECTS: dict[str, Any] = {
    "pin": {"type": "collect", "prompt": "p", "variable": "pin", "next": "menu", "silence": "bye", "wrong": "lost",
            "least": 4, "most": 6, "secret": True},
    **MENU,
}  # fmt: skip


@pytest.mark.parametrize("way", ["pin=next;menu=keys.1", ""], ids=["a record with its way", "a record without"])
def test_a_secret_number_is_as_long_as_it_was(box: Store, way: str) -> None:
    version(box, "main", COLLECTS)
    call(box, 0, flow="main@2", keys="pin=****;menu=1", way=way)
    call(box, 1, flow="main@2", keys="pin=123456;menu=2", way=way.replace("1", "2"))
    assert counted(replayed(box, draft(COLLECTS))) == (2, 2, 0, 0, 0)
    graph = draft(COLLECTS | {"ring": MENU["ring"] | SWAPPED})
    assert ends(box, graph) == [("joined a", "joined b")], "the key behind it is found"
    longer = draft(COLLECTS | {"pin": COLLECTS["pin"] | {"least": 5, "attempts": 1}})
    assert ends(box, longer) == [("joined a", "hung-up lost")]


def test_numbers_that_were_wrong_or_missing(box: Store) -> None:
    version(box, "main", COLLECTS)
    call(box, 0, flow="main@2", way="pin=wrong")
    call(box, 1, flow="main@2", way="pin=silence")
    otherwise = draft(
        COLLECTS | {"bye": {"type": "hangup", "prompt": "b"}, "lost": {"type": "hangup", "prompt": "l"}}
    )
    assert ends(box, otherwise) == [("hung-up bye", "hung-up bye"), ("hung-up lost", "hung-up lost")]


@pytest.mark.parametrize("keys", ["menu=*", "in>asks@1:menu=*;menu=1"])
def test_a_star_that_is_a_key_is_a_key(box: Store, keys: str) -> None:
    star = MENU["menu"] | {"keys": {"*": "ring", "1": "other"}}
    version(
        box, "asks", {"menu": star | {"keys": {"*": "back"}}, "back": {"type": "return"}, "bye": BYE, "lost": BYE}
    )
    nodes = {"menu": star, **{name: node for name, node in MENU.items() if name != "menu"}}
    inner = keys.startswith("in")
    if inner:
        nodes = {"in": {"type": "flow", "flow": "asks", "next": "menu"}, **nodes}
    version(box, "main", nodes)
    call(
        box,
        0,
        flow="main@2",
        keys=keys,
        way="in=enter;in>asks@1:menu=keys.*;menu=keys.1" if inner else "menu=keys.*",
    )
    graph = draft(nodes | {"ring": BYE, "other": BYE})
    assert ends(box, graph) == [(f"joined {'b' if inner else 'a'}", f"hung-up {'other' if inner else 'ring'}")]


def test_what_was_keyed_in_another_flow_is_found(box: Store) -> None:
    """Numbers, misses and marks of flows that the call's own flow enters are answers as others are."""
    asks = {
        "number": {
            "type": "collect",
            "prompt": "p",
            "variable": "n",
            "next": "menu",
            "silence": "back",
            "wrong": "back",
        },
        "menu": {"type": "menu", "prompt": "m", "keys": {"1": "back"}, "silence": "mark", "wrong": "back"},
        "mark": {"type": "survey", "prompt": "s", "next": "back"},
        "back": {"type": "return"},
    }
    version(box, "asks", asks)
    nodes = {"in": {"type": "flow", "flow": "asks", "next": "menu"}, **MENU}
    version(box, "main", nodes)
    into = "in>asks@1"
    call(
        box,
        flow="main@2",
        keys=f"{into}:number=42;{into}:mark=5;menu=2",
        way=f"in=enter;{into}:number=next;{into}:menu=silence;{into}:mark=next;{into}:back=return;menu=keys.2",
    )
    (one,) = replayed(box, draft(nodes | {"other": BYE})).differing
    assert one.before.way == (
        "in=enter",
        f"{into}:number=next",
        f"{into}:menu=silence",
        f"{into}:mark=next",
        f"{into}:back=return",
        "menu=keys.2",
        "other=joined",
    )


def test_a_place_that_is_gone_is_passed_over(box: Store) -> None:
    call(box, 0, keys="x>gone@7:menu=9;menu=1", way="x>gone@7:menu=silence;nowhere=wrong;menu=keys.1")
    call(box, 1, keys="menu", way="menu;;=")
    assert ends(box, changed(ring=SWAPPED)) == [("joined a", "joined b")]


def test_versions_that_are_gone_or_cannot_be_read(box: Store) -> None:
    version(box, "main", MENU | {"bye": {"type": "hangup", "prompt": "new"}})
    call(box, 0, **ONE)
    call(box, 1, flow="main@2", way="menu=silence")
    call(box, 2, flow="main@9", **ONE)
    with box.work() as session:
        session.execute(update(FlowVersion).where(FlowVersion.version == 1).values(graph={"start": "gone"}))
        session.commit()
    assert counted(replayed(box, changed(ring=SWAPPED))) == (3, 0, 0, 2, 1)


def test_only_the_enterprises_calls_through_this_flow_in_that_time(box: Store) -> None:
    with box.work() as session:
        session.add(Account(id="other", name="别家"))
        session.commit()
    call(box, 0, **ONE)
    call(box, 1, **ONE, account_id="other")
    call(box, 2, **ONE, account_id=None)
    call(box, 3, **ONE, flow="main2@1")
    call(box, 4, **ONE, flow="Main@1")
    call(box, 5, **ONE, flow="")
    call(box, 6, **ONE, started_at=SINCE - timedelta(seconds=1))
    call(box, 7, **ONE, started_at=UNTIL)
    call(box, 8, **ONE, started_at=SINCE)
    report = replayed(box, changed(ring=SWAPPED))
    assert [one.uuid for one in report.differing] == ["call-0", "call-8"]
    assert report.calls == 2


def test_a_flow_whose_name_is_a_pattern(box: Store) -> None:
    version(box, "a_b", MENU)
    call(box, 0, **ONE, flow="a_b@1")
    call(box, 1, **ONE, flow="axb@1")
    assert replayed(box, draft(MENU, "a_b")).calls == 1


def test_at_most_so_many_the_newest(box: Store) -> None:
    for serial in range(5):
        call(box, serial, **ONE)
    report = replayed(box, changed(ring=SWAPPED), at_most=2)
    assert [one.uuid for one in report.differing] == ["call-4", "call-3"] and report.calls == 2


def test_nothing_is_written(box: Store) -> None:
    call(box, 0, **ONE)
    replayed(box, changed(ring=SWAPPED))
    with box.reading() as session:
        assert [one.flow for one in session.scalars(select(Call))] == ["main@1"]
        assert len(session.scalars(select(FlowVersion)).all()) == 1


def test_extensions_dialled_in_a_menu_and_at_their_own_node(box: Store) -> None:
    nodes = MENU | {"menu": MENU["menu"] | {"dial": True, "failed": "ext"}}
    nodes["ext"] = {"type": "dial", "prompt": "x", "silence": "bye", "wrong": "lost", "attempts": 1}
    with box.work() as session:
        for line, extension in (("a", "801"), ("b", "802")):
            found = session.get(Line, line)
            assert found is not None
            found.extension = extension
        session.commit()
    version(box, "main", nodes)
    call(box, 0, flow="main@2", keys="menu=802")
    call(box, 1, flow="main@2", keys="menu=801;ext=802", way="menu=failed", tried="a=busy")
    call(box, 2, flow="main@2", keys="menu=801", way="menu=failed;ext=wrong", tried="a=busy")
    call(box, 3, flow="main@2", keys="menu=1", way="menu=keys.1")
    same = replayed(box, draft(nodes))
    assert counted(same) == (4, 4, 0, 0, 0)
    menu = nodes["menu"] | {"dial": False, "failed": "", "keys": {"1": "ring", "2": "other", "3": "ext"}}
    # Who dialled an extension is asked for a key then.
    assert counted(replayed(box, draft(nodes | {"menu": menu}))) == (4, 1, 3, 0, 0)
