"""Handlers that are killed while a line's side holds, sends on, consults or joins all three (FreeSWITCH): the talk
stays or comes back, nobody is held in silence for ever, slots are free at the end, the record is whole."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np
import pytest

from appliance.store.queries.call_views import CallDetail
from appliance.testphone import IncomingCall, OutgoingCall, Phone
from tests.e2e.live import NUMBER, LiveBox, OtherHandlers, live_box
from tests.e2e.talks import TWO_LINES
from tests.support.audio import cut, tone_absent
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(300)]

CALLERS = itertools.count(1)
SITE = f"""{TWO_LINES}flows:
  - name: rated
    account: acme
    start: ring
    nodes:
      ring: {{type: ring, lines: [first], after: rate}}
      rate: {{type: survey, prompt: tone-800, thanks: tone-1000}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: rated, record_notice: false}}
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    folder = tmp_path_factory.mktemp("dead")
    with live_box(folder, "freeswitch", site=SITE, keep_up=True, media_timeout_s=20) as running:
        yield running


async def until(true: Callable[[], bool], within_s: float = 15.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.1)


class Talking:
    """A caller and the line ``first`` that talks to him; ``second`` is the other line's phone."""

    def __init__(
        self, box: LiveBox, others: OtherHandlers, caller: OutgoingCall, first: Phone, second: Phone
    ) -> None:
        self.box, self.others, self.caller = box, others, caller
        self.first_phone, self.second_phone = first, second
        self.first: IncomingCall
        self.second: IncomingCall

    async def kill(self) -> None:
        """The handlers that have the call die; others are there for what comes next."""
        await asyncio.to_thread(self.others.start)
        self.others.kill_the_boxs()
        await asyncio.sleep(0.3)

    async def first_keys(self, keys: str, then: str = "") -> None:
        await self.first.press(keys)
        if then:
            await asyncio.sleep(1.0)
            await self.first.press(then)

    async def second_answers(self) -> None:
        self.second = await self.second_phone.incoming(20)
        self.second.answer()
        self.second.say(700, loop=True)

    async def record(self, legs: int) -> CallDetail:
        """The stored call with all of its legs."""
        stored = None
        for _ in range(60):
            stored = await asyncio.to_thread(self.box.stored_of, self.caller.caller, 20.0)
            if len(stored.legs) == legs:
                return stored
            await asyncio.sleep(0.2)
        raise AssertionError(f"not {legs} legs: {stored}")

    async def rates(self, mark: str) -> None:
        """The survey comes, and takes a mark."""
        await self.caller.hears(800, 15)
        await self.caller.press(mark)
        await self.caller.hears(1000, 15)
        await self.caller.ended(15)


@pytest.fixture
async def talking(box: LiveBox) -> AsyncIterator[Talking]:
    number = f"137{next(CALLERS):08}"
    with OtherHandlers(box) as others:
        async with Phone() as caller, Phone(port=box.port_a) as first, Phone(port=box.port_b) as second:
            call = await caller.dial(NUMBER, box.sip, caller=number)
            made = Talking(box, others, call, first, second)
            made.first = await first.incoming(15)
            made.first.answer()
            await call.answered(5)
            call.say(500, loop=True)
            made.first.say(900, loop=True)
            await call.hears(900, 10)
            yield made
        for line in ("first", "second"):
            await until(lambda line=line: box.usage(line) == 0)  # type: ignore[misc]


def held_with_music(call: OutgoingCall, hz: float) -> bool:
    """Nothing of the line in the last half second, and no silence."""
    heard = call.heard
    until_s = len(heard) / 8000 - 0.1
    if until_s < 0.6:
        return False
    last = cut(heard, until_s - 0.5, until_s)
    return bool(tone_absent(last, hz, 0.0, 0.5)) and int(np.abs(last.astype(int)).max()) > 300


async def test_in_a_hold(talking: Talking) -> None:
    await talking.first_keys("*1")
    await until(lambda: held_with_music(talking.caller, 900))
    await talking.kill()
    await asyncio.sleep(2.0)
    assert held_with_music(talking.caller, 900), "music goes on"
    await talking.first.press("*1")
    await talking.caller.hears(900, 15)
    # The keys mean again what they did.
    await talking.first_keys("*1")
    await until(lambda: held_with_music(talking.caller, 900))
    await talking.first.hangup()
    await talking.caller.ended(15)
    stored = await talking.record(2)
    assert stored.row.outcome == "answered" and stored.row.bridged_ms > 4000


