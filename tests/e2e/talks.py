"""A talk between a caller and a line whose side has keys: FreeSWITCH, the only switch that has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np

from appliance.testphone import IncomingCall, OutgoingCall, Phone
from tests.e2e.live import NUMBER, LiveBox
from tests.support.audio import segments

#: Begin of a site file: an enterprise whose lines have keys, and two of them, each by a trunk of its own.
TWO_LINES = """
version: 1
accounts:
  - {id: acme, name: 测试企业, talk_keys: {}}
trunks:
  - {id: inbound, accept: ["127.0.0.1"]}
  - {id: to-a, proxy: "127.0.0.1:@A@", caller_id: pass}
  - {id: to-b, proxy: "127.0.0.1:@B@", caller_id: pass}
lines:
  - {id: first, account: acme, number: "02160000001", kind: landline, trunk: to-a, extension: "801"}
  - {id: second, account: acme, number: "02160000002", kind: landline, trunk: to-b, extension: "802"}
"""


class Talking:
    """A caller, the line ``first`` that talks to him, and the phone of the line ``second``."""

    def __init__(
        self, box: LiveBox, caller: OutgoingCall, first: IncomingCall, first_phone: Phone, second: Phone
    ) -> None:
        self.box, self.caller, self.first, self.second = box, caller, first, second
        self.first_phone = first_phone


async def until(true: Callable[[], bool], within_s: float = 6.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def talk(box: LiveBox, caller: str, *lines: str) -> AsyncIterator[Talking]:
    """The line hears 500 Hz, the caller 900; at the end none of ``lines`` has a slot taken."""
    async with Phone() as phone, Phone(port=box.port_a) as first, Phone(port=box.port_b) as second:
        call = await phone.dial(NUMBER, box.sip, caller=caller)
        rung = await first.incoming(8)
        rung.answer()
        await call.answered(5)
        call.say(500, loop=True)
        rung.say(900, loop=True)
        await call.hears(900)
        yield Talking(box, call, rung, first, second)
    for line in lines:
        await until(lambda line=line: box.usage(line) == 0)  # type: ignore[misc]


def tone_somewhere(audio: np.ndarray, hz: float) -> bool:
    return bool(segments((audio * 32767).astype("int16"), hz, shortest_s=0.15))
