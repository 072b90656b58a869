"""The live state of real calls: where each stands, and that it is gone when it is; missed ones become tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sqlalchemy import select

from appliance import bootstrap
from appliance.live.read import LiveSource
from appliance.live.snapshot import Row, Snapshot
from appliance.store.models import Task
from appliance.testphone import LineScript, Phone
from tests.e2e.live import NUMBER, LiveBox


async def seen(box: LiveBox, wanted: Callable[[Snapshot], object], within_s: float = 10.0) -> Snapshot:
    """The live state, as soon as it is as wanted."""
    source = LiveSource(box.settings.live_socket, bootstrap.utc_now)
    deadline = time.monotonic() + within_s
    last = None
    while time.monotonic() < deadline:
        last = await asyncio.to_thread(source.latest, None)
        if last.published and wanted(last):
            return last
        await asyncio.sleep(0.1)
    raise AssertionError(f"never: {last}\n{box.parts.log('live')[-2000:]}")


def of(caller: str) -> Callable[[Snapshot], list[Row]]:
    """A caller's calls."""
    return lambda snapshot: [call for call in snapshot.calls if call["caller"] == caller]


def stands(caller: str, stage: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: [call["stage"] for call in of(caller)(snapshot)] == [stage]


def line(snapshot: Snapshot, name: str) -> Row:
    return next(one for one in snapshot.lines if one["id"] == name)


def trunk(snapshot: Snapshot, name: str) -> int:
    return sum(next(one for one in snapshot.trunks if one["id"] == name)["channels"].values())


async def test_a_call_is_followed_from_the_menu_to_its_end(box: LiveBox) -> None:
    caller = "13711110001"
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=LineScript.answer(1.5, say=900.0)),
        Phone(port=box.port_b, on_invite=LineScript.busy()),
    ):
        await seen(box, lambda now: now.switch_up, 20)
        call = await phone.dial(NUMBER, box.sip, caller=caller)
        await call.answered(10)
        found = await seen(box, stands(caller, "flow"))
        (menu,) = of(caller)(found)
        assert (menu["account"], menu["number"], menu["trunk"], menu["node"]) == ("acme", NUMBER, "inbound", "ask")
        assert trunk(found, "inbound") >= 1

        await call.press("7")
        found = await seen(box, stands(caller, "ringing"))
        (ringing,) = of(caller)(found)
        assert (ringing["lines"], ringing["recorded"]) == (["first"], False)
        assert (line(found, "first")["state"], line(found, "first")["calls"]) == ("ringing", 1)
        assert trunk(found, "to-a") == 1

        found = await seen(box, stands(caller, "talking"))
        (talking,) = of(caller)(found)
        assert (talking["lines"], talking["recorded"]) == (["first"], True)
        assert line(found, "first")["state"] == "talking"

        await call.hangup()
        found = await seen(box, lambda now: not of(caller)(now) and line(now, "first")["calls"] == 0)
        assert line(found, "first")["state"] == "free"


async def test_a_missed_call_is_a_task_until_he_is_reached(box: LiveBox) -> None:
    caller = "13711110002"

    async def task(is_open: bool, calls: int) -> Task:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            with box.store.reading() as session:
                for one in session.scalars(select(Task).where(Task.caller == caller)):
                    if (one.closed_at is None) is is_open and one.calls == calls:
                        return one
            await asyncio.sleep(0.1)
        raise AssertionError(f"no such task; collector says:\n{box.parts.log('collector')[-2000:]}")

    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=LineScript.busy()),
        Phone(port=box.port_b, on_invite=LineScript.busy()),
    ):
        for count in (1, 2):
            call = await phone.dial(NUMBER, box.sip, caller=caller)
            await call.answered(10)
            await call.press("8")
            await call.ended(20)
            missed = await task(is_open=True, calls=count)
            assert (missed.account_id, missed.number) == ("acme", NUMBER)
    async with Phone() as phone, Phone(port=box.port_b, on_invite=LineScript.answer(0.2, say=900.0)):
        call = await phone.dial(NUMBER, box.sip, caller=caller)
        await call.answered(10)
        await call.press("8")
        await call.hears(900)
        await call.hangup()
        reached = await task(is_open=False, calls=2)
        assert reached.id == missed.id
        assert reached.closing_call
        assert reached.closing_call not in (reached.first_call, reached.last_call)
