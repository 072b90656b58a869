"""End calls that have lasted for as long as a call may.

A look at the switch's list now and then instead of a timer a call: a timer in the switch costs each call as much
as an application, for the one in thousands that comes to it. Nothing is kept here, so handlers that come up anew
find the calls of those that died.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import structlog

from appliance.domain.longest import coming_to_it
from appliance.errors import SwitchError, SwitchRefused, UnsafeArgument
from appliance.switch import escape

#: Seconds between two looks.
LOOK_EVERY_S = 10
#: A look may come late by so much, and the limit still be kept to the second.
_LATE_S = 5
_log = structlog.get_logger(__name__)


class LongestCalls:
    """Keeps calls to ``longest_s``, counted from the INVITE.

    :param switch: opens a connection to the switch: a function from an API command to its answer.
    :param now: the time, with an offset; the switch's clock is the same.
    """

    def __init__(
        self,
        switch: Callable[[], AbstractContextManager[Callable[[str], str]]],
        now: Callable[[], datetime],
        longest_s: int,
    ) -> None:
        self._switch = switch
        self._now = now
        self._longest_s = longest_s
        self._away = False

    def look(self) -> None:
        """One look: have the switch end each call that comes to its limit before the next one, at its moment."""
        try:
            with self._switch() as api:
                rows = json.loads(api("show channels as json")).get("rows", [])
                due = coming_to_it(rows, self._now(), self._longest_s, LOOK_EVERY_S + _LATE_S)
                for uuid, seconds in due.items():
                    self._end(api, uuid, seconds)
        except (SwitchError, ValueError) as error:
            if not self._away:
                _log.error("cannot look for calls that last too long", error=str(error))
            self._away = True
            return
        self._away = False

    def _end(self, api: Callable[[str], str], uuid: str, seconds: int) -> None:
        try:
            api(f"sched_hangup +{seconds} {escape.identifier(uuid)} ALLOTTED_TIMEOUT")
        except SwitchRefused:
            return  # it has ended by itself
        except UnsafeArgument:
            _log.error("a channel's name is none", call=uuid)
            return
        _log.warning("call comes to its greatest length", call=uuid, seconds=seconds)
