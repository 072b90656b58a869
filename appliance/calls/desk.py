"""What every step of a call is handed: routing, prompts, the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from appliance.domain.routing import RoutingTable
from appliance.switch.leg import Leg, Played

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """The tools of the call steps; built once, by ``bootstrap``.

    :param routing: the newest routing known; the last one when the database is away.
    :param find_prompt: the file of an account's prompt by name, None where there is none.
    :param now: the time, with an offset.
    """

    routing: Callable[[], RoutingTable]
    find_prompt: Callable[[str, str], Path | None]
    now: Callable[[], datetime]
    home_area_code: str = ""

    def play(self, leg: Leg, account: str, name: str) -> None:
        """Play a prompt by name. One that is missing is logged; the call goes on without it."""
        if not name:
            return
        path = self.find_prompt(account, name)
        if path is None or leg.play(path) is Played.MISSING:
            _log.error("prompt missing", prompt=name, account=account, call=leg.uuid)

    def recording_name(self, uuid: str) -> str:
        """A recording's place below the recordings folder: ``2026/11/22/UUID.wav``, the day of Shanghai."""
        return f"{self.now().astimezone(_SHANGHAI):%Y/%m/%d}/{uuid}.wav"
