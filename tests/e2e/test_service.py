"""The service menu on real calls: an agent signs in and the queue serves; a prompt is recorded and the next caller
hears it; an extension is dialled while a menu plays; a phone of the house dials its codes (FreeSWITCH only)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import soundfile
from sqlalchemy import select

from appliance import bootstrap
from appliance.domain.routing import PHONES_REALM
from appliance.store import pins
from appliance.store.journal import Journal
from appliance.store.models import Call
from appliance.store.phones import set_phone_password
from appliance.store.signing import Means, Signing, Signings
from appliance.store.takes import FOLDER, give_code, newest_take
from appliance.store.unit import Store
from appliance.testphone import OutgoingCall, Phone
from appliance.testphone.tones import tone
from tests.e2e.live import NUMBER, LiveBox, live_box

PIN, PASSWORD, FIRST = "4711", "only-for-this-phone", "02160000001"
DESK = '  - {id: desk, account: acme, kind: phone, extension: "803"}'
SITE = f"""
version: 1
accounts:
  - {{id: acme, name: 测试企业}}
trunks:
  - {{id: inbound, accept: ["127.0.0.1"]}}
  - {{id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}}
  - {{id: to-b, proxy: "127.0.0.1:@B@", caller_number: "02180000000"}}
lines:
  - {{id: first, account: acme, number: "{FIRST}", kind: landline, trunk: to-a, extension: "801"}}
  - {{id: second, account: acme, number: "13900000002", kind: mobile, trunk: to-b, extension: "802"}}
@DESK@
queues:
  - {{id: hotline, account: acme, lines: [@QUEUE@], sign_in: true, announce_seconds: 0, wrap_up_seconds: 0}}
flows:
  - name: front
    account: acme
    start: menu
    nodes:
      menu: {{type: menu, prompt: tone-1750, keys: {{"1": wait, "8": news, "9": staff}}, silence: bye, wrong: bye,
              dial: true, failed: bye}}
      wait: {{type: queue, queue: hotline, nobody: sorry}}
      news: {{type: play, prompt: tone-800, next: bye}}
      staff: {{type: service, next: bye, failed: sorry}}
      sorry: {{type: hangup, prompt: tone-500}}
      bye: {{type: hangup, prompt: tone-1000}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record: "off"}}
