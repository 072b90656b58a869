"""The node types of a flow, each with its fields, their kinds and defaults (``docs/flow.md``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import NamedTuple

from appliance.domain.flow.kinds import (
    Cases,
    Exit,
    Filled,
    Flag,
    KeyRow,
    Keys,
    Kind,
    Lines,
    Named,
    OneOf,
    Seconds,
    Section,
    SomeOf,
    Text,
    Url,
    Variable,
    Wanted,
    Whole,
)
from appliance.domain.flow.node import NO_PROMPT as _NO_PROMPT
from appliance.domain.flow.node import OPEN as _OPEN
from appliance.domain.flow.node import PROMPT as _PROMPT
from appliance.domain.flow.node import Node
from appliance.domain.flow.node import may as _may
from appliance.domain.flow.node import may_map as _may_map
from appliance.domain.flow.node import need as _need
from appliance.domain.flow.service import Service
from appliance.domain.hunt import FAIL_OVER, Hunt, Strategy
from appliance.domain.outcome import Disposition

CAUSES = ("NORMAL_CLEARING", "USER_BUSY", "NO_ANSWER", "CALL_REJECTED", "NORMAL_TEMPORARY_FAILURE")
_STRATEGY = OneOf(words=tuple(Strategy), as_type=Strategy)
_FAIL_OVER = SomeOf(words=tuple(sorted(FAIL_OVER)), as_type=Disposition)


@dataclass(frozen=True, slots=True)
class Play(Node):
    """Play ``prompt``, then go to ``next``."""

    TYPE = "play"
    prompt: str = _need(_PROMPT)
    next: str = _need(Exit())


@dataclass(frozen=True, slots=True)
class Menu(Node):
    """Ask for one key, or (``dial``) for an extension of the account's lines as well. ``silence`` and ``wrong`` are
    taken after the last attempt; ``failed`` when the extension's line could not be joined, ``after`` when it has
    ended the talk (empty: the call ends).

    :param timeout_s: how long the key is waited for behind the prompt.
    :param barge_in: a key stops the prompt and counts.
    :param between_s: pause behind a key after which it is no extension's digit.
    """

    TYPE = "menu"
    PAUSES = frozenset({"keys", "silence", "wrong", "failed", "after"})
    prompt: str = _need(_PROMPT)
    keys: Mapping[str, str] = _need(Keys())
    silence: str = _need(Exit())
    wrong: str = _need(Exit())
    attempts: int = _may(Whole(least=1, most=9), 3)
    timeout_s: float = _may(Seconds(), 5.0)
    silence_prompt: str = _may(_NO_PROMPT, "")
    wrong_prompt: str = _may(_NO_PROMPT, "")
    barge_in: bool = _may(Flag(), True)
    dial: bool = _may(Flag(), False)
    between_s: float = _may(Seconds(most=10), 2.0)
    failed: str = _may(_OPEN, "")
    after: str = _may(_OPEN, "")

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """See ``Node``."""
        if not self.dial:
            yield from ((name, "is taken only with dial") for name in ("failed", "after") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Collect(Node):
    """Ask for a number of ``least`` to ``most`` digits, ended by # or a pause, into ``variable``.

    :param secret: the record does not say what was keyed.
    """

    TYPE = "collect"
    PAUSES = frozenset({"next", "silence", "wrong"})
    prompt: str = _need(_PROMPT)
    variable: str = _need(Variable(is_set=True))
    next: str = _need(Exit())
    silence: str = _need(Exit())
    wrong: str = _need(Exit())
    least: int = _may(Whole(least=1, most=30), 1)
    most: int = _may(Whole(least=1, most=30), 20)
    attempts: int = _may(Whole(least=1, most=9), 3)
    timeout_s: float = _may(Seconds(), 5.0)
    silence_prompt: str = _may(_NO_PROMPT, "")
    wrong_prompt: str = _may(_NO_PROMPT, "")
    secret: bool = _may(Flag(), False)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """See ``Node``."""
        if self.least > self.most:
            yield "least", f"must be 1 to {self.most}"


@dataclass(frozen=True, slots=True)
class Say(Node):
    """Say a value in Mandarin: as single digits, as a number, as a time of day or as a date.

    :param value: what is said; for a time or a date nothing means now.
    """

    TYPE = "say"
    what: str = _need(OneOf(words=("digits", "number", "money", "time", "date")))
    next: str = _need(Exit())
    value: str = _may(Filled(optional=True), "")


@dataclass(frozen=True, slots=True)
class Hours(Node):
    """``open`` within the schedule, ``holiday`` (empty: as ``closed``) on a day off, else ``closed``."""

    TYPE = "hours"
    schedule: str = _need(Named(section=Section.SCHEDULE))
    open: str = _need(Exit())
    closed: str = _need(Exit())
    holiday: str = _may(_OPEN, "")


@dataclass(frozen=True, slots=True)
class Region(Node):
    """Where the caller calls from: the case that is nearest to it, else ``other``."""

    TYPE = "region"
    cases: Mapping[str, str] = _need(Cases())
    other: str = _need(Exit())


@dataclass(frozen=True, slots=True)
class Vip(Node):
    """``yes`` for a caller whom the list means."""

    TYPE = "vip"
    list: str = _need(Named(section=Section.LIST))
    yes: str = _need(Exit())
    no: str = _need(Exit())


@dataclass(frozen=True, slots=True)
class Switch(Node):
    """By a variable's value: the first case that is equal to it, or begins it (``138*``), else ``other``."""

    TYPE = "switch"
    variable: str = _need(Variable())
    cases: Mapping[str, str] = _need(Cases())
    other: str = _need(Exit())


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """Give ``variable`` a value."""

    TYPE = "set"
    variable: str = _need(Variable(is_set=True))
    value: str = _need(Filled(optional=True))
    next: str = _need(Exit())


