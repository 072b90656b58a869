"""A walk through a flow without a call: given keys, and lines that answer unless they are passed over."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from appliance.domain.flow import (
    Assign,
    Collect,
    Dial,
    Enqueue,
    Flow,
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
    Service,
    Subflow,
    Survey,
    Switch,
    Vip,
    Voicemail,
)
from appliance.domain.flow.branch import Circumstances, branch
from appliance.domain.flow.course import Course
from appliance.domain.flow.values import fill
from appliance.domain.hunt import Choice, Hunt, Skip
from appliance.domain.menu import AskAgain, Asking, after_answer

#: A walk that goes round longer than this is a caller who does not mind.
_MOST_STEPS = 100
_NO_CHOICE = Choice((), {})
_NOTHING_KNOWN = Circumstances(lambda schedule: None, lambda one: False, lambda: None)


class Left(StrEnum):
    """How a walk ended."""

    JOINED = "joined"
    HUNG_UP = "hung-up"
    #: It asks, and no key is left.
    ASKED = "asked"
    #: Lines failed and their node has no exit for that.
    NO_LINE = "no-line"
    #: He waits in a queue: its lines are busy.
    QUEUED = "queued"
    #: He asked to be called back, and hung up.
    CALLBACK = "callback"
    #: It goes round.
    ENDLESS = "endless"


@dataclass(frozen=True, slots=True)
class World:
    """What a walk meets.

    :param lines_of: the lines that ring at a node; the first of them answers.
    :param served_by: the lines of a queue that would ring at once.
    :param flows: the account's flows by name.
    :param variables: those that the call has.
    :param extensions: extension → line.
    :param exits: place → the exit that a look-up, a service menu, or a message that is to be left, takes; a look-up
        that is not named fails, a message is left, a service menu goes on.
    :param callback_key: the key by which a queue's callers ask to be called back; empty: none.
    :param agrees: whether he who pressed that key is called back in the end, by what he presses then (one answer a
        call, empty: nothing).
    """

    lines_of: Callable[[str, Hunt], Choice] = lambda node, hunt: _NO_CHOICE
    served_by: Callable[[Enqueue], Choice] = lambda node: _NO_CHOICE
    at: Circumstances = _NOTHING_KNOWN
    flows: Mapping[str, Flow] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[str, str] = field(default_factory=dict)
    callback_key: Callable[[Enqueue], str] = lambda node: ""
    agrees: Callable[[Enqueue, Callable[[], str]], bool] = lambda node, press: False


@dataclass(frozen=True, slots=True)
class Visit:
    """A node that the walk came through; ``keys`` are those pressed there, ``choice`` the lines that it rings,
    ``exit`` the one that it was left by (empty: the walk ended there), ``said`` a value that was said or set."""

    node_id: str
    node: Node
    keys: tuple[str, ...] = ()
    choice: Choice | None = None
    exit: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """Nodes in order, and how it ended."""

    visits: tuple[Visit, ...]
    left: Left

    @property
    def way(self) -> tuple[str, ...]:
        """``NODE=EXIT`` of each node, at last ``NODE=HOW IT ENDED``."""
        told = [f"{visit.node_id}={visit.exit}" for visit in self.visits if visit.exit]
        if self.visits and not self.visits[-1].exit:
            told.append(f"{self.visits[-1].node_id}={self.left}")
        return tuple(told)


def walk(flow: Flow, keys: Sequence[str], world: World) -> Walk:
    """Walk from the flow's start.

    :param keys: what is pressed at each asking; empty: nothing.
    """
    visits: list[Visit] = []
    pressed = list(keys)
    course = Course.begin(flow, world.flows)
    own: dict[str, str] = {}
    for _ in range(_MOST_STEPS):
        visit, left = _visited(course, pressed, own, world)
        visits.append(visit)
        onward = course.leave(visit.exit) if left is None else None
        if onward is None:
            return Walk(tuple(visits), left or Left.HUNG_UP)
        course = onward
    return Walk(tuple(visits), Left.ENDLESS)


def _visited(course: Course, pressed: list[str], own: dict[str, str], world: World) -> tuple[Visit, Left | None]:
    """A node, and how the walk ends in it if it does.

    :param own: the variables that nodes have set so far; they go before those that are declared, as in a call.
    """
    node, visit = course.node, Visit(course.path, course.node)
    variables = {**world.variables, **course.root.variables, **course.flow.variables, **own}
    match node:
        case Play():
            return replace(visit, exit="next"), None
        case Menu() if node.dial:
            return _dialled(visit, node, course, pressed, world)
        case Menu() | Collect() | Survey():
            exit_name, used = _asked(node, pressed)
            if isinstance(node, Collect) and exit_name == "next":
                own[node.variable] = used[-1]
            return replace(visit, keys=used, exit=exit_name), None if exit_name else Left.ASKED
        case Say():
            return replace(visit, exit="next", said=_said(node, variables)), None
        case Assign():
            own[node.variable] = fill(node.value, variables)
            return replace(visit, exit="next", said=own[node.variable]), None
        case Hours() | Region() | Vip() | Switch():
            return replace(visit, exit=branch(node, world.at, variables)), None
        case Dial():
            return _dialled(visit, node, course, pressed, world)
        case Service() | Voicemail():
            return replace(visit, exit=world.exits.get(course.path, "next")), None
        case Message():
            return replace(visit, exit="next", said=fill(node.text, variables)), None
        case Lookup():
            return replace(visit, exit=world.exits.get(course.path, "failed")), None
        case Ring():
            choice = world.lines_of(course.hunt_name, node.hunt)
            visit = replace(visit, choice=choice)
            if choice.rounds:
                return visit, Left.JOINED
            return (replace(visit, exit="failed"), None) if node.failed else (visit, Left.NO_LINE)
        case Enqueue():
            choice = world.served_by(node)
            exit_name, used, left = _waited(node, choice, pressed, world)
            return replace(visit, keys=used, choice=choice, exit=exit_name), left
        case Subflow():
            # A flow that is gone is as one that returned at once.
            return replace(visit, exit="enter" if course.can_enter else "next"), None
        case Return():
            return replace(visit, exit="return"), None
        case _:
            return visit, Left.HUNG_UP


def _dialled(
    visit: Visit, node: Dial | Menu, course: Course, pressed: list[str], world: World
) -> tuple[Visit, Left | None]:
    exit_name, used = _asked(node, pressed, world.extensions)
    if exit_name != "dialled":
        return replace(visit, keys=used, exit=exit_name), None if exit_name else Left.ASKED
    choice = world.lines_of(course.hunt_name, Hunt((world.extensions[used[-1]],)))
    visit = replace(visit, keys=used, choice=choice)
    if choice.rounds:
        return visit, Left.JOINED
    return (replace(visit, exit="failed"), None) if node.failed else (visit, Left.NO_LINE)


def _said(node: Say, variables: Mapping[str, str]) -> str:
    """The value that is said: for a time or a date without one, now."""
    if not node.value and node.what in ("time", "date"):
        return variables.get(node.what, "")
    return fill(node.value, variables)


def _waited(
    node: Enqueue, choice: Choice, pressed: list[str], world: World
) -> tuple[str, tuple[str, ...], Left | None]:
    """The exit that a queue is left by, the keys that it took, and how the walk ends in it if it does: served at
    once, waiting, to be called back, or elsewhere by a key or because nobody is there. A key that leads nowhere
    does nothing."""
    if choice.rounds:
        return "", (), Left.JOINED
    if Skip.BUSY not in choice.skipped.values():
        return ("nobody", (), None) if node.nobody else ("", (), Left.NO_LINE)
    used: list[str] = []

    def press() -> str:
        if not pressed:
            return ""
        used.append(pressed.pop(0))
        return used[-1]

    while pressed:
        key = press()
        # A key of the node leads where the node says.
        if key in node.keys:
            return f"keys.{key}", tuple(used), None
        if key and key == world.callback_key(node) and world.agrees(node, press):
            return "", tuple(used), Left.CALLBACK
    return "", tuple(used), Left.QUEUED


def _asked(node: Asking, pressed: list[str], extensions: Container[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The exit that it leads to (empty: it still asks), and the keys that it took."""
    used: list[str] = []
    while pressed:
        used.append(pressed.pop(0))
        step = after_answer(node, len(used), used[-1], extensions)
        if not isinstance(step, AskAgain):
            return step.exit, tuple(used)
    return "", tuple(used)
