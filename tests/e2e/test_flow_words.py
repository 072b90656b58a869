"""Flow nodes on real calls: what is said is compared with the files by ear; an extension, a survey after a queue, a
version that was replaced while its call's handlers died."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.domain.speech import spoken, whispered_prompts
from appliance.flows.publish import Publisher
from appliance.store.unit import Store
from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.e2e.live import LiveBox, OtherHandlers, live_box
from tests.support.heard import likeness, played

VIP = "13800138077"
SPEAKS, QUEUES, ASKS = "4006543201", "4006543202", "4006543203"
SITE = f"""
version: 1
accounts:
  - {{id: acme, name: 测试企业}}
trunks:
  - {{id: inbound, accept: ["127.0.0.1"]}}
  - {{id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: first, account: acme, number: "02160000001", kind: landline, trunk: to-a, extension: "801"}}
schedules:
  - {{id: always, account: acme, holidays: open, week: {{mon-sun: ["00:00-24:00"]}}}}
  - {{id: never, account: acme, holidays: open, week: {{}}, days: {{"2026-01-01": []}}}}
lists:
  - {{id: friends, account: acme, entries: ["{VIP}"]}}
queues:
  - {{id: desk, account: acme, lines: [first], announce_seconds: 0, wrap_up_seconds: 0}}
numbers:
  - {{number: "{SPEAKS}", account: acme, flow: speaks, record: "off", whisper: say-number}}
  - {{number: "{QUEUES}", account: acme, flow: queues, record: "off"}}
  - {{number: "{ASKS}", account: acme, flow: asks, record: "off"}}
flows:
  - name: speaks
    account: acme
    start: late
    nodes:
      late: {{type: hours, schedule: never, open: bye, closed: early}}
      early: {{type: hours, schedule: always, open: who, closed: bye}}
      who: {{type: vip, list: friends, yes: much, no: little}}
      much: {{type: set, variable: amount, value: "20350", next: number}}
      little: {{type: set, variable: amount, value: "7", next: number}}
      number: {{type: say, what: number, value: "{{amount}}", next: digits}}
      digits: {{type: say, what: digits, value: "{{amount}}", next: time}}
      time: {{type: say, what: time, value: "14:05", next: date}}
      date: {{type: say, what: date, value: "2026-11-27", next: price}}
      price: {{type: say, what: money, value: "{{amount}}.06", next: line}}
      line: {{type: dial, prompt: tone-1750, silence: bye, wrong: bye, failed: bye, after: bye, attempts: 2}}
      bye: {{type: hangup, prompt: tone-1000}}
  - name: queues
    account: acme
    start: wait
    nodes:
      wait: {{type: queue, queue: desk, after: rate}}
      rate: {{type: survey, prompt: tone-800, thanks: tone-500}}
  - name: asks
    account: acme
    start: ask
    nodes:
      ask: {{type: menu, prompt: tone-700, keys: {{"7": bye}}, silence: bye, wrong: bye, timeout_s: 30}}
      bye: {{type: hangup, prompt: tone-500}}
"""
PROMPTS = bootstrap.SCRIPTS_DIR / "prompts" / "zh"


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    folder: Path = tmp_path_factory.mktemp(f"words-{switch}")
    with live_box(folder, switch, site=SITE, keep_up=True) as running:
        yield running


def files(what: str, value: str) -> list[Path]:
    return [PROMPTS / f"{name}.wav" for name in spoken(what, value)]


async def asked(call: OutgoingCall, hz: float) -> None:
    await call.answered(10)
    await call.hears(hz, 25)


@pytest.mark.parametrize(
    ("caller", "amount"), [(VIP, "20350"), pytest.param("13800138078", "7", marks=pytest.mark.accept)]
)
async def test_what_is_said_is_what_the_files_say(box: LiveBox, caller: str, amount: str) -> None:
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.2, say=900.0)) as line:
        call = await phone.dial(SPEAKS, box.sip, caller=caller)
        await asked(call, 1750)
        heard = call.heard
        ended = played(heard, files("number", amount))
        ended = played(heard, files("digits", amount), ended)
        ended = played(heard, files("time", "14:05"), ended)
        ended = played(heard, files("date", "2026-11-27"), ended)
        played(heard, files("money", f"{amount}.06"), ended)
        if amount == "7":
            # The comparison can fail: a word that was not said is not found.
            assert likeness(heard, PROMPTS / "n-10000.wav") < 0.8
            with pytest.raises(AssertionError, match="not heard"):
                played(heard, files("date", "2026-12-27"))
            await call.hangup()
            return
        await call.press("809")
        await asyncio.sleep(1.5)
        await call.hears(1750, 10)
        await call.press("801")
        leg = await line.incoming(15)
        await call.hears(900, 20)
        played(leg.heard, [PROMPTS / f"{name}.wav" for name in whispered_prompts(SPEAKS)])
        await leg.hangup()
        await call.hears(1000, 10)
        await call.ended(10)
    stored = await asyncio.to_thread(box.stored_of, caller)
    assert (stored.row.outcome, stored.row.line_id, stored.flow) == ("answered", "first", "speaks@1")


async def test_a_mark_after_a_queue(box: LiveBox) -> None:
    caller = "13800138079"
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.2, say=900.0)) as line:
        call = await phone.dial(QUEUES, box.sip, caller=caller)
        leg = await line.incoming(15)
        await call.hears(900, 10)
        await leg.hangup()
        await call.hears(800, 10)
        await call.press("5")
        await call.hears(500, 10)
        await call.ended(10)
    stored = await asyncio.to_thread(box.stored_of, caller)
    assert (stored.row.outcome, stored.mark) == ("answered", "5")


@pytest.mark.accept
async def test_handlers_that_die_in_a_version_that_was_replaced(box: LiveBox) -> None:
    caller, store = "13800138080", Store(box.settings.database_url)
    with OtherHandlers(box) as others:
        async with Phone() as phone:
            call = await phone.dial(ASKS, box.sip, caller=caller)
            await asked(call, 700)
            find_prompt = bootstrap.prompt_library(box.settings).find_playable
            soon = Publisher(store, "acme", find_prompt, "test", bootstrap.utc_now())
            soon.save("asks", {"start": "bye", "nodes": {"bye": {"type": "hangup", "prompt": "tone-1000"}}})
            assert soon.publish("asks") == 2
            await asyncio.to_thread(others.start)
            others.kill_the_boxs()
            await call.hears(700, 20)  # asked again, in the node and the version where he was
            await call.press("7")
            await call.hears(500, 10)
            await call.ended(10)
            after = await phone.dial(ASKS, box.sip, caller="13800138081")
            await after.hears(1000, 10)
            await after.ended(10)
    stored = await asyncio.to_thread(box.stored_of, caller)
    assert (stored.flow, stored.row.keys) == ("asks@1", (("ask", "7"),))
    assert (await asyncio.to_thread(box.stored_of, "13800138081")).flow == "asks@2"
