"""What real calls of callbacks need on FreeSWITCH: a site, prompts of their own, and what its requests came to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from appliance.domain.callback import Ending, Request, balance
from appliance.store import flows
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.models import Queue
from appliance.store.queries.callbacks import callback_report, calls_for
from appliance.store.queries.scope import Scope, reading
from appliance.testphone import IncomingCall
from tests.e2e.calling_back import HIS, LINES, tones
from tests.e2e.live import NUMBER, LiveBox, live_box

#: A trunk that callers come by, and are called back by; lines with one place; no wrap-up to be waited for.
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  # Not pinged: the telephones behind it are there for one test each, and while it is down nobody is called back.
  - id: city
    accept: ["127.0.0.1"]
    proxy: "127.0.0.1:@B@"
    caller_number: "02180000000"
    ping_seconds: 0
  - {{id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: first, account: acme, number: "02160000001", kind: landline, trunk: to-a, ring_seconds: 15}}
  - {{id: second, account: acme, number: "02160000002", kind: landline, trunk: to-a, ring_seconds: 15}}
queues:
  - id: hotline
    account: acme
    lines: [@LINES@]
    strategy: @STRATEGY@
    announce_seconds: 0
    wrap_up_seconds: 0
    rest_seconds: 1
    callback: {{key: "9", attempts: 2, gap_seconds: 30}}
flows:
  - {{name: front, account: acme, start: wait, nodes: {{wait: {{type: queue, queue: hotline}}}}}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record: "off"}}
"""


@contextlib.contextmanager
def box_of(
    folder: Path,
    lines: str = "first",
    *,
    strategy: str = "longest-idle",
    site: str = SITE,
    keep_up: bool = False,
    lost_after_s: float = 60.0,
) -> Iterator[LiveBox]:
    """A box on FreeSWITCH whose queue has these lines, and calls again after three seconds."""
    text = site.replace("@LINES@", lines).replace("@STRATEGY@", strategy)
    with live_box(folder, "freeswitch", site=text, keep_up=keep_up, lost_after_s=lost_after_s) as running:
        tones(running)
        change_terms(running, gap_seconds=3)
        yield running


def change_terms(box: LiveBox, **terms: int) -> None:
    """Other terms than a site file may have: nobody waits half a minute for a test."""
    with box.store.work() as session:
        queue = session.get(Queue, "hotline")
        assert queue is not None
        queue.callback = {**(queue.callback or {}), **terms}
        flows.routing_changed(session)
        session.commit()


def requests(box: LiveBox) -> dict[str, Request]:
    """All requests, by who asked."""
    journal = Journal(box.settings.journal_file, reads_only=True)
    with contextlib.closing(journal):
        found = Callbacks(journal.file)
        return {one.caller: one for one in (*found.open(), *found.ended(50))}


async def ended(box: LiveBox, caller: str, within_s: float = 30.0) -> Request:
    """His request, as soon as it has an end."""
    deadline = asyncio.get_running_loop().time() + within_s
    while (found := requests(box).get(caller)) is None or found.ending is None:
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"no end: {found}\n{box.parts.log('collector')[-2000:]}")
        await asyncio.sleep(0.1)
    return found


async def talk(his: IncomingCall, line: IncomingCall | None, seconds: float = 1.0) -> None:
    """The two hear each other; then he hangs up."""
    await his.hears(LINES, 10)
    if line is not None:
        await line.hears(HIS, 10)
    await asyncio.sleep(seconds)
    await his.hangup()


@contextlib.asynccontextmanager
async def one_call_a_line(box: LiveBox, *lines: str) -> AsyncIterator[None]:
    """As long as this lasts no line is over its limit, by the switch's own count."""
    over: list[str] = []

    async def watch() -> None:
        while True:
            for line in lines:
                used = await asyncio.to_thread(box.usage, line)
                if used > 1:
                    over.append(f"{line}: {used}")
            await asyncio.sleep(0.3)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert over == []


async def settled(box: LiveBox, *lines: str) -> None:
    """Slots are free, and sums match in the database as in the journal."""
    async with asyncio.timeout(15):
        while any([await asyncio.to_thread(box.usage, line) for line in lines]):
            await asyncio.sleep(0.2)
        while True:
            found = requests(box).values()
            since = min(one.asked_at for one in found).replace(hour=0)
            with reading(box.store, Scope(None)) as reader:
                rows = callback_report(reader, since, max(one.expires_at for one in found))
            if [row.balance for row in rows] == [balance(found)]:
                break
            await asyncio.sleep(0.2)
    assert all(one.ending in Ending for one in found if one.ending is not None)


def stored_calls(box: LiveBox, request: Request) -> int:
    """How many calls were stored that were made for it."""
    with reading(box.store, Scope(None)) as reader:
        return len(list(calls_for(reader, request.id)))
