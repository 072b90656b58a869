"""A small blocking SIP phone for tests of a switch: UDP, G.711, telephone-events.

It knows just enough of RFC 3261 and RFC 4733 to place, take and end a call step by step, so that a
test reads like the call it describes. It never answers by itself except to a retransmission.
"""

from __future__ import annotations

import queue
import random
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

FRAME = 160


class NothingCame(AssertionError):
    """The message that a test waited for did not come."""


@dataclass
class Message:
    """One SIP message: `start` is its first line, `headers` in the order of the wire."""

    start: str
    headers: list[tuple[str, str]]
    body: str
    source: tuple[str, int]

    @property
    def status(self) -> int:
        """The status code of a response, 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """The method of a request, or of the request that a response answers."""
        return self.get("CSeq").split()[1] if self.status else self.start.split()[0]

    def get(self, name: str) -> str:
        """First header of that name, without regard to case; empty when there is none."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [v for k, v in self.headers if k.lower() == name.lower()]


def parse(data: bytes, source: tuple[str, int]) -> Message:
    """Split a datagram into start line, headers and body."""
    head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = [(k.strip(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]
    return Message(start, headers, body, source)


def address(header: str) -> str:
    """The URI inside a From, To or Contact header."""
    found = re.search(r"<([^>]*)>", header)
    return found.group(1) if found else header.split(";")[0]


@dataclass
class Dialog:
    """One call seen from the phone."""

    phone: Phone
    call_id: str
    peer: tuple[str, int]
    local: str = ""
    remote: str = ""
    target: str = ""
    cseq: int = 1
    invite: Message | None = None
    branch: str = ""
    inbox: queue.Queue[Message] = field(default_factory=queue.Queue)
    seen: set[str] = field(default_factory=set)
    rtp_peer: tuple[str, int] | None = None
    event_type: int = 101
    audio_type: int = 8

    def wait(self, what: int | str, timeout: float = 5.0) -> Message:
        """Wait for a response of that status or a request of that method; others are passed over."""
        deadline = time.monotonic() + timeout
        passed = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.inbox.get(timeout=left)
            except queue.Empty:
                break
            if message.status and message.get("To").find("tag=") > 0 and not self.invite:
                self.remote = message.get("To")
                if contact := message.get("Contact"):
                    self.target = address(contact)
            if message.body and "m=audio" in message.body:
                self.media(message.body)
            if what in (message.status, message.method if not message.status else None):
                return message
            passed.append(message.start)
        raise NothingCame(f"{what} did not come within {timeout} s; came: {passed}")

    def media(self, sdp: str) -> None:
        """Remember where the other side wants its RTP and how it numbers its payloads."""
        host = re.search(r"c=IN IP4 (\S+)", sdp)
        line = re.search(r"m=audio (\d+) RTP/AVP ([\d ]+)", sdp)
        event = re.search(r"a=rtpmap:(\d+) telephone-event", sdp)
        if host and line:
            self.rtp_peer = (host.group(1), int(line.group(1)))
            self.audio_type = int(line.group(2).split()[0])
        if event:
            self.event_type = int(event.group(1))

    def request(
        self, method: str, extra: str = "", body: str = "", cseq: int | None = None, branch: str = ""
    ) -> None:
        """Send a request inside the dialog."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        branch = branch or f"z9hG4bK{random.getrandbits(48):x}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.phone.send(
            f"{method} {self.target} SIP/2.0\r\nVia: SIP/2.0/UDP {self.phone.host}:{self.phone.port};"
            f"branch={branch}\r\nFrom: {self.local}\r\nTo: {self.remote}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContact: <sip:{self.phone.host}:"
            f"{self.phone.port}>\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}",
            self.peer,
        )

    def ack(self) -> None:
        """Acknowledge a 200 to our INVITE."""
        self.request("ACK", cseq=1)

    def bye(self) -> Message:
        """Hang up and wait for the 200."""
        self.request("BYE")
        return self.wait(200)

    def cancel(self) -> None:
        """Give up an unanswered INVITE of ours."""
        uri = self.target
        self.phone.send(
            f"CANCEL {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.phone.host}:{self.phone.port};"
            f"branch={self.branch}\r\nFrom: {self.local}\r\nTo: <{uri}>\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: 1 CANCEL\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            self.peer,
        )

    def respond(
        self, code: int, reason: str = "Reason", body: str = "", to: Message | None = None, extra: str = ""
    ) -> None:
        """Answer the INVITE that made this dialog, or the request given."""
        request = to or self.invite
        assert request is not None
        tag = "" if "tag=" in request.get("To") else f";tag={id(self):x}"
        copied = "".join(f"{k}: {v}\r\n" for k, v in request.headers if k in ("Via", "From", "Call-ID", "CSeq"))
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.phone.send(
            f"SIP/2.0 {code} {reason}\r\n{copied}To: {request.get('To')}{tag}\r\nContact: <sip:{self.phone.host}:"
            f"{self.phone.port};transport=UDP>\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}",
            request.source,
        )

    def accept(self, **sdp: object) -> None:
        """Answer with 200 and wait for the ACK."""
        self.respond(200, "OK", self.phone.sdp(**sdp))  # type: ignore[arg-type]
        self.wait("ACK")

    def press(self, digit: str) -> None:
        """Send one key as telephone-events: 3 packets of growing length and the end, three times."""
        code = "0123456789*#ABCD".index(digit)
        stamp = self.phone.stamp = self.phone.stamp + 1600
        for step, (end, length) in enumerate(((0, 160), (0, 320), (0, 480), (1, 640), (1, 640), (1, 640))):
            payload = struct.pack("!BBH", code, end << 7 | 10, length)
            self.rtp(payload, self.event_type, stamp, marker=step == 0)
            time.sleep(0.01)

    def rtp(self, payload: bytes, kind: int, stamp: int, marker: bool = False) -> None:
        """Send one RTP packet to the other side."""
        assert self.rtp_peer is not None
        self.phone.seq = (self.phone.seq + 1) & 0xFFFF
        head = struct.pack("!BBHII", 0x80, kind | marker << 7, self.phone.seq, stamp & 0xFFFFFFFF, 0x1234)
        self.phone.media.sendto(head + payload, self.rtp_peer)

    def speak(self, frames: list[bytes] | bytes, count: int = 0) -> None:
        """Send frames of 160 encoded samples in real time: a list, or one frame `count` times."""
        todo = frames if isinstance(frames, list) else [frames] * count
        start = time.monotonic()
        for number, frame in enumerate(todo):
            self.phone.stamp += FRAME
            self.rtp(frame, self.audio_type, self.phone.stamp)
            time.sleep(max(0.0, start + (number + 1) * 0.02 - time.monotonic()))


class Phone:
    """A phone on 127.0.0.1 with one SIP and one RTP socket."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.host = host
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.port = self.socket.getsockname()[1]
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((host, 0))
        self.media_port = self.media.getsockname()[1]
        self.seq = random.getrandbits(15)
        self.stamp = random.getrandbits(30)
        self.heard: list[tuple[float, int, bytes]] = []
        self.dialogs: dict[str, Dialog] = {}
        self.incoming: queue.Queue[Dialog] = queue.Queue()
        self.stray: queue.Queue[Message] = queue.Queue()
        self.open = True
        for work in (self._signalling, self._listening):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """Close both sockets."""
        self.open = False
        for sock in (self.socket, self.media):
            sock.close()

    def send(self, text: str, peer: tuple[str, int]) -> None:
        """Send one SIP message."""
        self.socket.sendto(text.encode("utf-8", "surrogateescape"), peer)

    def sdp(self, formats: str = "8 101", event: int = 101, direction: str = "sendrecv") -> str:
        """An offer or answer: G.711 `formats` and telephone-event `event`."""
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {self.media_port} RTP/AVP {formats}\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-15\r\na={direction}\r\n"
        )

    def call(
        self,
        number: str,
        peer: tuple[str, int],
        caller: str = "13800138000",
        name: str = "",
        extra: str = "",
        body: str | None = None,
        event: int = 101,
        formats: str = "8 101",
    ) -> Dialog:
        """Send an INVITE and return the dialog; the caller waits for what comes."""
        tag = f"{random.getrandbits(40):x}"
        shown = f'"{name}" ' if name else ""
        dialog = Dialog(
            self,
            f"{random.getrandbits(60):x}@{self.host}",
            peer,
            local=f"{shown}<sip:{caller}@{self.host}:{self.port}>;tag={tag}",
            target=f"sip:{number}@{peer[0]}:{peer[1]}",
            branch=f"z9hG4bK{random.getrandbits(48):x}",
        )
        dialog.remote = f"<{dialog.target}>"
        self.dialogs[dialog.call_id] = dialog
        dialog.request("INVITE", extra, self.sdp(formats, event) if body is None else body, 1, dialog.branch)
        return dialog

    def dial(self, number: str, peer: tuple[str, int], **more: str) -> Dialog:
        """Call, wait for the 200 and acknowledge it."""
        dialog = self.call(number, peer, **more)  # type: ignore[arg-type]
        dialog.wait(200)
        dialog.ack()
        return dialog

    def wait_call(self, timeout: float = 5.0) -> Dialog:
        """Wait for an INVITE to this phone."""
        try:
            return self.incoming.get(timeout=timeout)
        except queue.Empty:
            raise NothingCame(f"no call within {timeout} s") from None

    def hears(self, seconds: float) -> list[tuple[float, int, bytes]]:
        """Collect RTP for a while: (arrival, payload type, payload) of each packet."""
        self.heard.clear()
        time.sleep(seconds)
        return list(self.heard)

    def _listening(self) -> None:
        while self.open:
            try:
                data = self.media.recv(2048)
            except OSError:
                return
            self.heard.append((time.monotonic(), data[1] & 0x7F, data[12:]))

    def _signalling(self) -> None:
        while self.open:
            try:
                data, source = self.socket.recvfrom(65536)
            except OSError:
                return
            try:
                self._takes(parse(data, source), source)
            except OSError:
                if self.open:
                    raise
                return  # closed before it could reply

    def _takes(self, message: Message, source: tuple[str, int]) -> None:
        dialog = self.dialogs.get(message.get("Call-ID"))
        if dialog is None and message.method == "INVITE" and not message.status:
            dialog = Dialog(self, message.get("Call-ID"), source, invite=message)
            dialog.local = f"{message.get('To')};tag={id(dialog):x}"
            dialog.remote, dialog.target = message.get("From"), address(message.get("Contact"))
            dialog.media(message.body)
            dialog.seen.add(message.get("CSeq"))
            self.dialogs[dialog.call_id] = dialog
            self.incoming.put(dialog)
        elif dialog is None:
            self.stray.put(message)
        elif not message.status and message.method in ("BYE", "CANCEL"):
            dialog.respond(200, "OK", to=message)
            if message.get("CSeq") not in dialog.seen:
                dialog.seen.add(message.get("CSeq"))
                if message.method == "CANCEL":
                    dialog.respond(487, "Request Terminated")
                dialog.inbox.put(message)
        else:
            if message.status >= 300 and message.method == "INVITE":
                dialog.phone.send(
                    f"ACK {dialog.target} SIP/2.0\r\nVia: {message.get('Via')}\r\nFrom: {dialog.local}\r\n"
                    f"To: {message.get('To')}\r\nCall-ID: {dialog.call_id}\r\nCSeq: 1 ACK\r\n"
                    f"Content-Length: 0\r\n\r\n",
                    dialog.peer,
                )
            dialog.inbox.put(message)
