"""Where a call stands in nested flows, written as a path and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.flow import Flow, HangUp, Menu, Node, Play, Return, Subflow, exits_of
from appliance.domain.flow.course import DEEPEST, Course, resumed
from appliance.domain.routing import RoutingTable

ASK: Node = Menu("p", {"1": "help"}, "bye", "bye")
MAIN = Flow(
    "main", 3, "ask", {"ask": ASK, "help": Subflow("help", "bye"), "last": Subflow("help"), "bye": HangUp()}
)
HELP = Flow("help", 2, "say", {"say": Play("p", "deeper"), "deeper": Subflow("more", "end"), "end": Return()})
MORE = Flow("more.x-1", 10, "a", {"a": Return()})
FLOWS = {"main": MAIN, "help": HELP, "more": MORE}
ROOT = Course.begin(MAIN, FLOWS)


def versions(*flows: Flow) -> Callable[[str], Flow | None]:
    return {flow.label: flow for flow in flows}.get


def gone_to(*exits: str) -> Course:
    """The place that exits lead to from the start."""
    course = ROOT
    for exit_name in exits:
        onward = course.leave(exit_name)
        assert onward is not None
        course = onward
    return course


@pytest.mark.parametrize(
    ("exits", "path", "node", "hunt_name", "can_enter"),
    [
        ([], "ask", ASK, "main/ask", False),
        (["keys.1"], "help", Subflow("help", "bye"), "main/help", True),
        (["keys.1", "enter"], "help>help@2:say", Play("p", "deeper"), "help/say", False),
        (["keys.1", "enter", "next"], "help>help@2:deeper", Subflow("more", "end"), "help/deeper", True),
        (["keys.1", "enter", "next", "enter"], "help>help@2:deeper>more.x-1@10:a", Return(), "more.x-1/a", False),
        (["keys.1", "enter", "next", "enter", "return"], "help>help@2:end", Return(), "help/end", False),
        (["keys.1", "enter", "next", "enter", "return", "return"], "bye", HangUp(), "main/bye", False),
        # A flow that is not entered is passed over.
        (["keys.1", "next"], "bye", HangUp(), "main/bye", False),
    ],
)
def test_a_way(exits: list[str], path: str, node: Node, hunt_name: str, can_enter: bool) -> None:
    found = gone_to(*exits)
    assert (found.path, found.node, found.hunt_name, found.can_enter) == (path, node, hunt_name, can_enter)
    assert found.root is MAIN and found.flows is FLOWS
    assert resumed("main@3", path, FLOWS, versions(MAIN, HELP, MORE)) == found


@pytest.mark.parametrize("exit_name", ["return", "keys.2", "failed", "", "next", "keys"])
def test_an_exit_that_leads_nowhere(exit_name: str) -> None:
    assert ROOT.leave(exit_name) is None


def test_a_flow_that_returns_to_a_node_without_an_exit_for_that() -> None:
    inside = Course(MAIN, "last", FLOWS).leave("enter")
    assert inside is not None and inside.path == "last>help@2:say"
    assert inside.leave("return") is None


def test_a_flow_that_is_not_there_is_not_entered() -> None:
    assert not Course(MAIN, "help", {"main": MAIN}).can_enter


def test_how_deep_flows_enter_one_another() -> None:
    around = Flow("r", 1, "in", {"in": Subflow("r", "out"), "out": Return()})
    course = Course.begin(around, {"r": around})
    for depth in range(DEEPEST):
        assert course.can_enter and len(course.outer) == depth
        onward = course.leave("enter")
        assert onward is not None
        course = onward
    assert DEEPEST == 5 and not course.can_enter
    assert course.path == "in>r@1:in>r@1:in>r@1:in>r@1:in>r@1:in"
    assert resumed("r@1", course.path, course.flows, versions(around)) == course
    deeper = course.leave("enter")
    assert deeper is not None and resumed("r@1", deeper.path, course.flows, versions(around)) is None


# ---- what a dead handler noted


@pytest.mark.parametrize(
    ("label", "path"),
    [
        *[("main@3", ""), ("main@3", "nowhere"), ("main@3", ">"), ("main@3", "ask>"), ("main@3", ">ask")],
        *[("main@3", "help>say"), ("main@3", "help>help@2"), ("main@3", "help>help@2:"), ("main@3", "help>:say")],
        *[("main@3", "help>help@2:nowhere"), ("main@3", "nowhere>help@2:say"), ("main@3", "help>help@3:say")],
        *[("main@3", "help>help@02:say"), ("main@3", "main@3:ask"), ("main@3", "help >help@2:say")],
        *[("", "ask"), ("main", "ask"), ("main@", "ask"), ("main@4", "ask"), ("help@2", "ask")],
        # Flows are entered by nodes that enter flows.
        *[("main@3", "ask>help@2:say"), ("main@3", "help>help@2:say>more.x-1@10:a")],
        ("main@3", "help>" + "help@2:deeper>" * 5 + "more.x-1@10:a"),
        ("main@3", ">".join(["help"] * 100_000)),
    ],
)
def test_a_text_that_says_no_place(label: str, path: str) -> None:
    asked: list[str] = []

    def version(one: str) -> Flow | None:
        asked.append(one)
        return versions(MAIN, HELP, MORE)(one)

    assert resumed(label, path, FLOWS, version) is None
    assert len(asked) <= DEEPEST + 2, "a text without end is not looked up without end"


@pytest.mark.parametrize("gone", [MAIN, HELP, MORE])
def test_a_version_that_is_gone(gone: Flow) -> None:
    path = gone_to("keys.1", "enter", "next", "enter").path
    left = [flow for flow in (MAIN, HELP, MORE) if flow is not gone]
    assert resumed("main@3", path, FLOWS, versions(*left)) is None


def test_a_call_goes_on_in_its_own_versions_and_enters_the_present_ones() -> None:
    newer = Flow("help", 3, "end", {"end": Return()})
    flows = {**FLOWS, "help": newer}
    inside = resumed("main@3", "help>help@2:say", flows, versions(MAIN, HELP, newer))
    assert inside is not None and inside.flow is HELP
    outside = inside.leave("return")
    assert outside is not None and outside.path == "bye"
    again = Course(MAIN, "help", flows).leave("enter")
    assert again is not None and again.path == "help>help@3:end"


def test_versions_are_looked_up_among_the_accounts_own() -> None:
    newer, others = Flow("help", 3, "end", {"end": Return()}), Flow("help", 3, "bye", {"bye": HangUp()})
    table = RoutingTable(
        *(1, (), {}, {}),
        flows={("east", "main"): MAIN, ("east", "help"): newer, ("west", "help"): others},
        retired={("east", "help@2"): HELP, ("west", "more.x-1@10"): MORE},
    )
    assert table.flows_of("east") == {"main": MAIN, "help": newer} and table.flows_of("north") == {}
    known = {label: table.version("east", label) for label in ("main@3", "help@3", "help@2", "help@1", "help", "")}
    assert known == {"main@3": MAIN, "help@3": newer, "help@2": HELP, "help@1": None, "help": None, "": None}
    assert table.version("west", "help@3") is others
    assert table.version("west", "help@2") is None and table.version("east", "more.x-1@10") is None


@given(st.text(), st.text("help>@2:saymin3ore.x-1", max_size=40))
def test_garbage_is_no_place(label: str, path: str) -> None:
    known = {"main@3": MAIN, "help@2": HELP, "more.x-1@10": MORE}
    for one in (label, "main@3"):
        found = resumed(one, path, FLOWS, known.get)
        assert found is None or (found.path == path and found.root.label == one)


# ---- every place of random nested flows

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", fullmatch=True)


@st.composite
def nested(draw: st.DrawFn) -> Mapping[str, Flow]:
    """Flows that enter one another, themselves too, with nodes of any names."""
    names = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
    made = {}
    for name in names:
        at = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
        targets = st.sampled_from(at)
        node = st.one_of(
            st.builds(Subflow, st.sampled_from(names), targets),
            st.builds(Play, st.just("p"), targets),
            st.builds(Menu, st.just("p"), st.just({"1": at[0]}), targets, targets),
            st.just(Return()),
        )
        made[name] = Flow(name, draw(st.integers(1, 10_000)), at[0], {one: draw(node) for one in at})
    return made


@given(nested())
def test_path_and_resumed_are_each_others_inverse(flows: Mapping[str, Flow]) -> None:
    version = versions(*flows.values())
    name, root = next(iter(flows.items()))
    todo, seen = [Course.begin(root, flows)], dict[str, Course]()
    while todo and len(seen) < 40:
        course = todo.pop(0)
        if course.path in seen:
            assert seen[course.path] == course, "no two places have one path"
            continue
        seen[course.path] = course
        back = resumed(root.label, course.path, flows, version)
        assert back == course and back.path == course.path and back.root.name == name
        exits = [*exits_of(course.node), "return", *(["enter"] if course.can_enter else [])]
        todo += [onward for one in exits if (onward := course.leave(one)) is not None]
