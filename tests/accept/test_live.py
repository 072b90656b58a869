"""What it costs the switch to be watched: by nobody, by one, by fifty; and how old what they see is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from appliance import bootstrap
from appliance.live.read import LiveSource
from appliance.testphone import LineScript, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box, site_text
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(300)]

CALLS, WATCHED_S = 20, 12.0


@contextlib.contextmanager
def viewers(box: LiveBox, count: int, ages: list[float]) -> Iterator[None]:
    """So many who ask every second, each for itself, as consoles of their own would."""
    stop = threading.Event()

    def watch() -> None:
        source = LiveSource(box.settings.live_socket, bootstrap.utc_now)
        while not stop.is_set():
            seen = source.latest(None)
            assert seen.published
            assert len(seen.calls) == CALLS
            ages.append((bootstrap.utc_now() - seen.at).total_seconds())
            stop.wait(1.0)

    threads = [threading.Thread(target=watch) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


async def test_fifty_viewers_cost_the_switch_what_one_does(tmp_path: Path) -> None:
    require_freeswitch()
    site = site_text(1, 2, max_calls=0, number="lines: [first]").replace(':1"', ':@A@"').replace(':2"', ':@B@"')
    figures: dict[int, float] = {}
    ages: dict[int, list[float]] = {0: [], 1: [], 50: []}
    with live_box(tmp_path, "freeswitch", site=site) as box:
        switch, publisher = (psutil.Process(box.parts.pid(part)) for part in ("switch", "live"))
        async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=None)):
            calls = [await phone.dial(NUMBER, box.sip, caller=f"1371111{n:04}") for n in range(CALLS)]
            for call in calls:
                await call.answered(20)
            for count in (0, 1, 50):
                with viewers(box, count, ages[count]):
                    await asyncio.sleep(2.0)  # the first look reads every leg's facts
                    ages[count].clear()
                    began, used, own = time.monotonic(), cpu(switch), cpu(publisher)
                    await asyncio.sleep(WATCHED_S)
                    lasted = time.monotonic() - began
                    figures[count] = 1000 * (cpu(switch) - used) / lasted
                    own = 1000 * (cpu(publisher) - own) / lasted
                    print(f"{count:2} viewers of {CALLS} calls, CPU a second:", end=" ")
                    print(f"switch {figures[count]:.1f} ms, publisher {own:.1f} ms")
                await asyncio.sleep(6.0)  # nobody watches any more
            for call in calls:
                await call.hangup()
    for count in (1, 50):
        sample = sorted(ages[count])
        print(f"{count:2} viewers: median age {sample[len(sample) // 2]:.2f} s, oldest {sample[-1]:.2f} s")
    # The talks themselves cost more than the looks; what fifty add to one is noise.
    assert figures[50] - figures[1] < 0.5 * figures[1] + 10
    assert sorted(ages[50])[int(0.95 * len(ages[50]))] < 1.0
