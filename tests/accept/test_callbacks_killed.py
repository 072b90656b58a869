"""SIGKILL of the handlers at every step of a callback, on FreeSWITCH: each request has one end, nobody is called
twice, no line is over its limit."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from appliance.domain.callback import Ending
from appliance.testphone import LineScript, Phone
from tests.accept.calling_back import (
    box_of,
    change_terms,
    ended,
    one_call_a_line,
    requests,
    settled,
    stored_calls,
    talk,
)
from tests.e2e.calling_back import HIS, LINES, asks
from tests.e2e.live import NUMBER, LiveBox, OtherHandlers
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(300)]

ANSWERS = LineScript.answer(0.2, say=LINES)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    require_freeswitch()
    with box_of(tmp_path_factory.mktemp("killed"), keep_up=True) as running:
        yield running


async def kill(box: LiveBox, caller: str) -> None:
    """The process that looks after his request dies; another is there for what comes next."""
    owner = requests(box)[caller].owner
    os.kill(int(owner.partition("@")[0]), signal.SIGKILL)
    await asyncio.sleep(1.0)


async def test_while_requests_are_open(box: LiveBox) -> None:
    """Three who asked while the line talked; whoever has started again calls each of them, in their order."""
    callers = ["13900002001", "13900002002", "13900002003"]
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=ANSWERS) as line,
        Phone(port=box.port_b, on_invite=LineScript.answer(0.2, say=HIS)) as his,
        one_call_a_line(box, "first"),
    ):
        busy = await phone.dial(NUMBER, box.sip, caller="13900002000")
        await busy.answered(10)
        await line.incoming(10)
        for caller in callers:
            await asks(box, phone, caller)
        killed = box.parts.pid("handlers")
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(60):
            while box.parts.pid("handlers") == killed:
                await asyncio.sleep(0.1)
        await busy.hangup()
        for caller in callers:
            rung = await line.incoming(30)
            telephone = await his.incoming(15)
            assert (rung.caller, telephone.called) == (caller, caller)
            await talk(telephone, rung)
            assert (await ended(box, caller)).ending is Ending.REACHED
        await asyncio.sleep(5.0)
        assert len(his.calls) == 3 and len(line.calls) == 4
    assert [requests(box)[caller].attempts for caller in callers] == [1, 1, 1]
    await settled(box, "first")


@pytest.mark.parametrize("line_takes", [True, False])
async def test_while_the_line_rings(box: LiveBox, line_takes: bool) -> None:
    caller = "1390000211" + str(int(line_takes))
    with OtherHandlers(box) as others:
        await asyncio.to_thread(others.start)
        async with (
            Phone() as phone,
            Phone(port=box.port_a) as line,
            Phone(port=box.port_b, on_invite=LineScript.answer(0.2, say=HIS)) as his,
            one_call_a_line(box, "first"),
        ):
            line.on_invite = LineScript.busy()
            await asks(box, phone, caller)
            line.on_invite = None
            async with asyncio.timeout(20):
                while (rung := await line.incoming(15)).end is not None:
                    pass  # it was busy while he asked
            await kill(box, caller)
            if not line_takes:
                rung.reject(486)
                rung = await line.incoming(20)
            rung.answer()
            rung.say(LINES, loop=True)
            await talk(await his.incoming(15), rung)
            request = await ended(box, caller)
            await asyncio.sleep(5.0)
            assert len(his.calls) == 1
    assert (request.ending, request.attempts) == (Ending.REACHED, 1)
    await settled(box, "first")


@pytest.mark.parametrize("when", ["rings", "rings in vain", "talks"])
async def test_while_he_is_called(box: LiveBox, when: str) -> None:
    """Killed as his telephone rings, or in his talk; the record says whether the two had talked."""
    caller = "1390000212" + str(["rings", "rings in vain", "talks"].index(when))
    with OtherHandlers(box) as others:
        await asyncio.to_thread(others.start)
        async with (
            Phone() as phone,
            Phone(port=box.port_a, on_invite=ANSWERS) as line,
            Phone(port=box.port_b) as his,
            one_call_a_line(box, "first"),
        ):
            change_terms(box, gap_seconds=3)
            busy = await phone.dial(NUMBER, box.sip, caller="13900002000")
            await busy.answered(10)
            await asks(box, phone, caller)
            await busy.hangup()
            telephone = await his.incoming(20)
            if when == "talks":
                telephone.answer()
                telephone.say(HIS, loop=True)
                await telephone.hears(LINES, 10)
            await kill(box, caller)
            if when == "rings in vain":
                telephone.reject(486)
                telephone = await his.incoming(40)
            if when != "talks":
                telephone.answer()
                telephone.say(HIS, loop=True)
            await talk(telephone, None)
            request = await ended(box, caller)
            await asyncio.sleep(5.0)
            assert len(his.calls) == (2 if when == "rings in vain" else 1)
            assert len(line.calls) == 1 + len(his.calls)
    assert (request.ending, request.attempts) == (Ending.REACHED, len(his.calls))
    assert stored_calls(box, request) == len(his.calls)
    await settled(box, "first")
