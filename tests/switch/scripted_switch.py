"""The switch's end of an event socket, played by a test line by line (gevent, no FreeSWITCH)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

import gevent
from gevent import socket

UUID = "b6b3ae4c-1c9f-4b1c-9c4e-0a4f6a4f7f11"

#: A channel's data as ``connect`` is answered; values are encoded as FreeSWITCH does.
CHANNEL = {
    "Event-Name": "CHANNEL_DATA",
    "Channel-State": "CS_EXECUTE",
    "Answer-State": "ringing",
    "Caller-Caller-ID-Name": "Caller",
    "Caller-Caller-ID-Number": "13800138000",
    "Caller-Destination-Number": "4008001234",
    "Unique-ID": UUID,
    "variable_sip_network_ip": "127.0.0.1",
    "variable_sip_network_port": "5070",
    "variable_sip_req_user": "4008001234",
    "variable_sip_to_user": "4008001234",
    "variable_gw_losses": "x",
    "variable_gw_facts": "node=main&keys=main%3D1",
    "Content-Type": "command/reply",
    "Reply-Text": "+OK\n",
}


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection on loopback."""
    with socket.socket() as listener:  # create_server is not gevent's
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    return near, far


def block(headers: Mapping[str, str], encode: bool = True) -> bytes:
    """Header lines and the empty line behind them."""
    lines = [f"{name}: {quote(value, safe=' /:') if encode else value}\n" for name, value in headers.items()]
    return "".join(lines).encode() + b"\n"


def event(headers: Mapping[str, str], tail: bytes = b"") -> bytes:
    """A ``text/event-plain`` frame."""
    body = block(headers) + tail
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body) + body


DISCONNECT = b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: x\nContent-Length: 8\n\nDropped\n"
OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"


class ScriptedSwitch:
    """Reads commands, writes what the test says."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""

    def command(self, timeout_s: float = 2.0) -> str:
        """The next command, without its empty line; a body stands behind one."""
        with gevent.Timeout(timeout_s):
            head = self._until(b"\n\n")
            length = re.search(rb"^content-length: ?(\d+)$", head, re.MULTILINE | re.IGNORECASE)
            if length is None:
                return head.decode()
            while len(self._buffer) < int(length[1]):
                self._receive()
            body, self._buffer = self._buffer[: int(length[1])], self._buffer[int(length[1]) :]
            return (head + b"\n\n" + body).decode()

    def commands(self, count: int) -> list[str]:
        """The next commands."""
        return [self.command() for _ in range(count)]

    def asked(self) -> tuple[list[tuple[str, str]], str]:
        """What a verb sends: applications, and the variable that is asked for behind them."""
        sent, question = self.commands(2)
        verb, _, name = question.partition(" ")
        assert verb == "getvar", question
        return applications(sent), name

    def read_all(self, end: bytes) -> bytes:
        """Everything up to ``end``, with it."""
        with gevent.Timeout(2.0):
            return self._until(end) + end

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._receive()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        assert data, f"the connection closed after {self._buffer!r}"
        self._buffer += data

    def say(self, *frames: bytes) -> None:
        """Write."""
        self.sock.sendall(b"".join(frames))

    def api(self, text: str) -> None:
        """Answer an API command."""
        self.say(answer(text))

    def hand_over(self, data: Mapping[str, str] = CHANNEL) -> None:
        """A call: answer ``connect``."""
        assert self.command() == "connect"
        self.say(block(data))

    def closed(self, timeout_s: float = 2.0) -> bool:
        """Whether the other side closes within that time; what it still says is passed over."""
        with gevent.Timeout(timeout_s, False):  # type: ignore[arg-type]  # False: raise nothing
            try:
                while self.sock.recv(65536):
                    pass
            except OSError:
                pass
            return True
        return False


def value(text: str) -> bytes:
    """The answer to ``getvar``."""
    return f"Content-Type: command/reply\nReply-Text: {text or '-ERR command not found'}\n\n".encode()


def answer(text: str) -> bytes:
    """The answer to ``api``."""
    body = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body


def applications(command: str) -> list[tuple[str, str]]:
    """What an ``execute`` has carried out: names and arguments."""
    head, _, body = command.partition("\n\n")
    first, *lines = head.split("\n")
    headers = dict(line.split(":", 1) for line in lines)
    assert (first, headers["call-command"]) == ("sendmsg", "execute"), command
    assert bool(body) == (headers.get("content-type") == "text/plain"), command
    name, argument = headers["execute-app-name"], body or headers.get("execute-app-arg", "")
    if name != "execute_extension":
        return [(name, argument)]
    found = re.fullmatch(r"'m:(.):(.*)' inline", argument)
    assert found, argument
    pieces = [piece.partition(":") for piece in found[2].split(found[1])]
    return [(piece[0], piece[2]) for piece in pieces]


def later(act: Callable[[], object]) -> gevent.Greenlet[..., object]:
    """Run a wait in a greenlet, and let it begin."""
    greenlet = gevent.spawn(act)
    gevent.sleep(0.02)
    return greenlet


def outcome(greenlet: gevent.Greenlet[..., object]) -> object:
    """What a greenlet returned, or the error it raised."""
    greenlet.join(timeout=2)
    assert greenlet.ready(), "it still waits"
    return greenlet.exception or greenlet.value
