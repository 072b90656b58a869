"""One call's RTP socket: the ear and the mouth joined to the network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Sequence

from appliance.testphone.address import HostPort
from appliance.testphone.ear import Ear
from appliance.testphone.errors import CallOver, MessageError, NoTelephoneEvent
from appliance.testphone.g711 import BY_NAME, BY_PAYLOAD
from appliance.testphone.mouth import Mouth
from appliance.testphone.rtp import parse_event, parse_rtp
from appliance.testphone.sdp import Description, build_sdp, mirrored
from appliance.testphone.tones import Sound, source

# Linux stamps a datagram when it arrives (SO_TIMESTAMPNS_OLD): a busy event loop then moves no sound.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")


class Media:
    """The audio of one call.

    ``codecs`` are names in the order of our preference, ``dtmf`` the telephone-event payload type that we
    offer, or None for none. ``remote`` is the other side's last description.
    """

    def __init__(self, host: str, codecs: Sequence[str], dtmf: int | None) -> None:
        unknown = set(codecs) - set(BY_NAME)
        if unknown or not codecs:
            raise ValueError(f"codecs {codecs!r}: one or more of {sorted(BY_NAME)}")
        self.ear = Ear()
        self.mouth: Mouth | None = None
        self.remote: Description | None = None
        self.garbage = 0
        self._host, self._codecs, self._dtmf = host, tuple(codecs), dtmf
        self._version = 0
        self._waiting: Sound | None = None
        self._waiting_loop = False
        self._task: asyncio.Task[None] | None = None
        self._socket = _even_socket(host)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    @property
    def port(self) -> int:
        """The local RTP port (even)."""
        return int(self._socket.getsockname()[1])

    def offer(self) -> bytes:
        """Our offer."""
        self._version += 1
        payloads = [(BY_NAME[name].payload, name) for name in self._codecs]
        return build_sdp(self._host, self.port, payloads, self._dtmf, version=self._version)

    def answer(self) -> bytes | None:
        """Our answer to ``remote``: one codec; None when there is no offer or no codec in common."""
        chosen = None if self.remote is None else self.remote.choose(self._codecs)
        if self.remote is None or chosen is None:
            return None
        self._version += 1
        dtmf = self.remote.dtmf if self._dtmf is not None else None
        return build_sdp(
            self._host,
            self.port,
            [(chosen[0], chosen[1].name)],
            dtmf,
            version=self._version,
            direction=mirrored(self.remote.direction),
            refused=self.remote.others,
        )

    def learn(self, remote: Description) -> bool:
        """The other side's description, by offer or answer. False when no codec is in common."""
        self.remote = remote
        chosen = remote.choose(self._codecs)
        if chosen is None:
            return False
        if self.mouth is None:
            self.mouth = Mouth(self._send, *chosen, remote.dtmf)
        else:
            self.mouth.payload, self.mouth.codec = chosen
            self.mouth.dtmf = remote.dtmf
        return True

    def start(self) -> None:
        """Begins to send, once; before ``learn`` it does nothing."""
        if self.mouth is not None and self._task is None and not self.closed:
            if self._waiting is not None:
                self.mouth.say(source(self._waiting, loop=self._waiting_loop))
            self._task = self._loop.create_task(self.mouth.run())

    def say(self, sound: Sound | None, *, loop: bool = False) -> None:
        """Says ``sound`` from now on, or from the start of sending; None is silence."""
        self._waiting, self._waiting_loop = sound, loop
        if self._task is not None and self.mouth is not None:
            self.mouth.say(None if sound is None else source(sound, loop=loop))

    async def press(self, key: str, ms: int) -> None:
        """One key by telephone-events. Raises NoTelephoneEvent; CallOver when the call ends meanwhile."""
        if self._task is None or self.mouth is None or self.closed:
            raise CallOver("no media to send keys on")
        if self.mouth.dtmf is None:
            raise NoTelephoneEvent("the other side took no telephone-event")
        try:
            await self.mouth.press(key, ms)
        except asyncio.CancelledError:
            if self.closed:
                raise CallOver(f"the call ended while {key} was pressed") from None
            raise

    @property
    def closed(self) -> bool:
        """Whether sending and hearing have ended."""
        return self.ear.closed is not None

    def freeze(self) -> None:
        """Stops sending and hearing, but keeps the socket, so that no ICMP tells the other side."""
        if self.closed:
            return
        self.ear.close(time.monotonic())
        self._loop.remove_reader(self._socket)
        if self._task is not None:
            self._task.cancel()
        if self.mouth is not None:
            self.mouth.stop()

    def close(self) -> None:
        """``freeze`` and give the port back."""
        self.freeze()
        self._socket.close()

    def _send(self, data: bytes) -> None:
        if self.remote is not None and self.remote.listens:
            # A port that nobody listens on any more shows as an error of the next send; the call goes on.
            with contextlib.suppress(ConnectionError, BlockingIOError):
                self._socket.sendto(data, (self.remote.host, self.remote.port))

    def _readable(self) -> None:
        for _ in range(100):
            try:
                data, extra, _, sender = self._socket.recvmsg(2048, 128)
            except (BlockingIOError, ConnectionError):
                return
            self._hear(data, _arrival(extra), sender)

    def _hear(self, data: bytes, arrival: float, sender: HostPort) -> None:
        try:
            packet = parse_rtp(data)
            codec = BY_PAYLOAD.get(packet.payload_type)
            if codec is not None:
                self.ear.sound(arrival, packet, codec.decode(packet.payload))
            elif packet.payload_type in self._event_types():
                self.ear.event(arrival, packet, parse_event(packet.payload))
        except MessageError:
            self.garbage += 1

    def _event_types(self) -> set[int | None]:
        """Ours as offered and the other side's: senders are known to use either when the two differ."""
        return {self._dtmf, None if self.remote is None else self.remote.dtmf}


def _even_socket(host: str) -> socket.socket:
    """A UDP socket on an even port (RFC 3550 section 11), given by the kernel."""
    odd: list[socket.socket] = []
    try:
        for _ in range(50):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((host, 0))
            if made.getsockname()[1] % 2 == 0:
                made.setblocking(False)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
                with contextlib.suppress(OSError):
                    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                return made
            odd.append(made)
        raise OSError("no even UDP port in 50 tries")
    finally:
        for one in odd:
            one.close()


def _arrival(extra: list[tuple[int, int, bytes]]) -> float:
    """When the datagram arrived, on ``time.monotonic``; now, where the kernel gave no stamp."""
    now = time.monotonic()
    for level, kind, value in extra:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(value)
            delay: float = time.time() - seconds - nanoseconds * 1e-9
            return now - min(max(delay, 0.0), 5.0)
    return now
