"""SIP that tries the parser, the session and the house: after each batch calls are taken as ever, nobody died,
nothing stayed, nothing was executed. Both switches get the messages of RFC 4475 and INVITEs spoilt by chance."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from appliance import bootstrap
from appliance.errors import SwitchRefused
from appliance.testphone import LineScript, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box
from tests.support.fuzz_sip import spoilt
from tests.support.ports import free_udp_port
from tests.support.torture import MESSAGES, Place, usual, wire

pytestmark = pytest.mark.timeout(1800)

SEED = int(os.environ.get("FUZZ_SEED", "4475"))
FEW, MANY = 150, int(os.environ.get("FUZZ_CALLS", "12000"))
#: Messages between two looks at whether all is well.
BATCH = 1000
#: What a switch may have grown by, bytes: caches fill, threads keep their stacks.
GROWTH = 200 << 20


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    """A box that ends calls without a voice after three seconds: nobody here hangs up."""
    folder: Path = tmp_path_factory.mktemp(f"torture-{switch}")
    with live_box(folder, switch, media_timeout_s=3) as running:
        yield running


class Tormentor:
    """Sends datagrams to the switch. An INVITE that is answered is acknowledged and ended."""

    def __init__(self, box: LiveBox) -> None:
        self._box = box
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", free_udp_port()))
        self._socket.setblocking(False)
        self.place = Place(box.sip, self._socket.getsockname(), NUMBER)
        self.answers = 0

    def __enter__(self) -> Tormentor:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    async def send(self, messages: Iterable[bytes], pause_s: float = 0.004) -> None:
        for data in messages:
            if len(data) <= 65_000:
                self._socket.sendto(data, self._box.sip)
            self._answer_all()
            await asyncio.sleep(pause_s)

    def _answer_all(self) -> None:
        while True:
            try:
                data = self._socket.recv(65_535)
            except BlockingIOError:
                return
            self.answers += 1
            status = data[8:11]
            if data.startswith(b"SIP/2.0 ") and status.isdigit() and status >= b"200" and b" INVITE" in data:
                self._settle(data, ended=status >= b"300")

    def _settle(self, answer: bytes, *, ended: bool) -> None:
        rows = [row.partition(b":") for row in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
        echoed = {name.strip().lower(): value.strip() for name, _, value in rows}
        own = usual(self.place, b"ACK")
        count = echoed.get(b"cseq", b"1")[:9].split()[:1] or [b"1"]
        for number, method in ((0, b"ACK"), (1, b"BYE")):
            if ended and method == b"BYE":
                return
            digits = count[0] if not number else str(int(count[0]) + 1).encode() if count[0].isdigit() else b"2"
            headers = own | {
                b"Via": echoed.get(b"via", own[b"Via"]) if ended else usual(self.place)[b"Via"],
                b"From": echoed.get(b"from", own[b"From"]),
                b"To": echoed.get(b"to", own[b"To"]),
                b"Call-ID": echoed.get(b"call-id", own[b"Call-ID"]),
                b"CSeq": digits + b" " + method,
            }
            self._socket.sendto(wire(method + b" sip:" + self.place.target + b" SIP/2.0", headers), self._box.sip)


def channels(box: LiveBox) -> int:
    with bootstrap.switch_api(box.settings) as api:
        return int(json.loads(api("show channels as json"))["row_count"])


def memory(box: LiveBox) -> dict[str, int]:
    """Bytes that each process has."""
    return {name: psutil.Process(box.parts.pid(name)).memory_info().rss for name in ("switch", "handlers")}


def assert_nothing_ran(box: LiveBox) -> None:
    assert not (box.settings.state_dir / "ran").exists()
    with bootstrap.switch_api(box.settings) as api, pytest.raises(SwitchRefused):
        api("hash select/hostile/ran")


async def assert_all_is_well(box: LiveBox, tormentor: Tormentor, caller: str) -> None:
    """Nothing stays, and a call is carried out and stored as ever."""
    deadline = time.monotonic() + 60
    while count := await asyncio.to_thread(channels, box):
        assert time.monotonic() < deadline, f"{count} channels stay"
        await tormentor.send([], 0)
        tormentor._answer_all()
        await asyncio.sleep(0.2)
    assert box.parts.dead() == []
    async with Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)) as line, Phone() as phone:
        call = await phone.dial(NUMBER, box.sip, caller=caller)
        await call.answered(40)  # what was sent before may not be worked off yet
        await call.hears(1750, 5)
        await call.press("7")
        await call.hears(900, 8)
        await call.hangup()
        assert [(leg.called, leg.caller) for leg in line.calls] == [("02160000001", caller)]
    one = await asyncio.to_thread(box.stored_of, caller)
    assert (one.row.outcome, one.row.line_id) == ("answered", "first")
    assert box.usage("first") == box.usage("second") == 0
    assert_nothing_ran(box)


async def test_messages_of_rfc_4475(box: LiveBox) -> None:
    pids = {name: box.parts.pid(name) for name in ("switch", "handlers", "collector")}
    with Tormentor(box) as tormentor:
        await tormentor.send((make(tormentor.place) for make in MESSAGES.values()), 0.02)
        await assert_all_is_well(box, tormentor, "13900004475")
        assert tormentor.answers > 0
    assert {name: box.parts.pid(name) for name in pids} == pids


async def fuzz(box: LiveBox, seed: int, count: int, caller: str) -> None:
    dice = random.Random(seed)
    ran = str(box.settings.state_dir / "ran")
    with Tormentor(box) as tormentor:
        await tormentor.send(spoilt(tormentor.place, dice, ran) for _ in range(count))
        await assert_all_is_well(box, tormentor, caller)
        assert tormentor.answers > 0


async def test_spoilt_invites(box: LiveBox) -> None:
    await fuzz(box, SEED, FEW, "13900004476")


@pytest.mark.accept
async def test_many_spoilt_invites(box: LiveBox) -> None:
    """In batches. What the processes have grows with the calls that were there at once, and then no more than a
    little with each message: FreeSWITCH keeps what it once had (``MALLOC_TRIM_THRESHOLD_``)."""
    sizes = []
    for batch in range(MANY // BATCH):
        await fuzz(box, SEED + 1 + batch, BATCH, f"1390000{5000 + batch}")
        sizes.append(memory(box))
        print({name: size >> 20 for name, size in sizes[-1].items()}, flush=True)
    half = sizes[len(sizes) // 2]
    for name, size in sizes[-1].items():
        assert size - half[name] < GROWTH, (name, half, sizes[-1])
