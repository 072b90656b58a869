"""A call that nobody ends: the appliance does, at its limit, also when the handlers that took it have died."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from appliance.testphone import LineScript, Phone
from tests.e2e.live import NUMBER, live_box

MAX_S = 12


@pytest.mark.parametrize("handlers", ["come-again", "stay-dead"])
async def test_a_talk_without_end(switch: str, tmp_path: Path, handlers: str) -> None:
    again = handlers == "come-again"
    dies = () if again else ("handlers",)
    with live_box(tmp_path, switch, keep_up=again, dies=dies, max_call_s=MAX_S) as box:
        async with Phone() as caller, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)):
            began = time.monotonic()
            call = await caller.dial(NUMBER, box.sip, caller="13900000001")
            await call.answered(10)
            await call.hears(1750, 5)
            await call.press("7")
            call.say(600.0)
            await call.hears(900)
            await asyncio.to_thread(os.kill, box.parts.pid("handlers"), signal.SIGKILL)
            end = await call.ended(MAX_S + 10)
        # The switch counts whole seconds, and looks at its timers every half second.
        assert MAX_S - 1.5 < time.monotonic() - began < MAX_S + 2.5
        assert end.by == "them"
        one = await asyncio.to_thread(box.stored_of, "13900000001")
    assert one.row.outcome == "answered"
    assert one.row.bill_ms <= (MAX_S + 2) * 1000
