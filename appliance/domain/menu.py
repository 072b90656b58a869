"""How a node asks: attempts, and the exit a caller's answers lead to. Pure; ``calls.ask`` plays and listens."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from appliance.domain.flow import Collect, Dial, Menu, Survey
from appliance.domain.talk import LONGEST_EXTENSION

Asking = Menu | Collect | Survey | Dial


class Miss(StrEnum):
    """An attempt that gave no way on."""

    SILENCE = "silence"
    WRONG_KEY = "wrong-key"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The asking is done: ``exit`` is taken. ``keys`` are empty when the caller's answers ran out."""

    exit: str
    keys: str = ""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Play ``prompt`` (empty: none) and ask once more."""

    prompt: str


def keys_asked(node: Asking) -> int:
    """How many keys a node takes at most."""
    match node:
        case Collect():
            return node.most
        case Dial():
            return LONGEST_EXTENSION
        case _:
            return 1


def after_answer(node: Asking, attempt: int, keys: str, extensions: Container[str] = ()) -> Chosen | AskAgain:
    """What follows the answer to attempt number ``attempt`` (from 1); ``keys`` is empty on silence.

    The last miss decides between the exits for silence and for a wrong key. Of a ``Dial`` node, and of a ``Menu``
    that takes extensions, ``dialled`` is chosen, which is no exit: the line is rung then.

    :param extensions: those that there are.
    """
    taken = _exit_of(node, keys, extensions)
    if taken:
        return Chosen(taken, keys)
    miss = Miss.WRONG_KEY if keys else Miss.SILENCE
    if attempt >= node.attempts:
        if isinstance(node, Survey):
            return Chosen("next")
        return Chosen("wrong" if miss is Miss.WRONG_KEY else "silence")
    if isinstance(node, Survey):
        return AskAgain("")
    return AskAgain(node.wrong_prompt if miss is Miss.WRONG_KEY else node.silence_prompt)


def _exit_of(node: Asking, keys: str, extensions: Container[str]) -> str:
    """The exit that an answer leads to; empty: it is none."""
    match node:
        case Menu():
            if node.dial and keys in extensions:
                return "dialled"
            return f"keys.{keys}" if keys in node.keys else ""
        case Collect():
            good = node.least <= len(keys) <= node.most and all(key in "0123456789" for key in keys)
            return "next" if good else ""
        case Survey():
            return "next" if len(keys) == 1 and keys in node.marks else ""
        case Dial():
            return "dialled" if keys and keys in extensions else ""
        case _:
            assert_never(node)
