"""Follow whether trunks are there.

FreeSWITCH asks them by OPTIONS; here its answers are read every few seconds, a change is logged (the alarm that an
operator's monitoring watches for) and written to the journal, where console and commands find it without asking the
switch themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from xml.etree import ElementTree

import structlog

from appliance.domain.routing import RoutingTable
from appliance.errors import ApplianceError
from appliance.store.journal import Journal
from appliance.switch import escape

#: Seconds between two looks.
LOOK_EVERY_S = 5
_STATES = {"UP": True, "DOWN": False}
_log = structlog.get_logger(__name__)


class TrunkWatch:
    """Which trunks are down.

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
        self._up: dict[str, bool] = {trunk: state.up for trunk, state in journal.trunks().items()}

    def is_down(self, trunk: str) -> bool:
        """Whether a trunk is known not to answer."""
        return not self._up.get(trunk, True)

    def look(self) -> None:
        """One look. While the switch is away the last states hold."""
        watched = [trunk.id for trunk in self._routing().trunks if trunk.is_pinged]
        found: dict[str, bool] = {}
        if watched:
            try:
                with self._switch() as api:
                    for trunk in watched:
                        up = read_state(api(f"sofia xmlstatus gateway {escape.identifier(trunk)}"))
                        if up is not None:
                            found[trunk] = up
            except ApplianceError:
                return  # the health page and the log of the switch's other users say so
        for trunk in self._up.keys() - set(watched):
            del self._up[trunk]
            self._journal.trunk_forgotten(trunk)
        for trunk, up in found.items():
            if self._up.get(trunk) is not up:
                self._changed(trunk, up)

    def _changed(self, trunk: str, up: bool) -> None:
        was_known = trunk in self._up
        self._up[trunk] = up
        self._journal.trunk_is(trunk, up, self._now())
        if not up:
            _log.error("trunk down", trunk=trunk)
        elif was_known:
            _log.warning("trunk up", trunk=trunk)


def read_state(answer: str) -> bool | None:
    """Whether ``sofia xmlstatus gateway`` says that a gateway is there; None: it says nothing of it.

    >>> read_state("<gateway><name>a</name><status>DOWN</status></gateway>"), read_state("Invalid Gateway!")
    (False, None)
    """
    try:
        status = ElementTree.fromstring(answer.strip()).findtext("status")  # noqa: S314 - the switch's own
    except ElementTree.ParseError:
        return None
    return _STATES.get(status or "")
