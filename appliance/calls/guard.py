"""Refuse addresses that guess SIP phones' passwords.

FreeSWITCH tells of each wrong password (``sofia::register_failure``, to REGISTER and INVITE alike); who fails too
often goes on the list ``phones`` of its access control, by which every phone's user is checked before the password
(``auth-acl``, ``sofia_reg_parse_auth``): even the right one is refused from there. What is dropped before it is the
firewall's business (``firewall_phones_rate`` in ``ansible/``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from appliance.domain.bans import BanRule, Failures, plain_address
from appliance.errors import ApplianceError
from appliance.store.bans import Bans
from appliance.switch.wire import Headers

#: What is subscribed to.
EVENTS = ("CUSTOM", "sofia::register_failure")
#: Of the profile for phones alone: carriers are known by their addresses.
FILTER = {"profile-name": "phones"}
#: Seconds between two looks: so long an address may go on after the failure that was one too many.
LOOK_EVERY_S = 1.0
#: Failures that wait for a look; more in a second are not counted.
_MOST_WAITING = 10_000
_log = structlog.get_logger(__name__)


class PhoneGuard:
    """Counts failures, keeps bans, has the switch know of them.

    :param put: has the switch refuse just these addresses.
    """

    def __init__(
        self, rule: BanRule, bans: Bans, put: Callable[[Sequence[str]], None], now: Callable[[], datetime]
    ) -> None:
        self._failures = Failures(rule)
        self._bans = bans
        self._put = put
        self._now = now
        self._heard: deque[tuple[str, str]] = deque(maxlen=_MOST_WAITING)
        #: What the switch was told last; of an earlier process's bans it may know still.
        self._refused: list[str] | None = None
        self._failing = False

    def hear(self, event: Headers) -> None:
        """An event of the switch's. Runs in its reader: nothing is waited for."""
        self._heard.append((event.get(b"network-ip"), event.get(b"to-user")))

    def look(self) -> None:
        """Judge what was heard, end what is over, tell the switch what changed."""
        now = self._now()
        # From there even the right password fails: a phone that goes on trying would never be let in again.
        refused = {*(self._refused or ()), *(ban.address for ban in self._bans.all(now))}
        while self._heard:
            address, user = self._heard.popleft()
            ban = None if plain_address(address) in refused else self._failures.failed(address, user, now)
            if ban is not None:
                refused.add(ban.address)
                self._bans.put(ban)
                _log.error(
                    "phones: address refused", address=ban.address, failures=ban.failures, user=ban.user,
                    until=ban.until.isoformat(),
                )  # fmt: skip
        addresses = [ban.address for ban in self._bans.all(now)]
        if addresses == self._refused:
            return
        if self._refused is not None:
            self._bans.forget(now)
        try:
            self._put(addresses)
        except (ApplianceError, OSError) as error:
            if not self._failing:
                _log.error("phones: the switch does not know yet whom to refuse", error=str(error))
            self._failing = True
            return
        self._refused, self._failing = addresses, False
