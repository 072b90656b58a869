"""A SIP phone for trying and testing: calls, takes calls, registers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

from appliance.testphone.address import HostPort, format_address
from appliance.testphone.call import SDP_TYPE, Call
from appliance.testphone.dialog import ALLOW
from appliance.testphone.endpoint import Endpoint
from appliance.testphone.errors import CallOver, MessageError, PhoneError, PhoneTimeout
from appliance.testphone.incoming import IncomingCall
from appliance.testphone.line import LineScript
from appliance.testphone.media import Media
from appliance.testphone.message import Header, Message, new_tag, response_to
from appliance.testphone.outgoing import OutgoingCall, RawInvite
from appliance.testphone.registration import Registration
from appliance.testphone.transaction import ServerTransaction

Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]
OnInvite = LineScript | Callable[[IncomingCall], LineScript | None]


class Phone:
    """A SIP user agent over UDP, used as an async context manager.

    ``on_invite`` says what happens to calls that come in: a LineScript, a function that gives one for each
    call, or None, where the call rings until the test says ``answer`` or ``reject``. ``calls`` are the calls
    that came in, ``dialled`` those that went out. Leaving the context hangs up what is still alive and raises
    the first fault of a script, if the body raised nothing itself.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        on_invite: OnInvite | None = None,
        codecs: Sequence[str] = ("PCMA", "PCMU"),
        dtmf_payload: int | None = 101,
        t1: float = 0.5,
    ) -> None:
        self.on_invite = on_invite
        self.calls: list[IncomingCall] = []
        self.dialled: list[OutgoingCall] = []
        self.faults: list[BaseException] = []
        self._host, self._port, self._t1 = host, port, t1
        self._codecs, self._dtmf = tuple(codecs), dtmf_payload
        self._by_id: dict[bytes, Call] = {}
        self._arrived: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._scripts: set[asyncio.Task[None]] = set()
        self._endpoint: Endpoint | None = None
        self._registration: Registration | None = None

    async def __aenter__(self) -> Self:
        self._endpoint = Endpoint(self, self._t1)
        await self._endpoint.open(self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        living = [call for call in (*self.calls, *self.dialled) if call.end is None]
        ends = await asyncio.gather(*(call.hangup(1.0) for call in living), return_exceptions=True)
        for task in self._scripts:
            task.cancel()
        await asyncio.gather(*self._scripts, return_exceptions=True)
        for call in (*self.calls, *self.dialled):
            call.media.close()
        self.endpoint.close()
        self.faults += [end for end in ends if isinstance(end, Exception) and not isinstance(end, PhoneError)]
        if error is None and self.faults:
            raise self.faults[0]

    @property
    def endpoint(self) -> Endpoint:
        """The SIP socket; PhoneError outside the context."""
        if self._endpoint is None:
            raise PhoneError("use the phone in `async with`")
        return self._endpoint

    @property
    def address(self) -> HostPort:
        """The SIP host and port."""
        return self.endpoint.address

    @property
    def port(self) -> int:
        """The SIP port."""
        return self.address[1]

    def dump(self) -> str:
        """The last datagrams as text, for a failure's report."""
        first = self.endpoint.trace[0].at if self.endpoint.trace else 0.0
        return "\n".join(
            f"{one.way} {one.at - first:7.3f} {one.peer[0]}:{one.peer[1]}\n{one.data.decode('latin-1')}"
            for one in self.endpoint.trace
        )

    async def dial(
        self,
        number: str,
        proxy: HostPort,
        *,
        caller: str = "13800138000",
        display: bytes | str = b"",
        headers: Headers = (),
        to_user: str | None = None,
        from_uri: str | None = None,
        codecs: Sequence[str] | None = None,
        dtmf_payload: int | Literal["phone"] | None = "phone",
        auth: tuple[str, str] | None = None,
        raw_invite: RawInvite | None = None,
    ) -> OutgoingCall:
        """Sends an INVITE for ``sip:number@proxy`` and returns at once.

        ``display`` and header values as ``bytes`` are put on the wire untouched. ``to_user`` is the To
        header's user where it differs, ``from_uri`` replaces the From URI (``sip:caller@ourselves``).
        ``dtmf_payload`` None offers no telephone-event, ``"phone"`` what the phone was made with. ``auth`` is
        user and password for a challenge (those of ``register`` otherwise). ``raw_invite`` gets the INVITE's
        bytes and returns those to send; it must leave Via, From's tag, Call-ID and CSeq alone, or the answers
        are not recognised.
        """
        media = Media(
            self.address[0], codecs or self._codecs, self._dtmf if dtmf_payload == "phone" else dtmf_payload
        )
        host, port = self.address
        target = f"{proxy[0]}:{proxy[1]}"
        given = headers.items() if isinstance(headers, Mapping) else headers
        request = Message(f"INVITE sip:{number}@{target} SIP/2.0".encode("latin-1"), body=media.offer())
        origin = (from_uri or f"sip:{caller}@{host}:{port}").encode("latin-1")
        request.headers = [
            (b"Via", self.endpoint.via()),
            (b"Max-Forwards", b"70"),
            (b"From", format_address(origin, display, new_tag())),
            (b"To", f"<sip:{to_user or number}@{target}>".encode("latin-1")),
            (b"Call-ID", f"{secrets.token_hex(12)}@{host}".encode()),
            (b"CSeq", b"1 INVITE"),
            (b"Contact", f"<sip:phone@{host}:{port}>".encode()),
            (b"Allow", ALLOW),
            (b"User-Agent", b"testphone"),
            *((name.encode("latin-1"), v if isinstance(v, bytes) else v.encode()) for name, v in given),
            SDP_TYPE,
        ]
        if auth is None and self._registration is not None:
            auth = self._registration.auth
        call = OutgoingCall(self.endpoint, media, request, proxy, auth, raw_invite)
        self._by_id[call.call_id] = call
        self.dialled.append(call)
        call.start()
        return call

    async def incoming(self, timeout: float = 5.0) -> IncomingCall:
        """The next call that comes in, each once, in order. Raises PhoneTimeout."""
        try:
            async with asyncio.timeout(timeout):
                return await self._arrived.get()
        except TimeoutError:
            raise PhoneTimeout(f"no call came in within {timeout} s") from None

    async def register(
        self,
        registrar: HostPort,
        user: str,
        password: str,
        *,
        domain: str | None = None,
        expires: int = 3600,
        timeout: float = 5.0,
    ) -> None:
        """Registers ``sip:user@domain`` (the registrar's host otherwise) with digest authentication.

        ``expires`` 0 takes the registration back. It is not refreshed. Raises RequestFailed, PhoneTimeout.
        """
        made = Registration(self.endpoint, registrar, user, password, domain or registrar[0])
        if self._registration is None or self._registration.who != made.who:
            self._registration = made
        await self._registration.send(expires, timeout)

    # -- requests of the other side -----------------------------------------------------------------------

    def request(self, message: Message, sender: HostPort, transaction: ServerTransaction) -> None:
        """See endpoint.Handler."""
        call = self._by_id.get(message.call_id)
        if message.method == "CANCEL":
            known = self.endpoint.invite_of(message) is not None and isinstance(call, IncomingCall)
            transaction.reply(200 if known else 481)
            if known and isinstance(call, IncomingCall):
                call.cancel(message)
        elif message.to_tag:
            if call is None or call.end is not None:
                transaction.reply(481)
            else:
                call.handle(message, transaction)
        elif message.method == "INVITE":
            self._invited(message, sender, transaction)
        elif message.method in ("OPTIONS", "NOTIFY", "MESSAGE"):
            transaction.respond(response_to(message, 200, to_tag=new_tag(), headers=[(b"Allow", ALLOW)]))
        else:
            transaction.reply(481 if message.method in ("BYE", "INFO", "UPDATE") else 405, new_tag())

    def ack(self, message: Message) -> None:
        """See endpoint.Handler."""
        call = self._by_id.get(message.call_id)
        if call is not None:
            call.handle_ack(message)

    def _invited(self, message: Message, sender: HostPort, transaction: ServerTransaction) -> None:
        required = message.all("Require")
        if required:  # we have no extensions (RFC 3261 section 8.2.2.3)
            unsupported: list[Header] = [(b"Unsupported", value) for value in required]
            transaction.respond(response_to(message, 420, to_tag=new_tag(), headers=unsupported))
            return
        media = Media(self.address[0], self._codecs, self._dtmf)
        try:
            call = IncomingCall(self.endpoint, media, message, sender, transaction)
        except MessageError:
            media.close()
            transaction.reply(400, new_tag())
            raise
        self._by_id[call.call_id] = call
        self.calls.append(call)
        self._arrived.put_nowait(call)
        task = asyncio.get_running_loop().create_task(self._play(call))
        self._scripts.add(task)
        task.add_done_callback(self._played)

    async def _play(self, call: IncomingCall) -> None:
        script = self.on_invite(call) if callable(self.on_invite) else self.on_invite
        if script is not None:
            await script.play(call)
        elif call.end is None and call.rang_at is None and call.answered_at is None:
            call.ring()

    def _played(self, task: asyncio.Task[None]) -> None:
        self._scripts.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not isinstance(fault, CallOver):
            self.faults.append(fault)
