"""A call seen from the phone: what both directions share once there is a dialog."""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable

from appliance.testphone.address import parse_address, uri_user
from appliance.testphone.dialog import ALLOW, Dialog, reason_of
from appliance.testphone.ear import Key
from appliance.testphone.endpoint import Endpoint
from appliance.testphone.errors import CallOver, MessageError, PhoneTimeout, RequestFailed
from appliance.testphone.media import Media
from appliance.testphone.message import Header, Message, response_to
from appliance.testphone.sdp import parse_sdp
from appliance.testphone.transaction import ServerTransaction
from appliance.testphone.voice import Voice
from appliance.testphone.waits import Ended

_SIGNAL = re.compile(rb"Signal\s*=\s*([0-9A-Da-d*#])", re.IGNORECASE)
SDP_TYPE: Header = (b"Content-Type", b"application/sdp")


class Call(Voice, ABC):
    """Shared by OutgoingCall and IncomingCall.

    ``request`` is the INVITE; ``rang_at``, ``early_at`` and ``answered_at`` are on ``time.monotonic`` or
    None; ``infos`` holds every INFO that came in, ``reinvites`` counts. Each wait takes a timeout in seconds
    and raises PhoneTimeout then, CallOver when the call has ended first.
    """

    def __init__(self, endpoint: Endpoint, media: Media, request: Message, tag: bytes) -> None:
        super().__init__(media)
        self.request = request
        self.rang_at: float | None = None
        self.early_at: float | None = None
        self.infos: list[Message] = []
        self.reinvites = 0
        self.vanished = False
        self._endpoint = endpoint
        self._tag = tag
        self._dialog: Dialog | None = None
        self._unacked: dict[int, ServerTransaction] = {}
        self._hanging_up = False

    # -- what was signalled -------------------------------------------------------------------------------

    @property
    def call_id(self) -> bytes:
        """The Call-ID."""
        return self.request.call_id

    @property
    def caller(self) -> str:
        """The user part of the INVITE's From."""
        return uri_user(parse_address(self.request.need("From")).uri)

    @property
    def called(self) -> str:
        """The user part of the INVITE's request URI."""
        return uri_user(self.request.uri)

    @property
    def display(self) -> bytes:
        """The display name of the INVITE's From as it was on the wire, without its quotes."""
        return parse_address(self.request.need("From")).display

    async def press_info(self, key: str, ms: int = 160, *, body: bytes | None = None, timeout: float = 5.0) -> int:
        """Sends a key by SIP INFO (application/dtmf-relay), or ``body`` as it is; returns the status.

        Raises RequestFailed for 300 and above, PhoneTimeout, CallOver.
        """
        made = f"Signal={key}\r\nDuration={ms}\r\n".encode("latin-1") if body is None else body
        headers = [(b"Content-Type", b"application/dtmf-relay")]
        return (await self._transact("INFO", headers, made, timeout)).status

    # -- the end ------------------------------------------------------------------------------------------

    async def hangup(self, timeout: float = 5.0, *, reason: str | None = None) -> None:
        """Ends the call by BYE, CANCEL or a refusal, whichever fits; nothing when it has ended.

        ``reason`` is sent as the Reason header. Raises PhoneTimeout when the other side does not confirm.
        """
        if self.end is not None:
            return
        headers = [] if reason is None else [(b"Reason", reason.encode("latin-1"))]
        self._hanging_up = True
        if self.answered_at is None:
            await self._give_up(headers, timeout)
            return
        self.media.freeze()
        try:
            await self._transact("BYE", headers, b"", timeout)
        except RequestFailed:
            pass  # 481: the other side's BYE crossed ours; the call is over either way
        finally:
            self._finish("us")

    def vanish(self) -> None:
        """Falls silent for good: no RTP, no SIP, no answer to anything. The ports stay open without a reader,
        as after a power cut behind a router: no ICMP tells the other side."""
        self.vanished = True
        self._endpoint.mute.add(self.call_id)
        self.media.freeze()
        self._finish("nobody")

    @abstractmethod
    async def _give_up(self, headers: list[Header], timeout: float) -> None:
        """Ends a call that was not answered yet."""

    # -- requests of the other side -----------------------------------------------------------------------

    def handle(self, message: Message, transaction: ServerTransaction) -> None:
        """A request in this dialog."""
        if self._dialog is None:
            transaction.reply(481)
            return
        if message.cseq[0] < self._dialog.remote_cseq:
            transaction.reply(500)  # out of order (RFC 3261 section 12.2.2)
            return
        self._dialog.remote_cseq = message.cseq[0]
        if message.method == "BYE":
            transaction.reply(200)
            self._finish("them", message)
        elif message.method in ("INVITE", "UPDATE"):
            self._dialog.retarget(message)
            self._renegotiate(message, transaction)
        elif message.method in ("INFO", "OPTIONS", "NOTIFY", "MESSAGE"):
            self._listen(message)
            transaction.respond(response_to(message, 200, headers=[(b"Allow", ALLOW)]))
        else:
            transaction.respond(response_to(message, 405, headers=[(b"Allow", ALLOW)]))

    def handle_ack(self, message: Message) -> None:
        """The ACK to a 2xx of ours; its body is the answer when the INVITE had no offer."""
        transaction = self._unacked.pop(message.cseq[0], None)
        if transaction is not None:
            transaction.acked()
        if message.body and self.end is None:
            self._hear_sdp(message.body)

    def _listen(self, message: Message) -> None:
        if message.method == "INFO":
            self.infos.append(message)
            found = _SIGNAL.search(message.body)
            if found and b"dtmf" in (message.get("Content-Type") or b""):
                self.dtmf_heard.append(Key(found.group(1).decode().upper(), self.now, 0, how="info"))

    def _renegotiate(self, message: Message, transaction: ServerTransaction) -> None:
        self.reinvites += message.method == "INVITE"
        headers = [(b"Contact", self._contact), (b"Allow", ALLOW)]
        body: bytes | None = b""
        if message.body:
            body = self.media.answer() if self._hear_sdp(message.body) else None
        elif message.method == "INVITE":
            body = self.media.offer()
        if body is None:
            transaction.reply(488)
            return
        answer = response_to(message, 200, headers=headers + ([SDP_TYPE] if body else []), body=body)
        if message.method == "INVITE":
            self._unacked[message.cseq[0]] = transaction
        transaction.respond(answer)

    def _hear_sdp(self, body: bytes) -> bool:
        """Takes the other side's description and begins to send; False when there is no common codec."""
        try:
            agreed = self.media.learn(parse_sdp(body))
        except MessageError:
            return False
        self.media.start()
        return agreed

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def _contact(self) -> bytes:
        host, port = self._endpoint.address
        return f"<sip:phone@{host}:{port}>".encode()

    async def _transact(self, method: str, headers: Iterable[Header], body: bytes, timeout: float) -> Message:
        """A request in the dialog and its final response; RequestFailed for 300 and above."""
        if self._dialog is None or self.end is not None:
            raise CallOver(f"no dialog to send {method} in")
        via = self._endpoint.via()
        request = self._dialog.request(method, via, self._contact, headers=headers, body=body)
        final: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def take(response: Message) -> None:
            if response.status >= 200 and not final.done():
                final.set_result(response)

        def give_up() -> None:
            if not final.done():
                final.set_exception(PhoneTimeout(f"{method} was never answered"))

        transaction = self._endpoint.start(request, self._dialog.hop(), take, give_up)
        try:
            async with asyncio.timeout(timeout):
                response = await final
        except TimeoutError:
            transaction.stop()
            raise PhoneTimeout(f"{method} was not answered within {timeout} s") from None
        if response.status >= 300:
            raise RequestFailed(method, response.status, response.reason)
        return response

    def _mark_answered(self) -> None:
        self.answered_at = time.monotonic()
        self.media.ear.start(self.answered_at)
        self._ring_bell()

    def _finish(self, by: str, message: Message | None = None, status: int | None = None) -> None:
        """The call is over; the first to say so is believed."""
        if self.end is not None:
            return
        header, cause = (None, None) if message is None else reason_of(message)
        self.end = Ended(by, header, cause, status, time.monotonic())
        for transaction in self._unacked.values():
            transaction.stop()
        if not self.vanished:
            self.media.close()
            self._endpoint.forget(self.call_id)
        self._ring_bell()
