"""What every node type has, and how its fields are written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from appliance.domain.flow.kinds import Exit, Kind, Named, Section

PROMPT = Named(section=Section.PROMPT)
NO_PROMPT = Named(optional=True, section=Section.PROMPT)
OPEN = Exit(optional=True)


def need(kind: Kind) -> Any:
    """A field of that kind that cannot be left out."""
    return field(metadata={"kind": kind})


def may(kind: Kind, default: Any) -> Any:
    """One that can."""
    return field(default=default, metadata={"kind": kind})


def may_map(kind: Kind) -> Any:
    """One whose default is an empty map."""
    return field(default_factory=dict, metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class Node:
    """What every node has.

    ``PAUSES`` are the fields whose exits are taken only after the caller was asked or has waited: a call may go
    round through these and through no others.
    """

    TYPE: ClassVar[str] = ""
    PAUSES: ClassVar[frozenset[str]] = frozenset()

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """(field, what is wrong) of fields that are good each by itself, and not together."""
        yield from ()
