"""Hold calls to their maximum duration.

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

from appliance.calls.consulting import end_without_caller
from appliance.domain.duration import consulted_for, nearing_limit
from appliance.errors import ApplianceError, SwitchRefused, UnsafeArgument
from appliance.switch import escape

#: Seconds between two looks.
LOOK_EVERY_S = 10
#: A look may come late by so much, and the limit still be kept to the second.
_LATE_S = 5
_log = structlog.get_logger(__name__)


class DurationLimit:
    """Ends calls that are ``max_s`` old, counted from the INVITE.

    :param switch: opens a connection to the switch: a function from an API command to its answer.
    :param now: the time, with an offset; the switch's clock is the same.
    """

    def __init__(
        self,
        switch: Callable[[], AbstractContextManager[Callable[[str], str]]],
        now: Callable[[], datetime],
        max_s: int,
    ) -> None:
        self._switch = switch
        self._now = now
        self._max_s = max_s
        self._away = False

    def look(self) -> None:
        """One look: have the switch end each call that comes to its limit before the next one, at its moment, and
        consultations whose caller has gone and whose handlers have died."""
        try:
            with self._switch() as api:
                rows = json.loads(api("show channels as json")).get("rows", [])
                due = nearing_limit(rows, self._now(), self._max_s, LOOK_EVERY_S + _LATE_S)
                for uuid, seconds in due.items():
                    self._end(api, uuid, seconds)
                for uuid in consulted_for(rows):
                    end_without_caller(api, uuid)
        except (ApplianceError, ValueError) as error:
            if not self._away:
                _log.error("call durations not looked at", error=str(error))
            self._away = True
            return
        self._away = False

    def _end(self, api: Callable[[str], str], uuid: str, seconds: int) -> None:
        try:
            api(f"sched_hangup +{seconds} {escape.identifier(uuid)} ALLOTTED_TIMEOUT")
        except SwitchRefused:
            return  # it has ended by itself
        except UnsafeArgument:
            _log.error("no UUID of the switch", call=uuid)
            return
        _log.warning("call reaches its maximum duration", call=uuid, seconds=seconds)
