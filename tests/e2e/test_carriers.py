"""Carriers as they differ, on FreeSWITCH: one that wants a registration, keys by INFO or as tones, lost BYEs, and
what a carrier says before it gives up."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from appliance import bootstrap
from appliance.store.journal import Journal
from appliance.testphone import LineScript, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.support.freeswitch import require_freeswitch
from tests.support.ports import free_udp_port
from tests.support.registrar import Registrar

pytestmark = pytest.mark.freeswitch

REALM, USER, PASSWORD = "carrier.example", "u400", "p<a>&'\"ss$word"
MENU, TONES, INFO = "4006543211", "4006543212", "4006543213"
CALLER_PORT, TONE_CALLER_PORT = free_udp_port(), free_udp_port()
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
    lines:
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
    await asyncio.sleep(0.5)
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
