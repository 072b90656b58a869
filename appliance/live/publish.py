"""The publisher: looks at the switch while somebody watches, and gives everybody the same snapshot.

However many watch, the switch is looked at twice a second by one connection; while nobody does there is none, and
this process sleeps. It keeps nothing that another look would not find again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

import gevent
import structlog
from gevent import socket
from gevent.event import Event

from appliance.domain.live.board import Known, board
from appliance.domain.live.calls import LiveCall, calls_of, followed, sorted_legs
from appliance.errors import ApplianceError, SwitchError
from appliance.live.connection import Connection
from appliance.live.look import Look
from appliance.live.snapshot import written
from appliance.store.names import Names

#: Seconds from the beginning of one look to that of the next one, and the pause that the switch has in any case.
EVERY_S, PAUSE_S = 0.5, 0.2
#: A snapshot that is older is not given out while a newer one can be had.
FRESH_S = 0.7
#: Nobody has asked for so long: nobody watches.
IDLE_S = 5.0
#: How long an asker waits for a look, and for the taking of what he asked for.
ASKER_WAITS_S, ASKER_READS_S = 2.5, 2.0
_log = structlog.get_logger(__name__)


class Publisher:
    """Looks and hands out; ``run`` in one greenlet, ``serve`` in one for each who asks.

    :param known: what there is to know at this moment besides the switch's legs.
    """

    def __init__(
        self,
        switch: Connection,
        known: Callable[[], Known],
        names: Callable[[], Names],
        now: Callable[[], datetime],
    ) -> None:
        self._switch = switch
        self._known = known
        self._names = names
        self._now = now
        self._look = Look(switch)
        self._before: Mapping[str, LiveCall] | None = None
        self._away_since: datetime | None = None
        self._failed = ""
        self._text = b""
        self._looked_at = self._wanted_at = float("-inf")
        self._wanted, self._looked = Event(), Event()

    def run(self, stop: Event) -> None:
        """Until ``stop`` is set."""
        while not stop.is_set():
            gevent.wait([self._wanted, stop], count=1)
            began = time.monotonic()
            if began - self._wanted_at > IDLE_S:
                self._rest()
                continue
            self.look()
            stop.wait(max(PAUSE_S, EVERY_S - (time.monotonic() - began)))
        self._rest()

    def look(self) -> None:
        """One look; what goes wrong with it is logged, and the next one tries again."""
        began = time.monotonic()
        try:
            self._text = self._seen()
            self._looked_at = began
            self._failed = ""
        except ApplianceError as error:
            # The database was never there: without its routing nothing can be told.
            if self._failed != str(error):
                _log.error("live state not known", error=str(error))
            self._failed = str(error)
        except Exception:
            _log.exception("live state not known")
        looked, self._looked = self._looked, Event()
        looked.set()

    def serve(self, connection: socket.socket, address: object) -> None:
        """Give one asker the newest snapshot, and close. Nothing: there is none."""
        self._wanted_at = time.monotonic()
        self._wanted.set()
        # A look may fail: then the next one is waited for.
        until = self._wanted_at + ASKER_WAITS_S
        while self._age() > FRESH_S and (left := until - time.monotonic()) > 0:
            self._looked.wait(left)
        try:
            connection.settimeout(ASKER_READS_S)
            if self._age() <= IDLE_S:
                connection.sendall(self._text)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return  # he has gone, or does not read
        finally:
            connection.close()

    def _age(self) -> float:
        return time.monotonic() - self._looked_at

    def _rest(self) -> None:
        """Nobody watches."""
        self._wanted.clear()
        self._switch.close()
        # What happens from here on is not seen: a call's way since then is not known.
        self._before = None

    def _seen(self) -> bytes:
        at = self._now()
        try:
            legs = self._look.legs()
        except SwitchError as error:
            if self._away_since is None:
                _log.error("live state: the switch is away", error=str(error))
                self._away_since = at
            self._switch.close()
            self._before = None
            return written(board(None, (), self._known()), self._names(), at, self._away_since)
        if self._away_since is not None:
            _log.warning("live state: the switch is back")
            self._away_since = None
        callers, lines = sorted_legs(legs)
        calls = self._before = followed(calls_of(callers, lines), self._before, at)
        return written(board(list(calls.values()), lines, self._known()), self._names(), at, None)
