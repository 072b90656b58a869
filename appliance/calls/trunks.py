"""Follow whether trunks are there.

FreeSWITCH asks them by OPTIONS, and registers at those that want it; here its answers are read every few seconds,
a change is logged (the alarm that an operator's monitoring watches for) and written to the journal, where console
and commands find it without asking the switch themselves.
"""

from __future__ import annotations

import time
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
#: States of a registration (``sofia_state_names``) that say whether it holds, and what is wrong; others are on the
#: way from one to another.
_REGISTERED = "REGED"
_WAITS = "FAIL_WAIT"
#: A registration that failed is tried once more to learn why: so often the state is read, and so far apart.
_TRIES, _TRY_S = 20, 0.1
_UNREGISTERED = {
    "FAILED": "the carrier refused the registration, or cannot be reached",
    "FAIL_WAIT": "the registration failed",
    "TIMEOUT": "the registrar did not answer",
    "EXPIRED": "the registration ran out",
    "NOAVAIL": "the registrar cannot be reached",
}
_log = structlog.get_logger(__name__)


class TrunkWatch:
    """Which trunks are down.

    :param switch: opens a connection to the switch: a function from an API command to its answer.
    :param pause: waits so many seconds.
    """

    def __init__(
        self,
        switch: Callable[[], AbstractContextManager[Callable[[str], str]]],
        routing: Callable[[], RoutingTable],
        journal: Journal,
        now: Callable[[], datetime],
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._pause = pause
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
        profiles = {trunk.id: trunk.profile for trunk in self._routing().trunks if trunk.is_watched}
        watched = list(profiles)
        found: dict[str, bool] = {}
        reasons: dict[str, str] = {}
        if watched:
            try:
                with self._switch() as api:
                    for trunk in watched:
                        answer = api(f"sofia xmlstatus gateway {escape.identifier(trunk)}")
                        up = read_state(answer)
                        if up is None:
                            continue
                        found[trunk] = up
                        if not up and self._up.get(trunk) is not False:
                            reasons[trunk] = self._tried_again(api, trunk, profiles[trunk]) or why_not(answer)
            except ApplianceError:
                return  # the health page and the log of the switch's other users say so
        for trunk in self._up.keys() - set(watched):
            del self._up[trunk]
            self._journal.trunk_forgotten(trunk)
        for trunk, up in found.items():
            if self._up.get(trunk) is not up:
                self._changed(trunk, up, reasons.get(trunk, ""))

    def _tried_again(self, api: Callable[[str], str], trunk: str, profile: str) -> str:
        """Why a registration failed: it is tried once more, for FreeSWITCH knows only for a moment after that.
        Empty: it is no registration, or holds by now."""
        if _read(api(f"sofia xmlstatus gateway {trunk}"))[0] not in (_WAITS, "FAILED"):
            return ""
        api(f"sofia profile {profile} register {trunk}")
        for _ in range(_TRIES):
            self._pause(_TRY_S)
            state, _ = _read(api(f"sofia xmlstatus gateway {trunk}"))
            if state in ("FAILED", _REGISTERED):
                return _UNREGISTERED.get(state, "the registration was lost and made again")
        return _UNREGISTERED["TIMEOUT"]

    def _changed(self, trunk: str, up: bool, why: str) -> None:
        was_known = trunk in self._up
        self._up[trunk] = up
        self._journal.trunk_is(trunk, up, self._now())
        if not up:
            # The carrier's own words ("Failed Registration with status Forbidden [403]") are in FreeSWITCH's log.
            _log.error("trunk down", trunk=trunk, why=why)
        elif was_known:
            _log.warning("trunk up", trunk=trunk)


def read_state(answer: str) -> bool | None:
    """Whether ``sofia xmlstatus gateway`` says that a gateway is there; None: it says nothing of it.

    >>> read_state("<gateway><name>a</name><status>DOWN</status></gateway>"), read_state("Invalid Gateway!")
    (False, None)
    >>> read_state("<gateway><state>TRYING</state><status>DOWN</status></gateway>") is None
    True
    """
    state, status = _read(answer)
    if state in _UNREGISTERED:
        return False
    if state in (_REGISTERED, "NOREG", ""):
        return _STATES.get(status)
    return None


def why_not(answer: str) -> str:
    """Why a gateway is not there, in words.

    >>> why_not("<gateway><state>TIMEOUT</state><status>DOWN</status></gateway>")
    'the registrar did not answer'
    >>> why_not("<gateway><state>NOREG</state><status>DOWN</status></gateway>")
    'no answer to OPTIONS'
    """
    return _UNREGISTERED.get(_read(answer)[0], "no answer to OPTIONS")


def _read(answer: str) -> tuple[str, str]:
    try:
        gateway = ElementTree.fromstring(answer.strip())  # noqa: S314 - the switch's own
    except ElementTree.ParseError:
        return "", ""
    return gateway.findtext("state") or "", gateway.findtext("status") or ""
