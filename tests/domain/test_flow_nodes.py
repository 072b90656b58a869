"""Node types: each one's fields, defaults, exits and references as ``docs/flow.md`` tells them, and what each kind
of field takes and refuses."""

from __future__ import annotations

import doctest
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance.domain.flow import (
    TYPES,
    Assign,
    Collect,
    Dial,
    Enqueue,
    Flow,
    HangUp,
    Hours,
    Lookup,
    Menu,
    Message,
    Node,
    Play,
    Region,
    Return,
    Ring,
    Say,
    Section,
    Service,
    Subflow,
    Survey,
    Switch,
    Vip,
    Voicemail,
    exits_of,
    fields_of,
    kinds,
    nodes,
    parse,
    prompts_of,
    references_of,
)
from appliance.domain.flow.chinese import in_chinese
from appliance.domain.hunt import FAIL_OVER, Hunt, Strategy
from appliance.domain.outcome import Disposition

PROMPT, LINE, QUEUE = Section.PROMPT, Section.LINE, Section.QUEUE


@dataclass(frozen=True)
class Form:
    """A node as it is written, as it is read, and what follows from it.

    :param needs: fields that cannot be left out.
    :param pauses: exits that are taken only after the caller was asked, waited or talked.
    """

    raw: Mapping[str, Any]
    node: Node
    exits: Mapping[str, str] = field(default_factory=dict)
    refers: tuple[tuple[str, Section, str], ...] = ()
    pauses: frozenset[str] = frozenset()


def named(**texts: str) -> dict[str, str]:
    return {name.replace("__", ".").replace("star", "*").replace("hash", "#"): text for name, text in texts.items()}


