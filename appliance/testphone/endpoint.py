"""One UDP socket for SIP: finds the transaction of each datagram (RFC 3261 sections 17 and 18)."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from appliance.testphone.address import HostPort
from appliance.testphone.errors import MessageError, PhoneError
from appliance.testphone.message import Message, new_branch, parse
from appliance.testphone.transaction import ClientTransaction, Send, ServerTransaction

_RPORT = re.compile(rb";\s*rport(?=\s*[;,]|\s*$)", re.IGNORECASE)
_ServerKey = tuple[bytes, bytes, int, str]


class Handler(Protocol):
    """Who takes requests."""

    def request(self, message: Message, sender: HostPort, transaction: ServerTransaction) -> None:
        """A new request (not a repetition) other than ACK."""

    def ack(self, message: Message) -> None:
        """An ACK to a 2xx, which has no transaction of its own (section 13.2.2.4)."""


@dataclass(frozen=True)
class Traced:
    """A datagram that went out (``>``) or came in (``<``) at ``at`` (``time.monotonic``)."""

    at: float
    way: str
    peer: HostPort
    data: bytes


class Endpoint(asyncio.DatagramProtocol):
    """The socket, its transactions and a trace of the last 2000 datagrams.

    A Call-ID in ``mute`` is dead: its datagrams are neither read nor sent. ``garbage`` keeps what was no SIP.
    """

    def __init__(self, handler: Handler, t1: float) -> None:
        self.mute: set[bytes] = set()
        self.garbage: list[bytes] = []
        self.trace: deque[Traced] = deque(maxlen=2000)
        self._handler, self._t1 = handler, t1
        self._clients: dict[tuple[bytes, str], ClientTransaction] = {}
        self._servers: dict[_ServerKey, ServerTransaction] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()

    async def open(self, host: str, port: int) -> None:
        """Binds the socket; OSError when the port is taken."""
        await self._loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.DatagramProtocol."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    @property
    def address(self) -> HostPort:
        """Where the socket is bound."""
        if self._transport is None:
            raise PhoneError("the socket is not open")
        host, port = self._transport.get_extra_info("sockname")[:2]
        return str(host), int(port)

    def via(self) -> bytes:
        """A Via value with a new branch; ``rport`` as RFC 3581 asks."""
        host, port = self.address
        return f"SIP/2.0/UDP {host}:{port};rport;branch=".encode() + new_branch()

    def send(self, data: bytes, peer: HostPort) -> None:
        """One datagram."""
        if self._transport is not None and not self._transport.is_closing():
            self.trace.append(Traced(time.monotonic(), ">", peer, data))
            self._transport.sendto(data, peer)

    def sender(self, call_id: bytes, peer: HostPort) -> Send:
        """A ``send`` to one peer that falls silent with its call."""
        return lambda data: None if call_id in self.mute else self.send(data, peer)

    def start(
        self,
        request: Message,
        peer: HostPort,
        on_response: Callable[[Message], None],
        on_timeout: Callable[[], None],
        wire: bytes | None = None,
    ) -> ClientTransaction:
        """Sends a request of ours and repeats it as needed. ``wire`` replaces its bytes on the wire."""
        send = self.sender(request.call_id, peer)
        data = request.encode() if wire is None else wire
        transaction = ClientTransaction(request, data, send, self._t1, on_response, on_timeout)
        self._clients[request.branch, request.method] = transaction
        return transaction

    def invite_of(self, cancel: Message) -> ServerTransaction | None:
        """The INVITE that a CANCEL is about: same branch, another method (section 9.2)."""
        return self._servers.get((cancel.branch, cancel.call_id, cancel.cseq[0], "INVITE"))

    def forget(self, call_id: bytes) -> None:
        """A call is over for long: its transactions are dropped after 64 T1, when no repetition can come."""
        self._loop.call_later(64 * self._t1, self._drop, call_id)

    def close(self) -> None:
        """Closes the socket and stops all timers."""
        for client in self._clients.values():
            client.stop()
        for server in self._servers.values():
            server.stop()
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: HostPort) -> None:
        """See asyncio.DatagramProtocol. A keep-alive of blanks (RFC 5626 section 3.5.1) is dropped."""
        self.trace.append(Traced(time.monotonic(), "<", addr[:2], data))
        if not data.strip(b"\r\n\0 "):
            return
        try:
            message = parse(data)
            if message.call_id in self.mute:
                return
            if message.is_request:
                self._request(message, addr[:2])
            else:
                self._response(message)
        except MessageError:
            self.garbage.append(data)

    def _response(self, message: Message) -> None:
        transaction = self._clients.get((message.branch, message.method))
        if transaction is not None:
            transaction.receive(message)

    def _request(self, message: Message, peer: HostPort) -> None:
        number, method = message.cseq
        if method == "ACK":
            invite = self._servers.get((message.branch, message.call_id, number, "INVITE"))
            if invite is not None:
                invite.acked()
            else:
                self._handler.ack(message)
            return
        key = (message.branch, message.call_id, number, method)
        known = self._servers.get(key)
        if known is not None:
            known.repeat()
            return
        _mark_source(message, peer)
        transaction = ServerTransaction(message, self.sender(message.call_id, peer), self._t1)
        self._servers[key] = transaction
        self._handler.request(message, peer, transaction)

    def _drop(self, call_id: bytes) -> None:
        for client_key, client in list(self._clients.items()):
            if client.request.call_id == call_id:
                self._clients.pop(client_key).stop()
        for server_key in [key for key in self._servers if key[1] == call_id]:
            self._servers.pop(server_key).stop()


def _mark_source(message: Message, peer: HostPort) -> None:
    """Fills in the ``rport`` of the topmost Via (RFC 3581 section 4)."""
    for at, (name, value) in enumerate(message.headers):
        if name.lower() in (b"via", b"v"):
            filled = f";received={peer[0]};rport={peer[1]}".encode()
            message.headers[at] = (name, _RPORT.sub(filled, value, count=1))
            return
