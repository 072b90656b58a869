"""The node types of a flow, each with its fields, their kinds and defaults (``docs/flow.md``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.domain.flow.asking import Collect, Dial, Menu, Survey
from appliance.domain.flow.kinds import (
    Cases,
    Exit,
    Filled,
    Keys,
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
