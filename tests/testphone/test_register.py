"""REGISTER and authenticated calls against a registrar of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from appliance.testphone import CallFailed, Phone, PhoneTimeout, RequestFailed
from appliance.testphone.digest import authorization, parse_challenge, response
from appliance.testphone.errors import MessageError
from appliance.testphone.message import Message, response_to
from appliance.testphone.sdp import build_sdp
from tests.testphone.wire import Wire

CHALLENGE = 'Digest realm="box", nonce="n1", opaque="o", algorithm=MD5'


class Registrar:
    """Challenges every request once and keeps those whose digest is right for ``secret``."""

    def __init__(self, wire: Wire, qop: str) -> None:
        self.wire = wire
        self.accepted: list[Message] = []
        self.challenge = (CHALLENGE + (f', qop="{qop}"' if qop else "")).encode()

    async def serve(self) -> None:
        while True:
            request = await self.wire.receive(timeout=30)
            if request.method == "ACK":
                continue
            given = request.get("Authorization")
            if given is None:
                challenge = [(b"WWW-Authenticate", self.challenge)]
                self.wire.send(response_to(request, 401, to_tag=b"r", headers=challenge))
                continue
            params = parse_challenge(given)
            right = response(params, request.method, params["uri"], "1001", "secret")
            if params["response"] != right or params["opaque"] != "o":
                self.wire.respond(request, 403)
                continue
            self.accepted.append(request)
            body = build_sdp("127.0.0.1", 9, [(8, "PCMA")], 101) if request.method == "INVITE" else b""
            self.wire.respond(request, 200, body)


@pytest.fixture(params=["", "auth", "auth-int, auth"])
async def registrar(request: pytest.FixtureRequest) -> AsyncIterator[Registrar]:
    async with Wire() as wire:
        made = Registrar(wire, request.param)
        task = asyncio.create_task(made.serve())
        yield made
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_register_call_and_leave(registrar: Registrar) -> None:
    async with Phone() as phone:
        await phone.register(registrar.wire.address, "1001", "secret", domain="box.example")
        (first,) = registrar.accepted
        assert first.uri == b"sip:box.example"
        assert first.get("Expires") == b"3600"
        assert first.need("Contact") == f"<sip:1001@127.0.0.1:{phone.port}>".encode()
        assert first.cseq == (2, "REGISTER")

        call = await phone.dial("1", registrar.wire.address)
        await call.answered()
        assert call.statuses == [401, 200]
        assert registrar.accepted[1].cseq == (2, "INVITE")
        call.vanish()

        await phone.register(registrar.wire.address, "1001", "secret", domain="box.example", expires=0)
        assert registrar.accepted[2].get("Expires") == b"0"
        assert registrar.accepted[2].call_id == first.call_id
        assert registrar.accepted[2].cseq == (4, "REGISTER")


async def test_wrong_password(registrar: Registrar) -> None:
    async with Phone() as phone:
        with pytest.raises(RequestFailed) as failed:
            await phone.register(registrar.wire.address, "1001", "wrong")
        assert failed.value.status == 403
        await phone.register(registrar.wire.address, "1001", "secret")
        assert len(registrar.accepted) == 1
        with pytest.raises(CallFailed, match="403"):
            await (await phone.dial("1", registrar.wire.address, auth=("1001", "wrong"))).answered()
        with pytest.raises(CallFailed, match="401"):
            call = await phone.dial("1", registrar.wire.address, auth=("1001", "secret"))
            call._auth = None
            await call.answered()


async def test_silent_registrar() -> None:
    async with Wire() as wire, Phone(t1=0.02) as phone:
        with pytest.raises(PhoneTimeout):
            await phone.register(wire.address, "1001", "secret", timeout=0.2)
        assert len(wire.datagrams) >= 3


def test_digest_of_rfc_2617() -> None:
    """The example of RFC 2617 section 3.5."""
    params = {
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    }
    made = response(params, "GET", "/dir/index.html", "Mufasa", "Circle Of Life")
    assert made == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    "challenge", [b"Basic realm=x", b'Digest realm="r", nonce="n", algorithm=SHA-256', b'Digest realm="r"']
)
def test_challenges_we_cannot_answer(challenge: bytes) -> None:
    with pytest.raises(MessageError):
        authorization(challenge, "REGISTER", "sip:h", "u", "p")
