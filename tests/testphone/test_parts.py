"""The parts without a network: messages, addresses, SDP, G.711, RTP, what the ear makes of packets."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from appliance.testphone.address import format_address, parse_address, uri_host_port, uri_user
from appliance.testphone.ear import Ear
from appliance.testphone.errors import MessageError
from appliance.testphone.g711 import PCMA, PCMU, Codec
from appliance.testphone.message import parse, response_to, split_list, tag_of
from appliance.testphone.mouth import Mouth
from appliance.testphone.rtp import Packet, TelephoneEvent, parse_event, parse_rtp
from appliance.testphone.sdp import build_sdp, parse_sdp
from appliance.testphone.tones import ToneSource, goertzel, purity, rms, silence, tone
from tests.support.audio import segments
from tests.testphone.wire import invite


def test_message_compact_folded_and_raw() -> None:
    data = invite(("127.0.0.1", 9), extra="Subject: a\r\n  b\r\nX: \xff\r\n", body=b"body") + b"beyond"
    message = parse(b"\r\n\r\n" + data)
    assert (message.method, message.uri, message.cseq) == ("INVITE", b"sip:line@127.0.0.1:9", (1, "INVITE"))
    assert message.get("Subject") == b"a b"
    assert (message.get("s"), message.text("x"), message.body) == (b"a b", "\xff", b"body")
    assert (message.from_tag, message.to_tag, message.branch) == (b"a", b"", b"z9hG4bKc1")
    assert parse(message.encode()).headers == [*message.headers[:-1], (b"Content-Length", b"4")]
    answer = response_to(message, 180, to_tag=b"t")
    assert (answer.status, answer.reason, answer.to_tag, answer.is_request) == (180, "Ringing", b"t", False)


@pytest.mark.parametrize(
    ("value", "display", "uri", "tag"),
    [
        (b'"A, \\"B\\"" <sip:1@h;user=phone>;tag=9', b'A, \\"B\\"', b"sip:1@h;user=phone", b"9"),
        (b"Bob <sip:1@h>;x;tag=9", b"Bob", b"sip:1@h", b"9"),
        (b"sip:1@h;tag=9", b"", b"sip:1@h", b"9"),
        (b'"tag=7 <x>" <tel:+86;p=1>', b"tag=7 <x>", b"tel:+86;p=1", b""),
        (b'"\xd5\x5c" <sip:1@h>', b"\xd5\x5c", b"sip:1@h", b""),
    ],
)
def test_addresses(value: bytes, display: bytes, uri: bytes, tag: bytes) -> None:
    address = parse_address(value)
    assert (address.display, address.uri, tag_of(value)) == (display, uri, tag)


def test_addresses_that_are_none() -> None:
    with pytest.raises(MessageError):
        parse_address(b"x <sip:1@h")
    with pytest.raises(MessageError):
        uri_host_port(b"sip:1@h:port")
    assert format_address(b"sip:1@h", 'a"\\', b"t") == b'"a\\"\\\\" <sip:1@h>;tag=t'


def test_uris() -> None:
    assert uri_host_port(b"sip:a:b@127.0.0.1:5080;transport=udp?x=y") == ("127.0.0.1", 5080)
    assert uri_host_port(b"sip:[::1]:5070") == ("::1", 5070)
    assert uri_host_port(b"sip:h") == ("h", 5060)
    assert uri_user(b"sip:+86138;phone-context=x@h") == "+86138"
    assert uri_user(b"sip:h:5060") == ""


def test_split_list() -> None:
    assert split_list(b'"a, \\" b" <sip:1,2@h>;x, <sip:3@h>') == [b'"a, \\" b" <sip:1,2@h>;x', b"<sip:3@h>"]


def test_sdp_there_and_back() -> None:
    offer = build_sdp("127.0.0.1", 4000, [(8, "PCMA"), (0, "PCMU")], 96, refused=["video 9 RTP/AVP 31"])
    read = parse_sdp(offer)
    assert (read.host, read.port, read.dtmf, read.others) == ("127.0.0.1", 4000, 96, ["video 0 RTP/AVP 31"])
    assert read.choose(["PCMU"]) == (0, PCMU)
    assert read.choose(["PCMU", "PCMA"]) == (8, PCMA)  # the offer's order counts
    assert parse_sdp(b"v=0\nc=IN IP4 1.2.3.4\nm=audio 5 RTP/AVP 18\n").choose(["PCMA"]) is None
    with pytest.raises(MessageError):
        parse_sdp(b"v=0\r\nm=video 5 RTP/AVP 31\r\n")
    with pytest.raises(MessageError):
        parse_sdp(b"m=audio x RTP/AVP 8\r\n")


@pytest.mark.parametrize("codec", [PCMA, PCMU])
def test_g711_is_its_own_inverse(codec: Codec) -> None:
    codes = bytes(range(256))
    again = codec.encode(codec.decode(codes))
    same = [a == b for a, b in zip(codes, again, strict=True)]
    assert same.count(False) <= 1  # mu-law has two zeros


@pytest.mark.parametrize(
    ("codec", "values"),
    [
        # Values of the tables in ITU-T G.711: silence, the ends, and one in between.
        (PCMA, {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0x80: 5504}),
        (PCMU, {0xFF: 0, 0x7F: 0, 0x80: 32124, 0x00: -32124, 0xF0: 120}),
    ],
)
def test_g711_known_values(codec: Codec, values: dict[int, int]) -> None:
    assert {code: int(codec.decode(bytes([code]))[0]) for code in values} == values


@pytest.mark.parametrize("codec", [PCMA, PCMU])
def test_g711_noise(codec: Codec) -> None:
    speech = tone(1004, 1.0, level=0.3)
    noise = rms((codec.decode(codec.encode(speech)) - speech).astype(np.int16))
    assert noise < rms(speech) / 60  # better than 35 dB


def test_tone_power() -> None:
    samples = tone(440, 0.5, level=0.3)
    assert goertzel(samples, 440) == pytest.approx(0.3, rel=0.01)
    assert goertzel(samples, 600) < 0.003
    assert purity(samples, 440) == pytest.approx(1.0, rel=0.01)
    assert purity(silence(0.1), 440) == 0.0 == goertzel(samples[:0], 440)
    endless = ToneSource(440)
    assert np.array_equal(np.concatenate([endless.frame() for _ in range(5)]), tone(440, 0.1))


def test_rtp_there_and_back() -> None:
    packet = Packet(8, 65536 + 5, 2**32 + 7, 9, b"abc", True)
    assert parse_rtp(packet.encode()) == Packet(8, 5, 7, 9, b"abc", True)
    padded = bytes([0xB1]) + packet.encode()[1:12] + b"CSRC" + b"\0\0\0\1EXTN" + b"xy\0\0\3"
    assert parse_rtp(padded).payload == b"xy"
    for broken in (b"", b"\x80" * 11, b"\x00" * 12, bytes([0x8F]) + b"\0" * 12):
        with pytest.raises(MessageError):
            parse_rtp(broken)
    assert parse_event(TelephoneEvent(11, True, 800).encode()) == TelephoneEvent(11, True, 800)
    with pytest.raises(MessageError):
        parse_event(b"\1\2")


async def test_packets_of_a_key() -> None:
    """RFC 4733: one timestamp, marker on the first, growing duration, the end three times, speech goes on."""
    mouth = Mouth(lambda _: None, 8, PCMA, 101)
    pressing = asyncio.create_task(mouth.press("#", 60))
    before = mouth._tick()
    await asyncio.sleep(0)
    packets = list(itertools.chain.from_iterable(mouth._tick() for _ in range(4)))
    events = [(p.marker, parse_event(p.payload)) for p in packets[:-1]]
    assert {p.timestamp for p in packets[:-1]} == {before[0].timestamp + 160}
    assert {p.payload_type for p in packets[:-1]} == {101}
    assert [(m, e.code, e.end, e.duration) for m, e in events] == [
        (True, 11, False, 160),
        (False, 11, False, 320),
        *[(False, 11, True, 480)] * 3,
    ]
    assert (packets[-1].payload_type, packets[-1].timestamp) == (8, before[0].timestamp + 160 + 480)
    numbers = [p.sequence for p in before + packets]
    assert numbers == list(range(numbers[0], numbers[0] + 7))
    await pressing
    for key, ms in (("x", 100), ("12", 100), ("1", 20), ("1", 9000)):
        with pytest.raises(ValueError, match="key"):
            await mouth.press(key, ms)


def _feed(ear: Ear, start: float, count: int, *, stamp: int, ssrc: int = 1, late: float = 0.0) -> None:
    samples = tone(500, count * 0.02)
    for n in range(count):
        packet = Packet(8, n, (stamp + n * 160) % 2**32, ssrc, b"")
        ear.sound(start + n * 0.02 + late * (n % 2), packet, samples[n * 160 : n * 160 + 160])


def test_ear_places_sound_on_wall_time() -> None:
    ear = Ear()
    ear.start(100.0)
    _feed(ear, 100.5, 25, stamp=2**32 - 1000, late=0.06)  # wraps; every other packet is late
    _feed(ear, 102.0, 25, stamp=2**32 - 1000 + 4000)  # a gap that the sender's clock left out
    _feed(ear, 103.0, 25, stamp=77, ssrc=2)
    ear.close(104.0)
    heard = ear.audio(999.0)
    assert len(heard) == 4 * 8000
    found = segments(heard, 500)
    assert [(round(a, 1), round(b, 1)) for a, b in found] == [(0.5, 1.0), (2.0, 2.5), (3.0, 3.5)]
    assert ear.at[0] == pytest.approx(0.5)


def test_ear_mends_a_stall() -> None:
    """Twelve packets are held up for 240 ms and come at once; then the way is short again."""
    ear = Ear()
    ear.start(0.0)
    samples = tone(500, 1.0)
    for n in range(50):
        arrival = 0.46 if 12 <= n < 24 else n * 0.02
        ear.sound(arrival, Packet(8, n, 160 * n, 1, b""), samples[160 * n : 160 * n + 160])
    assert np.array_equal(ear.audio(1.0), samples)


def test_ear_puts_reordered_packets_right() -> None:
    ear = Ear()
    ear.start(0.0)
    samples = tone(500, 0.1)
    for n in (1, 0, 2, 4, 3):
        ear.sound(0.02 * 5, Packet(8, n, 160 * n, 1, b""), samples[160 * n : 160 * n + 160])
    heard = ear.audio(0.3)
    assert np.array_equal(heard[160:960], samples)
    assert not heard[:160].any() and not heard[960:].any()
