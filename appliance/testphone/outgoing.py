"""The caller's side of a call: INVITE, its answers, CANCEL (RFC 3261 sections 9.1, 13.2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from appliance.testphone.address import HostPort
from appliance.testphone.call import Call
from appliance.testphone.dialog import Dialog, contact_uri, reason_of, record_routes
from appliance.testphone.digest import authorization
from appliance.testphone.endpoint import Endpoint
from appliance.testphone.errors import CallFailed, MessageError, PhoneError
from appliance.testphone.media import Media
from appliance.testphone.message import Header, Message
from appliance.testphone.transaction import ClientTransaction

RawInvite = Callable[[bytes], bytes]


class OutgoingCall(Call):
    """A call that we make.

    ``statuses`` lists every status received for the INVITE, ``responses`` the messages, ``failure`` why it
    failed, or None.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        media: Media,
        request: Message,
        proxy: HostPort,
        auth: tuple[str, str] | None,
        raw_invite: RawInvite | None,
    ) -> None:
        super().__init__(endpoint, media, request, request.from_tag)
        self.statuses: list[int] = []
        self.responses: list[Message] = []
        self.failure: CallFailed | None = None
        self._proxy, self._auth, self._raw = proxy, auth, raw_invite
        self._transaction: ClientTransaction | None = None
        self._ack: bytes | None = None
        self._ack_hop = proxy
        self._cancel: list[Header] | None = None

    def start(self) -> None:
        """Sends the INVITE."""
        wire = self._raw(self.request.encode()) if self._raw is not None else None
        self._transaction = self._endpoint.start(
            self.request, self._proxy, self._on_response, self._on_timeout, wire
        )

    async def ringing(self, timeout: float = 5.0) -> None:
        """Waits for 180. Raises CallFailed, or PhoneError when it is answered without ringing."""
        await self._until(lambda: (self.rang_at or self.answered_at) is not None, timeout, "180")
        if self.rang_at is None:
            raise PhoneError(f"the call was answered without ringing: {self.statuses}")

    async def early_media(self, timeout: float = 5.0) -> None:
        """Waits for a 18x with SDP. Raises CallFailed, or PhoneError when it is answered without."""
        await self._until(lambda: (self.early_at or self.answered_at) is not None, timeout, "early media")
        if self.early_at is None:
            raise PhoneError(f"the call was answered without early media: {self.statuses}")

    async def answered(self, timeout: float = 10.0) -> None:
        """Waits for the answer. Raises CallFailed with the final status."""
        await self._until(lambda: self.answered_at is not None, timeout, "the answer")

    async def _give_up(self, headers: list[Header], timeout: float) -> None:
        self._cancel = headers
        if self._transaction is not None and self._transaction.provisional:
            self._send_cancel()
        await self.ended(timeout)

    def _send_cancel(self) -> None:
        """CANCEL has the INVITE's branch; it waits for a provisional response (section 9.1)."""
        if self._cancel is None:
            return
        cancel = Message(b"CANCEL " + self.request.uri + b" SIP/2.0")
        copied = ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID")
        cancel.headers = [(n.encode(), value) for n in copied for value in self.request.all(n)]
        cancel.headers += [(b"CSeq", b"%d CANCEL" % self.request.cseq[0]), *self._cancel]
        self._cancel = None
        self._endpoint.start(cancel, self._proxy, lambda _: None, lambda: None)

    def _on_response(self, response: Message) -> None:
        if response.status < 300 and self._ack is not None and response.status >= 200:
            self._endpoint.sender(self.call_id, self._ack_hop)(self._ack)  # our ACK was lost
            return
        self.statuses.append(response.status)
        self.responses.append(response)
        if response.status in (401, 407) and self._auth is not None and not self._hanging_up:
            try:
                self._authenticate(response, *self._auth)
            except MessageError as problem:
                self.failure = CallFailed(response.status, str(problem))
                self._finish("us", response, response.status)
        elif response.status < 200:
            self._on_provisional(response)
        elif response.status < 300:
            self._on_answer(response)
        elif self.end is None:
            header, cause = reason_of(response)
            self.failure = CallFailed(response.status, response.reason, cause, header)
            self._finish("us" if self._hanging_up else "them", response, response.status)

    def _on_provisional(self, response: Message) -> None:
        self._send_cancel()
        if response.to_tag:
            self._dialog = self._dialog_from(response)  # an UPDATE or INFO may come before the answer
        if response.status == 180 and self.rang_at is None:
            self.rang_at = time.monotonic()
        early = response.status > 100 and bool(response.body) and self._hear_sdp(response.body)
        if early and self.early_at is None:
            self.early_at = time.monotonic()
        self._ring_bell()

    def _on_answer(self, response: Message) -> None:
        self._dialog = self._dialog_from(response)
        number = self.request.cseq[0]
        self._ack = self._dialog.request("ACK", self._endpoint.via(), self._contact, number=number).encode()
        self._ack_hop = self._dialog.hop()
        self._endpoint.sender(self.call_id, self._ack_hop)(self._ack)
        if response.body:
            self._hear_sdp(response.body)
        if self._hanging_up:  # the answer crossed our CANCEL: the call exists and is ended by BYE
            bye = self._dialog.request("BYE", self._endpoint.via(), self._contact)
            self._endpoint.start(bye, self._ack_hop, lambda _: None, lambda: None)
            self._finish("us", status=response.status)
            return
        self._mark_answered()

    def _dialog_from(self, response: Message) -> Dialog:
        return Dialog(
            call_id=self.call_id,
            local=self.request.need("From"),
            remote=response.need("To"),
            target=contact_uri(response) or self.request.uri,
            peer=self._proxy,
            cseq=self.request.cseq[0] if self._dialog is None else self._dialog.cseq,
            routes=record_routes(response)[::-1],
            remote_cseq=0 if self._dialog is None else self._dialog.remote_cseq,
        )

    def _authenticate(self, response: Message, user: str, password: str) -> None:
        """The same INVITE again with credentials: new branch, next CSeq (section 22.2), tried once."""
        self._auth = None
        proxy = response.status == 407
        challenge = response.need("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        uri = self.request.uri.decode("latin-1")
        name = b"Proxy-Authorization" if proxy else b"Authorization"
        self.request.headers = [
            (b"Via", self._endpoint.via()) if key == b"Via"
            else (key, b"%d INVITE" % (self.request.cseq[0] + 1)) if key == b"CSeq"
            else (key, value)
            for key, value in self.request.headers
        ]  # fmt: skip
        self.request.headers.append((name, authorization(challenge, "INVITE", uri, user, password)))
        asyncio.get_running_loop().call_soon(self.start)

    def _on_timeout(self) -> None:
        if self.end is None:
            self.failure = CallFailed(408, "no response at all")
            self._finish("nobody", status=408)

    def _so_far(self) -> str:
        return f" (so far {self.statuses})"

    def _over(self, what: str) -> PhoneError:
        return self.failure if self.failure is not None else super()._over(what)
