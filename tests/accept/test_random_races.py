"""Five hundred real calls in which everybody does what he likes, on FreeSWITCH: callers hang up before the answer,
in the menu, while a line rings, in the moment of its answer, in the talk; lines answer, refuse, or let ring.

Whatever they do: no line has more calls than it takes, none rings for a caller who has left, each call has one
record and each stay in a queue one end, and in the end nothing is taken. The ten thousand of ``tests/calls`` are
without a switch; these are the moments that only a real one has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.domain.queue import Left
from appliance.store.journal_file import JournalFile
from appliance.store.queries.call_views import CallDetail
from appliance.store.waitlist import Waitlist
from appliance.testphone import CallFailed, CallOver, IncomingCall, LineScript, OutgoingCall, Phone
from appliance.testphone.errors import PhoneError
from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import require_freeswitch
from tests.support.queue_stays import stays

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(1200)]

CALLS = int(os.environ.get("ACCEPT_RACES", "500"))
SEED = int(os.environ.get("ACCEPT_SEED", "400"))
TOGETHER = 12
#: A line that rings so long after its caller's end has been answered was rung for somebody who had left, and one
#: that has two calls for so long has more than it takes.
LATE_S = 1.0
MENU, QUEUE, ALL = "4008001234", "4008001235", "4008001236"
NUMBERS = {"02160000001": "one", "02160000002": "two", "02160000003": "three"}
_LINES = "\n".join(
    f'  - {{id: {name}, account: acme, number: "{number}", kind: landline, trunk: out, ring_seconds: 5}}'
    for number, name in NUMBERS.items()
)
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
{_LINES}
queues:
  - id: desk
    account: acme
    name: 服务台
    lines: [one, two, three]
    announce_seconds: 0
    wrap_up_seconds: 0
    rest_seconds: 1
    max_wait_seconds: 20
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {{type: menu, prompt: tone-1750, keys: {{"1": ring}}, silence: bye, wrong: bye}}
      ring: {{type: ring, lines: [one, two, three]}}
      bye: {{type: hangup}}
  - {{name: wait, account: acme, start: wait, nodes: {{wait: {{type: queue, queue: desk}}}}}}
numbers:
  - {{number: "{MENU}", account: acme, flow: front, record_notice: false}}
  - {{number: "{QUEUE}", account: acme, flow: wait, record_notice: false}}
  - {{number: "{ALL}", account: acme, lines: [one, two, three], strategy: ring-all, record_notice: false}}
"""


@dataclass
class Lines:
    """The lines' side: what they do, and every fault that they see."""

    dice: random.Random
    #: When a caller's end was answered.
    left_at: dict[str, float] = field(default_factory=dict)
    rings: dict[str, asyncio.Event] = field(default_factory=dict)
    answers: dict[str, asyncio.Event] = field(default_factory=dict)
    living: list[IncomingCall] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rung: int = 0

    def behave(self, call: IncomingCall) -> LineScript:
        self.rung += 1
        self.living = [one for one in self.living if one.end is None]
        for one in self.living:
            if one.called == call.called:
                asyncio.get_running_loop().call_later(LATE_S, self._see_that_it_ended, one, call)
        self.living.append(call)
        late = time.monotonic() - self.left_at.get(call.caller, time.monotonic())
        if late > LATE_S:
            self.faults.append(f"{NUMBERS[call.called]} rings {late:.1f} s after {call.caller} left")
        self.rings.setdefault(call.caller, asyncio.Event()).set()
        kind = self.dice.random()
        if kind < 0.6:
            after = self.dice.uniform(0, 0.6)
            self._tell_of_answer(call.caller, after)
            return LineScript.answer(after, say=900.0, hang_up_after=self.dice.uniform(0.3, 2.0))
        if kind < 0.75:
            return LineScript.busy(self.dice.uniform(0, 0.2))
        return LineScript.reject() if kind < 0.85 else LineScript.no_answer()

    def _see_that_it_ended(self, first: IncomingCall, second: IncomingCall) -> None:
        """The slot is the caller's leg's, and free once that has ended; the line's BYE is sent by a thread of its
        own, which may come to its turn a moment after the next INVITE."""
        if first.end is None and second.end is None:
            self.faults.append(f"{NUMBERS[first.called]} has two calls, {first.caller}'s and {second.caller}'s")

    def _tell_of_answer(self, caller: str, after: float) -> None:
        event = self.answers.setdefault(caller, asyncio.Event())
        asyncio.get_running_loop().call_later(after, event.set)