"""
#: The enterprise's own announcements, each of a pitch: what is keyed next goes by what is heard.
PITCHES = {
    "service-menu": 1100,
    "service-extension": 650,
    "service-pin": 1400,
    "service-wrong": 1200,
    "service-is-out": 1600,
    "service-keys": 600,
    "take-code": 550,
    "take-speak": 1500,
    "take-check": 1300,
}
_callers = (f"1380014{n:04d}" for n in itertools.count(1))


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    has_desk = switch == "freeswitch"
    site = SITE.replace("@DESK@", DESK if has_desk else "").replace(
        "@QUEUE@", "first, desk" if has_desk else "first"
    )
    with live_box(tmp_path_factory.mktemp(switch), switch, site=site) as running:
        for name, hz in PITCHES.items():
            file = running.settings.prompts_dir / "acme" / f"{name}.wav"
            soundfile.write(file, tone(hz, 1.0), 8000, subtype="PCM_16")
        with running.store.work() as session:
            pins.set_pin(session, "first", PIN)
            session.commit()
        time.sleep(1.0)  # the handlers look for it
        yield running


async def menu(box: LiveBox, phone: Phone, keys: str, caller: str = "") -> OutgoingCall:
    """A call, and keys at the menu."""
    call = await phone.dial(NUMBER, box.sip, caller=caller or next(_callers))
    await call.answered(10)
    await call.hears(1750, 10)
    await press(call, keys)
    return call


async def press(call: OutgoingCall, keys: str) -> None:
    for key in keys:
        await call.press(key)
        await asyncio.sleep(0.15)


async def asked(call: OutgoingCall, prompt: str, keys: str) -> None:
    """A question, and the keys that answer it."""
    await call.hears(PITCHES[prompt], 15)
    await press(call, keys)


async def until(true: Callable[[], object], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.1)


def history(box: LiveBox, line: str) -> list[Signing]:
    with closing(Journal(box.settings.journal_file, reads_only=True)) as journal:
        since, until_then = bootstrap.utc_now().replace(hour=0), bootstrap.utc_now()
        return [one for one in Signings(journal.file).history(since, until_then) if one.line == line]


def stored(box: LiveBox, caller: str) -> Call:
    box.stored_of(caller)
    with Store(box.settings.database_url).reading() as session:
        return session.scalars(select(Call).where(Call.caller == caller)).one()


async def test_an_agent_signs_in_and_the_queue_serves(box: LiveBox) -> None:
    async with Phone() as phone, Phone() as customer, Phone(port=box.port_a) as first:
        nobody = await menu(box, customer, "1")
        await nobody.hears(500, 10)
        await nobody.ended(10)
        agent = await menu(box, phone, "9", caller=FIRST)
        await asked(agent, "service-menu", "1")
        await asked(agent, "service-pin", f"{PIN}#")
        await agent.hears(PITCHES["service-is-out"], 10)
        await asked(agent, "service-keys", "1")
        await until(lambda: history(box, "first"))
        (one,) = history(box, "first")
        assert (one.signed_in, one.who, one.means) == (True, FIRST, Means.CALL)
        served = await menu(box, customer, "1")
        rung = await first.incoming(15)
        rung.answer()
        rung.say(900.0)
        await served.hears(900, 10)
        await served.hangup()
        await agent.hangup()
    record = await asyncio.to_thread(stored, box, FIRST)
    assert PIN not in record.keys and record.keys == "menu=9"


@pytest.mark.accept
async def test_a_wrong_pin_does_not(box: LiveBox) -> None:
    async with Phone() as phone:
        call = await menu(box, phone, "9")
        await asked(call, "service-menu", "1")
        for _ in range(3):
            await asked(call, "service-extension", "801#")
            await asked(call, "service-pin", "0815#")
            await call.hears(PITCHES["service-wrong"], 10)
        await call.hears(500, 10)
        await call.ended(10)


async def test_a_prompt_recorded_by_telephone_is_heard_by_the_next_caller(box: LiveBox) -> None:
    code = give_code(box.settings.journal_file, "acme", "tone-800", "", "admin", bootstrap.utc_now())
    async with Phone() as phone:
        call = await menu(box, phone, "9")
        await asked(call, "service-menu", "2")
        await asked(call, "take-code", f"{code.digits}#")
        await call.hears(PITCHES["take-speak"], 10)
        call.say(440.0, loop=True)
        await asyncio.sleep(4)  # behind the tone
        await press(call, "#")
        await call.hears(440, 10)  # his own voice
        call.hush()
        await asked(call, "take-check", "1")
        await call.hears(1000, 15)
        await call.ended(10)
        take = await until_made(box)
        assert (take.version, take.fault) == (1, "")
        assert list((box.settings.recordings_dir / FOLDER).iterdir()) == []
        # 8 is a key of the menu and begins an extension: the pause decides.
        after = await menu(box, phone, "8")
        await after.hears(440, 15)
        await after.hangup()


async def until_made(box: LiveBox):  # type: ignore[no-untyped-def]
    def ended() -> bool:
        found = newest_take(box.settings.journal_file, "acme", "tone-800")
        return found is not None and found.ended_at is not None

    await until(ended, 15)
    return newest_take(box.settings.journal_file, "acme", "tone-800")


async def test_an_extension_is_dialled_while_the_menu_plays(box: LiveBox) -> None:
    caller = next(_callers)
    async with Phone() as phone, Phone(port=box.port_b) as second:
        call = await menu(box, phone, "802", caller=caller)
        rung = await second.incoming(10)
        rung.answer()
        rung.say(900.0)
        await call.hears(900, 10)
        await call.hangup()
    record = await asyncio.to_thread(stored, box, caller)
    assert (record.line_id, record.keys, record.outcome) == ("second", "menu=802", "answered")


@pytest.mark.parametrize(
    "switch", [pytest.param("freeswitch", marks=pytest.mark.freeswitch)], indirect=True, scope="module"
)
async def test_a_phone_of_the_house_dials_its_codes_and_nothing_else(box: LiveBox) -> None:
    settings = box.settings
    registrar, me = (settings.sip_host, settings.phones_port), f"sip:desk@{PHONES_REALM}"
    with Store(settings.database_url).work() as session:
        set_phone_password(session, "desk", PHONES_REALM, PASSWORD)
        session.commit()
    bootstrap.render_switch(settings, settings.state_dir / "switch")
    with bootstrap.switch_api(settings) as api:
        api("reloadxml")
    async with Phone() as desk, Phone() as stranger:
        await desk.register(registrar, "desk", PASSWORD, domain=PHONES_REALM)
        for code, signs_in in ((settings.sign_in_code, True), (settings.sign_out_code, False)):
            # Whatever the From says: it is the line whose password it knows.
            call = await desk.dial(code, registrar, caller="first", from_uri=f"sip:first@{PHONES_REALM}")
            await call.answered(10)
            assert (await call.ended(15)) is not None
            last = (await asyncio.to_thread(history, box, "desk"))[-1]
            assert (last.signed_in, last.who, last.means) == (signs_in, "desk", Means.PHONE)
        for barred in ("*811", "8*81", NUMBER, "02160000001", "hold"):
            call = await desk.dial(barred, registrar, caller="desk", from_uri=me)
            assert (await call.ended(5)).status in (403, 480, 603)
        unknown = await stranger.dial(settings.sign_in_code, registrar, caller="desk", from_uri=me)
        assert (await unknown.ended(5)).status == 407
        carrier = await stranger.dial(settings.sign_in_code, box.sip, caller="13800149999")
        assert (await carrier.ended(10)).status == 404
    assert [one.signed_in for one in await asyncio.to_thread(history, box, "desk")] == [True, False]
