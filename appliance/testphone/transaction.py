"""Client and server transactions over UDP (RFC 3261 section 17), with their retransmissions.

T1 is 0.5 s unless the phone is made with another; T2 is 8 T1, the wait for an end 64 T1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.testphone.message import Message, response_to

Send = Callable[[bytes], None]


class _Timer:
    """Calls ``again`` after T1, then after twice that, up to every ``longest`` s; ``over`` after 64 T1."""

    def __init__(self, t1: float, longest: float, again: Callable[[], None], over: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._again, self._over = again, over
        self._wait, self._longest = t1, longest
        self._next: asyncio.TimerHandle | None = self._loop.call_later(t1, self._fire)
        self._end: asyncio.TimerHandle | None = self._loop.call_later(64 * t1, self._finish)

    def _fire(self) -> None:
        self._again()
        self._wait = min(2 * self._wait, self._longest)
        self._next = self._loop.call_later(self._wait, self._fire)

    def _finish(self) -> None:
        self.stop()
        self._over()

    def slow_down(self) -> None:
        """A provisional answer came to a request that is no INVITE: T2 from now on (17.1.2.2)."""
        self._wait = self._longest

    def stop(self) -> None:
        for handle in (self._next, self._end):
            if handle is not None:
                handle.cancel()


class ClientTransaction:
    """A request of ours until its final response.

    ``on_response`` gets every provisional response, the first final one, and each repeated 2xx to an INVITE
    (whose ACK is the dialog's matter); ``on_timeout`` is called when nothing came in 64 T1.
    """

    def __init__(
        self,
        request: Message,
        wire: bytes,
        send: Send,
        t1: float,
        on_response: Callable[[Message], None],
        on_timeout: Callable[[], None],
    ) -> None:
        self.request = request
        self.final: Message | None = None
        self.provisional = False
        self._send, self._wire, self._on_response = send, wire, on_response
        self._invite = request.method == "INVITE"
        send(wire)
        longest = 64 * t1 if self._invite else 8 * t1
        self._timer = _Timer(t1, longest, lambda: send(wire), on_timeout)

    def receive(self, response: Message) -> None:
        """A response with this transaction's branch."""
        if response.status < 200:
            if self.final is None:
                self.provisional = True
                if self._invite:
                    self._timer.stop()
                else:
                    self._timer.slow_down()
                self._on_response(response)
            return
        self._timer.stop()
        if self._invite and response.status >= 300:
            self._send(self._ack(response).encode())
        first, self.final = self.final is None, self.final or response
        if first or (self._invite and response.status < 300):
            self._on_response(response)

    def stop(self) -> None:
        """No more retransmissions."""
        self._timer.stop()

    def _ack(self, response: Message) -> Message:
        """The ACK for a failure has the INVITE's own branch (17.1.1.3)."""
        number = self.request.cseq[0]
        ack = Message(b"ACK " + self.request.uri + b" SIP/2.0")
        ack.headers = [
            (b"Via", self.request.need("Via")),
            *((b"Route", route) for route in self.request.all("Route")),
            (b"From", self.request.need("From")),
            (b"To", response.need("To")),
            (b"Call-ID", self.request.call_id),
            (b"CSeq", b"%d ACK" % number),
            (b"Max-Forwards", b"70"),
        ]
        return ack


class ServerTransaction:
    """A request of the other side and our last response to it.

    A repeated request gets that response again. The final response to an INVITE is repeated until ``acked``;
    ``on_no_ack`` is called when no ACK came in 64 T1.
    """

    def __init__(self, request: Message, send: Send, t1: float) -> None:
        self.request = request
        self.last: Message | None = None
        self.on_no_ack: Callable[[], None] = lambda: None
        self._send, self._t1 = send, t1
        self._timer: _Timer | None = None

    def respond(self, response: Message) -> None:
        """Sends a response; after a final one nothing more is sent."""
        if self.final:
            return
        self.last = response
        self.repeat()
        if self.request.method == "INVITE" and response.status >= 200:
            self._timer = _Timer(self._t1, 8 * self._t1, self.repeat, lambda: self.on_no_ack())

    def reply(self, status: int, to_tag: bytes = b"") -> None:
        """A response without anything but its status."""
        self.respond(response_to(self.request, status, to_tag=to_tag))

    @property
    def final(self) -> bool:
        """Whether a final response was sent."""
        return self.last is not None and self.last.status >= 200

    def repeat(self) -> None:
        """Sends the last response again."""
        if self.last is not None:
            self._send(self.last.encode())

    def acked(self) -> None:
        """The ACK came."""
        self.stop()

    def stop(self) -> None:
        """No more retransmissions."""
        if self._timer is not None:
            self._timer.stop()