@dataclass
class Caller:
    """One caller, who leaves when the dice say."""

    number: str
    caller: str
    dice: random.Random
    lines: Lines

    async def call(self, box: LiveBox, phone: Phone) -> None:
        call = await phone.dial(self.number, box.sip, caller=self.caller)
        with contextlib.suppress(CallFailed, CallOver, PhoneError):
            await self._leave_sometime(call)
        with contextlib.suppress(CallFailed, CallOver, PhoneError):
            if call.end is None:
                await call.hangup(10)
        self.lines.left_at[self.caller] = time.monotonic()

    async def _leave_sometime(self, call: OutgoingCall) -> None:
        when = self.dice.choice(("at once", "in the menu", "ringing", "answering", "in the talk", "never"))
        if when == "at once":
            await asyncio.sleep(self.dice.uniform(0, 0.3))
            return
        if self.number != ALL:
            await call.answered(20)
        if when == "in the menu":
            await asyncio.sleep(self.dice.uniform(0, 1.0))
            return
        if self.number == MENU:
            await call.hears(1750, 10)
            await call.press("1")
        if when == "never":
            await call.ended(40)
            return
        if when == "ringing":
            await self._until(self.lines.rings)
            await asyncio.sleep(self.dice.uniform(0, 0.5))
            return
        await self._until(self.lines.answers)
        await asyncio.sleep(self.dice.uniform(0, 0.06) if when == "answering" else self.dice.uniform(0.2, 1.5))

    async def _until(self, events: dict[str, asyncio.Event]) -> None:
        event = events.setdefault(self.caller, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), self.dice.uniform(2, 12))


def everything_is_free(box: LiveBox) -> bool:
    with bootstrap.switch_api(box.settings) as api:
        channels = json.loads(api("show channels as json"))["row_count"]
    with contextlib.closing(JournalFile(box.settings.journal_file, reads_only=True)) as file:
        waiting = Waitlist(file).here()
    return channels == 0 and not waiting and not any(map(box.usage, NUMBERS.values()))


def assert_books_are_right(box: LiveBox, found: list[CallDetail], callers: dict[str, str]) -> None:
    """One record a call, one end a stay, and both say the same."""
    assert Counter(one.row.caller for one in found) == Counter(list(callers))
    assert {one.row.caller: one.row.number for one in found} == callers
    outcomes = {one.row.caller: one.row.outcome for one in found}
    assert all(outcomes.values()) and "abnormal" not in outcomes.values(), outcomes
    ended = stays(box.settings.database_url)
    assert max(Counter(stay.caller for stay in ended).values(), default=1) == 1
    assert {stay.left for stay in ended} <= {Left.ANSWERED, Left.ABANDONED, Left.TIMEOUT, Left.NOBODY}
    answered = {stay.caller for stay in ended if stay.left == Left.ANSWERED}
    assert answered == {one for one, number in callers.items() if number == QUEUE and outcomes[one] == "answered"}
    print(f"{len(found)} calls: {Counter(one.partition(':')[0] for one in outcomes.values())}")
    print(f"{len(ended)} stays: {Counter(str(stay.left) for stay in ended)}")


async def test_anything_at_any_moment(tmp_path: Path) -> None:
    require_freeswitch()
    dice = random.Random(SEED)
    lines = Lines(random.Random(SEED + 1))
    callers = {f"139{n:08d}": dice.choice((MENU, QUEUE, QUEUE, ALL)) for n in range(CALLS)}
    with live_box(tmp_path, "freeswitch", site=SITE) as box:
        turn = asyncio.Semaphore(TOGETHER)

        async def one(phone: Phone, caller: str, number: str) -> None:
            async with turn:
                await Caller(number, caller, random.Random(f"{SEED}{caller}"), lines).call(box, phone)

        async with Phone(port=box.port_a, on_invite=lines.behave), contextlib.AsyncExitStack() as stack:
            phones = [await stack.enter_async_context(Phone()) for _ in range(TOGETHER)]
            await asyncio.gather(*(one(phones[n % TOGETHER], *what) for n, what in enumerate(callers.items())))
            deadline = time.monotonic() + 30
            while not await asyncio.to_thread(everything_is_free, box):
                assert time.monotonic() < deadline, "something is taken for ever"
                await asyncio.sleep(0.5)
        assert lines.faults == []
        found = await asyncio.to_thread(box.stored, CALLS, 120, charged=False)
        await asyncio.to_thread(assert_books_are_right, box, found, callers)
        print(f"{lines.rung} times a line was rung")
