"""The IVR graph: nodes, exits, and what a caller's answer leads to.

A flow is a versioned graph in JSON (``docs/flow.md``)::

    {"start": "welcome",
     "nodes": {"welcome": {"type": "menu", "prompt": "welcome", "keys": {"1": "sales", "2": "service"},
                           "silence": "bye", "wrong": "bye"},
               "sales":   {"type": "ring", "lines": ["sales-1", "sales-2"], "failed": "bye"},
               "bye":     {"type": "hangup", "prompt": "bye"}}}

An exit names the node it leads to; exits that may be left open say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from appliance.domain.hunt import FAIL_OVER, Hunt, Strategy
from appliance.domain.outcome import Disposition

KEYS = frozenset("0123456789*#")


@dataclass(frozen=True, slots=True)
class Play:
    """Play ``prompt``, then go to ``next``."""

    prompt: str
    next: str


@dataclass(frozen=True, slots=True)
class Menu:
    """Ask for one key. Times are seconds; ``silence`` and ``wrong`` are taken after the last attempt."""

    prompt: str
    keys: Mapping[str, str]
    silence: str
    wrong: str
    attempts: int = 3
    timeout_s: float = 5.0
    silence_prompt: str = ""
    wrong_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring the lines of ``hunt``; ``failed`` is taken when none could be joined (empty: the call ends)."""

    hunt: Hunt
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Have the caller wait in ``queue`` until one of its lines answers. ``keys`` lead elsewhere while he waits; the
    other exits are taken when he cannot or does not wait any longer (empty: the call ends).

    :param priority: callers of a higher one are served first.
    :param skill: only lines that have it serve him; empty: all do.
    """

    queue: str
    priority: int = 0
    skill: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    full: str = ""
    timeout: str = ""
    nobody: str = ""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call with ``cause``, after ``prompt`` where there is one."""

    prompt: str = ""
    cause: str = "NORMAL_CLEARING"


Node = Play | Menu | Ring | Enqueue | HangUp


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of a graph. ``label`` (``NAME@VERSION``) is what a call's record says."""

    name: str
    version: int
    start: str
    nodes: Mapping[str, Node] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"

    def prompts(self) -> Iterator[tuple[str, str]]:
        """(node, prompt) of every prompt that the graph plays."""
        for node_id, node in self.nodes.items():
            for name in prompts_of(node):
                yield node_id, name

    def lines(self) -> Iterator[tuple[str, str]]:
        """(node, line) of every line that the graph rings."""
        for node_id, node in self.nodes.items():
            if isinstance(node, Ring):
                for line in node.hunt.lines:
                    yield node_id, line

    def queues(self) -> Iterator[tuple[str, str]]:
        """(node, queue) of every queue that callers wait in."""
        for node_id, node in self.nodes.items():
            if isinstance(node, Enqueue):
                yield node_id, node.queue


def prompts_of(node: Node) -> tuple[str, ...]:
    """Prompts of a node, those set."""
    match node:
        case Menu():
            names: tuple[str, ...] = (node.prompt, node.silence_prompt, node.wrong_prompt)
        case Play() | HangUp():
            names = (node.prompt,)
        case Ring() | Enqueue():
            names = ()
        case _:
            assert_never(node)
    return tuple(name for name in names if name)


