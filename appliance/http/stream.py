"""httpcore's network, ours: connections to addresses that were checked, and one deadline for all of an exchange.

A timeout a read would not do: who sends a byte a second would hold a caller for hours. The socket does not block,
and every wait ends at the deadline. All of it goes through ``socket``, ``ssl`` and ``select``: under gevent, which
replaces them, only the greenlet waits.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import httpcore

from appliance.http.deadline import Deadline, Target

_T = TypeVar("_T")
_Waits = type[httpcore.TimeoutException]


class UntrustedError(httpcore.ConnectError):
    """The certificate is not one to be trusted."""


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to the addresses given, whatever the name says now."""

    def __init__(self, targets: Sequence[Target], deadline: Deadline) -> None:
        self._targets = targets
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """The first address that takes a connection."""
        fault: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("no address")
        for family, address in self._targets:
            wait_s = min(self._deadline.connect_s, self._deadline.left_s)
            if not wait_s:
                raise httpcore.ConnectTimeout("no time left")
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(wait_s)
                sock.connect(address)
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Stream(sock, self._deadline)
            except TimeoutError as error:
                sock.close()
                fault = httpcore.ConnectTimeout(str(error))
            except OSError as error:
                sock.close()
                fault = httpcore.ConnectError(str(error))
        raise fault


class _Stream(httpcore.NetworkStream):
    """One connection."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come; nothing: the other side has closed."""
        try:
            return self._until(partial(self._sock.recv, max_bytes), select.POLLIN, httpcore.ReadTimeout)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it."""
        rest = memoryview(buffer)
        try:
            while rest:
                some = partial(self._sock.send, rest)
                rest = rest[self._until(some, select.POLLOUT, httpcore.WriteTimeout) :]
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Close at once."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted."""
        try:
            wrapped = ssl_context.wrap_socket(
                self._sock, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            secured = _Stream(wrapped, self._deadline)
            try:
                secured._until(wrapped.do_handshake, select.POLLIN, httpcore.ConnectTimeout)
            except BaseException:
                wrapped.close()
                raise
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError(error.verify_message) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return secured

    def get_extra_info(self, info: str) -> Any:
        """Nothing of what httpcore could want to know."""
        return None

    def _until(self, attempt: Callable[[], _T], waits_for: int, too_late: _Waits) -> _T:
        """Try until it does not have to wait any more."""
        while True:
            if not self._deadline.left_s:
                raise too_late("the time is over")
            try:
                return attempt()
            except ssl.SSLWantWriteError:
                needed = select.POLLOUT
            except ssl.SSLWantReadError:
                needed = select.POLLIN
            except BlockingIOError:
                needed = waits_for
            poller = select.poll()
            poller.register(self._sock, needed)
            # Rounded up: a wait of nothing would be a loop without rest.
            if not poller.poll(int(min(self._deadline.read_s, self._deadline.left_s) * 1000) + 1):
                raise too_late("nothing came")
