"""What every step of a call is handed: routing, prompts, the past, the clock, the dice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from appliance.calls.dispatch import Dispatcher
from appliance.calls.funds import Funds
from appliance.domain.calendar import SHANGHAI, DayKinds
from appliance.domain.numbers import Caller
from appliance.domain.places import Place
from appliance.domain.recording import message_name
from appliance.domain.routing import RoutingTable
from appliance.http.lookup import Lookup
from appliance.store.journal import Journal
from appliance.store.outbox import Outbox
from appliance.switch.leg import Leg, Played

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """The tools of the call steps; built once, by ``bootstrap``.

    :param routing: the newest routing known; the last one when the database is away.
    :param find_prompt: the file of an account's prompt by name, None where there is none.
    :param journal: what calls did before this one.
    :param public_day: what the public calendar makes of a day.
    :param place_of: where a caller calls from, by a routing table's own places first.
    :param now: the time, with an offset.
    :param dispatcher: serves the queues.
    :param outbox: takes messages to the world outside, at once.
    :param lookup: asks other systems; the call waits, others go on.
    :param is_pin: whether what was keyed is the PIN of a hash (empty: of none); takes a while, others go on.
    :param recordings: the recordings folder, for what a caller records and hears himself.
    :param together: several prompts as one file, where that can be made.
    :param once: the same, and nothing is kept of it.
    :param is_down: whether a trunk is known not to answer.
    :param has_room: whether the disk has room for a recording; asks no disk.
    :param consulting: around what a line's side does for a caller (his leg) who may hang up meanwhile.
    :param funds: holds money for calls; None: no call is refused for money (``reseller_mode``).
    """

    routing: Callable[[], RoutingTable]
    find_prompt: Callable[[str, str], Path | None]
    journal: Journal
    public_day: DayKinds
    place_of: Callable[[Caller, RoutingTable], Place | None]
    now: Callable[[], datetime]
    dispatcher: Dispatcher
    outbox: Outbox
    lookup: Lookup
    is_down: Callable[[str], bool] = lambda trunk: False
    has_room: Callable[[], bool] = lambda: True
    funds: Funds | None = None
    is_pin: Callable[[str, str], bool] = lambda pin_hash, keyed: False
    recordings: Path = Path("/recordings")
    together: Callable[[Sequence[Path]], list[Path]] = list
    once: Callable[[Sequence[Path]], AbstractContextManager[list[Path]]] = lambda prompts: nullcontext(
        list(prompts)
    )
    consulting: Callable[[str], AbstractContextManager[None]] = lambda caller: nullcontext()
    dice: random.Random = field(default_factory=random.SystemRandom)
    home_area_code: str = ""

    def play(self, leg: Leg, account: str, name: str) -> None:
        """Play a prompt by name. One that is missing is logged; the call goes on without it."""
        if not name:
            return
        path = self.find_prompt(account, name)
        if path is None or leg.play(path) is Played.MISSING:
            _log.error("prompt missing", prompt=name, account=account, call=leg.uuid)

    def message_name(self, uuid: str, ordinal: int) -> str:
        """A message's place below the recordings folder; see ``domain.recording``."""
        return message_name(uuid, ordinal)

    def recording_name(self, uuid: str) -> str:
        """A recording's place below the recordings folder: ``2026/11/22/UUID.wav``, the day of Shanghai."""
        return f"{self.now().astimezone(SHANGHAI):%Y/%m/%d}/{uuid}.wav"
