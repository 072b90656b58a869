"""SIP's UDP port for sippy: one socket, one reader, sends in order, and hears of dead destinations.

sippy's own server sends from several threads, which lets a 200 overtake a 100, decodes strictly, which
loses every message with a GBK name, and never learns that nobody listens at a port. This one gives
sippy text in which bytes that are not UTF-8 are surrogate escapes, and turns it back when sending.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from sippy.Core.EventDispatcher import ED2
from sippy.Network_server import Network_server, Remote_address
from sippy.Time.MonoTime import MonoTime
from sippy.Udp_server import Udp_server_opts

log = logging.getLogger(__name__)

# Linux numbers of <linux/in.h> and <linux/errqueue.h>; the socket module does not name them.
_IP_RECVERR = 11
_MSG_ERRQUEUE = 0x2000
_ICMP_UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)

# Characters at which str.splitlines() breaks a line and SIP does not: in their place go the bytes they
# came from, or a space.
_NOT_LINES: dict[int, str] = {0x0B: " ", 0x0C: " ", 0x1C: " ", 0x1D: " ", 0x1E: " "} | {
    code: chr(code).encode().decode("ascii", "surrogateescape") for code in (0x85, 0x2028, 0x2029)
}


class Datagram(bytes):
    """A received message; `decode` gives sippy text that it can parse without loss.

    The body becomes one character a byte, so that sippy's count of characters is SIP's count of bytes.
    """

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        """Text of the whole message; the arguments are sippy's and make no difference."""
        end = re.search(rb"\r?\n\r?\n", self)
        cut = end.end() if end else len(self)
        head = bytes(self[:cut]).decode("utf-8", "surrogateescape").translate(_NOT_LINES)
        return head + bytes(self[cut:]).decode("ascii", "surrogateescape")


class UdpPort(Network_server):  # type: ignore[misc]
    """The socket, in the shape that sippy's transaction manager wants."""

    transport = "udp"
    unreachable: Callable[[tuple[str, int]], None] | None = None
    """Called in the SIP thread with an address at which nobody listens."""

    def __init__(self, _config: dict[str, Any], options: Udp_server_opts) -> None:
        super().__init__(options)
        self.skt = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.skt.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self.skt.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        self.skt.bind(self.uopts.laddress)
        self._open = True
        self._reader = threading.Thread(target=self._read, name="sip", daemon=True)
        self._reader.start()

    def send_to(self, data: str | bytes, address: tuple[str, int], delayed: bool = False) -> None:
        """Send at once; a message that cannot be sent is lost, as UDP allows, and sent again by timers."""
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        for _ in range(2):
            try:
                self.skt.sendto(data, address)
                return
            except OSError as error:
                # A pending ICMP error of an earlier message is reported once, here.
                if error.errno not in _ICMP_UNREACHABLE:
                    log.warning("cannot send to %s: %s", address, error)
                    return

    def shutdown(self) -> None:
        """Close the socket; the port is free again when this returns."""
        self._open = False
        # Closing alone leaves the port taken for as long as the reader waits in the kernel. Shutting down
        # wakes it, even though Linux calls the socket not connected.
        with contextlib.suppress(OSError):
            self.skt.shutdown(socket.SHUT_RDWR)
        self.join()
        self.skt.close()

    def join(self) -> None:
        """Wait for the reader."""
        self._reader.join(1.0)

    def _read(self) -> None:
        while self._open:
            try:
                data, source = self.skt.recvfrom(65536)
            except OSError as error:
                if error.errno in _ICMP_UNREACHABLE:
                    self._drain_errors()
                continue
            if not data or source is None:
                continue
            ED2.callFromThread(self.handle_read, Datagram(data), Remote_address(source, self.transport), MonoTime())

    def _drain_errors(self) -> None:
        while True:
            try:
                _, control, _, address = self.skt.recvmsg(0, 512, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
            except OSError:
                return
            refused = any(
                level == socket.IPPROTO_IP
                and kind == _IP_RECVERR
                and struct.unpack_from("I", detail)[0] in _ICMP_UNREACHABLE
                for level, kind, detail in control
            )
            if refused and address and self.unreachable is not None:
                ED2.callFromThread(self.unreachable, address)
