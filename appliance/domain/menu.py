"""How a menu asks: attempts, and the exit a caller's answers lead to. Pure; ``calls.menu`` plays and listens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.domain.flow import Menu


class Miss(StrEnum):
    """An attempt that gave no way on."""

    SILENCE = "silence"
    WRONG_KEY = "wrong-key"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The menu is done: go to ``node``. ``key`` is empty when the caller's answers ran out."""

    node: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Play ``prompt`` (empty: none) and ask once more."""

    prompt: str


def after_answer(menu: Menu, attempt: int, keys: str) -> Chosen | AskAgain:
    """What follows the answer to attempt number ``attempt`` (from 1); ``keys`` is empty on silence.

    The last miss decides between the exits for silence and for a wrong key.
    """
    if keys in menu.keys:
        return Chosen(menu.keys[keys], keys)
    miss = Miss.WRONG_KEY if keys else Miss.SILENCE
    if attempt >= menu.attempts:
        return Chosen(menu.wrong if miss is Miss.WRONG_KEY else menu.silence)
    return AskAgain(menu.wrong_prompt if miss is Miss.WRONG_KEY else menu.silence_prompt)
