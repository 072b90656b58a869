"""The busy-line queue under load, on FreeSWITCH: in turn, with music, and through the death of the handlers.

Figures are printed (``pytest -s``); their limits are the issue's.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from appliance.domain.speech import position_prompts
from appliance.testphone import IncomingCall, LineScript, OutgoingCall, Phone
from tests.e2e.live import LiveBox, live_box
from tests.support.audio import longest_silence, segments
from tests.support.freeswitch import require_freeswitch
from tests.support.sipp import SippResult, require_sipp, run_sipp

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(900)]

NUMBER, VIP = "4008001234", "13900000000"
LINES = 5


def site(lines: int = LINES, **queue: object) -> str:
    """Lines that serve one queue, where a number leads straight away."""
    fields = {"wrap_up_seconds": 0, "announce_seconds": 0, "rest_seconds": 2, "max_wait_seconds": 3600} | queue
    told = ", ".join(f"{name}: {value}" for name, value in fields.items())
    ids = [f"line{index}" for index in range(lines)]
    bound = "\n".join(
        f'  - {{id: {one}, account: acme, number: "0216000{index:04}", kind: landline, trunk: out, max_calls: 1}}'
        for index, one in enumerate(ids)
    )
    return f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
{bound}
lists:
  - {{id: vip, account: acme, entries: ["{VIP}"]}}
queues:
  - {{id: desk, account: acme, name: 服务台, lines: [{", ".join(ids)}], strategy: longest-idle, {told}}}
flows:
  - name: front
    account: acme
    start: wait
    nodes:
      wait: {{type: queue, queue: desk}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record: "off", rules: {{white_lists: [vip]}}}}
"""


@contextmanager
def box_of(folder: Path, text: str, **overrides: object) -> Iterator[LiveBox]:
    require_freeswitch()
    with live_box(folder, "freeswitch", site=text, keep_up=True, **overrides) as running:
        yield running


@dataclass
class Desk:
    """The lines' phones: who was rung, for whom, when; each answers and talks as long as the dice say."""

    dice: random.Random
    talk_s: tuple[float, float]
    rung: list[tuple[float, str, str]] = field(default_factory=list)
    busy: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    answers_after_s: float = 0.2

    def behave(self, call: IncomingCall) -> LineScript:
        self.rung.append((time.monotonic(), call.called, call.caller))
        return LineScript.answer(self.answers_after_s, say=900, hang_up_after=self.dice.uniform(*self.talk_s))


def stays(box: LiveBox, count: int, within_s: float = 20) -> list[tuple[str, str, float, int]]:
    """(caller, how he left, when he came, ms waited) of every stay, as soon as there are so many."""
    file = box.settings.database_url.removeprefix("sqlite:///")
    query = (
        "SELECT calls.caller, left_how, entered_at, wait_ms FROM queue_stays"
        " JOIN calls ON calls.uuid = queue_stays.call_uuid ORDER BY entered_at"
    )
    deadline = time.monotonic() + within_s
    while True:
        with closing(sqlite3.connect(file, timeout=5)) as database:
            rows = database.execute(query).fetchall()
        if len(rows) >= count or time.monotonic() > deadline:
            return rows
        time.sleep(0.2)


@asynccontextmanager
async def phones(count: int) -> AsyncIterator[list[Phone]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Phone()) for _ in range(count)]


async def dial_all(
    box: LiveBox, callers: list[Phone], count: int, pause_s: float = 0.05, caller: str = "138{:08}"
) -> list[OutgoingCall]:
    """Callers, one after the other, each with a number of his own."""
    made = []
    for index in range(count):
        call = await callers[index % len(callers)].dial(NUMBER, box.sip, caller=caller.format(index))
        await call.answered(10)
        made.append(call)
        await asyncio.sleep(pause_s)
    return made