def exits_of(node: Node) -> Mapping[str, str]:
    """Exit → node it leads to; exits left open are not in it."""
    match node:
        case Play():
            exits = {"next": node.next}
        case Menu():
            exits = {f"keys.{key}": target for key, target in node.keys.items()}
            exits |= {"silence": node.silence, "wrong": node.wrong}
        case Ring():
            exits = {"failed": node.failed}
        case Enqueue():
            exits = {f"keys.{key}": target for key, target in node.keys.items()}
            exits |= {"full": node.full, "timeout": node.timeout, "nobody": node.nobody}
        case HangUp():
            exits = {}
        case _:
            assert_never(node)
    return {name: target for name, target in exits.items() if target}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a graph: the node (empty: the graph itself), the field or exit, and in words."""

    node: str
    field: str
    what: str


_CAUSES = frozenset({"NORMAL_CLEARING", "USER_BUSY", "NO_ANSWER", "CALL_REJECTED", "NORMAL_TEMPORARY_FAILURE"})
_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # type: (required, optional)
    "play": (frozenset({"prompt", "next"}), frozenset()),
    "menu": (
        frozenset({"prompt", "keys", "silence", "wrong"}),
        frozenset({"attempts", "timeout_s", "silence_prompt", "wrong_prompt"}),
    ),
    "ring": (frozenset({"lines"}), frozenset({"strategy", "fail_over", "failed"})),
    "queue": (frozenset({"queue"}), frozenset({"priority", "skill", "keys", "full", "timeout", "nobody"})),
    "hangup": (frozenset(), frozenset({"prompt", "cause"})),
}


def parse(name: str, version: int, graph: Mapping[str, Any]) -> tuple[Flow | None, list[Fault]]:
    """Read a graph. Either the flow and no fault, or None and every fault found."""
    faults: list[Fault] = []
    for unknown in sorted(set(graph) - {"start", "nodes"}):
        faults.append(Fault("", str(unknown), "unknown field"))
    raw_nodes = graph.get("nodes")
    if not isinstance(raw_nodes, Mapping) or not raw_nodes:
        return None, [*faults, Fault("", "nodes", "a graph needs nodes")]
    nodes: dict[str, Node] = {}
    for node_id, raw in raw_nodes.items():
        node = _node(str(node_id), raw, faults)
        if node is not None:
            nodes[str(node_id)] = node
    start = graph.get("start")
    if not isinstance(start, str) or start not in raw_nodes:
        faults.append(Fault("", "start", f"no such node: {start}"))
    for node_id, node in nodes.items():
        for exit_name, target in exits_of(node).items():
            if target not in raw_nodes:
                faults.append(Fault(node_id, exit_name, f"no such node: {target}"))
    if not faults:
        faults += [Fault(node_id, "next", "loops without asking the caller") for node_id in _silent_loops(nodes)]
        reached = _reachable(str(start), nodes)
        faults += [Fault(node_id, "", "no exit leads here") for node_id in nodes if node_id not in reached]
    if faults:
        return None, faults
    return Flow(name, version, str(start), nodes), []


def _node(node_id: str, raw: Any, faults: list[Fault]) -> Node | None:
    """Read one node; what is wrong with it goes to ``faults``."""
    before = len(faults)
    if not isinstance(raw, Mapping):
        faults.append(Fault(node_id, "", "a node is a mapping with a type"))
        return None
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        faults.append(Fault(node_id, "type", f"unknown type: {kind}"))
        return None
    required, optional = _FIELDS[kind]
    given = {str(key): value for key, value in raw.items() if key != "type"}
    faults += [Fault(node_id, missing, "is required") for missing in sorted(required - set(given))]
    faults += [Fault(node_id, unknown, "unknown field") for unknown in sorted(set(given) - required - optional)]
    for key, value in given.items():
        if key not in _CHECKS or key not in required | optional:
            continue
        problem = _CHECKS[key](value)
        if problem:
            faults.append(Fault(node_id, key, problem))
    if len(faults) > before:
        return None
    if kind == "menu":
        return Menu(**{**given, "keys": dict(given["keys"])})
    if kind == "queue":
        return Enqueue(**{**given, "keys": dict(given.get("keys", {}))})
    if kind == "ring":
        strategy = Strategy(given.get("strategy", Strategy.ORDER))
        fail_over = frozenset(map(Disposition, given.get("fail_over", FAIL_OVER)))
        return Ring(Hunt(tuple(given["lines"]), strategy, fail_over), given.get("failed", ""))
    return Play(**given) if kind == "play" else HangUp(**given)


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "must be a text"


def _optional_text(value: Any) -> str:
    return "" if isinstance(value, str) else "must be a text"


def _keys(value: Any) -> str:
    if not isinstance(value, Mapping) or not value:
        return "must map keys to nodes"
    wrong = [str(key) for key in value if not isinstance(key, str) or key not in KEYS]
    if wrong:
        return f"not a key (0-9 * #, in quotes): {', '.join(wrong)}"
    return "" if all(isinstance(target, str) for target in value.values()) else "must map keys to nodes"


def _attempts(value: Any) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 9 else "must be 1 to 9"


def _priority(value: Any) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 99 else "must be 0 to 99"


def _timeout(value: Any) -> str:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= 60
    return "" if good else "must be 1 to 60 seconds"


def _lines(value: Any) -> str:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(item, str) for item in value):
        return "must be a list of lines"
    return "" if len(set(value)) == len(value) else "names a line twice"


def _strategy(value: Any) -> str:
    return (
        "" if isinstance(value, str) and value in frozenset(Strategy) else f"must be one of {', '.join(Strategy)}"
    )


def _fail_over(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(one, str) and one in FAIL_OVER for one in value):
        return ""
    return f"must be a list of {', '.join(sorted(FAIL_OVER))}"


def _cause(value: Any) -> str:
    return "" if value in _CAUSES else f"must be one of {', '.join(sorted(_CAUSES))}"


_CHECKS = {
    "prompt": _optional_text,
    "next": _text,
    "keys": _keys,
    "silence": _text,
    "wrong": _text,
    "attempts": _attempts,
    "timeout_s": _timeout,
    "silence_prompt": _optional_text,
    "wrong_prompt": _optional_text,
    "lines": _lines,
    "failed": _optional_text,
    "strategy": _strategy,
    "fail_over": _fail_over,
    "cause": _cause,
    "queue": _text,
    "priority": _priority,
    "skill": _optional_text,
    "full": _optional_text,
    "timeout": _optional_text,
    "nobody": _optional_text,
}


def _silent_loops(nodes: Mapping[str, Node]) -> list[str]:
    """Nodes from which the call comes back to them though the caller was never asked. Lines are no pause: where all
    of them are passed over, ringing them takes no time at all; nor is a queue that nobody serves."""
    return [node_id for node_id in nodes if node_id in _unasked_from(node_id, nodes)]


def _unasked_from(start: str, nodes: Mapping[str, Node]) -> set[str]:
    """Nodes that a call comes to from ``start`` without the caller being asked."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for onward in _unasked(nodes.get(todo.pop())):
            if onward and onward not in seen:
                seen.add(onward)
                todo.append(onward)
    return seen


def _unasked(node: Node | None) -> tuple[str, ...]:
    """Where a node may lead to without asking the caller."""
    match node:
        case Play():
            return (node.next,)
        case Ring():
            return (node.failed,)
        case Enqueue():
            return (node.full, node.nobody)
        case _:
            return ()


def _reachable(start: str, nodes: Mapping[str, Node]) -> set[str]:
    reached: set[str] = set()
    todo = [start]
    while todo:
        at = todo.pop()
        if at in reached:
            continue
        reached.add(at)
        todo += exits_of(nodes[at]).values()
    return reached
