"""Switch, handlers and publisher are killed under real calls while somebody watches: within two seconds of each
one's return the live state is what the switch has, no call is ever shown that is not there any more, and while
nothing is known it says so."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.errors import ApplianceError
from appliance.live.read import LiveSource
from appliance.live.snapshot import Snapshot
from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.e2e.live import NUMBER, LiveBox, OtherHandlers, live_box
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.timeout(400)]

#: In which the truth is told after a return; a look every half second and a busy machine are in it.
WITHIN_S = 2.0
MENU, TALK, WAIT = "13711110001", "13711110002", "13711110003"
STAGES = {MENU: "flow", TALK: "talking", WAIT: "queue"}
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, accept: ["127.0.0.1"]}}
  - {{id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}}
  - {{id: to-b, proxy: "127.0.0.1:@B@", caller_id: pass}}
lines:
  - {{id: first, account: acme, number: "02160000001", kind: landline, trunk: to-a, max_calls: 0}}
  - {{id: second, account: acme, number: "02160000002", kind: landline, trunk: to-b}}
queues:
  - {{id: hotline, account: acme, lines: [second], sign_in: false, announce_seconds: 0, max_wait_seconds: 3600}}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {{type: menu, prompt: tone-1750, keys: {{"1": talk, "2": wait}}, silence: ask, wrong: ask,
             timeout_s: 20}}
      talk: {{type: ring, lines: [first]}}
      wait: {{type: queue, queue: hotline}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record: "off"}}
"""


@dataclass
class Watch:
    """Looks as a page does, five times a second; what was seen, each with the moment of the asking."""

    source: LiveSource
    seen: list[tuple[datetime, Snapshot]] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(0.2):
            asked = datetime.now(UTC)
            self.seen.append((asked, self.source.latest(None)))

    @property
    def last(self) -> Snapshot:
        """What was seen last."""
        return self.seen[-1][1]

    def between(self, since: datetime, until: datetime) -> list[Snapshot]:
        """What was told to those who asked in that time."""
        return [seen for asked, seen in self.seen if since <= asked < until]


@contextlib.contextmanager
def watched(box: LiveBox) -> Iterator[Watch]:
    watch, stop = Watch(LiveSource(box.settings.live_socket, bootstrap.utc_now)), threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    try:
        while not watch.seen:
            time.sleep(0.05)
        yield watch
    finally:
        stop.set()
        thread.join(10)


@pytest.fixture(params=["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveBox]:
    if request.param == "freeswitch":
        require_freeswitch()
    with live_box(tmp_path, request.param, site=SITE, keep_up=True, lost_after_s=600) as running:
        yield running


@contextlib.asynccontextmanager
async def three_calls(box: LiveBox) -> AsyncIterator[dict[str, OutgoingCall]]:
    """One in the menu, one that talks, one that waits: the queue's line does not answer for an hour."""
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=None)),
        Phone(port=box.port_b, on_invite=LineScript.busy()),
    ):
        calls = {caller: await phone.dial(NUMBER, box.sip, caller=caller) for caller in STAGES}
        for caller, key in ((TALK, "1"), (WAIT, "2")):
            await calls[caller].answered(20)
            await calls[caller].hears(1750, 15)
            await calls[caller].press(key)
        yield calls
        for call in calls.values():
            with contextlib.suppress(Exception):
                await call.hangup(1.0)


def stages(snapshot: Snapshot) -> dict[str, str]:
    """Where each caller stands. Of the one who waits: his line is tried now and then."""
    return {
        one["caller"]: "queue" if one["caller"] == WAIT and one["stage"] == "ringing" else one["stage"]
        for one in snapshot.calls
    }


def legs(box: LiveBox) -> set[str]:
    """The callers' legs that the switch has."""
    with bootstrap.switch_api(box.settings) as api:
        rows = json.loads(api("show channels as json")).get("rows", [])
    return {row["uuid"] for row in rows if row["direction"] == "inbound"}


def told(snapshot: Snapshot) -> set[str]:
    return {one["uuid"] for one in snapshot.calls}


async def until(true: Callable[[], object], within_s: float, what: Callable[[], str]) -> datetime:
    """The moment at which it is so."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if await asyncio.to_thread(true):
            return datetime.now(UTC)
        await asyncio.sleep(0.05)
    raise AssertionError(f"never: {what()}")


def killed(box: LiveBox, part: str) -> int:
    pid = box.parts.pid(part)
    os.kill(pid, signal.SIGKILL)
    return pid


def is_back(box: LiveBox, part: str, old: int) -> bool:
    return box.parts.pid(part) != old and "READY" in box.parts.log(part)


def answers(box: LiveBox) -> bool:
    """The switch takes calls."""
    try:
        with bootstrap.switch_api(box.settings) as api:
            return "RUNNING" in api("sofia status")
    except (ApplianceError, OSError):
        return False


async def as_it_is(box: LiveBox, watch: Watch, wanted: dict[str, str], since: datetime) -> float:
    """Seconds until the state told is as wanted, and the switch's own."""

    def is_so() -> bool:
        seen = watch.last
        return seen.published and seen.switch_up and stages(seen) == wanted and told(seen) == legs(box)

    at = await until(is_so, 20, lambda: f"{wanted}; {watch.last}\n{box.parts.log('live')[-1500:]}")
    return (at - since).total_seconds()


