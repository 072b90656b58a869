"""The media thread and its ports, on the loopback interface."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterator

import pytest

from appliance.miniswitch import sdp, sound
from appliance.miniswitch.media import MediaEngine, NoPort


@pytest.fixture
def engine() -> Iterator[MediaEngine]:
    """An engine with three ports that were free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        low = min(sock.getsockname()[1] & ~1, 65000)
    made = MediaEngine("127.0.0.1", (low, low + 5))
    yield made
    made.stop()


def nothing(*_: object) -> None:
    """Nobody wants to know."""


def test_ports_come_back(engine: MediaEngine) -> None:
    """A closed leg leaves no socket behind: more legs can be had, one after the other, than ports."""
    taken = []
    with pytest.raises(NoPort):
        while True:
            taken.append(engine.open(nothing, nothing))
    assert 2 <= len(taken) <= 3
    for leg in taken:
        leg.close()
        leg.close()
    for _ in range(10):
        leg = engine.open(nothing, nothing)
        assert leg.port % 2 == 0
        leg.close()


def test_twenty_milliseconds(engine: MediaEngine) -> None:
    """Frames leave in step, numbered one by one; what has ended is told."""
    ended: list[float] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(1)
        leg = engine.open(nothing, lambda: ended.append(time.monotonic()))
        leg.aim(sdp.Media("127.0.0.1", phone.getsockname()[1], 8, 101), "127.0.0.1")
        leg.player = sound.Player(sound.load("tone_stream://%(500,0,440)", 8))
        came = [(phone.recv(200), time.monotonic()) for _ in range(25)]
        with pytest.raises(TimeoutError):
            phone.recv(200)
        leg.close()
    length = came[-1][1] - came[0][1]
    assert 0.4 < length < 0.6
    numbers = [int.from_bytes(packet[2:4], "big") for packet, _ in came]
    stamps = [int.from_bytes(packet[4:8], "big") for packet, _ in came]
    assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)} == {1}
    assert {(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)} == {160}
    assert [packet[1] for packet, _ in came] == [8 | 0x80] + [8] * 24
    assert ended
