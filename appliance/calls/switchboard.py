"""What serving the queues asks of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from appliance.domain.queue import Waiting
from appliance.domain.routing import Line


class CallingBack(Protocol):
    """Those who asked to be called back; ``calls.callbacks``."""

    def any_open(self) -> bool:
        """Whether there is any."""

    def in_row(self, callers: Collection[Waiting]) -> list[Waiting]:
        """As callers of their queues, beside the ``callers`` who wait themselves."""

    def call(self, request_id: str, lines: Sequence[Line]) -> bool:
        """It is the turn of one of them: these lines ring for him, unless another process has them ring."""

    def has_talked(self, queue: str, caller: str) -> None:
        """A caller was rung for and has left: he is not called before it is known whether he was answered."""

    def tend(self) -> None:
        """Look after those whose time is over, or whose process has died."""


class Switchboard(Protocol):
    """What serving asks of the switch; ``switch.orders``. Raises ``SwitchError`` while the switch is away."""

    def usage(self, lines: Sequence[str]) -> Mapping[str, int]:
        """Calls that each line has, those that ring it included."""

    def wake(self, uuid: str) -> bool:
        """End what a waiting leg hears; False: it is gone."""

    def say_over(self, uuid: str, sound: Path) -> bool:
        """Say something over the music that a leg hears; False: it cannot be."""

    def hush(self, uuid: str, sound: Path) -> None:
        """End what is said over, if it is still heard."""

    def rest(self) -> None:
        """Nothing is wanted at the moment."""