@dataclass(frozen=True, slots=True)
class Ring(Node):
    """Ring lines; ``failed`` is taken when none could be joined, ``after`` when a line has ended the talk (empty:
    the call ends)."""

    TYPE = "ring"
    PAUSES = frozenset({"after"})
    lines: tuple[str, ...] = _need(Lines())
    strategy: Strategy = _may(_STRATEGY, Strategy.ORDER)  # noqa: RUF009 - a field
    fail_over: frozenset[Disposition] = _may(_FAIL_OVER, FAIL_OVER)
    failed: str = _may(_OPEN, "")
    after: str = _may(_OPEN, "")

    @property
    def hunt(self) -> Hunt:
        """The lines, how they are chosen, and when the next one is tried."""
        return Hunt(self.lines, self.strategy, self.fail_over)


@dataclass(frozen=True, slots=True)
class Enqueue(Node):
    """Have the caller wait in ``queue`` until one of its lines answers. ``keys`` lead elsewhere while he waits; the
    other exits are taken when he cannot or does not wait any longer, and ``after`` when a line has ended the talk
    (empty: the call ends).

    :param priority: callers of a higher one are served first.
    :param skill: only lines that have it serve him; empty: all do.
    """

    TYPE = "queue"
    PAUSES = frozenset({"keys", "timeout", "after"})
    queue: str = _need(Named(section=Section.QUEUE))
    priority: int = _may(Whole(), 0)
    skill: str = _may(Text(optional=True), "")
    keys: Mapping[str, str] = _may_map(Keys())
    full: str = _may(_OPEN, "")
    timeout: str = _may(_OPEN, "")
    nobody: str = _may(_OPEN, "")
    after: str = _may(_OPEN, "")


@dataclass(frozen=True, slots=True)
class Survey(Node):
    """Ask for a mark (满意度): a key of ``marks``. Whatever comes of it, ``next`` (empty: the call ends)."""

    TYPE = "survey"
    PAUSES = frozenset({"next"})
    prompt: str = _need(_PROMPT)
    marks: str = _may(KeyRow(), "12345")
    next: str = _may(_OPEN, "")
    attempts: int = _may(Whole(least=1, most=9), 2)
    timeout_s: float = _may(Seconds(), 5.0)
    thanks: str = _may(_NO_PROMPT, "")


@dataclass(frozen=True, slots=True)
class Dial(Node):
    """Ask for an extension of the account's lines and ring that line. ``failed`` is taken when it could not be
    joined, ``after`` when it has ended the talk (empty: the call ends)."""

    TYPE = "dial"
    PAUSES = frozenset({"silence", "wrong", "failed", "after"})
    prompt: str = _need(_PROMPT)
    silence: str = _need(Exit())
    wrong: str = _need(Exit())
    failed: str = _may(_OPEN, "")
    after: str = _may(_OPEN, "")
    attempts: int = _may(Whole(least=1, most=9), 3)
    timeout_s: float = _may(Seconds(), 5.0)
    silence_prompt: str = _may(_NO_PROMPT, "")
    wrong_prompt: str = _may(_NO_PROMPT, "")


