"""REGISTER (RFC 3261 section 10.2) with digest authentication."""

from __future__ import annotations

import asyncio
import secrets

from appliance.testphone.address import HostPort
from appliance.testphone.digest import authorization
from appliance.testphone.endpoint import Endpoint
from appliance.testphone.errors import PhoneTimeout, RequestFailed
from appliance.testphone.message import Message, new_tag


class Registration:
    """One address of record; all its requests share a Call-ID and count CSeq up (section 10.2.4)."""

    def __init__(self, endpoint: Endpoint, registrar: HostPort, user: str, password: str, domain: str) -> None:
        self.auth = (user, password)
        self.who = (registrar, user, password, domain)
        self._endpoint, self._registrar, self._user, self._domain = endpoint, registrar, user, domain
        self._call_id = secrets.token_hex(12).encode()
        self._tag = new_tag()
        self._cseq = 0

    async def send(self, expires: int, timeout: float) -> None:
        """Registers for ``expires`` s, answering one challenge. Raises RequestFailed, PhoneTimeout."""
        response = await self._ask(expires, None, timeout)
        if response.status in (401, 407):
            response = await self._ask(expires, response, timeout)
        if response.status >= 300:
            raise RequestFailed("REGISTER", response.status, response.reason)

    async def _ask(self, expires: int, challenged: Message | None, timeout: float) -> Message:
        final: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def take(response: Message) -> None:
            if response.status >= 200 and not final.done():
                final.set_result(response)

        transaction = self._endpoint.start(self._request(expires, challenged), self._registrar, take, lambda: None)
        try:
            async with asyncio.timeout(timeout):
                return await final
        except TimeoutError:
            transaction.stop()
            raise PhoneTimeout(f"REGISTER was not answered within {timeout} s") from None

    def _request(self, expires: int, challenged: Message | None) -> Message:
        self._cseq += 1
        host, port = self._endpoint.address
        uri = f"sip:{self._domain}"
        record = f"<sip:{self._user}@{self._domain}>".encode()
        request = Message(f"REGISTER {uri} SIP/2.0".encode())
        request.headers = [
            (b"Via", self._endpoint.via()),
            (b"Max-Forwards", b"70"),
            (b"From", record + b";tag=" + self._tag),
            (b"To", record),
            (b"Call-ID", self._call_id),
            (b"CSeq", b"%d REGISTER" % self._cseq),
            (b"Contact", f"<sip:{self._user}@{host}:{port}>".encode()),
            (b"Expires", b"%d" % expires),
            (b"User-Agent", b"testphone"),
        ]
        if challenged is not None:
            proxy = challenged.status == 407
            challenge = challenged.need("Proxy-Authenticate" if proxy else "WWW-Authenticate")
            value = authorization(challenge, "REGISTER", uri, *self.auth)
            request.headers.append((b"Proxy-Authorization" if proxy else b"Authorization", value))
        return request