async def over(calls: list[OutgoingCall], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        for call in calls:
            await call.ended(within_s)


async def test_sixty_callers_and_five_lines_in_turn(tmp_path: Path) -> None:
    """Served by priority and arrival; no line is rung for a caller who left, none twice at once."""
    dice = random.Random(60)
    desk = Desk(dice, (0.5, 4.0))
    with box_of(tmp_path, site()) as box:
        async with phones(4) as callers, Phone(port=box.port_a, on_invite=desk.behave):
            calls = await dial_all(box, callers, 50, 0.02)
            vips = [await callers[0].dial(NUMBER, box.sip, caller=VIP) for _ in range(2)]
            for vip in vips:
                await vip.answered(10)
            calls += await dial_all(box, callers, 8, 0.02, "137{:08}")
            left: dict[str, float] = {}
            for index in (20, 31, 44):
                await calls[index].hangup()
                left[f"138{index:08}"] = time.monotonic()
            await over([*calls, *vips], 120)
            rows = stays(box, 60)
        assert sum(box.usage(f"line{index}") for index in range(LINES)) == 0
    ends = Counter(how for _, how, _, _ in rows)
    assert ends == {"answered": 57, "abandoned": 3}
    order = [caller for _, _, caller in desk.rung]
    assert len(order) == len(set(order)) + 1, "each was rung for once, the two VIPs have one number"
    assert not set(left) & set(order), "a line rang for a caller who had left"
    came = [caller for caller, how, _, _ in rows if how == "answered" and caller != VIP]
    # Five are chosen at once and may ring in any order; nobody passes more than those beside him.
    served = [caller for caller in order if caller != VIP]
    passed = [abs(served.index(caller) - at) for at, caller in enumerate(came)]
    assert max(passed) <= LINES - 1, passed
    waited = order.index(VIP)
    assert waited < 20, f"a VIP who came as the 51st was served as the {waited + 1}th"
    for line in {called for _, called, _ in desk.rung}:
        times = [at for at, called, _ in desk.rung if called == line]
        assert all(later - sooner >= 0.5 for sooner, later in pairwise(times)), "rung while it talked"


async def test_fifty_wait_and_handlers_are_killed_twenty_times(tmp_path: Path) -> None:
    """Every one is joined or told, none loses his place, nobody waits in silence beyond three seconds."""
    rounds, waiting = int(os.environ.get("ACCEPT_ROUNDS", "20")), 50
    desk = Desk(random.Random(50), (1.0, 3.0))
    with box_of(tmp_path, site(lines=2)) as box:
        async with phones(3) as callers, Phone(port=box.port_a, on_invite=desk.behave):
            calls = await dial_all(box, callers, waiting)
            pauses = random.Random(1)
            for _ in range(rounds):
                os.kill(box.parts.pid("handlers"), signal.SIGKILL)
                await asyncio.sleep(pauses.uniform(2.5, 4.0))
            await over(calls, 240)
            rows = stays(box, waiting)
            silences = sorted(longest_silence(call.heard) for call in calls)
    assert Counter(how for _, how, _, _ in rows) == {"answered": waiting}
    order = [caller for _, _, caller in desk.rung]
    assert len(set(order)) == waiting
    first = list(dict.fromkeys(order))
    passed = [abs(first.index(f"138{index:08}") - index) for index in range(waiting)]
    print(f"{rounds} kills: {max(passed)} passed at most; longest silence {silences[-1]:.2f} s")
    assert max(passed) <= 3
    assert silences[-1] <= 3.0


async def test_three_hundred_wait_with_music(tmp_path: Path) -> None:
    """Memory of the handlers, gaps of sound where a position is told, and joining in turn."""
    require_sipp()
    held, listening = int(os.environ.get("ACCEPT_HELD", "300")), 20
    desk = Desk(random.Random(300), (0.5, 1.0))
    text = site(lines=3, announce_seconds=10, max_length=0)
    _tones(tmp_path / "prompts" / "acme")
    with box_of(tmp_path, text, media_timeout_s=900) as box:
        handlers = psutil.Process(box.parts.pid("handlers"))
        async with phones(1) as callers, Phone(port=box.port_a, on_invite=desk.behave):
            # Whoever is here first talks for as long as the others come.
            desk.talk_s = (60.0, 60.0)
            first = await dial_all(box, callers, 3)
            await asyncio.sleep(1)
            before = handlers.memory_info().rss
            waiting = [f"138{index:08}" for index in range(3, held - listening)]
            sipp = asyncio.create_task(asyncio.to_thread(held_by_sipp, box, waiting))
            await asyncio.sleep(len(waiting) / RATE + 1)
            desk.talk_s = (0.5, 1.0)
            heard = await dial_all(box, callers, listening, 0.02, "137{:08}")
            grown = (handlers.memory_info().rss - before) / (held - 3) / 1000
            await asyncio.sleep(25)
            told = [_pauses(call) for call in heard]
            gaps, usual = ([gap for one in told for gap in one[kind]] for kind in (0, 1))
            announced = len(gaps) // 2
            await over([*first, *heard], 500)
            (await sipp).check(len(waiting))
    print(
        f"{held} held: {grown:.0f} kB a call; {announced} announcements to {listening} callers; pause at their"
        f" beginnings and ends: 99th percentile {np.percentile(gaps, 99):.0f} ms, longest {max(gaps):.0f} ms;"
        f" in as many pieces of mere music: {np.percentile(usual, 99):.0f} and {max(usual):.0f} ms"
    )
    assert grown <= 100
    assert announced >= 2 * listening
    assert np.percentile(gaps, 99) <= 60 and max(gaps) <= 200
    order = [caller for _, _, caller in desk.rung]
    came = [
        *(f"138{index:08}" for index in range(held - listening)),
        *(f"137{index:08}" for index in range(listening)),
    ]
    assert max(abs(order.index(caller) - at) for at, caller in enumerate(came)) <= 3


#: Callers of SIPp a second.
RATE = 20


def held_by_sipp(box: LiveBox, callers: list[str]) -> SippResult:
    """SIPp's callers: nobody listens to what they hear, so that a test's machine can hold them."""
    count = len(callers)
    return run_sipp(
        "caller-waits.xml",
        box.sip,
        service=NUMBER,
        calls=count,
        rate=RATE,
        at_once=count,
        timeout=600,
        callers=callers,
    )


def _tones(folder: Path) -> None:
    """Music and announcements without a pause of their own."""
    folder.mkdir(parents=True)
    said = {name for place in range(1, 400) for name in position_prompts(place, place % 61)}
    for name in {*said, "queue-busy", "hold-music"}:
        at = np.arange(8000 * 24 if name == "hold-music" else 3200) / 8000
        samples = 0.3 * np.sin(2 * np.pi * (500 if name == "hold-music" else 800) * at)
        soundfile.write(folder / f"{name}.wav", samples.astype("float32"), 8000, subtype="PCM_16")


#: Seconds on both sides of a moment in which a pause is looked for.
_AROUND_S = 0.6


def _pauses(call: OutgoingCall) -> tuple[list[float], list[float]]:
    """The longest pause, in ms, around each beginning and end of an announcement; and around as many moments of
    mere music, where none is due: what is found there is the machine's."""
    said = segments(call.heard, 800, gap_s=0.1)
    edges = [edge for piece in said for edge in piece]
    between = [
        sooner[1] + 2 * _AROUND_S for sooner, later in pairwise(said) if later[0] - sooner[1] > 4 * _AROUND_S
    ]
    around = [_pause(call, at - _AROUND_S, at + _AROUND_S) for at in edges]
    return around, [_pause(call, at, at + 2 * _AROUND_S) for at in between]


def _pause(call: OutgoingCall, begin_s: float, end_s: float) -> float:
    """The longest pause between two moments, in ms, to the sample."""
    piece = np.asarray(call.heard[round(max(0.0, begin_s) * 8000) : round(end_s * 8000)], dtype=float)
    loud = np.flatnonzero(np.abs(piece) > 60)
    return float(np.diff(loud).max()) / 8 if len(loud) > 1 else len(piece) / 8
