"""A bare UDP peer, for what a well-behaved phone never does: losing, repeating, talking nonsense."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from appliance.testphone.address import HostPort
from appliance.testphone.message import Message, parse, response_to


class Wire:
    """Keeps every datagram; ``receive`` gives the next as a message."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self._queue: asyncio.Queue[tuple[bytes, HostPort]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        wire = self

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: HostPort) -> None:
                wire.datagrams.append(data)
                wire._queue.put_nowait((data, addr))

        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    @property
    def address(self) -> HostPort:
        host, port = self._transport.get_extra_info("sockname")
        return str(host), int(port)

    async def receive(self, start: str = "", timeout: float = 3.0) -> Message:
        """The next message whose start line begins with ``start``; others are dropped."""
        async with asyncio.timeout(timeout):
            while True:
                data, self.peer = await self._queue.get()
                message = parse(data)
                if message.start.startswith(start.encode()):
                    return message

    def send(self, message: Message | bytes, to: HostPort | None = None) -> None:
        data = message.encode() if isinstance(message, Message) else message
        self._transport.sendto(data, to or self.peer)

    def respond(self, request: Message, status: int, body: bytes = b"", tag: bytes = b"wire") -> None:
        host, port = self.address
        headers = [(b"Contact", f"<sip:wire@{host}:{port}>".encode())]
        self.send(response_to(request, status, to_tag=tag, headers=headers, body=body))


def invite(to: HostPort, call_id: str = "c1", *, extra: str = "", body: bytes = b"", to_tag: str = "") -> bytes:
    """A minimal INVITE."""
    tag = f";tag={to_tag}" if to_tag else ""
    head = (
        f"INVITE sip:line@{to[0]}:{to[1]} SIP/2.0\r\n"
        f"v: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{call_id}\r\n"
        f"f: <sip:13800138000@127.0.0.1>;tag=a\r\nt: <sip:line@127.0.0.1>{tag}\r\n"
        f"i: {call_id}\r\nCSeq: 1 INVITE\r\nm: <sip:caller@127.0.0.1:9>\r\n{extra}"
        f"l: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body
