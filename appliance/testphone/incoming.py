"""The called side of a call (RFC 3261 section 13.3)."""

from __future__ import annotations

import time
from collections.abc import Iterable

from appliance.testphone.address import HostPort
from appliance.testphone.call import SDP_TYPE, Call
from appliance.testphone.dialog import ALLOW, Dialog, contact_uri, reason_of, record_routes
from appliance.testphone.endpoint import Endpoint
from appliance.testphone.errors import CallOver, MessageError
from appliance.testphone.media import Media
from appliance.testphone.message import Header, Message, new_tag, response_to
from appliance.testphone.sdp import parse_sdp
from appliance.testphone.tones import Sound
from appliance.testphone.transaction import ServerTransaction


class IncomingCall(Call):
    """A call to us. Each step raises CallOver when the caller has given up or the call was answered."""

    def __init__(
        self,
        endpoint: Endpoint,
        media: Media,
        request: Message,
        peer: HostPort,
        transaction: ServerTransaction,
    ) -> None:
        super().__init__(endpoint, media, request, new_tag())
        self.cancelled = False
        self._transaction = transaction
        transaction.on_no_ack = lambda: self._finish("nobody")
        self._dialog = Dialog(
            call_id=request.call_id,
            local=request.need("To") + b";tag=" + self._tag,
            remote=request.need("From"),
            target=contact_uri(request) or parse_target(request),
            peer=peer,
            cseq=0,
            routes=record_routes(request),
            remote_cseq=request.cseq[0],
        )
        if request.body:
            media.learn(parse_sdp(request.body))

    def trying(self) -> None:
        """Sends 100."""
        self._respond(100)

    def ring(self) -> None:
        """Sends 180."""
        self._respond(180)
        self.rang_at = time.monotonic()

    def progress(self, sound: Sound | None = None) -> None:
        """Sends 183 with SDP and begins to send media, ``sound`` or silence."""
        if sound is not None:
            self.say(sound)
        self._respond(183, self._description())
        self.early_at = time.monotonic()
        self.media.start()

    def answer(self, sound: Sound | None = None) -> None:
        """Sends 200 with SDP and begins to send media. No codec in common: 488 and CallOver."""
        body = self._description()
        if sound is not None:
            self.say(sound)
        self._unacked[self.request.cseq[0]] = self._transaction
        self._respond(200, body)
        self._mark_answered()
        self.media.start()

    def reject(self, status: int, reason: str | None = None, headers: Iterable[Header] = ()) -> None:
        """Sends a final refusal of 300 or more."""
        self._respond(status, reason=reason, headers=headers)
        self._finish("us", status=status)

    def cancel(self, message: Message) -> None:
        """A CANCEL came: 487 unless we have answered already (RFC 3261 section 9.2)."""
        if self._transaction.final:
            return
        self.cancelled = True
        self._transaction.reply(487, self._tag)
        self._finish("them", message, 487)

    @property
    def reason_header(self) -> str | None:
        """The Reason header of the INVITE itself."""
        return reason_of(self.request)[0]

    async def _give_up(self, headers: list[Header], timeout: float) -> None:
        self.reject(603, headers=headers)

    def _check_open(self) -> None:
        if self.end is not None or self._transaction.final:
            raise CallOver(f"too late to respond: {self.end or 'answered already'}")

    def _description(self) -> bytes:
        """Our answer, or our offer when the INVITE had none."""
        self._check_open()
        body = self.media.answer() if self.media.remote is not None else self.media.offer()
        if body is None:
            self.reject(488)
            raise CallOver("no codec in common: 488 was sent")
        return body

    def _respond(
        self, status: int, body: bytes = b"", *, reason: str | None = None, headers: Iterable[Header] = ()
    ) -> None:
        self._check_open()
        extra: list[Header] = []
        if 100 < status < 300:
            extra += [(b"Contact", self._contact), (b"Allow", ALLOW)]
        if body:
            extra.append(SDP_TYPE)
        answer = response_to(
            self.request,
            status,
            to_tag=b"" if status == 100 else self._tag,
            reason=reason,
            headers=[*extra, *headers],
            body=body,
        )
        self._transaction.respond(answer)


def parse_target(request: Message) -> bytes:
    """An INVITE without Contact is malformed (RFC 3261 section 8.1.1.8)."""
    raise MessageError(f"INVITE without Contact: {request.start!r}")
