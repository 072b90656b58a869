"""What a look at many calls costs: at real ones, held on FreeSWITCH, and at a thousand that a list only names.

Figures are printed (``pytest -s``). ``ACCEPT_HELD`` says how many real calls are held. Music costs the switch half
a hundredth of a core each, far more than being looked at: three hundred fill a machine of two cores with others on
it, and a switch that has no CPU left answers nobody in time.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from appliance import bootstrap
from appliance.domain.live.board import Known, board
from appliance.domain.live.calls import LiveCall, calls_of, followed, sorted_legs
from appliance.domain.routing import Line, RoutingTable, Trunk
from appliance.live.look import Look
from appliance.live.read import LiveSource
from appliance.live.snapshot import read, written
from appliance.reference.workdays import day_kind
from appliance.store.names import Names
from appliance.testphone import LineScript, Phone
from tests.accept.test_queue import NUMBER, RATE, held_by_sipp, site
from tests.e2e.live import LiveBox, live_box
from tests.live.test_look import FakeSwitch, row
from tests.support.freeswitch import require_freeswitch
from tests.support.sipp import SippResult, require_sipp

pytestmark = [pytest.mark.accept, pytest.mark.timeout(600)]

HELD = int(os.environ.get("ACCEPT_HELD", "160"))
_MEASURED_S = 10.0


def hold(box: LiveBox, first: int, count: int) -> SippResult:
    """Callers who wait until they are hung up."""
    callers = [f"138{index:08}" for index in range(first, first + count)]
    return held_by_sipp(box, callers)


def hang_up_all(box: LiveBox) -> None:
    with bootstrap.switch_api(box.settings) as api:
        for one in json.loads(api("show channels as json"))["rows"]:
            if one["direction"] == "inbound":
                api(f"uuid_kill {one['uuid']}")


def used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def a_viewer(box: LiveBox, ages: list[float], counts: list[int]) -> Iterator[None]:
    """Asks every second, as a page does."""
    stop, source = Event(), LiveSource(box.settings.live_socket, bootstrap.utc_now)

    def watch() -> None:
        while not stop.wait(1.0):
            seen = source.latest(None)
            if seen.published and seen.switch_up:
                ages.append((bootstrap.utc_now() - seen.at).total_seconds())
                counts.append(len(seen.calls))
            else:
                print(f"at {seen.at:%H:%M:%S.%f}: published {seen.published}, switch {seen.switch_up}")

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


async def shares(switch: psutil.Process, publisher: psutil.Process) -> tuple[float, float]:
    """CPU of switch and publisher while it is measured, in hundredths of a core."""
    began, before = time.monotonic(), (used(switch), used(publisher))
    await asyncio.sleep(_MEASURED_S)
    lasted = time.monotonic() - began
    one, other = (
        100 * (used(process) - was) / lasted for process, was in zip((switch, publisher), before, strict=True)
    )
    return one, other


@pytest.mark.freeswitch
async def test_hundreds_of_real_calls(tmp_path: Path) -> None:
    """One line is taken for as long as it lasts; everybody else waits with music."""
    require_freeswitch()
    require_sipp()
    text = site(lines=1, announce_seconds=0, max_length=0)
    with live_box(
        tmp_path, "freeswitch", site=text, media_timeout_s=900, max_calls=HELD + 100, calls_per_second=100
    ) as box:
        switch, publisher = (psutil.Process(box.parts.pid(part)) for part in ("switch", "live"))
        async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=None)):
            await (await phone.dial(NUMBER, box.sip, caller="13900000001")).answered(20)
            held, holding = 0, []
            for wanted in (HELD // 4, HELD):
                holding.append(asyncio.create_task(asyncio.to_thread(hold, box, held, wanted - held)))
                await asyncio.sleep((wanted - held) / RATE + 5)
                held = wanted
                alone, _ = await shares(switch, publisher)
                ages: list[float] = []
                counts: list[int] = []
                with a_viewer(box, ages, counts):
                    await asyncio.sleep(3.0)  # the first look reads every leg's facts
                    ages.clear()
                    watched, own = await shares(switch, publisher)
                assert ages, f"nothing was told:\n{box.parts.log('live')[-3000:]}"
                ages.sort()
                print(
                    f"{counts[-1]} calls: age {ages[len(ages) // 2]:.2f} s at the median, {ages[-1]:.2f} s at most;"
                    f" of a core: publisher {own:.1f} %, switch {watched:.1f} %, of which for being watched"
                    f" {watched - alone:.1f} %"
                )
                assert counts[-1] >= wanted
                assert ages[len(ages) // 2] < 1.0
                await asyncio.sleep(6.0)  # nobody watches any more
            await asyncio.to_thread(hang_up_all, box)
            for one in holding:
                (await one).check(int((await one).created))
            source = LiveSource(box.settings.live_socket, bootstrap.utc_now)
            deadline = time.monotonic() + 10
            while (
                left := len((await asyncio.to_thread(source.latest, None)).calls)
            ) and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
            assert left == 0, "ghosts"


def many(count: int) -> FakeSwitch:
    """A switch that says it has so many talks, as FreeSWITCH lists them: a row for each pair."""
    made = FakeSwitch()
    for index in range(count):
        caller, line = f"a-{index}", f"b-{index}"
        who = f"caller=138{index:08}&caller_kind=mobile"
        facts = f"number=4008001234&account=east&trunk=t&{who}&flow=main%402&node=desk"
        other = {f"b_{name}": value for name, value in row(line, "outbound", call_uuid=caller).items()}
        made.rows.append(
            row(caller, application="bridge", application_data="x" * 60, call_created_epoch="1795600803") | other
        )
        made.variables[caller] = {"gw_facts": facts}
        made.variables[line] = {"gw_facts": facts, "gw_line": f"line-{index % 50}", "gw_call": caller}
    return made


def looked(count: int) -> tuple[float, float, int, int]:
    """CPU of the first look and of a quiet one, in ms; questions of the quiet one; bytes of what is told."""
    switch, now = many(count), datetime.now(UTC)
    lines = {f"line-{index}": Line(f"line-{index}", "east", "02160000001", "t") for index in range(50)}
    known = Known(RoutingTable(1, (Trunk("t", (), proxy="x:1"),), lines, {}), now, day_kind)
    look = Look(switch)
    before: dict[str, LiveCall] | None = None
    cost = []
    for _ in range(6):
        switch.asked.clear()
        began = time.process_time()
        callers, legs = sorted_legs(look.legs())
        before = followed(calls_of(callers, legs), before, now)
        told = written(board(list(before.values()), legs, known), Names(), now, None)
        cost.append(1000 * (time.process_time() - began))
    assert before is not None and len(read(told).calls) == len(before) == count
    assert all(call.stage == "talking" for call in before.values())
    return cost[0], min(cost[1:]), len(switch.asked), len(told)


def test_a_thousand_calls_cost_four_times_what_a_quarter_of_them_does() -> None:
    figures = {count: looked(count) for count in (250, 1000, 4000)}
    for count, (first, quiet, questions, size) in figures.items():
        print(
            f"{count} talks: first look {first:.0f} ms, a quiet one {quiet:.1f} ms ({quiet / 5:.1f} % of a core"
            f" at two a second), {questions} questions, {size / 1000:.0f} kB"
        )
    for fewer, more in ((250, 1000), (1000, 4000)):
        assert figures[more][1] < 8 * figures[fewer][1], "it grows as the calls do"
    assert figures[1000][2] == figures[4000][2] <= 30, "what has not moved is not asked for"
    assert figures[1000][1] < 250, "a look every half second leaves it more than half of its core"
