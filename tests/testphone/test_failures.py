"""Every refusal by its status, and what is lost, repeated or malformed on the wire."""

from __future__ import annotations

import asyncio

import pytest

from appliance.testphone import CallFailed, LineScript, Phone, PhoneError, PhoneTimeout
from appliance.testphone.message import Message
from appliance.testphone.sdp import build_sdp
from tests.testphone.wire import Wire, invite

SDP = build_sdp("127.0.0.1", 9, [(8, "PCMA")], 101)


@pytest.mark.parametrize(
    ("script", "status", "rings"),
    [
        (LineScript.busy(), 486, False),
        (LineScript.reject(), 603, True),
        (LineScript.reject(status=403), 403, True),
        (LineScript.not_found(), 404, False),
        (LineScript.unavailable(), 480, False),
        (LineScript(status=503, ringing=False, ring_s=0.0, trying=False), 503, False),
    ],
)
async def test_each_refusal(script: LineScript, status: int, rings: bool) -> None:
    async with Phone(t1=0.05) as caller, Phone(on_invite=script, t1=0.05) as line:
        call = await caller.dial("1", line.address)
        with pytest.raises(CallFailed) as failed:
            await call.answered(2.0)
        assert failed.value.status == status
        assert (180 in call.statuses) == rings
        assert (await call.ended()).by == "them"
        assert line.calls[0].end is not None and line.calls[0].end.by == "us"
        await asyncio.sleep(0.2)
        acks = [one for one in line.endpoint.trace if one.data.startswith(b"ACK ")]
        finals = [one for one in line.endpoint.trace if one.data.startswith(b"SIP/2.0 %d" % status)]
        assert (len(acks), len(finals)) == (1, 1)  # the ACK was recognised: the refusal is not repeated
        assert _branch(acks[0].data) == _branch(line.endpoint.trace[0].data)


async def test_cause_of_a_refusal() -> None:
    script = LineScript(status=503, headers=((b"Reason", b'Q.850;cause=34;text="NO_CIRCUIT"'),))
    async with Phone() as caller, Phone(on_invite=script) as line:
        with pytest.raises(CallFailed) as failed:
            await (await caller.dial("1", line.address)).ringing(2.0)
            await caller.dialled[0].answered(2.0)
    assert (failed.value.cause, failed.value.reason) == (34, "Service Unavailable")


async def test_no_codec_in_common() -> None:
    async with Phone(codecs=("PCMU",)) as caller, Phone(on_invite=LineScript.answer(), codecs=("PCMA",)) as line:
        with pytest.raises(CallFailed, match="488"):
            await (await caller.dial("1", line.address)).answered(2.0)


async def test_answered_without_ringing_is_told() -> None:
    async with Phone() as caller, Phone(on_invite=LineScript(ringing=False)) as line:
        call = await caller.dial("1", line.address)
        with pytest.raises(PhoneError, match="without ringing"):
            await call.ringing()
        with pytest.raises(PhoneError, match="without early media"):
            await call.early_media()


async def test_nobody_there() -> None:
    async with Wire() as wire, Phone(t1=0.005) as caller:
        call = await caller.dial("1", wire.address)
        with pytest.raises(CallFailed) as failed:
            await call.answered(2.0)
        assert failed.value.status == 408
        assert len(wire.datagrams) in (6, 7)  # T1 doubled: 0, 1, 3, 7, 15, 31 and, if not late, 63 of 64 T1
        assert len(set(wire.datagrams)) == 1


async def test_lost_messages_are_repeated() -> None:
    """The INVITE, our ACK and our BYE are each lost once."""
    async with Wire() as wire, Phone(t1=0.05) as caller:
        call = await caller.dial("1", wire.address)
        first, again = await wire.receive("INVITE"), await wire.receive("INVITE")
        assert first == again
        wire.respond(again, 200, SDP)
        ack = await wire.receive("ACK")
        await call.answered()
        wire.respond(again, 200, SDP)
        assert await wire.receive("ACK") == ack
        hangup = asyncio.create_task(call.hangup())
        bye, bye_again = await wire.receive("BYE"), await wire.receive("BYE")
        assert bye == bye_again
        assert bye.cseq == (2, "BYE") and bye.to_tag == b"wire"
        wire.respond(bye, 200)
        await hangup


async def test_answer_is_repeated_until_the_ack() -> None:
    async with Wire() as wire, Phone(on_invite=LineScript.answer(0.0), t1=0.05) as line:
        wire.send(invite(line.address, body=SDP), line.address)
        answer = await wire.receive("SIP/2.0 200")
        assert await wire.receive("SIP/2.0 200") == answer
        wire.send(_in_dialog("ACK", answer, 1), line.address)
        await asyncio.sleep(0.05)
        seen = len(wire.datagrams)
        await asyncio.sleep(0.3)
        assert len(wire.datagrams) == seen
        wire.send(_in_dialog("BYE", answer, 2), line.address)
        assert (await wire.receive("SIP/2.0 200")).cseq == (2, "BYE")
        wire.send(_in_dialog("BYE", answer, 3), line.address)
        assert (await wire.receive("SIP/2.0")).status == 481
        assert len(line.calls) == 1


async def test_cancel_waits_for_a_provisional_response() -> None:
    async with Wire() as wire, Phone() as caller:
        call = await caller.dial("1", wire.address)
        request = await wire.receive("INVITE")
        hangup = asyncio.create_task(call.hangup())
        with pytest.raises(TimeoutError):
            await wire.receive("CANCEL", 0.2)
        wire.respond(request, 180)
        cancel = await wire.receive("CANCEL")
        assert (cancel.branch, cancel.cseq, cancel.uri) == (request.branch, (1, "CANCEL"), request.uri)
        wire.respond(cancel, 200)
        wire.respond(request, 200, SDP)  # the answer crossed the CANCEL
        assert (await wire.receive("ACK")).branch != request.branch
        wire.respond(await wire.receive("BYE"), 200)
        await hangup
        assert call.end is not None and call.end.by == "us"


