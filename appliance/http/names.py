"""From a host's name to the addresses that may be asked: looked up once, checked, and then connected to.

A name that leads elsewhere at a second look (DNS rebinding) finds nobody who looks a second time.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import psutil

from appliance.domain.lookup import Failed, Why
from appliance.domain.reach import forbidden
from appliance.http.deadline import Deadline, Target

#: Look-ups at once. Under gevent they share ten threads with all other names of the process, the switch's and the
#: database's among them: a name server that hangs must not take them all.
AT_ONCE = 4


def own_addresses() -> set[str]:
    """The addresses of this machine."""
    return {
        one.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for one in addresses
        if one.family in (socket.AF_INET, socket.AF_INET6)
    }


def _system(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True)
class Names:
    """Looks names up.

    :param allow: hosts, or ``HOST:PORT``, that may be asked whatever their address is.
    :param own: this machine's addresses.
    :param look_up: as ``socket.getaddrinfo``.
    """

    allow: Collection[str] = ()
    own: Callable[[], Collection[str]] = own_addresses
    look_up: Callable[[str, int], list[Any]] = _system
    _room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))

    def targets(self, host: str, port: int, deadline: Deadline) -> list[Target] | Failed:
        """Where to connect to; nowhere when any of the name's addresses must not be asked."""
        found = self._looked_up(host, port, deadline)
        if isinstance(found, Failed):
            return found
        if not {host.lower(), f"{host.lower()}:{port}"} & set(self.allow):
            own = self.own()
            if any(forbidden(address[0], own) for _, address in found):
                return Failed(Why.FORBIDDEN)
        return found

    def _looked_up(self, host: str, port: int, deadline: Deadline) -> list[Target] | Failed:
        """In a thread (under gevent: a greenlet) of its own, for nothing else ends a look-up that hangs."""
        if not self._room.acquire(timeout=deadline.left_s):
            return Failed(Why.TIMEOUT)
        said: queue.Queue[list[Target] | Failed] = queue.Queue(1)

        def ask() -> None:
            try:
                found = self.look_up(host, port)
                said.put([(family, address) for family, _, _, _, address in found])
            except (OSError, UnicodeError):
                said.put(Failed(Why.NO_SUCH_HOST))
            finally:
                self._room.release()

        threading.Thread(target=ask, name="names", daemon=True).start()
        try:
            return said.get(timeout=deadline.left_s)
        except queue.Empty:
            return Failed(Why.TIMEOUT)
