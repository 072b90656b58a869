"""SIGKILL of FreeSWITCH while somebody is called back: what is left of the call is stored, and he is called once
more only where the two had not talked."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import select

from appliance.domain.callback import Ending
from appliance.store.begun import BegunCalls
from appliance.store.journal_file import JournalFile
from appliance.store.models import Call
from appliance.store.queries import Scope, reading
from appliance.testphone import IncomingCall, LineScript, Phone
from tests.accept.calling_back import box_of, ended, requests, talk
from tests.e2e.calling_back import HIS, LINES, asks
from tests.e2e.live import LiveBox
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(240)]

ANSWERS = LineScript.answer(0.2, say=LINES)


@pytest.fixture
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    with box_of(tmp_path_factory.mktemp("killed"), keep_up=True, lost_after_s=3) as running:
        yield running


def stored(box: LiveBox, callback_id: str) -> list[Call]:
    """Calls that were made for a request, the first one first."""
    with reading(box.store, Scope(None)) as reader:
        return list(reader.scalars(select(Call).where(Call.callback_id == callback_id).order_by(Call.started_at)))


async def until_stored(box: LiveBox, callback_id: str, outcome: str) -> Call:
    async with asyncio.timeout(40):
        while True:
            for call in await asyncio.to_thread(stored, box, callback_id):
                if call.outcome == outcome:
                    return call
            await asyncio.sleep(0.3)


async def is_known_to_talk(box: LiveBox) -> None:
    """Until the collector has seen that a call back is joined."""
    async with asyncio.timeout(20):
        while True:
            with closing(JournalFile(box.settings.journal_file, reads_only=True)) as file:
                if any(one.joined_at is not None for one in BegunCalls(file).open() if "callback=" in one.facts):
                    return
            await asyncio.sleep(0.2)


async def kill_switch(box: LiveBox, *calls: IncomingCall) -> float:
    killed = box.parts.pid("switch")
    at = time.time()
    os.kill(killed, signal.SIGKILL)
    for call in calls:
        call.vanish()
    async with asyncio.timeout(60):
        while box.parts.pid("switch") == killed:
            await asyncio.sleep(0.2)
    return at


async def calls_back(line: Phone, his: Phone) -> tuple[IncomingCall, IncomingCall]:
    async with asyncio.timeout(40):
        while (rung := await line.incoming(30)).end is not None:
            pass  # it was busy while he asked
    return rung, await his.incoming(30)


@pytest.mark.parametrize("talks", [True, False])
async def test_in_a_call_back(box: LiveBox, talks: bool) -> None:
    caller = "13900002901"
    async with (
        Phone() as phone,
        Phone(port=box.port_a) as line,
        Phone(port=box.port_b) as his,
    ):
        line.on_invite = LineScript.busy()
        await asks(box, phone, caller)
        line.on_invite = ANSWERS
        rung, telephone = await calls_back(line, his)
        request = requests(box)[caller]
        if talks:
            telephone.answer()
            telephone.say(HIS, loop=True)
            await telephone.hears(LINES, 10)
            await is_known_to_talk(box)
        else:
            await asyncio.sleep(3.0)
        killed_at = await kill_switch(box, rung, telephone)
        call = await until_stored(box, request.id, "abnormal")
        assert (call.caller, call.number, call.line_id) == (caller, request.number, "first")
        assert abs(call.ended_at.timestamp() - killed_at) < 4 and call.answered_at is not None
        assert (call.joined_at is not None) is talks
        if talks:
            assert (await ended(box, caller)).ending is Ending.REACHED
            await asyncio.sleep(5.0)
            assert len(his.calls) == 1, "he is not called again"
            return
        rung, telephone = await calls_back(line, his)
        telephone.answer()
        telephone.say(HIS, loop=True)
        await talk(telephone, rung)
        assert (await ended(box, caller)).ending is Ending.REACHED
    with closing(JournalFile(box.settings.journal_file, reads_only=True)) as file:
        async with asyncio.timeout(10):
            while BegunCalls(file).open():
                await asyncio.sleep(0.2)
