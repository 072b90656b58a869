"""A walk through a flow without a call: given keys, and lines that answer unless they are passed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from appliance.domain.flow import Enqueue, Flow, HangUp, Menu, Node, Play, Ring
from appliance.domain.hunt import Choice, Hunt, Skip
from appliance.domain.menu import AskAgain, after_answer

#: A walk that goes round longer than this is a caller who does not mind.
_MOST_STEPS = 100


class Left(StrEnum):
    """How a walk ended."""

    JOINED = "joined"
    HUNG_UP = "hung-up"
    #: A menu asks, and no key is left.
    ASKED = "asked"
    #: Lines failed and their node has no exit for that.
    NO_LINE = "no-line"
    #: He waits in a queue: its lines are busy.
    QUEUED = "queued"
    #: It goes round.
    ENDLESS = "endless"


@dataclass(frozen=True, slots=True)
class Visit:
    """A node that the walk came through; ``keys`` are those pressed there, ``choice`` the lines that it rings."""

    node_id: str
    node: Node
    keys: tuple[str, ...] = ()
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """Nodes in order, and how it ended."""

    visits: tuple[Visit, ...]
    left: Left


def walk(
    flow: Flow,
    keys: Sequence[str],
    lines_of: Callable[[str, Hunt], Choice],
    served_by: Callable[[Enqueue], Choice] = lambda node: Choice((), {}),
) -> Walk:
    """Walk from the flow's start.

    :param keys: what is pressed at each asking; empty: nothing.
    :param lines_of: the lines that ring at a node; the first of them answers.
    :param served_by: the lines of a queue that would ring at once.
    """
    visits: list[Visit] = []
    pressed = list(keys)
    at = flow.start
    for _ in range(_MOST_STEPS):
        node = flow.nodes[at]
        match node:
            case Play():
                visits.append(Visit(at, node))
                at = node.next
            case Menu():
                chosen, used = _asked(node, pressed)
                visits.append(Visit(at, node, used))
                if not chosen:
                    return Walk(tuple(visits), Left.ASKED)
                at = chosen
            case Ring():
                choice = lines_of(at, node.hunt)
                visits.append(Visit(at, node, choice=choice))
                if choice.rounds:
                    return Walk(tuple(visits), Left.JOINED)
                if not node.failed:
                    return Walk(tuple(visits), Left.NO_LINE)
                at = node.failed
            case Enqueue():
                choice = served_by(node)
                onward, used, left = _waited(node, choice, pressed)
                visits.append(Visit(at, node, used, choice))
                if left is not None:
                    return Walk(tuple(visits), left)
                at = onward
            case HangUp():
                return Walk((*visits, Visit(at, node)), Left.HUNG_UP)
            case _:
                assert_never(node)
    return Walk(tuple(visits), Left.ENDLESS)


def _waited(node: Enqueue, choice: Choice, pressed: list[str]) -> tuple[str, tuple[str, ...], Left | None]:
    """Where a queue leads to, the keys that it took, and how the walk ends in it if it does: served at once,
    waiting, or elsewhere by a key or because nobody is there. A key that leads nowhere does nothing."""
    if choice.rounds:
        return "", (), Left.JOINED
    if Skip.BUSY not in choice.skipped.values():
        return node.nobody, (), None if node.nobody else Left.NO_LINE
    used: list[str] = []
    while pressed:
        used.append(pressed.pop(0))
        if used[-1] in node.keys:
            return node.keys[used[-1]], tuple(used), None
    return "", tuple(used), Left.QUEUED


def _asked(menu: Menu, pressed: list[str]) -> tuple[str, tuple[str, ...]]:
    """The node that a menu leads to (empty: it still asks), and the keys that it took."""
    used: list[str] = []
    while pressed:
        used.append(pressed.pop(0))
        step = after_answer(menu, len(used), used[-1])
        if not isinstance(step, AskAgain):
            return step.node, tuple(used)
    return "", tuple(used)
