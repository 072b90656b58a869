"""What an answer means for a message: delivered, to be tried again, or never to be taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from appliance.domain.hook import Hook
from appliance.domain.lookup import plain
from appliance.http.order import Answer

#: Characters of what a receiver said that are kept.
MAX_SAID = 300
#: A receiver that asks to be left alone is, at most for so long.
_LONGEST_REST = timedelta(hours=1)
#: What is shorter is a word that may stand anywhere.
_SHORTEST_SECRET = 4
#: The request is too large, or its content is none: the same again will be answered the same (RFC 9110, 15.5).
_NEVER = frozenset({413, 422})


@dataclass(frozen=True, slots=True)
class Verdict:
    """``at_least``: how long the receiver is to be left alone; ``final``: it will never take this message."""

    ok: bool
    said: str
    at_least: timedelta = timedelta()
    final: bool = False


def delivered(said: str = "") -> Verdict:
    """It was taken."""
    return Verdict(True, plain(said, MAX_SAID))


def refused(said: str, at_least: timedelta = timedelta(), *, final: bool = False) -> Verdict:
    """It was not taken."""
    return Verdict(False, plain(said, MAX_SAID), at_least, final)


def by_status(answer: Answer) -> Verdict | None:
    """What the status says; None: 2xx, and the body has to be read."""
    if 200 <= answer.status < 300:
        return None
    return refused(f"HTTP {answer.status} {shown(answer)}", _rest(answer), final=answer.status in _NEVER)


def shown(answer: Answer) -> str:
    """The beginning of an answer, for people."""
    return plain(answer.body[: 4 * MAX_SAID].decode("utf-8", "replace"), MAX_SAID)


def without_secrets(verdict: Verdict, hook: Hook) -> Verdict:
    """A receiver may repeat what it was sent."""
    said = verdict.said
    for word in (hook.token, hook.secret):
        if len(word) >= _SHORTEST_SECRET:
            said = said.replace(word, "***")
    return Verdict(verdict.ok, said, verdict.at_least, verdict.final)


def _rest(answer: Answer) -> timedelta:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3); a date there is passed over."""
    text = answer.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        return timedelta()
    return min(timedelta(seconds=int(text)), _LONGEST_REST)
