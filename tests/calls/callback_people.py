"""Who lives in ``callback_town``: processes that can be killed, telephones, and what is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from greenlet import greenlet

from appliance.calls.desk import Desk
from appliance.calls.dispatch import Ticket

BEGIN = datetime(2026, 11, 25, 2, tzinfo=UTC)


class Killed(BaseException):
    """The process is dead."""


class Broken(BaseException):
    """What must never happen did; none of the handlers' own precautions keeps it from the test."""


@dataclass(eq=False, repr=False)
class Process:
    """Handlers."""

    name: str
    is_alive: bool = True
    #: Writes until it dies, and whether it dies behind the last of them or before it; None: it lives.
    writes_left: int | None = None
    dies_behind: bool = False
    #: What somebody else does before its next write.
    interrupted_by: Callable[[], None] | None = None
    desk: Desk = field(init=False)
    greenlets: list[greenlet] = field(default_factory=list)
    later: list[Callable[[], None]] = field(default_factory=list)

    def writes(self, write: Callable[..., Any], *told: Any) -> Any:
        """One write; the last of a process that is to die."""
        if not self.is_alive:
            raise Killed
        interruption, self.interrupted_by = self.interrupted_by, None
        if interruption is not None:
            interruption()
            if not self.is_alive:
                raise Killed
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0 and not self.dies_behind:
                raise Killed
        written = write(*told)
        if self.writes_left is not None and self.writes_left < 0:
            raise Killed
        return written


class Mortal:
    """The journal's file as one process has it."""

    def __init__(self, file: Any, process: Process) -> None:
        self._file, self._process = file, process

    def write(self, rows: Sequence[Any]) -> None:
        self._process.writes(self._file.write, rows)

    def change(self, statement: str, values: tuple[object, ...]) -> Any:
        return self._process.writes(self._file.change, statement, values)

    def look(self, query: str, values: tuple[object, ...]) -> Any:
        if not self._process.is_alive:
            raise Killed
        return self._file.look(query, values)


@dataclass(eq=False, repr=False)
class Ring:
    """Lines that ring for a callback: line → its leg. ``waits`` is whoever asked for it."""

    request: str
    legs: dict[str, str]
    facts: Mapping[str, Mapping[str, str]]
    waits: greenlet
    process: Process
    reply: str = ""
    rings: bool = True


@dataclass(eq=False, repr=False)
class Him:
    """Somebody with one telephone. ``state``: free, waits, rung LINE, talks LINE, told, back rings, back talks."""

    number: str
    state: str = "free"
    calls: int = 0
    uuid: str = ""
    entered_at: datetime = BEGIN
    ticket: Ticket | None = None
    process: Process | None = None
    joined_at: datetime | None = None
    #: When lines took him as he called himself. A talk that the switch took with it is not among them: only its
    #: record would have told.
    answers: list[datetime] = field(default_factory=list)


@dataclass(eq=False, repr=False)
class Back:
    """A line's leg that calls somebody back, from the line's answer on. ``him`` is rung or talked to."""

    uuid: str
    line: str
    request: str
    facts: Mapping[str, str]
    process: Process | None = None
    waits: greenlet | None = None
    him: Him | None = None
    talked: bool = False


@dataclass
class Record:
    """What the collector will tell."""

    due_at: datetime
    tell: Callable[[], None]
