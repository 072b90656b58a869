"""The media thread: every 20 ms it reads one frame of each leg, and sends each leg one.

A leg hears its partner when it is joined, else what is played to it, else nothing is sent. Other
threads only assign whole attributes (`player`, `partner`, `over`, `recordings`); all work on frames is done
by the media thread, and packets come in on rtpsynth's own thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from rtpsynth.RtpServer import RtpChannel, RtpQueueFullError, RtpServer

from appliance.miniswitch import g711, rtp, sdp
from appliance.miniswitch.g711 import FRAME, PCMA
from appliance.miniswitch.recording import Recording
from appliance.miniswitch.sound import Player, SoundNotFound, load_all

log = logging.getLogger(__name__)

TICK_S = 0.02
OUR_EVENT_TYPE = 101
_TOO_FAR_BEHIND_S = 1.0


class NoPort(Exception):
    """Every RTP port of the range is in use."""


class MediaLeg:
    """The RTP of one leg: a port of ours, and where the other side wants its packets."""

    def __init__(
        self, engine: MediaEngine, port: int, on_key: Callable[[str], None], on_played: Callable[[], None]
    ) -> None:
        self.port = port
        self.law = PCMA
        self.heard_law = PCMA
        self.event_type: int | None = None
        self.player: Player | None = None
        self.partner: MediaLeg | None = None
        #: What is heard in the place of everything else, by its name.
        self.over: tuple[str, Player] | None = None
        #: What is mixed into what the leg hears, and into what it says.
        self.mixed: tuple[str, Player] | None = None
        self.mixed_said: tuple[str, Player] | None = None
        self.recordings: tuple[Recording, ...] = ()
        self.last_packet = time.monotonic()
        self.packets_in = self.packets_out = self.bytes_in = self.bytes_out = 0
        self.writer = rtp.Writer()
        self._engine = engine
        self._on_key = on_key
        self._on_played = on_played
        self._sends = False
        self._event_types: frozenset[int] = frozenset({OUR_EVENT_TYPE})
        self._peers: frozenset[str] = frozenset()
        self._jitter = rtp.JitterBuffer()
        self._keys = rtp.KeyReader()
        self._events: deque[rtp.Packet] = deque(maxlen=64)
        self._relayed: tuple[int, int] | None = None
        self._frame: bytes | None = None
        self._talking = False
        self._channel: RtpChannel | None = engine.server.create_channel(
            pkt_in=self._packet_in, bind_host=engine.host, bind_port=port, queue_size=32
        )

    def aim(self, remote: sdp.Media, signalling_host: str, offered_event: int | None = None) -> None:
        """Send to the other side's address, in its law; take packets from it only.

        `offered_event` is the number that we gave telephone-events in an offer of ours; the other side
        may use it or its own.
        """
        self.law = remote.law
        self.event_type = remote.event
        self._event_types = frozenset(n for n in (remote.event, offered_event) if n is not None)
        self._peers = frozenset({remote.host, signalling_host})
        self._sends = remote.receives
        if remote.receives and self._channel is not None:
            self._channel.set_target(remote.host, remote.port)

    def join(self, partner: MediaLeg) -> None:
        """From now on each of the two hears the other."""
        for leg in (self, partner):
            leg.player = None
            leg._events.clear()
        self.partner, partner.partner = partner, self

    def part(self) -> None:
        """End `join`, on both sides."""
        partner, self.partner = self.partner, None
        if partner is not None and partner.partner is self:
            partner.partner = None

    def close(self) -> None:
        """Send and take nothing any more, and give the port back."""
        self.part()
        self.player = None
        # rtpsynth closes the socket when its channel is freed, and cannot free one in a circle of
        # references: the channel knows us, so we must forget it.
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
        del channel
        self._engine.remove(self)

    def _packet_in(self, data: bytes, source: tuple[str, int], _when_ns: int) -> None:
        if self._peers and source[0] not in self._peers:
            return
        packet = rtp.parse(data)
        if packet is None:
            return
        self.last_packet = time.monotonic()
        self.packets_in += 1
        self.bytes_in += len(packet.payload)
        if packet.kind in g711.NAMES:
            self.heard_law = packet.kind
            self._jitter.put(packet)
        elif packet.kind in self._event_types:
            self._events.append(packet)
            for key in self._keys.feed(packet.payload, packet.stamp):
                self._on_key(key)

    def read(self) -> None:
        """First half of a tick: take this leg's frame."""
        self.writer.clock += FRAME
        self._frame = said = self._jitter.take()
        if said is not None and self.mixed_said is not None:
            self._frame, self.mixed_said = _mixed(self.heard_law, said, self.mixed_said)

    def write(self) -> None:
        """Second half of a tick: send this leg its frame, and record both."""
        partner = self.partner
        frame: bytes | None = None
        if partner is not None:
            self._relay_keys(partner)
            if partner._frame is not None:
                frame = g711.transcode(partner.heard_law, self.law, partner._frame)
        elif (player := self.player) is not None:
            frame = player.next()
            if frame is not None:
                frame = g711.transcode(player.law, self.law, frame)
            if player.done:
                self._on_played()
        frame = self._said_over(frame)
        if frame is not None and self.mixed is not None:
            frame, self.mixed = _mixed(self.law, frame, self.mixed)
        if frame is not None:
            self._send(self.law, frame, marker=not self._talking)
        self._talking = frame is not None
        for recording in self.recordings:
            if partner is not None or not recording.only_while_joined:
                recording.add(self._frame, self.heard_law, frame, self.law)

    def say_over(self, name: str) -> bool:
        """Have a sound heard in the place of what this leg hears; False: it cannot be, or is heard already."""
        over = self.over
        if not self._sends or (over is not None and over[0] == name):
            return False
        try:
            self.over = name, Player(*load_all(name, self.law))
        except SoundNotFound as error:
            log.warning("not said: %s", error)
            return False
        return True

    def mix_in(self, name: str, *, said: bool) -> bool:
        """Have a sound heard with what this leg hears, or with what it has ``said``; False: it cannot be, or is
        heard already. Where nothing is heard, or said, it waits until something is."""
        mixed = self.mixed_said if said else self.mixed
        if not self._sends or mixed is not None:
            return False
        try:
            player = Player(*load_all(name, self.heard_law if said else self.law))
        except SoundNotFound as error:
            log.warning("not mixed in: %s", error)
            return False
        if said:
            self.mixed_said = name, player
        else:
            self.mixed = name, player
        return True

    def hush(self, name: str) -> bool:
        """End what is said over; False: it is over."""
        over = self.over
        if over is None or over[0] != name:
            return False
        self.over = None
        return True

    def _said_over(self, frame: bytes | None) -> bytes | None:
        """The frame that is sent in the place of this one. Where nothing is sent nothing is said, either; what has
        been said to its end is silent for one frame more, as FreeSWITCH's is."""
        over = self.over
        if frame is None or over is None:
            return frame
        said = over[1].next()
        if said is None:
            if self.over is over:
                self.over = None
            return g711.SILENCE[self.law][:FRAME]
        return g711.transcode(over[1].law, self.law, said)

    def _relay_keys(self, partner: MediaLeg) -> None:
        """Pass telephone-events on: same event and length, our numbering, one timestamp an event."""
        while partner._events:
            packet = partner._events.popleft()
            if self.event_type is None:
                continue
            if self._relayed is None or self._relayed[0] != packet.stamp:
                self._relayed = (packet.stamp, self.writer.clock)
            self._send(self.event_type, packet.payload, packet.marker, self._relayed[1])

    def _send(self, kind: int, payload: bytes, marker: bool, stamp: int | None = None) -> None:
        channel = self._channel
        if not self._sends or channel is None:
            return
        try:
            channel.send_pkt(self.writer.packet(kind, payload, marker, stamp))
        except (RtpQueueFullError, OSError, RuntimeError):
            return  # a full queue or a port that is closing: RTP is allowed to lose a packet
        self.packets_out += 1
        self.bytes_out += len(payload)


