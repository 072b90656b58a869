"""A trunk behind an address translation sees the box's external address, every other one its own."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from appliance.testphone import LineScript, Phone
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch

OUTSIDE = "203.0.113.5"


def own_address() -> str:
    """An address of this machine that is not the loopback's: FreeSWITCH never translates toward that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but the loopback's")
    return address


async def test_who_sees_the_external_address(tmp_path: Path) -> None:
    host = own_address()
    with FreeSwitch(tmp_path, sip_host=host, sip_external_host=OUTSIDE, outside=True) as switch:
        for profile, shown in (("outside", OUTSIDE), ("gateway400", host)):
            async with Phone(host=host, on_invite=LineScript.answer(0.1)) as line:
                to = f"sofia/{profile}/02160000001@{host}:{line.port}"
                ordered = asyncio.to_thread(switch.api, f"originate {to} &playback(silence_stream://500)", 10.0)
                order = asyncio.create_task(ordered)
                call = await line.incoming(8)
                assert f"@{shown}:".encode() in call.request.need("Contact")
                assert f"c=IN IP4 {shown}".encode() in call.request.body
                await order
                await call.ended(8)
