"""`play_and_get_digits`: ask for keys.

The order of the steps, and what becomes of each variable, is that of `switch_play_and_get_digits`,
`switch_ivr_read` and `switch_ivr_collect_digits_count`.
"""

from __future__ import annotations

import enum
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.miniswitch.channel import Channel
from appliance.miniswitch.playing import play
from appliance.miniswitch.sound import SoundNotFound

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)


class Read(enum.Enum):
    """How one attempt ended; the value is what `read_result` says."""

    SUCCESS = "success"
    TIMEOUT = "timeout"
    TOO_SMALL = "failure"
    NO_PROMPT = ""


@dataclass(frozen=True)
class Question:
    """The arguments of `play_and_get_digits`; times in seconds."""

    least: int
    most: int
    tries: int
    timeout: float
    terminators: str
    prompt: str
    invalid: str
    variable: str
    pattern: str
    between: float

    @classmethod
    def parse(cls, text: str) -> Question:
        """`MIN MAX TRIES TIMEOUT TERMINATORS FILE INVALID_FILE VARIABLE REGEXP [DIGIT_TIMEOUT]`."""
        words = text.split()
        numbers = [int(word) if word.isdigit() else 0 for word in words[:4]] + [0] * (4 - len(words[:4]))
        texts = words[4:9] + [""] * (5 - len(words[4:9]))
        timeout = max(1.0, numbers[3] / 1000)
        between = int(words[9]) / 1000 if len(words) > 9 and words[9].isdigit() else 0.0
        return cls(
            numbers[0],
            max(numbers[0], numbers[1]),
            numbers[2],
            timeout,
            texts[0] or "#",
            texts[1],
            texts[2],
            texts[3],
            texts[4],
            between or timeout,
        )


def _ask(session: Session, text: str) -> None:
    channel = session.channel
    question = Question.parse(text)
    variables = channel.variables
    if question.pattern and question.variable:
        variables.set(f"{question.variable}_invalid", None)
    for _ in range(question.tries):
        result, keys = _read(channel, question)
        if result is Read.TIMEOUT and len(keys) >= question.least:
            result = Read.SUCCESS
        if not question.least and not keys and variables.get("read_terminator_used"):
            return
        if result is Read.SUCCESS and keys:
            if _matches(keys, question.pattern):
                return
            if question.variable:
                variables.set(question.variable, None)
                variables.set(f"{question.variable}_invalid", keys)
        if question.invalid:
            try:
                play(channel, question.invalid)
            except SoundNotFound as error:
                log.warning("%s: %s", channel.name, error)


def _matches(keys: str, pattern: str) -> bool:
    if not pattern:
        return True
    try:
        return re.search(pattern, keys) is not None
    except re.error as error:
        log.warning("not a pattern: %s: %s", pattern, error)
        return False


def _read(channel: Channel, question: Question) -> tuple[Read, str]:
    """One attempt: prompt, then keys. Returns how it ended, and the keys."""
    variables = channel.variables
    variables.update({"read_result": None, "read_terminator_used": None})
    if question.variable:
        variables.set(question.variable, None)
    keys = ""

    def on_key(key: str) -> bool:
        nonlocal keys
        keys += key
        return True

    if question.prompt and question.prompt.lower() != "silence":
        try:
            play(channel, question.prompt, on_key)
        except SoundNotFound as error:
            log.warning("%s: %s", channel.name, error)
            return Read.NO_PROMPT, ""
    result, used = Read.SUCCESS, ""
    if len(keys) < max(question.most, question.least):
        keys, used, complete = _collect(channel, question, keys)
        result = Read.SUCCESS if complete else Read.TIMEOUT
    if used:
        variables.set("read_terminator_used", used)
    if question.least and len(keys) < question.least:
        result = Read.TOO_SMALL
    variables.set("read_result", result.value)
    if question.most == 1 and len(keys) == 1 and keys in question.terminators:
        keys = ""
    if question.variable and keys:
        variables.set(question.variable, keys)
    return result, keys


def _collect(channel: Channel, question: Question, keys: str) -> tuple[str, str, bool]:
    """Wait for more keys. Returns the keys, the terminator pressed, and whether it did not time out."""
    if keys and keys in question.terminators:
        return "", keys, True
    wait = question.between if keys else question.timeout
    deadline = time.monotonic() + wait
    pressed: Callable[[], bool] = lambda: bool(channel.keys)  # noqa: E731
    while len(keys) < question.most:
        if not channel.wait(pressed, max(0.0, deadline - time.monotonic())):
            return keys, "", False
        key = channel.keys.popleft()
        if key in question.terminators:
            return keys, key, True
        keys += key
        deadline = time.monotonic() + question.between
    return keys, "", True


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"play_and_get_digits": _ask}