async def test_the_switch_is_started_again(box: LiveBox) -> None:
    with watched(box) as watch:
        async with three_calls(box):
            await as_it_is(box, watch, STAGES, datetime.now(UTC))
            before = told(watch.last)
            old = box.parts.pid("switch")
            gone = datetime.now(UTC)
            os.kill(old, signal.SIGKILL)
            back = await until(
                lambda: box.parts.pid("switch") != old and answers(box), 60, lambda: "the switch is back"
            )
            took = await as_it_is(box, watch, {}, back)
        away = watch.between(gone + timedelta(seconds=1.5), back - timedelta(seconds=0.2))
        assert all(not one.switch_up for one in away), "it does not say that nothing is known"
        since = [one.switch_since for one in away if one.published]
        assert all(at is not None and abs((at - gone).total_seconds()) < 1.5 for at in since)
        # Callers whose calls are dead are in no list, neither while it is away nor after.
        later = watch.between(gone + timedelta(seconds=1.5), datetime.now(UTC))
        assert not any(told(one) & before for one in later)
        async with Phone() as phone:
            call = await phone.dial(NUMBER, box.sip, caller=MENU)
            await call.answered(20)
            await as_it_is(box, watch, {MENU: "flow"}, back)
            assert all(queue["callers"] == [] for queue in watch.last.queues)
            await call.hangup()
        await as_it_is(box, watch, {}, back)
    print(f"switch away for {(back - gone).total_seconds():.1f} s; the truth {took:.1f} s after its return")
    assert took <= WITHIN_S


async def test_the_handlers_are_started_again(box: LiveBox) -> None:
    """Their calls are where they were; one that ends meanwhile is gone at once: the switch says it, not they."""
    with watched(box) as watch:
        async with three_calls(box) as calls:
            await as_it_is(box, watch, STAGES, datetime.now(UTC))
            before = told(watch.last)
            with OtherHandlers(box) as others:
                others.start()
                gone = datetime.now(UTC)
                others.kill_the_boxs()
                await asyncio.sleep(1.0)
                # Those that are up already took them over.
                took = await as_it_is(box, watch, STAGES, gone)
                assert told(watch.last) == before
                ended = datetime.now(UTC)
                await calls[TALK].hangup()
                left = {caller: stage for caller, stage in STAGES.items() if caller != TALK}
                gone_in = await as_it_is(box, watch, left, ended)
            seen = watch.between(gone, ended)
            assert all(one.published and one.switch_up for one in seen)
            assert all(told(one) == before for one in seen), "nobody vanishes"
            back = datetime.now(UTC)
            again = await as_it_is(box, watch, left, back)
    print(f"handlers killed: the truth after {took:.1f} s; who hung up is gone in {gone_in:.1f} s")
    assert took <= 1.0 + WITHIN_S and gone_in <= WITHIN_S and again <= WITHIN_S


async def test_the_publisher_is_started_again(box: LiveBox) -> None:
    """One hangs up and another comes while nobody looks."""
    with watched(box) as watch:
        async with three_calls(box) as calls, Phone() as phone:
            await as_it_is(box, watch, STAGES, datetime.now(UTC))
            gone = datetime.now(UTC)
            old = killed(box, "live")
            await calls[TALK].hangup()
            ended = datetime.now(UTC)
            newcomer = await phone.dial(NUMBER, box.sip, caller="13711110004")
            await newcomer.answered(20)
            back = await until(lambda: is_back(box, "live", old), 60, lambda: "the publisher is back")
            wanted = {MENU: "flow", WAIT: "queue", "13711110004": "flow"}
            took = await as_it_is(box, watch, wanted, back)
            away = watch.between(gone + timedelta(seconds=0.5), back - timedelta(seconds=0.2))
            assert all(not one.published for one in away), "it does not say that nobody looks"
            later = watch.between(max(ended, back) + timedelta(seconds=1.5), datetime.now(UTC))
            assert not any(TALK in stages(one) for one in later)
            await newcomer.hangup()
    print(f"publisher away for {(back - gone).total_seconds():.1f} s; the truth {took:.1f} s after its return")
    assert took <= WITHIN_S


async def test_a_publisher_that_hangs_is_not_taken_for_a_quiet_box(box: LiveBox) -> None:
    with watched(box) as watch:
        async with three_calls(box) as calls:
            await as_it_is(box, watch, STAGES, datetime.now(UTC))
            stopped = datetime.now(UTC)
            os.kill(box.parts.pid("live"), signal.SIGSTOP)
            await calls[TALK].hangup()
            await asyncio.sleep(8)
            back = datetime.now(UTC)
            os.kill(box.parts.pid("live"), signal.SIGCONT)
            took = await as_it_is(box, watch, {MENU: "flow", WAIT: "queue"}, back)
            # Who asks meanwhile waits for three seconds, and is told then.
            told_then = watch.between(stopped + timedelta(seconds=0.5), back - timedelta(seconds=0.5))
            assert told_then and all(not one.published for one in told_then)
    print(f"the truth {took:.1f} s after it goes on")
    assert took <= WITHIN_S + 1
