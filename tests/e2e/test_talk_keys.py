"""What a line's side does by keys while it talks: hold, send on, consult, pause; on FreeSWITCH, the only switch
that has them. The same box has a SIP phone among its lines."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
import soundfile

from appliance import bootstrap
from appliance.domain.routing import PHONES_REALM
from appliance.store.bans import Bans
from appliance.store.journal import Journal
from appliance.store.phones import set_phone_password
from appliance.store.unit import Store
from appliance.testphone import Phone
from appliance.testphone.errors import RequestFailed
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.e2e.talks import Talking, talk, tone_somewhere, until
from tests.support.audio import cut, longest_silence, tone_absent, tone_present
from tests.support.freeswitch import require_freeswitch

pytestmark = pytest.mark.freeswitch

TO_THE_DESK = "4006543211"
PASSWORD = "only-for-this-phone"
CALLERS = itertools.count(1)
SITE = f"""
version: 1
accounts:
  - {{id: acme, name: 测试企业, talk_keys: {{}}}}
  - {{id: other, name: 别的企业}}
trunks:
  - {{id: inbound, accept: ["127.0.0.1"]}}
  - {{id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}}
  - {{id: to-b, proxy: "127.0.0.1:@B@", number_format: plus86, caller_number: "02180000000"}}
lines:
  - {{id: first, account: acme, number: "02160000001", kind: landline, trunk: to-a, extension: "801"}}
  - id: second
    account: acme
    number: "13900000002"
    kind: mobile
    trunk: to-b
    extension: "802"
    ring_seconds: 2
  - {{id: desk, account: acme, kind: phone, extension: "803"}}
  - {{id: stranger, account: other, number: "02160000009", kind: landline, trunk: to-a, extension: "809"}}
numbers:
  - {{number: "{NUMBER}", account: acme, lines: [first], record_notice: false}}
  - {{number: "{TO_THE_DESK}", account: acme, lines: [desk], record: "off"}}
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    folder = tmp_path_factory.mktemp("keys")
    with live_box(folder, "freeswitch", site=SITE, media_timeout_s=5, phone_ban_failures=3) as running:
        yield running


@pytest.fixture
async def talking(box: LiveBox) -> AsyncIterator[Talking]:
    async with talk(box, f"138{next(CALLERS):08}", "first", "second", "desk") as made:
        yield made


async def test_only_the_lines_side_has_keys_and_all_others_pass(talking: Talking) -> None:
    await talking.caller.press("*1")
    await talking.first.hears_keys("*1")
    await talking.first.press("78")
    await talking.caller.hears_keys("78")
    await talking.first.hears(500)


async def test_hold_with_music_and_back_by_the_same_key(talking: Talking) -> None:
    await talking.first.press("*1")
    await asyncio.sleep(1.5)
    began = talking.caller.now
    await asyncio.sleep(1.0)
    held = cut(talking.caller.heard, began, began + 0.9)
    assert tone_absent(held, 900, 0.0, 0.9)
    assert np.abs(held.astype(int)).max() > 300  # music
    await talking.first.press("*1")
    await asyncio.sleep(0.6)
    await talking.first.press("9")
    await talking.caller.hears_keys("9")
    await asyncio.sleep(1.0)
    await until(lambda: tone_present(talking.caller.heard, 900, talking.caller.now - 0.9, talking.caller.now - 0.3))


async def test_a_caller_is_sent_on_and_both_talks_are_told(talking: Talking) -> None:
    await talking.first.press("*2")
    await asyncio.sleep(0.5)
    await talking.first.press("802#")
    second = await talking.second.incoming(8)
    assert second.caller == "+862180000000" or second.caller == "02180000000"
    second.answer()
    second.say(700, loop=True)
    await until(lambda: talking.first.end is not None)
    await talking.caller.hears(700)
    await second.hears(500)
    assert (talking.box.usage("first"), talking.box.usage("second")) == (0, 1)
    await asyncio.sleep(1.0)
    await talking.caller.hangup()
    stored = await asyncio.to_thread(talking.box.stored_of, caller_of(talking), 10.0)
    assert stored.row.line_id == "second"
    talks = dict(stored.talks)
    assert list(talks) == ["first", "second"]
    assert talks["second"] >= 1000
    whole = (stored.row.ended_at - stored.row.joined_at).total_seconds() * 1000 if stored.row.joined_at else 0
    assert sum(talks.values()) == pytest.approx(stored.row.bridged_ms, abs=5)
    assert stored.row.bridged_ms <= whole
    audio, _ = soundfile.read(talking.box.settings.recordings_dir / stored.row.recording)
    assert tone_somewhere(audio[:, 1], 900) and tone_somewhere(audio[:, 1], 700)


