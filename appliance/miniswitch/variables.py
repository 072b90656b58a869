"""Channel variables: kept in the order of their setting, found without regard to case."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

_TRUE = frozenset({"yes", "on", "true", "t", "enabled", "active", "allow"})


def is_true(value: str | None) -> bool:
    """FreeSWITCH's `switch_true`: the usual words, or a number that is not zero.

    >>> is_true("true"), is_true("1"), is_true("0"), is_true(None)
    (True, True, False, False)
    """
    if not value:
        return False
    return value.lower() in _TRUE or (value.isascii() and value.isdigit() and int(value) != 0)


class Variables:
    """Name to value, both texts. Setting to nothing removes, as FreeSWITCH does.

    `shared` are the switch's global variables: they are found here too, but are not of the channel.
    """

    def __init__(self, initial: Mapping[str, str] | None = None, shared: Variables | None = None) -> None:
        self._lock = threading.Lock()
        self._shared = shared
        self._values: dict[str, tuple[str, str]] = {}
        for name, value in (initial or {}).items():
            self.set(name, value)

    def get(self, name: str) -> str | None:
        """The value, None when it is not set."""
        found = self._values.get(name.lower())
        if found:
            return found[1]
        return self._shared.get(name) if self._shared else None

    def set(self, name: str, value: str | None) -> None:
        """Set, or remove when the value is empty or None."""
        with self._lock:
            if value:
                self._values[name.lower()] = (name, value)
            else:
                self._values.pop(name.lower(), None)

    def update(self, values: Mapping[str, str | None]) -> None:
        """Set several."""
        for name, value in values.items():
            self.set(name, value)

    def is_true(self, name: str) -> bool:
        """Whether the variable says yes."""
        return is_true(self.get(name))

    def items(self) -> Iterable[tuple[str, str]]:
        """All of the channel's own, a copy."""
        with self._lock:
            return list(self._values.values())
