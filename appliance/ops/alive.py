"""Signs of life: how a process tells whoever supervises it that it has not come to a standstill.

The protocol is systemd's (``sd_notify(3)``): datagrams to the socket that ``NOTIFY_SOCKET`` names. The first sign
sets the limit and starts the watch, so that a slow start is no standstill.
"""

from __future__ import annotations

import os
import socket

import psutil

#: A process that gives no sign for so long is killed, and started again.
ALIVE_WITHIN_S = 4.0
#: How often a sign is given: several may be late before it matters.
SIGN_EVERY_S = 0.5


class SignsOfLife:
    """Gives signs; does nothing where nobody supervises."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        # systemd writes the first byte of an abstract address as "@".
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None
        self._first = f"WATCHDOG_USEC={int(ALIVE_WITHIN_S * 1_000_000)}\n"

    def give(self) -> None:
        """Give one sign. A supervisor that is gone, or does not read, is passed over: this must not fail."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(f"{self._first}WATCHDOG=1\n".encode(), self._address)
        except OSError:
            return
        self._first = ""

    def close(self) -> None:
        """Give no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def process_name() -> str:
    """This process's name, which no later process has: its number, and when it began."""
    return _name(psutil.Process())


def is_running(name: str) -> bool:
    """Whether the process of that name is still there; one that is dead and not yet waited for is not."""
    pid = name.partition("@")[0]
    try:
        process = psutil.Process(int(pid))
        return _name(process) == name and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False


def _name(process: psutil.Process) -> str:
    # Both times go with the clock when it is set; what is between them does not.
    return f"{process.pid}@{process.create_time() - psutil.boot_time():.2f}"