#: With nothing but what is required; every default is said here once more, from the docs.
MINIMAL = {
    "play": Form({"prompt": "p", "next": "x"}, Play("p", "x"), {"next": "x"}, (("prompt", PROMPT, "p"),)),
    "menu": Form(
        {"prompt": "p", "keys": {"1": "x"}, "silence": "y", "wrong": "z"},
        Menu("p", {"1": "x"}, "y", "z", 3, 5.0, "", "", True, False, 2.0, "", ""),
        {"keys.1": "x", "silence": "y", "wrong": "z"},
        (("prompt", PROMPT, "p"),),
        frozenset({"keys.1", "silence", "wrong"}),
    ),
    "collect": Form(
        {"prompt": "p", "variable": "v", "next": "x", "silence": "y", "wrong": "z"},
        Collect("p", "v", "x", "y", "z", 1, 20, 3, 5.0, "", "", False),
        {"next": "x", "silence": "y", "wrong": "z"},
        (("prompt", PROMPT, "p"),),
        frozenset({"next", "silence", "wrong"}),
    ),
    "say": Form({"what": "time", "next": "x"}, Say("time", "x", ""), {"next": "x"}),
    "hours": Form(
        {"schedule": "office", "open": "x", "closed": "y"},
        Hours("office", "x", "y", ""),
        {"open": "x", "closed": "y"},
        (("schedule", Section.SCHEDULE, "office"),),
    ),
    "region": Form(
        {"cases": {"广东": "x"}, "other": "y"}, Region({"广东": "x"}, "y"), {"cases.广东": "x", "other": "y"}
    ),
    "vip": Form(
        {"list": "gold", "yes": "x", "no": "y"},
        Vip("gold", "x", "y"),
        {"yes": "x", "no": "y"},
        (("list", Section.LIST, "gold"),),
    ),
    "switch": Form(
        {"variable": "kind", "cases": {"mobile": "x"}, "other": "y"},
        Switch("kind", {"mobile": "x"}, "y"),
        {"cases.mobile": "x", "other": "y"},
    ),
    "set": Form({"variable": "v", "value": "", "next": "x"}, Assign("v", "", "x"), {"next": "x"}),
    "ring": Form(
        {"lines": ["a"]},
        Ring(("a",), Strategy.ORDER, FAIL_OVER, "", ""),
        {},
        (("lines", LINE, "a"),),
    ),
    "queue": Form({"queue": "q"}, Enqueue("q", 0, "", {}, "", "", "", ""), refers=(("queue", QUEUE, "q"),)),
    "survey": Form({"prompt": "p"}, Survey("p", "12345", "", 2, 5.0, ""), refers=(("prompt", PROMPT, "p"),)),
    "dial": Form(
        {"prompt": "p", "silence": "y", "wrong": "z"},
        Dial("p", "y", "z", "", "", 3, 5.0, "", ""),
        {"silence": "y", "wrong": "z"},
        (("prompt", PROMPT, "p"),),
        frozenset({"silence", "wrong"}),
    ),
    "voicemail": Form({}, Voicemail("", 120, "", "")),
    "service": Form({}, Service(True, True, "", "", "", 3, 8.0)),
    "message": Form(
        {"hook": "h", "text": "t", "next": "x"},
        Message("h", "t", "x", ""),
        {"next": "x"},
        (("hook", Section.HOOK, "h"),),
    ),
    "lookup": Form(
        {"url": "http://crm/", "found": "x", "failed": "y"},
        Lookup("http://crm/", "x", "y", "", "GET", "", {}, 3.0),
        {"found": "x", "failed": "y"},
    ),
    "flow": Form({"flow": "help"}, Subflow("help", ""), refers=(("flow", Section.FLOW, "help"),)),
    "return": Form({}, Return()),
    "hangup": Form({}, HangUp("", "NORMAL_CLEARING")),
}
_MENU_EXITS = named(keys__0="a", keys__star="b", keys__hash="c", silence="y", wrong="z", failed="x", after="a")
#: With every field.
FULL = {
    "play": MINIMAL["play"],
    "menu": Form(
        {
            "prompt": "p",
            "keys": {"0": "a", "*": "b", "#": "c"},
            "silence": "y",
            "wrong": "z",
            "attempts": 2,
            "timeout_s": 2.5,
            "silence_prompt": "s",
            "wrong_prompt": "w",
            "barge_in": False,
            "dial": True,
            "between_s": 1.5,
            "failed": "x",
            "after": "a",
        },
        Menu("p", {"0": "a", "*": "b", "#": "c"}, "y", "z", 2, 2.5, "s", "w", False, True, 1.5, "x", "a"),
        _MENU_EXITS,
        (("prompt", PROMPT, "p"), ("silence_prompt", PROMPT, "s"), ("wrong_prompt", PROMPT, "w")),
        frozenset(_MENU_EXITS),
    ),
    "collect": Form(
        {
            "prompt": "p",
            "variable": "v",
            "next": "x",
            "silence": "y",
            "wrong": "z",
            "least": 4,
            "most": 4,
            "attempts": 1,
            "timeout_s": 60,
            "silence_prompt": "s",
            "wrong_prompt": "w",
            "secret": True,
        },
        Collect("p", "v", "x", "y", "z", 4, 4, 1, 60, "s", "w", True),
        {"next": "x", "silence": "y", "wrong": "z"},
        (("prompt", PROMPT, "p"), ("silence_prompt", PROMPT, "s"), ("wrong_prompt", PROMPT, "w")),
        frozenset({"next", "silence", "wrong"}),
    ),
    "say": Form(
        {"what": "digits", "value": "{caller}", "next": "x"}, Say("digits", "x", "{caller}"), {"next": "x"}
    ),
    "hours": Form(
        {"schedule": "office", "open": "x", "closed": "y", "holiday": "z"},
        Hours("office", "x", "y", "z"),
        {"open": "x", "closed": "y", "holiday": "z"},
        (("schedule", Section.SCHEDULE, "office"),),
    ),
    "region": Form(
        {"cases": {"广东/深圳": "x", "境外": "z"}, "other": "y"},
        Region({"广东/深圳": "x", "境外": "z"}, "y"),
        {"cases.广东/深圳": "x", "cases.境外": "z", "other": "y"},
    ),
    "vip": MINIMAL["vip"],
    "switch": Form(
        {"variable": "caller", "cases": {"138*": "x", "1.5": "z"}, "other": "y"},
        Switch("caller", {"138*": "x", "1.5": "z"}, "y"),
        {"cases.138*": "x", "cases.1.5": "z", "other": "y"},
    ),
    "set": Form(
        {"variable": "v_2", "value": "{caller} at {time}", "next": "x"},
        Assign("v_2", "{caller} at {time}", "x"),
        {"next": "x"},
    ),
    "ring": Form(
        {"lines": ["a", "b"], "strategy": "ring-all", "fail_over": ["busy"], "failed": "x", "after": "y"},
        Ring(("a", "b"), Strategy.RING_ALL, frozenset({Disposition.BUSY}), "x", "y"),
        {"failed": "x", "after": "y"},
        (("lines", LINE, "a"), ("lines", LINE, "b")),
        frozenset({"after"}),
    ),
    "queue": Form(
        {
            "queue": "q",
            "priority": 99,
            "skill": "english",
            "keys": {"1": "a", "*": "b"},
            "full": "c",
            "timeout": "x",
            "nobody": "y",
            "after": "z",
        },
        Enqueue("q", 99, "english", {"1": "a", "*": "b"}, "c", "x", "y", "z"),
        named(keys__1="a", keys__star="b", full="c", timeout="x", nobody="y", after="z"),
        (("queue", QUEUE, "q"),),
        frozenset({"keys.1", "keys.*", "timeout", "after"}),
    ),
    "survey": Form(
        {"prompt": "p", "marks": "0*", "next": "x", "attempts": 9, "timeout_s": 1, "thanks": "t"},
        Survey("p", "0*", "x", 9, 1, "t"),
        {"next": "x"},
        (("prompt", PROMPT, "p"), ("thanks", PROMPT, "t")),
        frozenset({"next"}),
    ),
    "dial": Form(
        {
            "prompt": "p",
            "silence": "y",
            "wrong": "z",
            "failed": "a",
            "after": "b",
            "attempts": 1,
            "timeout_s": 2,
            "silence_prompt": "s",
            "wrong_prompt": "w",
        },
        Dial("p", "y", "z", "a", "b", 1, 2, "s", "w"),
        {"silence": "y", "wrong": "z", "failed": "a", "after": "b"},
        (("prompt", PROMPT, "p"), ("silence_prompt", PROMPT, "s"), ("wrong_prompt", PROMPT, "w")),
        frozenset({"silence", "wrong", "failed", "after"}),
    ),
    "voicemail": Form(
        {"prompt": "p", "max_s": 30, "next": "x", "failed": "y"},
        Voicemail("p", 30, "x", "y"),
        {"next": "x", "failed": "y"},
        (("prompt", PROMPT, "p"),),
    ),
    "service": Form(
        {
            "sign_in": True,
            "record": True,
            "prompt": "p",
            "next": "x",
            "failed": "y",
            "attempts": 1,
            "timeout_s": 4.5,
        },
        Service(True, True, "p", "x", "y", 1, 4.5),
        {"next": "x", "failed": "y"},
        (("prompt", PROMPT, "p"),),
        frozenset({"next", "failed"}),
    ),
    "message": Form(
        {"hook": "h", "text": "{caller}", "next": "x", "to": "{caller}"},
        Message("h", "{caller}", "x", "{caller}"),
        {"next": "x"},
        (("hook", Section.HOOK, "h"),),
    ),
    "lookup": Form(
        {
            "url": "http://crm/{caller}",
            "found": "x",
            "failed": "y",
            "missing": "z",
            "method": "POST",
            "body": "{}",
            "values": {"level": "customer.level"},
            "timeout_s": 1,
        },
        Lookup("http://crm/{caller}", "x", "y", "z", "POST", "{}", {"level": "customer.level"}, 1),
        {"found": "x", "failed": "y", "missing": "z"},
    ),
    "flow": Form(
        {"flow": "help", "next": "x"}, Subflow("help", "x"), {"next": "x"}, (("flow", Section.FLOW, "help"),)
    ),
    "return": MINIMAL["return"],
    "hangup": Form(
        {"prompt": "bye", "cause": "USER_BUSY"}, HangUp("bye", "USER_BUSY"), refers=(("prompt", PROMPT, "bye"),)
    ),
}
#: Optional texts and exits may be written empty, which is as if they were left out.
OPTIONAL = {
    "menu": ("silence_prompt", "wrong_prompt", "failed", "after"),
    "collect": ("silence_prompt", "wrong_prompt"),
    "say": ("value",),
    "hours": ("holiday",),
    "set": ("value",),
    "ring": ("failed", "after"),
    "survey": ("next", "thanks"),
    "dial": ("failed", "after", "silence_prompt", "wrong_prompt"),
    "voicemail": ("prompt", "next", "failed"),
    "service": ("prompt", "next", "failed"),
    "message": ("to",),
    "lookup": ("missing", "body"),
    "queue": ("skill", "full", "timeout", "nobody", "after"),
    "flow": ("next",),
    "hangup": ("prompt",),
}
EVERY = [
    pytest.param(kind, form, id=f"{kind}-{size}")
    for size, forms in (("minimal", MINIMAL), ("full", FULL))
    for kind, form in forms.items()
]