@pytest.mark.accept
async def test_a_line_that_does_not_take_him_gives_him_back(talking: Talking, box: LiveBox) -> None:
    await talking.first.press("*2")
    await asyncio.sleep(0.5)
    await talking.first.press("802#")
    second = await talking.second.incoming(8)
    second.reject(486)
    again = await talking.first_phone.incoming(8)
    again.answer()
    again.say(600, loop=True)
    await talking.caller.hears(600)


@pytest.mark.accept
async def test_an_extension_of_another_account_or_none_leads_nowhere(talking: Talking) -> None:
    for keyed in ("809#", "801#"):
        await talking.first.press("*2")
        await asyncio.sleep(0.5)
        await talking.first.press(keyed)
        await asyncio.sleep(3.5)
    await talking.first.press("4")
    await talking.caller.hears_keys("4")
    assert talking.caller.end is None and talking.second.calls == []


async def test_consult_then_hand_over(talking: Talking) -> None:
    await talking.first.press("*3")
    await asyncio.sleep(0.5)
    await talking.first.press("802#")
    second = await talking.second.incoming(8)
    second.answer()
    second.say(700, loop=True)
    await talking.first.hears(700)
    await second.hears(900)
    await talking.first.press("6")
    await second.hears_keys("6")
    assert talking.caller.keys_heard == ""
    assert (talking.box.usage("first"), talking.box.usage("second")) == (1, 1)
    await talking.first.hangup()
    await talking.caller.hears(700)
    await until(lambda: talking.box.usage("first") == 0)
    assert talking.box.usage("second") == 1
    await asyncio.sleep(1.0)
    await second.hangup()
    await talking.caller.ended(5)
    # The third leg may come a moment after the others: the call is derived anew then.
    for _ in range(50):
        stored = await asyncio.to_thread(talking.box.stored_of, caller_of(talking), 10.0)
        if len(stored.legs) == 3:
            break
        await asyncio.sleep(0.2)
    assert stored.row.outcome == "answered" and stored.row.line_id == "second"
    talks = dict(stored.talks)
    assert list(talks) == ["first", "second"] and talks["second"] >= 900
    assert {leg.role for leg in stored.legs} == {"caller", "line"} and len(stored.legs) == 3
    assert talking.box.went_out(stored.row.uuid) == [("line", "to-a"), ("line", "to-b")]


@pytest.mark.accept
async def test_consult_and_back_and_all_three(talking: Talking) -> None:
    await talking.first.press("*3")
    await asyncio.sleep(0.5)
    await talking.first.press("802#")
    second = await talking.second.incoming(8)
    second.answer()
    await asyncio.sleep(0.8)
    await second.hangup()
    await until(lambda: talking.box.usage("second") == 0)
    await asyncio.sleep(1.0)
    await talking.first.press("5")
    await talking.caller.hears_keys("5")
    # Once more, after the caller was already taken out of his handlers' hands; then all three.
    await talking.first.press("*3")
    await asyncio.sleep(0.5)
    await talking.first.press("802#")
    second = await talking.second.incoming(8)
    second.answer()
    second.say(700, loop=True)
    await talking.first.hears(700)
    await talking.first.press("0")
    talking.first.hush()
    await talking.caller.hears(700)
    second.hush()
    talking.caller.hush()
    talking.first.say(900, loop=True)
    await second.hears(900)
    await talking.caller.hears(900)
    await talking.first.hangup()
    await talking.caller.ended(5)


@pytest.mark.accept
async def test_a_line_that_cannot_be_consulted_is_said_and_they_talk_on(talking: Talking) -> None:
    await talking.first.press("*3")
    await asyncio.sleep(0.5)
    await talking.first.press("803#")  # the desk's phone is not registered
    await asyncio.sleep(3.5)
    await talking.first.press("4")
    await talking.caller.hears_keys("4")
    await talking.first.press("*2")
    await asyncio.sleep(0.5)
    await talking.first.press("802#")
    (await talking.second.incoming(8)).answer()
    await until(lambda: talking.first.end is not None)