async def test_route_set_is_followed() -> None:
    async with Wire() as wire, Phone() as caller:
        call = await caller.dial("1", wire.address)
        request = await wire.receive("INVITE")
        route = f"<sip:{wire.address[0]}:{wire.address[1]};lr>".encode()
        answer = Message(b"SIP/2.0 200 OK", [h for h in request.headers if h[0] in (b"Via", b"From")], SDP)
        answer.headers += [(b"t", request.need("To") + b";tag=z"), (b"i", request.call_id)]
        answer.headers += [(b"CSeq", b"1 INVITE"), (b"m", b"<sip:far@192.0.2.1:9;x=y>")]
        answer.headers += [(b"Record-Route", b"<sip:192.0.2.7;lr>, " + route)]
        wire.send(answer)
        ack = await wire.receive("ACK")
        assert ack.all("Route") == [route, b"<sip:192.0.2.7;lr>"]
        assert ack.uri == b"sip:far@192.0.2.1:9;x=y"
        call.vanish()


async def test_requests_outside_and_inside_a_call() -> None:
    async with Wire() as wire, Phone(on_invite=LineScript.answer(0.0)) as line:
        for method, status in {"OPTIONS": 200, "BYE": 481, "CANCEL": 481, "INFO": 481, "PUBLISH": 405}.items():
            other = invite(line.address, method).replace(b"INVITE", method.encode())
            wire.send(other, line.address)
            assert (await wire.receive("SIP/2.0")).status == status, method
        wire.send(invite(line.address, "x1", to_tag="unknown"), line.address)
        assert (await wire.receive("SIP/2.0")).status == 481
        wire.send(invite(line.address, "x2", extra="Require: 100rel\r\n"), line.address)
        assert (await wire.receive("SIP/2.0")).get("Unsupported") == b"100rel"

        wire.send(invite(line.address, "x3", body=SDP), line.address)
        answer = await wire.receive("SIP/2.0 200")
        wire.send(_in_dialog("ACK", answer, 1), line.address)
        held = build_sdp("127.0.0.1", 9, [(8, "PCMA")], 101, direction="sendonly")
        for number, (method, body) in enumerate(
            [("OPTIONS", b""), ("UPDATE", b""), ("INVITE", held), ("INVITE", b"")], start=2
        ):
            wire.send(_in_dialog(method, answer, number, body), line.address)
            reply = await wire.receive("SIP/2.0")
            assert (reply.status, reply.cseq) == (200, (number, method))
            if method == "INVITE":
                assert (b"a=recvonly" in reply.body) == bool(body)
                wire.send(_in_dialog("ACK", answer, number), line.address)
        assert line.calls[0].reinvites == 2
        line.calls[0].vanish()


async def test_offer_in_the_answer() -> None:
    """An INVITE without SDP: our 200 has the offer, the ACK the answer (RFC 3264 section 4)."""
    async with Wire() as wire, Phone(on_invite=LineScript.answer(0.0, say=500)) as line:
        wire.send(invite(line.address), line.address)
        answer = await wire.receive("SIP/2.0 200")
        assert b"m=audio" in answer.body
        assert line.calls[0].media.mouth is None
        wire.send(_in_dialog("ACK", answer, 1, SDP), line.address)
        await asyncio.sleep(0.1)
        assert line.calls[0].media.mouth is not None
        line.calls[0].vanish()


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"\x80\xff" * 50,
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nno colon\r\n\r\n",
        b"SIP/2.0 abc OK\r\nVia: x\r\n\r\n",
        invite(("127.0.0.1", 9)).replace(b"CSeq: 1", b"CSeq: one"),
        invite(("127.0.0.1", 9)).replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
        invite(("127.0.0.1", 9)).replace(b"m: <", b"x: <"),
    ],
    ids=["text", "bytes", "no headers", "no colon", "no status", "no number", "other method", "no contact"],
)
async def test_garbage_is_kept_and_harms_nobody(data: bytes) -> None:
    async with Wire() as wire, Phone() as caller, Phone(on_invite=LineScript.answer()) as line:
        wire.send(data, line.address)
        await (await caller.dial("1", line.address)).answered(2.0)
        assert line.endpoint.garbage == [data]
        assert "INVITE sip:1@" in line.dump()


async def test_waiting_ends_in_time() -> None:
    async with Phone() as caller, Phone(on_invite=LineScript.no_answer()) as line:
        with pytest.raises(PhoneTimeout):
            await caller.incoming(0.05)
        call = await caller.dial("1", line.address)
        with pytest.raises(PhoneTimeout, match=r"so far \[100, 180\]"):
            await call.answered(0.2)
        with pytest.raises(PhoneTimeout):
            await call.ended(0.05)


def _branch(data: bytes) -> bytes:
    return data.split(b"branch=")[1].split(b"\r\n")[0].split(b";")[0]


def _in_dialog(method: str, answer: Message, number: int, body: bytes = b"") -> Message:
    """A request of the caller in the dialog that ``answer`` made."""
    request = Message(f"{method} sip:phone@127.0.0.1 SIP/2.0".encode(), body=body)
    request.headers = [
        (b"Via", f"SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{method}{number}".encode()),
        (b"From", answer.need("From")),
        (b"To", answer.need("To")),
        (b"Call-ID", answer.call_id),
        (b"CSeq", f"{number} {method}".encode()),
    ]
    return request
