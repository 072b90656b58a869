"""A running FreeSWITCH takes what is rendered: profiles that are new, gateways that changed, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from appliance.errors import SwitchError
from appliance.ops.reload import TAKEN, Reloaded, reload
from appliance.site.switchparts import Gateway
from appliance.site.switchparts import Phone as PhonePart
from appliance.testphone import LineScript, Phone
from tests.support.freeswitch_server import FreeSwitch
from tests.support.ports import free_udp_port

DESK = PhonePart("desk", "0" * 32)


def changed(switch: FreeSwitch, **parts: object) -> Reloaded:
    """Render with other parts and have it taken."""
    for name, value in parts.items():
        setattr(switch, name, value)
    switch.configure()
    return reload(switch.folder / "conf", switch.api)


def status(switch: FreeSwitch, gateway: str) -> str:
    return switch.api(f"sofia xmlstatus gateway {gateway}")


def until_known(switch: FreeSwitch, *wanted: str) -> None:
    """Until just these of three gateways are there: one that is let go goes a moment later."""
    deadline = time.monotonic() + 10
    while {name for name in ("first", "second", "third") if "<ping" in status(switch, name)} != set(wanted):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.freeswitch
async def test_a_first_phone_and_a_first_translated_trunk_end_no_call(tmp_path: Path) -> None:
    """One story: FreeSWITCH takes a while to start."""
    one, two = Gateway("first", "127.0.0.1:9", 5), Gateway("second", "127.0.0.1:9", 5)
    with FreeSwitch(tmp_path, gateways=[one], sip_external_host="203.0.113.5") as switch:
        async with Phone(on_invite=LineScript.answer(0.1)) as line:
            talk = f"originate sofia/gateway400/1@127.0.0.1:{line.port} &playback(silence_stream://-1)"
            await asyncio.to_thread(switch.api, talk, 10.0)
            began = await asyncio.to_thread(changed, switch)
            assert began.done == ("reloadxml", "reloadacl", "gateway400: gateways read again")
            # The phones' port, and the one for trunks behind an address translation, are opened as they are needed.
            nat = Gateway("third", "127.0.0.1:9", 5, behind_nat=True)
            opened = await asyncio.to_thread(changed, switch, phones=(DESK,), outside=True, gateways=(one, nat))
            assert [line.split(": ")[0] for line in opened.done[2:]] == ["outside", "phones"]
            assert all(": started at 127.0.0.1:" in line for line in opened.done[2:]) and opened.waits == ()
            await asyncio.to_thread(until_known, switch, "first", "third")
            # Nothing changed, nothing done: a registration that holds is not made anew.
            again = await asyncio.to_thread(changed, switch)
            assert again.done == ("reloadxml", "reloadacl")
            # Only the trunk that changed is read again, and one that is gone is let go.
            moved = Gateway("first", "127.0.0.1:19", 7)
            some = await asyncio.to_thread(changed, switch, gateways=(moved, two))
            assert some.done[2:] == ("gateway400: gateways read again", "outside: gateways read again")
            await asyncio.to_thread(until_known, switch, "first", "second")
            assert "sip:127.0.0.1:19" in status(switch, "first")
            # What nobody needs any more stays: stopping a profile would end its calls.
            gone = await asyncio.to_thread(changed, switch, phones=(), outside=False, gateways=(moved, two))
            assert [line.split(":")[0] for line in gone.waits] == ["outside", "phones"]
            assert switch.channels() == 1 and line.calls[0].end is None


@pytest.mark.accept
@pytest.mark.freeswitch
async def test_a_profile_that_moves_waits_for_its_calls(tmp_path: Path) -> None:
    with FreeSwitch(tmp_path, phones=[DESK]) as switch:
        async with Phone(on_invite=LineScript.answer(0.1)) as line:
            talk = f"originate sofia/phones/1@127.0.0.1:{line.port} &playback(silence_stream://-1)"
            await asyncio.to_thread(switch.api, talk, 10.0)
            settings = switch.settings.model_copy(update={"phones_port": free_udp_port()})
            waits = await asyncio.to_thread(changed, switch, settings=settings)
            assert waits.waits[0].startswith("phones: has another address now and 1 legs")
            assert line.calls[0].end is None
            await line.calls[0].hangup()
            while switch.channels():
                await asyncio.sleep(0.1)
            moved = await asyncio.to_thread(changed, switch)
            assert f"phones: restarted at 127.0.0.1:{settings.phones_port}" in moved.done


@pytest.mark.accept
@pytest.mark.freeswitch
def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with FreeSwitch(tmp_path) as switch, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", switch.settings.phones_port))
        with pytest.raises(SwitchError, match="the profile phones is not at"):
            changed(switch, phones=(DESK,))


def test_a_folder_that_was_never_rendered_is_said(tmp_path: Path) -> None:
    with pytest.raises(SwitchError, match="not rendered yet"):
        reload(tmp_path, lambda command: "+OK" if command.startswith("reload") else "<profiles/>")


def test_a_switch_that_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(SwitchError, match="reloadxml: -ERR no"):
        reload(tmp_path, lambda command: "-ERR no\n")
    assert not (tmp_path / TAKEN).exists()