async def test_while_an_extension_is_asked_for(talking: Talking) -> None:
    for keys in ("*2", "*3"):
        await talking.first.press(keys)
        await asyncio.sleep(0.5)
        if keys == "*2":
            await talking.kill()
        await talking.caller.hears(900, 20)
        await talking.first.hears(500, 10)
    await talking.caller.hangup()
    stored = await talking.record(2)
    assert stored.row.outcome == "answered" and [line for line, _ in stored.talks] == ["first"]


async def test_while_the_line_rings_that_he_was_sent_to(talking: Talking) -> None:
    await talking.first_keys("*2", "802#")
    rung = await talking.second_phone.incoming(20)
    await until(lambda: talking.first.end is not None)
    await talking.kill()
    rung.answer()
    rung.say(700, loop=True)
    await talking.caller.hears(700, 10)
    await rung.hears(500, 10)
    await asyncio.sleep(1.0)
    await rung.hangup()
    await talking.caller.ended(15)  # the survey was in the hands of the dead
    stored = await talking.record(3)
    assert stored.row.outcome == "answered" and [line for line, _ in stored.talks] == ["first", "second"]
    assert sum(ms for _, ms in stored.talks) == pytest.approx(stored.row.bridged_ms, abs=5)


async def test_while_that_line_rings_in_vain(talking: Talking) -> None:
    await talking.first_keys("*2", "802#")
    rung = await talking.second_phone.incoming(20)
    await talking.kill()
    rung.reject(486)
    # Other handlers know where he was to go and who had sent him.
    again = await talking.second_phone.incoming(20)
    again.reject(486)
    await until(lambda: talking.first.end is not None)
    back = await talking.first_phone.incoming(20)
    back.answer()
    back.say(600, loop=True)
    await talking.caller.hears(600, 10)
    await back.hangup()
    await talking.rates("3")
    stored = await talking.record(5)
    assert (stored.row.outcome, stored.mark) == ("answered", "3")


@pytest.mark.parametrize("when", ["rings", "talks"])
async def test_in_a_consulting_that_hands_over(talking: Talking, when: str) -> None:
    await talking.first_keys("*3", "802#")
    rung = await talking.second_phone.incoming(20)
    if when == "rings":
        await talking.kill()
    rung.answer()
    rung.say(700, loop=True)
    await talking.first.hears(700, 10)
    assert held_with_music(talking.caller, 900)
    if when == "talks":
        await talking.kill()
    await talking.first.hangup()
    await talking.caller.hears(700, 15)
    await rung.hears(500, 10)
    await asyncio.sleep(1.0)
    await rung.hangup()
    # He is given to the handlers that are there: the survey is not lost with those that had the call.
    await talking.rates("5")
    stored = await talking.record(3)
    assert (stored.row.outcome, stored.mark) == ("answered", "5")
    assert [line for line, _ in stored.talks] == ["first", "second"]
    assert stored.row.bridged_ms == pytest.approx(sum(ms for _, ms in stored.talks), abs=300)


async def test_in_a_consulting_that_comes_back(talking: Talking) -> None:
    await talking.first_keys("*3", "802#")
    await talking.second_answers()
    await talking.first.hears(700, 10)
    await talking.kill()
    await talking.second.hangup()
    await talking.caller.hears(900, 15)
    await talking.first.hears(500, 10)
    await talking.first.hangup()
    await talking.rates("2")
    stored = await talking.record(3)
    assert (stored.row.outcome, stored.mark) == ("answered", "2")
    assert [line for line, _ in stored.talks] == ["first"]


async def test_in_a_talk_of_three(talking: Talking) -> None:
    await talking.first_keys("*3", "802#")
    await talking.second_answers()
    await talking.first.hears(700, 10)
    began = talking.caller.now
    await talking.first.press("0")
    talking.first.hush()
    await talking.caller.hears(700, 15)
    await talking.kill()
    talking.second.hush()
    talking.first.say(900, loop=True)
    await talking.caller.hears(900, 15)
    await asyncio.sleep(2.0)
    together_s = talking.caller.now - began
    await talking.first.hangup()
    await until(lambda: talking.caller.end is not None or box_has_nobody(talking), 20)
    if talking.caller.end is None:
        await talking.caller.hangup()
    stored = await talking.record(3)
    lines = dict(stored.talks)
    assert set(lines) == {"first", "second"} and lines["second"] > together_s * 800
    # Two lines at once are one talk of the caller's: what is metered is his time, not theirs added up.
    whole = (stored.row.ended_at - stored.row.joined_at).total_seconds() * 1000 if stored.row.joined_at else 0
    assert stored.row.bridged_ms <= whole + 5 < sum(lines.values())


def box_has_nobody(talking: Talking) -> bool:
    return talking.box.usage("first") == talking.box.usage("second") == 0