@pytest.mark.accept
async def test_the_recording_pauses(talking: Talking) -> None:
    await talking.first.press("*5")
    await asyncio.sleep(4.0)
    await talking.first.press("*5")
    await asyncio.sleep(4.0)
    await talking.caller.hangup()
    stored = await asyncio.to_thread(talking.box.stored_of, caller_of(talking), 10.0)
    audio, rate = soundfile.read(talking.box.settings.recordings_dir / stored.row.recording)
    quiet = longest_quiet_s(audio[:, 0], rate)
    assert 2.5 < quiet < 7
    assert np.abs(audio[: rate // 2, 0]).max() > 0.05 and np.abs(audio[-rate // 2 :, 0]).max() > 0.05


async def test_a_phone_registers_and_takes_a_call(box: LiveBox) -> None:
    registrar = (box.settings.sip_host, box.settings.phones_port)
    async with Phone() as desk, Phone() as caller:
        with pytest.raises(RequestFailed) as refused:
            await desk.register(registrar, "desk", PASSWORD, domain=PHONES_REALM)
        assert refused.value.status == 403
        # Nobody is there: the caller hears it at once.
        call = await caller.dial(TO_THE_DESK, box.sip, caller="13700000001")
        await call.ended(8)
        assert (await asyncio.to_thread(box.stored_of, "13700000001")).because == "desk=unregistered"

        await asyncio.to_thread(give_password, box)
        await desk.register(registrar, "desk", PASSWORD, domain=PHONES_REALM)
        journal = Journal(box.settings.journal_file, reads_only=True)
        await until(lambda: bool((state := journal.phones().get("desk")) and state.up), 8)
        call = await caller.dial(TO_THE_DESK, box.sip, caller="13700000002")
        rung = await desk.incoming(8)
        assert rung.caller == "13700000002"
        rung.answer()
        rung.say(650)
        await call.hears(650)
        await rung.press("*1")
        await asyncio.sleep(0.5)
        await rung.hangup()
        await call.ended(5)
        assert (await asyncio.to_thread(box.stored_of, "13700000002")).row.line_id == "desk"

        # It places no calls, and nobody does without its password.
        barred = await desk.dial("02160000001", registrar, caller="desk", from_uri=f"sip:desk@{PHONES_REALM}")
        assert (await barred.ended(5)).status in (403, 480, 603)
        stranger = await caller.dial("02160000001", registrar, caller="desk", from_uri=f"sip:desk@{PHONES_REALM}")
        assert (await stranger.ended(5)).status == 407

        await desk.register(registrar, "desk", PASSWORD, domain=PHONES_REALM, expires=0)
        await until(lambda: not journal.phones()["desk"].up, 8)
        journal.close()


async def test_who_guesses_passwords_is_refused_even_with_the_right_one(box: LiveBox) -> None:
    registrar = (box.settings.sip_host, box.settings.phones_port)
    await asyncio.to_thread(give_password, box)

    async def registered(phone: Phone, password: str) -> bool:
        try:
            await phone.register(registrar, "desk", password, domain=PHONES_REALM)
        except RequestFailed as refused:
            assert refused.status == 403
            return False
        return True

    async with Phone(host="127.0.0.2") as stranger, Phone() as desk:
        journal = Journal(box.settings.journal_file, reads_only=True)
        async with asyncio.timeout(15):  # handlers that have just started may not listen yet
            while not Bans(journal.file).all(bootstrap.utc_now()):
                assert not await registered(stranger, "a-guess")
                await asyncio.sleep(0.1)
        (ban,) = Bans(journal.file).all(bootstrap.utc_now())
        assert (ban.address, ban.failures, ban.user) == ("127.0.0.2", 3, "desk")
        async with asyncio.timeout(8):
            while await registered(stranger, PASSWORD):
                await asyncio.sleep(0.2)
        assert await registered(desk, PASSWORD), "who is somewhere else is not refused"
        # What is rendered anew does not forget it.
        await asyncio.to_thread(give_password, box)
        assert not await registered(stranger, PASSWORD)
        lifting = Journal(box.settings.journal_file)
        Bans(lifting.file).lifted("127.0.0.2")
        lifting.close()
        async with asyncio.timeout(8):
            while not await registered(stranger, PASSWORD):
                await asyncio.sleep(0.2)
        journal.close()


def give_password(box: LiveBox) -> None:
    """As ``appliance line password`` and the playbook do."""
    with Store(box.settings.database_url).work() as session:
        set_phone_password(session, "desk", PHONES_REALM, PASSWORD)
        session.commit()
    bootstrap.render_switch(box.settings, box.settings.state_dir / "switch")
    with bootstrap.switch_api(box.settings) as api:
        api("reloadxml")


def caller_of(talking: Talking) -> str:
    return talking.caller.caller


def longest_quiet_s(audio: np.ndarray, rate: int) -> float:
    return longest_silence((audio * 32767).astype("int16"), 0.0, None, rate)
