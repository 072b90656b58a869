"""Ringing a line, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Disposition(StrEnum):
    """How trying a line ended."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    NOT_EXISTING = "not-existing"
    #: Every slot of the line is taken: it was not rung.
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Target:
    """A line as the switch rings it. Every text is checked against an allow-list before it is sent.

    :param line: the line's id, by which its slots are counted.
    :param number: as the trunk wants it written.
    :param proxy: ``HOST:PORT`` of the trunk.
    :param ring_seconds: how long it may ring.
    :param max_calls: calls the line carries at once; 0: we count none.
    :param caller_number: shown to the line; empty: withheld.
    :param diversion: number for the Diversion header (RFC 5806); empty: none.
    """

    line: str
    number: str
    proxy: str
    ring_seconds: int
    max_calls: int
    caller_number: str = ""
    diversion: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a target. ``cause`` is the switch's own word (``USER_BUSY``)."""

    line: str
    disposition: Disposition
    cause: str


#: A record's list of tried lines ends here; a call that tries more of them goes on.
_MOST_TRIED = 900


def with_tried(before: str, tried: Tried) -> str:
    """The record's list of tried lines, ``LINE=DISPOSITION`` joined with ``;``, and one more.

    >>> with_tried("a=busy", Tried("b", Disposition.ANSWERED, "SUCCESS"))
    'a=busy;b=answered'
    """
    entry = f"{tried.line}={tried.disposition}"
    longer = f"{before};{entry}" if before else entry
    return longer if len(longer) <= _MOST_TRIED else before
