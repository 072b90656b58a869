"""Free ports on 127.0.0.1 that parallel tests do not take from one another.

A port is reserved by a lock on one byte of a file in the temporary folder (fcntl(2), record locks) for as long
as this process lives; the kernel frees it when the process dies in any way. Ports lie below the kernel's range
for outgoing sockets (32768 on Linux), so that no connection takes one between the choice and the bind.
"""

from __future__ import annotations

import fcntl
import functools
import os
import random
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
FIRST, LAST = 12000, 32000
#: Single ports and pairs are taken from here on, so that room for the long ranges is left below.
_SINGLES = 27000

_held: set[int] = set()


def free_udp_port() -> int:
    """A reserved UDP port (nothing listens on its TCP namesake either)."""
    return free_port_block(1)


def free_tcp_port() -> int:
    """A reserved TCP port (nothing listens on its UDP namesake either)."""
    return free_port_block(1)


def free_rtp_port() -> int:
    """A reserved even UDP port whose odd neighbour, for RTCP, is reserved as well (RFC 3550 section 11)."""
    return free_port_block(2)


def free_rtp_range(calls: int) -> tuple[int, int]:
    """First (even) and last port of a reserved range with RTP and RTCP ports for ``calls`` streams."""
    first = free_port_block(2 * calls)
    return first, first + 2 * calls - 1


def free_port_block(count: int) -> int:
    """The first of ``count`` neighbouring reserved ports; even when ``count`` is above 1. OSError if none."""
    if count > 2:
        # At the first place where there is room: ranges strewn about leave none for the next.
        lowest, end = FIRST, _SINGLES
        place = lowest
    else:
        # Which port it is must differ between processes, whatever seed a test has set.
        lowest, end = _SINGLES, LAST
        place = random.SystemRandom().randrange(lowest, end, 2)
    for first in (place, lowest):
        while first + count <= end:
            taken = _taken_among(first, count)
            if taken is None:
                return first
            first = taken + 1 + (taken + 1) % 2
    raise OSError(f"no {count} neighbouring free ports between {lowest} and {end}")


def _taken_among(first: int, count: int) -> int | None:
    """Reserve them all, None; or none of them, and which one, the last of them, is taken."""
    held: list[int] = []
    for port in reversed(range(first, first + count)):
        if not _reserve(port):
            for one in held:
                release(one)
            return port
        held.append(port)
    return None


def release(port: int) -> None:
    """Gives a reserved port back early."""
    if port in _held:
        _held.remove(port)
        fcntl.lockf(_lock_file(), fcntl.LOCK_UN, 1, port)


def _reserve(port: int) -> bool:
    if port in _held:
        return False
    try:
        fcntl.lockf(_lock_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):
        return False
    _held.add(port)
    if not _bindable(port):
        release(port)
        return False
    return True


@functools.cache
def _lock_file() -> int:
    """One file for all: byte N stands for port N. Opened once, since closing any handle drops all the locks."""
    path = Path(tempfile.gettempdir()) / f"test-ports-{os.getuid()}.lock"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _bindable(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True
