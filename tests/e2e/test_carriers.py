"""Carriers as they differ, on FreeSWITCH: one that wants a registration, keys by INFO or as tones, lost BYEs, and
what a carrier says before it gives up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from appliance import bootstrap
from appliance.store.journal import Journal
from appliance.testphone import IncomingCall, LineScript, Phone, media
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.support.audio import tone_present
from tests.support.freeswitch import require_freeswitch
from tests.support.ports import free_udp_port
from tests.support.registrar import Registrar

pytestmark = pytest.mark.freeswitch

REALM, USER, PASSWORD = "carrier.example", "u400", "p<a>&'\"ss$word"
MENU, TONES, INFO = "4006543211", "4006543212", "4006543213"
BARE, USUAL = "4006543214", "4006543215"
CALLER_PORT, TONE_CALLER_PORT, SILENT_PORT = free_udp_port(), free_udp_port(), free_udp_port()
SITE = textwrap.dedent(
    f"""
    version: 1
    accounts:
      - {{id: acme, name: 测试企业}}
    trunks:
      - id: registered
        accept: ["127.0.0.1:@A@"]
        proxy: "127.0.0.1:@A@"
        caller_number: "02180000000"
        registration:
          user: {USER}
          realm: {REALM}
          password_env: TEST_CARRIER_PASSWORD
        session_timer_seconds: 120
        causes: {{"480": busy, "q850:20": "off"}}
        announced: not-existing
      - {{id: plain, accept: ["127.0.0.1:{CALLER_PORT}"], media_timeout_seconds: 2}}
      - {{id: toned, accept: ["127.0.0.1:{TONE_CALLER_PORT}"], dtmf: in-band}}
      - {{id: to-tones, proxy: "127.0.0.1:@B@", caller_id: pass, dtmf: in-band, media_timeout_seconds: 2}}
      - {{id: to-info, proxy: "127.0.0.1:@B@", caller_id: pass, dtmf: info}}
      - {{id: silent, proxy: "127.0.0.1:{SILENT_PORT}", caller_id: pass, ping_seconds: 0, progress_seconds: 2}}
      - id: bare
        proxy: "127.0.0.1:@B@"
        number_format: local
        caller_id: display
        caller_number: "02180000000"
        session_timer_seconds: 0
        symmetric_rtp: false
      - {{id: usual, proxy: "127.0.0.1:@B@", caller_id: pass}}
    lines:
      - id: far
        account: acme
        number: "02160000004"
        kind: landline
        trunk: silent
        backup_trunks: [bare]
        ring_seconds: 25
      - {{id: near, account: acme, number: "02160000005", kind: landline, trunk: usual}}
      - {{id: mobile, account: acme, number: "13900000001", kind: mobile, trunk: registered, ring_seconds: 3}}
      - {{id: tones, account: acme, number: "13900000002", kind: mobile, trunk: to-tones, confirm: true}}
      - {{id: info, account: acme, number: "13900000003", kind: mobile, trunk: to-info, confirm: true}}
    flows:
      - name: front
        account: acme
        start: ask
        nodes:
          ask:
            type: menu
            prompt: tone-1750
            keys: {{"7": right}}
            silence: wrong
            wrong: wrong
            attempts: 1
            timeout_s: 3
          right: {{type: hangup, prompt: tone-700}}
          wrong: {{type: hangup, prompt: tone-500}}
    numbers:
      - {{number: "{NUMBER}", account: acme, lines: [mobile], record: "off"}}
      - {{number: "{MENU}", account: acme, flow: front, record: "off"}}
      - {{number: "{TONES}", account: acme, lines: [tones], record: "off"}}
      - {{number: "{INFO}", account: acme, lines: [info], record: "off"}}
      - {{number: "{BARE}", account: acme, lines: [far], record: "off"}}
      - {{number: "{USUAL}", account: acme, lines: [near], record: "off"}}
    """
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_CARRIER_PASSWORD", PASSWORD)
        with live_box(tmp_path_factory.mktemp("carriers"), "freeswitch", site=SITE) as running:
            yield running


@pytest.fixture
async def carrier(box: LiveBox) -> AsyncIterator[Registrar]:
    async with Registrar(REALM, USER, PASSWORD, port=box.port_a) as registrar:
        yield registrar


@pytest.fixture
async def caller() -> AsyncIterator[Phone]:
    async with Phone(port=CALLER_PORT) as phone:
        yield phone


async def until(true: Callable[[], bool], within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.1)


def register_again(box: LiveBox) -> None:
    with bootstrap.switch_api(box.settings) as api:
        api("sofia profile gateway400 register registered")


async def is_up(box: LiveBox, up: bool) -> None:
    journal = Journal(box.settings.journal_file, reads_only=True)
    try:
        await until(lambda: bool((state := journal.trunks().get("registered")) and state.up is up), 20)
    finally:
        journal.close()


def dtmf(key: str, seconds: float = 0.25) -> np.ndarray:
    """A key as it sounds (ITU-T Q.23)."""
    row, column = {"1": (697, 1209), "7": (852, 1209)}[key]
    at = np.arange(int(8000 * seconds)) / 8000
    return (8000 * (np.sin(2 * np.pi * row * at) + np.sin(2 * np.pi * column * at))).astype("int16")


def sounds_like_7(heard: np.ndarray) -> bool:
    """Both tones of the key 7, together, in some twentieth of a second."""
    for start in range(0, len(heard) - 400, 200):
        part = heard[start : start + 400].astype(float)
        spectrum = np.abs(np.fft.rfft(part * np.hanning(400), 8000)) ** 2
        strong = [spectrum[hz - 20 : hz + 20].sum() / (spectrum.sum() + 1) for hz in (852, 1209)]
        if np.abs(part).max() > 500 and min(strong) > 0.2:
            return True
    return False


async def test_a_trunk_registers_and_carries_calls_both_ways(
    box: LiveBox, carrier: Registrar, caller: Phone
) -> None:
    # Refused at first: an alarm, and why.
    carrier.refuse = 0
    await asyncio.to_thread(register_again, box)
    await is_up(box, True)
    carrier.refuse = 403
    await asyncio.to_thread(register_again, box)
    await is_up(box, False)
    await until(lambda: '"why": "the carrier refused the registration' in box.parts.log("handlers"))
    carrier.refuse = 0
    await asyncio.to_thread(register_again, box)
    await is_up(box, True)
    assert carrier.wrong == [] and b"gw+registered" in carrier.registered[-1]

    # To a line behind it: the carrier's challenge is answered, and the number shown is the trunk's.
    call = await caller.dial(NUMBER, box.sip, caller="13700000001")
    rung = await carrier.incoming(8)
    assert "INVITE" in carrier.checked and carrier.wrong == []
    assert (rung.called, rung.caller) == ("13900000001", "02180000000")
    assert (rung.request.get("Session-Expires") or b"").startswith(b"120")
    assert all(PASSWORD.encode() not in one.data for one in carrier.endpoint.trace)
    rung.answer()
    rung.say(700)
    await call.hears(700)
    await call.hangup()

    # And from it: its address is the registrar's, and no other's.
    call = await carrier.dial(MENU, box.sip, caller="13700000002")
    await call.answered(8)
    await call.hangup()
    assert (await asyncio.to_thread(box.stored_of, "13700000002")).row.trunk_id == "registered"
    async with Phone() as stranger:
        refused = await stranger.dial(MENU, box.sip)
        assert (await refused.ended(5)).status == 403
    text = (box.settings.state_dir / "switch" / "sip" / "gateways.xml").read_text()
    assert PASSWORD not in text and "p&lt;a&gt;&amp;" in text  # as XML has it


@pytest.mark.accept
async def test_what_the_carrier_says_of_a_line(box: LiveBox, carrier: Registrar, caller: Phone) -> None:
    await asyncio.to_thread(register_again, box)
    await until(lambda: bool(carrier.registered))
    # Registered is not enough: as the box came up nobody answered its OPTIONS, and the next is seconds away.
    await is_up(box, True)
    ends = {
        "13700000011": (480, [(b"Reason", b'Q.850;cause=20;text="absent"')], "off"),
        "13700000012": (480, [], "busy"),
    }
    for number, (status, headers, _) in ends.items():
        call = await caller.dial(NUMBER, box.sip, caller=number)
        (await carrier.incoming(8)).reject(status, headers=headers)
        await call.ended(8)
    # A recorded voice before the answer, no ringing, until the ring time is over.
    carrier.on_invite = LineScript(status=480, ringing=False, ring_s=None, early=440)
    call = await caller.dial(NUMBER, box.sip, caller="13700000013")
    await call.ended(10)
    for number, (_, _, meant) in ends.items():
        assert (await asyncio.to_thread(box.stored_of, number)).tried[0].disposition == meant
    assert (await asyncio.to_thread(box.stored_of, "13700000013")).tried[0].disposition == "not-existing"


@pytest.mark.parametrize("number", [BARE, USUAL])
async def test_a_trunk_that_is_silent_and_one_with_terms_of_its_own(
    box: LiveBox, caller: Phone, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    """A line that gives no sign by its first trunk is reached by the next; that one has no session timer, its voice
    goes where its SDP says, and it wants numbers its own way. Beside it one with the usual."""
    usual, shown = number == USUAL, f"1370000{number[-4:]}"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere,
    ):
        silent.bind(("127.0.0.1", SILENT_PORT))
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.setblocking(False)
        async with Phone(port=box.port_b) as line:
            call = await caller.dial(number, box.sip, caller=shown)
            rung = await line.incoming(15)
            assert silent_was_asked(silent) is not usual
            request = rung.request
            assert (request.get("Session-Expires") is not None) is usual
            assert rung.called == ("02160000005" if usual else "60000004")
            assert rung.caller == (shown if usual else "02180000000")
            assert shown.encode() in request.need("From").partition(b"<")[0]
            # Its SDP names a port that nothing comes from, as behind a router.
            monkeypatch.setattr(media, "build_sdp", at_port(elsewhere.getsockname()[1]))
            rung.answer()
            rung.say(700, loop=True)
            await call.hears(700)
            call.say(500, loop=True)
            await asyncio.sleep(1.5)
            assert heard_tone(rung, 500) is usual
            assert packets(elsewhere) is not usual
            await call.hangup()
            await rung.ended(8)


def silent_was_asked(silent: socket.socket) -> bool:
    silent.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        return silent.recv(2000).startswith(b"INVITE")
    return False


def packets(elsewhere: socket.socket) -> bool:
    """Whether voice still came there at the end: FreeSWITCH sends a few packets before it hears from anywhere."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while elsewhere.recv(2000):
            count += 1
    return count > 40


