"""Follow which SIP phones are registered: FreeSWITCH is asked every few seconds, a change is logged and written to
the journal, where calls, simulator, queues, console and commands find it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import structlog

from appliance.domain.routing import PHONES_REALM, RoutingTable
from appliance.errors import ApplianceError
from appliance.store.journal import Journal

#: Seconds between two looks. A phone that comes up is rung at the latest so much later.
LOOK_EVERY_S = 2
_log = structlog.get_logger(__name__)


class PhoneWatch:
    """Which phones are registered.

    :param switch: opens a connection to the switch: a function from an API command to its answer.
    """

    def __init__(
        self,
        switch: Callable[[], AbstractContextManager[Callable[[str], str]]],
        routing: Callable[[], RoutingTable],
        journal: Journal,
        now: Callable[[], datetime],
    ) -> None:
        self._switch = switch
        self._routing = routing
        self._journal = journal
        self._now = now

    def look(self) -> None:
        """One look. While the switch is away the last states hold: a phone that cannot be reached says so when it
        is rung."""
        phones = {line.id for line in self._routing().lines.values() if line.is_phone}
        before = self._journal.phones()
        for phone in before.keys() - phones:
            self._journal.phone_forgotten(phone)
        if not phones:
            return
        try:
            with self._switch() as api:
                registered = registered_phones(api("show registrations as json"))
        except ApplianceError:
            return  # the health page and the log of the switch's other users say so
        for phone in sorted(phones):
            is_there = phone in registered
            was = before.get(phone)
            if was is None or was.up is not is_there:
                self._journal.phone_is(phone, is_there, self._now())
                if was is not None or is_there:
                    _log.warning("phone registered" if is_there else "phone gone", line=phone)


def registered_phones(answer: str) -> set[str]:
    """Users of ``show registrations as json``.

    >>> registered_phones('{"row_count":1,"rows":[{"reg_user":"desk-1","realm":"phones.gateway400"}]}')
    {'desk-1'}
    >>> registered_phones('{"row_count":0}'), registered_phones("-ERR")
    (set(), set())
    """
    try:
        rows = json.loads(answer).get("rows", [])
    except (ValueError, AttributeError):
        return set()
    return {str(row.get("reg_user", "")) for row in rows if row.get("realm") == PHONES_REALM}