@dataclass(frozen=True, slots=True)
class Voicemail(Node):
    """Have the caller leave a message (留言) of at most ``max_s`` seconds; ``failed`` is taken when he left none
    (empty: as ``next``)."""

    TYPE = "voicemail"
    prompt: str = _may(_NO_PROMPT, "")
    max_s: int = _may(Whole(least=1, most=600), 120)
    next: str = _may(_OPEN, "")
    failed: str = _may(_OPEN, "")


@dataclass(frozen=True, slots=True)
class Message(Node):
    """Send a text to a hook: a robot, a webhook, an SMS gateway. The call does not wait for it.

    :param to: whom an SMS goes to; empty: whom the hook says.
    """

    TYPE = "message"
    hook: str = _need(Named(section=Section.HOOK))
    text: str = _need(Filled(most=500))
    next: str = _need(Exit())
    to: str = _may(Filled(optional=True), "")


@dataclass(frozen=True, slots=True)
class Lookup(Node):
    """Ask another system over HTTP, and keep what ``values`` want of its answer. ``failed`` is taken when it does
    not answer in time, or not as it should; ``missing`` (empty: as ``failed``) when it knows nothing of the kind.

    :param body: of a ``POST``, JSON; variables are filled in as parts of JSON texts.
    """

    TYPE = "lookup"
    url: str = _need(Url())
    found: str = _need(Exit())
    failed: str = _need(Exit())
    missing: str = _may(_OPEN, "")
    method: str = _may(OneOf(words=("GET", "POST")), "GET")
    body: str = _may(Filled(optional=True, most=2000), "")
    values: Mapping[str, str] = _may_map(Wanted())
    timeout_s: float = _may(Seconds(most=10), 3.0)


@dataclass(frozen=True, slots=True)
class Subflow(Node):
    """Go through another flow of the account, and on with ``next`` when it returns."""

    TYPE = "flow"
    flow: str = _need(Named(section=Section.FLOW))
    next: str = _may(_OPEN, "")


@dataclass(frozen=True, slots=True)
class Return(Node):
    """Go back to the flow that this one was entered from; in a call's own flow: the call ends."""

    TYPE = "return"


@dataclass(frozen=True, slots=True)
class HangUp(Node):
    """End the call with ``cause``, after ``prompt`` where there is one."""

    TYPE = "hangup"
    prompt: str = _may(_NO_PROMPT, "")
    cause: str = _may(OneOf(words=CAUSES), "NORMAL_CLEARING")


TYPES: Mapping[str, type[Node]] = {
    one.TYPE: one
    for one in (
        Play,
        Menu,
        Collect,
        Say,
        Hours,
        Region,
        Vip,
        Switch,
        Assign,
        Ring,
        Enqueue,
        Survey,
        Dial,
        Voicemail,
        Service,
        Message,
        Lookup,
        Subflow,
        Return,
        HangUp,
    )
}


class FieldOf(NamedTuple):
    """A field of a node type."""

    name: str
    kind: Kind
    required: bool


_FIELDS = {
    node_type: tuple(
        FieldOf(one.name, one.metadata["kind"], one.default is MISSING and one.default_factory is MISSING)
        for one in fields(node_type)
    )
    for node_type in TYPES.values()
}


def fields_of(node_type: type[Node]) -> tuple[FieldOf, ...]:
    """A type's fields in their order."""
    return _FIELDS[node_type]


def exits_of(node: Node) -> Mapping[str, str]:
    """Exit (``next``, ``keys.1``) → node that it leads to; exits left open are not in it."""
    found: dict[str, str] = {}
    for one in fields_of(type(node)):
        for behind, target in one.kind.exits(getattr(node, one.name)).items():
            found[f"{one.name}{behind}"] = target
    return found


def references_of(node: Node) -> Iterator[tuple[str, Section, str]]:
    """(field, section, name) of all that a node refers to."""
    for one in fields_of(type(node)):
        for section, name in one.kind.refers(getattr(node, one.name)):
            yield one.name, section, name


def prompts_of(node: Node) -> tuple[str, ...]:
    """Prompts of a node, those set."""
    return tuple(name for _, section, name in references_of(node) if section is Section.PROMPT)
