"""Handlers are exchanged for new ones while calls are at every stage: nobody notices, and the old ones end in time.

What ``gateway400-handlers restart`` does on a box is done by hand here: new ones take the port beside the old ones,
these are told to end (SIGTERM), finish the calls that they have, and end with the last of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.cli.box import SETTINGS
from appliance.store.journal_file import JournalFile
from appliance.store.waitlist import Waitlist
from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import require_freeswitch
from tests.support.queue_stays import stays

#: They end what carries calls, and wait for what comes of it.
pytestmark = [pytest.mark.accept, pytest.mark.timeout(180)]

NUMBER = "4006543210"
ONE, TWO = "02160000001", "02160000002"
MENU, TALKS, WAITS, NEW = "13900000001", "13900000002", "13900000003", "13900000004"
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: one, account: acme, number: "{ONE}", kind: landline, trunk: out, max_calls: 1}}
  - {{id: two, account: acme, number: "{TWO}", kind: landline, trunk: out, max_calls: 1}}
queues:
  - {{id: desk, account: acme, name: 服务台, lines: [one], announce_seconds: 0, wrap_up_seconds: 0}}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {{type: menu, prompt: tone-1750, keys: {{"1": wait, "2": ring}}, silence: ask, wrong: ask}}
      wait: {{type: queue, queue: desk}}
      ring: {{type: ring, lines: [two]}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record_notice: false}}
"""


class Handlers:
    """A process of handlers beside the box's own."""

    def __init__(self, box: LiveBox, name: str, grace_s: float) -> None:
        self.log = box.settings.state_dir / f"{name}.log"
        environment = os.environ | {"APPLIANCE_CONFIG": str(box.settings.state_dir / SETTINGS)}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "calls", "serve", "--grace", str(grace_s)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    async def ready(self) -> None:
        for _ in range(300):
            if b"READY" in self.log.read_bytes():
                return
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            await asyncio.sleep(0.1)
        raise AssertionError("not ready")

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, within_s: float) -> int:
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), within_s)


@contextmanager
def handlers(box: LiveBox, name: str, grace_s: float = 600) -> Iterator[Handlers]:
    made = Handlers(box, name, grace_s)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
            made.process.wait()


@pytest.fixture(params=["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveBox]:
    if request.param == "freeswitch":
        require_freeswitch()
    with live_box(tmp_path, request.param, site=SITE, dies=["handlers"]) as running:
        yield running


async def dial(box: LiveBox, phone: Phone, caller: str, key: str = "") -> OutgoingCall:
    call = await phone.dial(NUMBER, box.sip, caller=caller)
    await call.answered(10)
    await call.hears(1750, 5)
    if key:
        await call.press(key)
    return call


async def owners(box: LiveBox, count: int) -> dict[str, int]:
    """Who waits, and the process that looks after him."""
    for _ in range(100):
        with closing(JournalFile(box.settings.journal_file, reads_only=True)) as file:
            found = {
                one.waiting.caller: int(one.owner.partition("@")[0])
                for one in Waitlist(file).here()
                if not one.waiting.rung
            }
        if len(found) == count:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"who waits: {found}")


async def test_new_handlers_take_over(box: LiveBox) -> None:
    with handlers(box, "old") as old:
        await old.ready()
        os.kill(box.parts.pid("handlers"), signal.SIGTERM)  # it has no call
        while box.parts.dead() != ["handlers"]:
            await asyncio.sleep(0.1)
        rung: list[tuple[str, str]] = []

        def answers(call: object) -> LineScript:
            rung.append((getattr(call, "called", ""), getattr(call, "caller", "")))
            return LineScript.answer(0.1, say=900.0)

        async with Phone(port=box.port_a, on_invite=answers), Phone() as phone:
            talks = await dial(box, phone, TALKS, "1")
            await talks.hears(900, 8)
            waits = await dial(box, phone, WAITS, "1")
            assert await owners(box, 1) == {WAITS: old.process.pid}
            in_menu = await dial(box, phone, MENU)
            with handlers(box, "new", grace_s=1) as new:
                await new.ready()
                old.end()
                # No call is lost in the moment of the change either.
                calls = [await dial(box, phone, f"1380000000{n}") for n in range(5)]
                await asyncio.gather(*(call.hangup() for call in calls))
                comes = await dial(box, phone, NEW, "1")
                assert (await owners(box, 2))[WAITS] == old.process.pid
                assert (await owners(box, 2))[NEW] != old.process.pid
                await in_menu.press("2")
                await in_menu.hears(900, 8)
                await talks.hangup()
                await waits.hears(900, 8)
                assert old.process.poll() is None, "it has calls yet"
                await waits.hangup()
                await in_menu.hangup()
                assert await old.ended(10) == 0
                await comes.hears(900, 8)
                # The next ones: they end after their time, and a talk goes on without them.
                with handlers(box, "newest") as newest:
                    await newest.ready()
                    new.end()
                    assert await new.ended(20) == 0
                    await asyncio.sleep(1)
                    assert comes.end is None
                    await comes.hangup()
                    await dial(box, phone, "13800000009")
                assert rung == [(ONE, TALKS), (TWO, MENU), (ONE, WAITS), (ONE, NEW)], "each once, in their order"
    found = await asyncio.to_thread(box.stored, 10, charged=False)
    told = {one.row.caller: one.row.outcome for one in found}
    assert {told[caller] for caller in (MENU, TALKS, WAITS, NEW)} == {"answered"}
    assert {told[f"1380000000{n}"] for n in range(5)} == {"abandoned:menu"}
    assert [(stay.caller, stay.left) for stay in stays(box.settings.database_url)] == [
        (TALKS, "answered"),
        (WAITS, "answered"),
        (NEW, "answered"),
    ]
    assert box.usage("one") == box.usage("two") == 0
