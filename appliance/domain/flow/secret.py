"""Variables that nobody is to read (``secret`` of a ``collect``), and what of them may be written down."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from appliance.domain.flow.fields import fields_of
from appliance.domain.flow.node import Node


def uses_of(node: Node) -> frozenset[str]:
    """The variables that a node looks at."""
    return frozenset(name for one in fields_of(type(node)) for name in one.kind.uses(getattr(node, one.name)))


@dataclass(frozen=True, slots=True)
class _Secret:
    """A value, and the path of the node that asked for it; None: whoever knew it is gone."""

    value: str | None
    asked_at: str


@dataclass(slots=True)
class Secrets:
    """A call's secret variables. Only their names and where they were asked for are noted with the call.

    >>> secrets = Secrets()
    >>> secrets.keep("pin", "4711", "ask"); secrets.noted(), secrets.values()
    ('pin=ask', {'pin': '4711'})
    >>> lost = Secrets.lost("pin=ask"); "pin" in lost, lost.values(), lost.take_lost("pin"), lost.take_lost("pin")
    (True, {}, 'ask', '')
    """

    _known: dict[str, _Secret] = field(default_factory=dict)

    @classmethod
    def lost(cls, noted: str) -> Secrets:
        """Those of a call whose handlers are gone."""
        pairs = [pair.partition("=") for pair in noted.split(";") if pair]
        return cls({name: _Secret(None, path) for name, _, path in pairs})

    def __contains__(self, variable: str) -> bool:
        """Whether the variable is secret, known or not."""
        return variable in self._known

    def keep(self, variable: str, value: str, asked_at: str) -> None:
        """Set one."""
        self._known[variable] = _Secret(value, asked_at)

    def drop(self, variable: str) -> bool:
        """The variable is secret no more; whether it was."""
        return self._known.pop(variable, None) is not None

    def values(self) -> dict[str, str]:
        """What is known."""
        return {name: one.value for name, one in self._known.items() if one.value is not None}

    def asked_at(self, variables: Collection[str]) -> str:
        """Where the first secret one of these was asked for; empty: none is secret."""
        return next((one.asked_at for name, one in self._known.items() if name in variables), "")

    def take_lost(self, variable: str) -> str:
        """Where a variable has to be asked for again; empty: it has not. Each place is told once: who keys nothing
        then goes on without."""
        one = self._known.get(variable)
        if one is None or one.value is not None:
            return ""
        self._known = {
            name: other
            for name, other in self._known.items()
            if other.value is not None or other.asked_at != one.asked_at
        }
        return one.asked_at

    def noted(self) -> str:
        """For ``lost``."""
        return ";".join(f"{name}={one.asked_at}" for name, one in self._known.items())