def _mixed(law: int, frame: bytes, mixed: tuple[str, Player]) -> tuple[bytes, tuple[str, Player] | None]:
    """A frame with the next one of a sound in it; None behind the sound's last."""
    sound = mixed[1].next()
    if sound is None:
        return frame, None
    return g711.mix(law, frame, g711.transcode(mixed[1].law, law, sound)), mixed


class MediaEngine:
    """All legs, the ports, and the thread that ticks."""

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        self.host = host
        self.server = RtpServer(tick_hz=200)
        self._ports = deque(range(ports[0] + ports[0] % 2, ports[1], 2))
        self._lock = threading.Lock()
        self._legs: tuple[MediaLeg, ...] = ()
        self._running = True
        self.late_ticks = 0
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)
        self._thread.start()

    def open(self, on_key: Callable[[str], None], on_played: Callable[[], None]) -> MediaLeg:
        """A leg on a free even port; raises `NoPort`.

        `on_key` is called on the RTP thread for every key pressed, `on_played` on the media thread when
        what was played has ended.
        """
        with self._lock:
            for _ in range(len(self._ports)):
                port = self._ports.popleft()
                try:
                    leg = MediaLeg(self, port, on_key, on_played)
                except OSError:
                    self._ports.append(port)
                    continue
                self._legs = (*self._legs, leg)
                return leg
        raise NoPort

    def remove(self, leg: MediaLeg) -> None:
        """Forget a leg; its port goes to the end of the line, so that late packets hit nobody."""
        with self._lock:
            if leg in self._legs:
                self._legs = tuple(other for other in self._legs if other is not leg)
                self._ports.append(leg.port)

    def stop(self) -> None:
        """End the threads."""
        self._running = False
        self._thread.join(1.0)
        self.server.shutdown()

    def _run(self) -> None:
        due = time.monotonic()
        while self._running:
            due += TICK_S
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            elif wait < -TICK_S:
                # Late ticks are made up for, so that recordings keep their length.
                self.late_ticks += 1
                if wait < -_TOO_FAR_BEHIND_S:
                    due = time.monotonic()
            legs = self._legs
            for work in (MediaLeg.read, MediaLeg.write):
                for leg in legs:
                    try:
                        work(leg)
                    except Exception:
                        log.exception("media of port %s", leg.port)