def heard_tone(rung: IncomingCall, hz: float) -> bool:
    return bool(rung.now > 0.5 and tone_present(rung.heard, hz, rung.now - 0.4, rung.now - 0.1))


def at_port(port: int) -> Callable[..., bytes]:
    """SDP that names another port than the phone's own."""
    build = media.build_sdp

    def built(host: str, own: int, *rest: Any, **more: Any) -> bytes:
        return build(host, port, *rest, **more)

    return built


async def test_a_callers_tones_are_keys(box: LiveBox) -> None:
    async with Phone(port=TONE_CALLER_PORT, dtmf_payload=None) as phone:
        call = await phone.dial(MENU, box.sip)
        await call.hears(1750, 8)
        call.say(dtmf("7"))
        await call.hears(700, 6)
        await call.ended(8)


@pytest.mark.accept
async def test_a_lines_tones_are_keys_and_it_hears_tones(box: LiveBox, caller: Phone) -> None:
    async with Phone(port=box.port_b, dtmf_payload=None) as line:
        call = await caller.dial(TONES, box.sip, caller="13700000021")
        rung = await line.incoming(8)
        rung.answer()
        await asyncio.sleep(1.0)
        rung.say(dtmf("1"))
        await call.answered(8)
        await asyncio.sleep(0.5)
        await call.press("7", ms=200)
        await until(lambda: sounds_like_7(rung.heard))
        # The line's BYE is lost: the talk ends by its trunk's own time-out, not the box's minute.
        began = datetime.now(UTC)
        rung.vanish()
        await call.ended(12)
        assert 1 < (datetime.now(UTC) - began).total_seconds() < 12


async def test_a_lines_info_is_a_key_and_it_gets_info(box: LiveBox, caller: Phone) -> None:
    async with Phone(port=box.port_b) as line:
        call = await caller.dial(INFO, box.sip, caller="13700000022")
        rung = await line.incoming(8)
        assert b"telephone-event" not in rung.request.body
        rung.answer()
        await asyncio.sleep(1.0)
        await rung.press_info("1")
        await call.answered(8)
        await asyncio.sleep(0.3)
        await call.press("7")
        await rung.hears_keys("7")
        assert rung.dtmf_heard[-1].how == "info"
        # A caller whose BYE is lost: his trunk's time-out ends the call.
        call.vanish()
        await rung.ended(12)
