"""How a part of the box fares."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How a part fares; the worst of all is the box's."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"
