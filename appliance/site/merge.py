"""What applying a file works on: the open unit of work, and what was changed in it so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import DeclarativeBase, Session

from appliance.site.findings import Finding
from appliance.site.read import Document


class Action(StrEnum):
    """What became of a thing."""

    ADDED = "added"
    CHANGED = "changed"
    PUBLISHED = "published"
    REMOVED = "removed"
    #: Absent from the file, and yet it has to stay; by itself no change.
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing: ``kind`` is a section's word in the singular, ``what`` the fields or the reason."""

    action: Action
    kind: str
    key: str
    what: str = ""

    def text(self) -> str:
        """One line for people."""
        return f"{self.action:<9} {self.kind:<12} {self.key}" + (f" ({self.what})" if self.what else "")


@dataclass(frozen=True, slots=True)
class Report:
    """What an application did. ``revision`` is the site's afterwards; a dry run did nothing."""

    changes: tuple[Change, ...]
    revision: int
    dry_run: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return any(change.action is not Action.KEPT for change in self.changes)

    def counts(self) -> dict[tuple[str, Action], int]:
        """How many, by kind and action."""
        made: dict[tuple[str, Action], int] = {}
        for change in self.changes:
            key = (change.kind, change.action)
            made[key] = made.get(key, 0) + 1
        return made


@dataclass
class Merge:
    """One application under way. ``faults`` are found on the way; any of them undoes the whole."""

    session: Session
    document: Document
    prune: bool
    now: datetime
    changes: list[Change] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)

    def note(self, action: Action, kind: str, key: str, what: str = "") -> None:
        """Put a change on the report."""
        self.changes.append(Change(action, kind, key, what))

    def add(self, kind: str, key: str, row: DeclarativeBase) -> None:
        """Add a row that is new."""
        self.session.add(row)
        self.note(Action.ADDED, kind, key)

    def update(self, kind: str, key: str, row: DeclarativeBase, values: Mapping[str, Any]) -> None:
        """Give a row the values that differ."""
        differing = differences(row, values)
        if not differing:
            return
        for name in differing:
            setattr(row, name, values[name])
        self.note(Action.CHANGED, kind, key, ", ".join(differing))

    def put(
        self,
        kind: str,
        key: str,
        row: DeclarativeBase | None,
        made: Callable[..., DeclarativeBase],
        values: Mapping[str, Any],
    ) -> None:
        """Give the row these values; where there is none yet, add the one that ``made`` makes of them."""
        if row is None:
            self.add(kind, key, made(**values))
        else:
            self.update(kind, key, row, values)

    def remove(self, kind: str, key: str, row: DeclarativeBase) -> None:
        """Delete a row."""
        self.session.delete(row)
        self.note(Action.REMOVED, kind, key)


def differences(row: DeclarativeBase, values: Mapping[str, Any]) -> list[str]:
    """Names of the columns whose value is another one."""
    return [name for name, value in values.items() if getattr(row, name) != value]