def graph_of(kind: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """A graph that starts at the node and ends wherever its good exits lead."""
    return {
        "start": "at",
        "nodes": {"at": {"type": kind, **raw}, **{name: {"type": "hangup"} for name in "abcxyz"}},
    }


def read(kind: str, raw: Mapping[str, Any], exits: Mapping[str, str]) -> Flow:
    made = graph_of(kind, raw)
    made["nodes"] = {name: one for name, one in made["nodes"].items() if name == "at" or name in exits.values()}
    flow, found = parse("main", 1, made)
    assert found == [] and flow is not None
    return flow


def faults(kind: str, raw: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(node, field) of what is wrong with a node, but for the ends that its exits lead to or not."""
    flow, found = parse("main", 1, graph_of(kind, raw))
    assert (flow is None) == bool(found)
    assert all(one.what and in_chinese(one.what) != one.what for one in found), found
    return {(one.node, one.field) for one in found if one.what != "no exit leads here"}


def test_the_tables_know_every_type() -> None:
    assert set(MINIMAL) == set(FULL) == set(TYPES)
    for kind, form in FULL.items():
        assert TYPES[kind] is type(form.node) and kind == TYPES[kind].TYPE
        assert set(form.raw) == {one.name for one in fields_of(TYPES[kind])}, kind
        assert set(MINIMAL[kind].raw) == {one.name for one in fields_of(TYPES[kind]) if one.required}, kind


def test_doctests() -> None:
    assert doctest.testmod(kinds).failed == doctest.testmod(nodes).failed == 0


@pytest.mark.parametrize(("kind", "form"), EVERY)
def test_a_node_is_read_with_its_defaults_exits_and_references(kind: str, form: Form) -> None:
    node = read(kind, form.raw, form.exits).nodes["at"]
    assert node == form.node
    assert dict(exits_of(node)) == form.exits
    assert tuple(references_of(node)) == form.refers
    assert prompts_of(node) == tuple(name for _, section, name in form.refers if section is PROMPT)


@pytest.mark.parametrize(("kind", "form"), EVERY)
def test_the_graph_tells_what_its_nodes_name(kind: str, form: Form) -> None:
    flow = read(kind, form.raw, form.exits)
    assert list(flow.references()) == [("at", *one) for one in form.refers]
    found = {PROMPT: list(flow.prompts()), LINE: list(flow.lines()), QUEUE: list(flow.queues())}
    for section, told in found.items():
        assert told == [("at", name) for _, of, name in form.refers if of is section]


@pytest.mark.parametrize(("kind", "form"), EVERY)
def test_a_title_is_for_people(kind: str, form: Form) -> None:
    assert read(kind, {**form.raw, "title": "题" * 200}, form.exits).nodes["at"] == form.node


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_required_and_what_is_unknown(kind: str) -> None:
    raw = MINIMAL[kind].raw
    for name in raw:
        assert faults(kind, {one: value for one, value in raw.items() if one != name}) == {("at", name)}
    assert faults(kind, {**raw, "colour": 1, "Next": "x"}) == {("at", "colour"), ("at", "Next")}
    assert faults(kind, {**raw, 7: 1}) == {("at", "7")}  # type: ignore[dict-item]
    assert faults(kind, dict.fromkeys(FULL[kind].raw, None)) == {("at", name) for name in FULL[kind].raw}


def empty_forms() -> Iterator[tuple[str, str]]:
    for kind in TYPES:
        for one in fields_of(TYPES[kind]):
            if isinstance(one.kind, kinds.Text):
                yield kind, one.name


@pytest.mark.parametrize(("kind", "name"), list(empty_forms()))
def test_only_what_is_optional_may_be_empty(kind: str, name: str) -> None:
    made = {**FULL[kind].raw, name: ""}
    assert faults(kind, made) == (set() if name in OPTIONAL.get(kind, ()) else {("at", name)})


#: Least and greatest of each number.
LIMITS: dict[tuple[str, str], tuple[int, int]] = {
    **{(kind, "attempts"): (1, 9) for kind in ("menu", "collect", "survey", "dial")},
    **{(kind, "timeout_s"): (1, 60) for kind in ("menu", "collect", "survey", "dial")},
    ("lookup", "timeout_s"): (1, 10),
    ("menu", "between_s"): (1, 10),
    ("service", "attempts"): (1, 5),
    ("service", "timeout_s"): (1, 60),
    ("voicemail", "max_s"): (1, 600),
    ("collect", "least"): (1, 30),
    ("collect", "most"): (1, 30),
    ("queue", "priority"): (0, 99),
}
TEXTS = (kinds.Text, kinds.Exit, kinds.Named, kinds.Filled, kinds.Url)
#: What no field at all takes as its value.
HOSTILE = [None, object(), b"p", {1, 2}, float("nan"), float("inf"), 10**400, -1]
NO_TEXT = [0, 1, True, 1.5, [], ["p"], {"p": 1}, ("p",)]
NO_NUMBER = ["1", "", True, False, [], {}, [1]]
NO_MAP = ["", "x", 1, True, [], ["x"], [["1", "x"]]]
BAD: dict[type[kinds.Kind], list[Any]] = {
    **dict.fromkeys(TEXTS, NO_TEXT),
    kinds.Url: [
        *NO_TEXT,
        "",
        "crm",
        "ftp://crm/",
        "http://{caller}/",
        "http://a b/",
        "http://a@crm/",
        "http://crm/名",
    ],
    kinds.Wanted: [
        *NO_MAP,
        {"level": ""},
        {"level": 1},
        {"level": "a b"},
        {"level": "a..b"},
        {"level": "a\n"},
        {"Level": "a"},
        {1: "a"},
        {f"v{n}": "a" for n in range(21)},
    ],
    kinds.Variable: [*NO_TEXT, "", "V", "1a", "_a", "a-b", "a b", "名", "a\n", "{a}", "a" * 31],
    kinds.Keys: [
        *NO_MAP,
        {"12": "x"},
        {"": "x"},
        {"a": "x"},
        {"A": "x"},
        {1: "x"},
        {"1": 2},
        {"1": None},
        {None: "x"},
        {"１": "x"},
        {"1": "x", "+": "y"},
    ],
    kinds.KeyRow: [*NO_TEXT, "", "11", "a", "1 2", "１", "0123456789*#0", "1\n"],
    kinds.Cases: [
        *NO_MAP,
        {},
        {"": "x"},
        {1: "x"},
        {"a": ""},
        {"a": 1},
        {"a": None},
        {"a" * 61: "x"},
        {"a": "x" * 61},
        {str(n): "x" for n in range(51)},
    ],
    kinds.Whole: [*NO_NUMBER, 1.5, 1.0],
    kinds.Seconds: NO_NUMBER,
    kinds.Flag: ["true", "", 0, 1, 1.0, [], {}],
    kinds.OneOf: [*NO_TEXT, "", "other", "NORMAL", "Order", "digits "],
    kinds.SomeOf: ["busy", "", 1, True, {}, {"busy": 1}, ["full"], [1], [["busy"]], [None], ["busy", "answered"]],
    kinds.Lines: ["a", "", 1, True, [], (), {}, {"a": 1}, [1], [None], ["a", 2], ["a", "a"], [["a"]]],
}
GOOD: dict[type[kinds.Kind], list[Any]] = {
    kinds.Text: ["t" * 60, "英语"],
    kinds.Exit: ["x"],
    kinds.Named: ["n" * 60, "名"],
    kinds.Filled: ["f" * 200, "{caller}{kind}{province}{city}{number}{date}{time}{weekday}", "}{", "张"],
    kinds.Url: ["http://crm/", "https://crm.example:8443/c?n={caller}&c={city}"],
    kinds.Wanted: [{}, {"level": "level"}, {f"v{n}": "a.b-c.0" for n in range(20)}],
    kinds.Variable: ["kind", "number"],
    kinds.Keys: [dict.fromkeys("0123456789*#", "x")],
    kinds.KeyRow: ["1", "0123456789*#"],
    kinds.Cases: [{str(n): "x" for n in range(50)}, {"*": "x"}, {"a" * 60: "x"}],
    kinds.Whole: [],
    kinds.Seconds: [1.5, 9.999],
    kinds.Flag: [True, False],
    kinds.OneOf: [],
    kinds.SomeOf: [[], ["busy"], ("busy", "no-answer"), ["busy", "no-answer", "unreachable", "rejected"]],
    kinds.Lines: [["a"], ("b", "a"), [str(n) for n in range(200)]],
}
WORDS = {
    ("say", "what"): ["digits", "number", "money", "time", "date"],
    ("lookup", "method"): ["GET", "POST"],
    ("ring", "strategy"): ["order", "rotate", "random", "ring-all", "weight", "longest-idle", "last-spoken"],
    ("hangup", "cause"): [
        *("NORMAL_CLEARING", "USER_BUSY", "NO_ANSWER", "CALL_REJECTED", "NORMAL_TEMPORARY_FAILURE")
    ],
}


def every_field() -> Iterator[Any]:
    for kind in TYPES:
        for one in fields_of(TYPES[kind]):
            yield pytest.param(kind, one.name, type(one.kind), id=f"{kind}.{one.name}")


@pytest.mark.parametrize(("kind", "name", "of"), list(every_field()))
def test_values_that_a_field_refuses(kind: str, name: str, of: type[kinds.Kind]) -> None:
    bad = [*HOSTILE, *BAD[of]]
    if (kind, name) == ("queue", "keys"):
        bad.append({})
    if of in TEXTS:
        (most,) = (one.kind.most for one in fields_of(TYPES[kind]) if one.name == name)  # type: ignore[attr-defined]
        bad.append(("http://crm/" if of is kinds.Url else "") + "x" * (most + 1))
    if (kind, name) in LIMITS:
        least, most = LIMITS[kind, name]
        bad += [least - 1, most + 1, -least - 1] + ([least - 0.001, most + 0.001] if of is kinds.Seconds else [])
    for value in bad:
        assert faults(kind, {**FULL[kind].raw, name: value}) == {("at", name)}, value


@pytest.mark.parametrize(("kind", "name", "of"), list(every_field()))
def test_values_that_a_field_takes(kind: str, name: str, of: type[kinds.Kind]) -> None:
    good = [*GOOD[of], *WORDS.get((kind, name), ()), *LIMITS.get((kind, name), ())]
    assert good, "the tables must know every field"
    if of is kinds.Variable and kind != "switch":
        good = ["v", "a" * 30, "a_1"]
    raw: dict[str, Any] = {"most": 30, "least": 1} if kind == "collect" else {}
    if name == "dial":
        raw = {"failed": "", "after": ""}
    for value in good:
        assert faults(kind, {**FULL[kind].raw, **raw, name: value}) == set(), value


def test_words_are_all_that_there_are() -> None:
    """A word that is added must be told here, and in the docs."""
    for (kind, name), words in WORDS.items():
        (found,) = (one.kind for one in fields_of(TYPES[kind]) if one.name == name)
        assert isinstance(found, kinds.OneOf) and list(found.words) == words


def test_digits_of_a_number_that_cannot_be_keyed() -> None:
    raw = FULL["collect"].raw
    assert faults("collect", {**raw, "least": 5, "most": 4}) == {("at", "least")}
    assert faults("collect", {**MINIMAL["collect"].raw, "least": 21}) == {("at", "least")}, "20 is the usual most"
    assert faults("collect", {**raw, "least": 4, "most": 5}) == set()


@pytest.mark.parametrize("kind", ["collect", "set"])
@pytest.mark.parametrize("variable", ["caller", "kind", "province", "city", "number", "date", "time", "weekday"])
def test_what_every_call_has_is_not_set(kind: str, variable: str) -> None:
    assert faults(kind, {**FULL[kind].raw, "variable": variable}) == {("at", "variable")}


def test_what_is_given_is_not_kept_by_reference() -> None:
    """A graph that changes after it was read is not the flow's."""
    keys, cases, lines = {"1": "x"}, {"a": "x"}, ["a"]
    menu = read("menu", {**MINIMAL["menu"].raw, "keys": keys}, {"1": "x", "2": "y", "3": "z"}).nodes["at"]
    switch = read("switch", {**MINIMAL["switch"].raw, "cases": cases}, {"1": "x", "2": "y"}).nodes["at"]
    ring = read("ring", {"lines": lines}, {}).nodes["at"]
    keys["2"] = cases["b"] = "y"
    lines.append("b")
    assert isinstance(menu, Menu) and menu.keys == {"1": "x"}
    assert isinstance(switch, Switch) and switch.cases == {"a": "x"}
    assert isinstance(ring, Ring) and ring.lines == ("a",)


def test_a_rings_hunt() -> None:
    full = FULL["ring"].node
    assert isinstance(full, Ring)
    assert full.hunt == Hunt(("a", "b"), Strategy.RING_ALL, frozenset({Disposition.BUSY}))
    assert Ring(("a",)).hunt == Hunt(("a",))


def test_a_kind_must_say_what_it_takes() -> None:
    with pytest.raises(TypeError, match="abstract"):
        kinds.Kind()  # type: ignore[abstract]


def test_what_a_menu_and_a_service_menu_cannot_be_together() -> None:
    menu = {"prompt": "p", "keys": {"1": "x"}, "silence": "y", "wrong": "z"}
    assert faults("menu", {**menu, "failed": "a", "after": "b"}) == {("at", "failed"), ("at", "after")}
    assert faults("menu", {**menu, "failed": "a", "after": "b", "dial": True}) == set()
    assert faults("service", {"sign_in": False, "record": False}) == {("at", "sign_in")}
    assert faults("service", {"sign_in": False}) == faults("service", {"record": False}) == set()
