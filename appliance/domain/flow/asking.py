"""Node types that ask the caller for keys (``docs/flow.md``); ``domain.menu`` reads the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from appliance.domain.flow.kinds import Exit, Flag, KeyRow, Keys, Seconds, Variable, Whole
from appliance.domain.flow.node import NO_PROMPT as _NO_PROMPT
from appliance.domain.flow.node import OPEN as _OPEN
from appliance.domain.flow.node import PROMPT as _PROMPT
from appliance.domain.flow.node import Node
from appliance.domain.flow.node import may as _may
from appliance.domain.flow.node import need as _need


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
