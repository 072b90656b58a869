"""`socket HOST:PORT full`: the call's thread does what the handlers say, one command after the other.

It reads a command, carries it out, answers it and reads the next, as FreeSWITCH's `listener_run` does without
`async`. So an application that has begun goes on when its handlers die, and the end of their connection is seen
only behind it; then the dialplan goes on. A call that has ended is noticed before a command is read, not after.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import api, esl_wire, events
from appliance.miniswitch.channel import Channel, Interrupted
from appliance.miniswitch.esl_wire import Command

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5.0
_FIRST_COMMAND_TIMEOUT_S = 25.0
_SEND_TIMEOUT_S = 5.0
_LOOK_EVERY_S = 0.02
"""FreeSWITCH looks as often whether the call is still there (`read_packet`)."""
_LONGEST_VALUE = 511
"""`reply[512]` of `listener_run`."""


class Control:
    """The connection that the switch opened for one call."""

    def __init__(self, channel: Channel, sock: socket.socket) -> None:
        self._channel = channel
        self._socket = sock
        self._framer = esl_wire.Framer()
        self._commands: deque[Command] = deque()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def next(self, timeout_s: float | None = None) -> Command | None:
        """The next command; None when the call or the connection has ended, or none came in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._channel.hangup_cause:
            if self._commands:
                return self._commands.popleft()
            if deadline is not None and time.monotonic() >= deadline:
                log.warning("%s: the handlers said nothing for %s s", self._channel.name, timeout_s)
                return None
            self._socket.settimeout(_LOOK_EVERY_S)
            try:
                data = self._socket.recv(65536)
                if not data:
                    return None
                self._commands.extend(self._framer.feed(data))
            except TimeoutError:
                continue
            except (OSError, esl_wire.WireError) as error:
                log.warning("%s: the handlers' connection: %s", self._channel.name, error)
                return None
        return None

    def send(self, data: bytes) -> None:
        """Write an answer. Handlers that have gone change nothing: what they had sent before is still done."""
        self._socket.settimeout(_SEND_TIMEOUT_S)
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def close(self) -> None:
        """Say goodbye and close."""
        self.send(esl_wire.disconnect_frame(self._channel.uuid))
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _socket(session: Session, text: str) -> None:
    """Obey the handlers until one of the two goes away."""
    host, _, port = text.split(" ")[0].rpartition(":")
    channel = session.channel
    channel.variables.set("socket_host", host)
    try:
        sock = socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_S)
    except (OSError, ValueError) as error:
        log.warning("%s: nobody at %s: %s", channel.name, text, error)
        return
    control = Control(channel, sock)
    try:
        command = control.next(_FIRST_COMMAND_TIMEOUT_S)
        while command is not None:
            control.send(_answer(session, command))
            command = control.next()
    finally:
        control.close()


def _answer(session: Session, command: Command) -> bytes:
    """Carry out one command; its answer."""
    word, _, rest = command.line.partition(" ")
    word = word.lower()
    if word == "connect":
        return esl_wire.serialize(_data(session.channel))
    if word == "getvar":
        # Nothing to say is to FreeSWITCH a command that it does not know (the end of `parse_command`).
        value = esl_wire.to_bytes(session.channel.variables.get(rest) or "")[:_LONGEST_VALUE]
        return esl_wire.reply_frame(esl_wire.to_text(value) or esl_wire.UNKNOWN)
    if word == "api" and rest:
        return esl_wire.api_frame(api.run(session.switch, rest))
    if word == "sendmsg":
        if rest and rest != session.channel.uuid:
            return esl_wire.reply_frame(f"-ERR invalid session id [{rest}]")
        _carry_out(session, command)
        return esl_wire.reply_frame("+OK")
    return esl_wire.reply_frame(esl_wire.UNKNOWN)


def _data(channel: Channel) -> events.Headers:
    return [
        *channel.switch.events.base("CHANNEL_DATA"),
        *events.data_headers(channel),
        *events.channel_headers(channel),
        ("Content-Type", "command/reply"),
        ("Reply-Text", "+OK\n"),
        ("Socket-Mode", "static"),
        ("Control", "full"),
    ]


def _carry_out(session: Session, message: Command) -> None:
    """Run the application of a `sendmsg` to its end. What ended it before is seen by whoever looks next."""
    name, argument = message.get("execute-app-name"), message.get("execute-app-arg")
    if message.get("call-command") != "execute" or not name:
        log.warning("%s: sendmsg %r is not offered", session.channel.name, message.get("call-command"))
        return
    if not argument and message.get("content-type").lower() == "text/plain":
        argument = message.body
    with contextlib.suppress(Interrupted):
        session.execute(name, argument)


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"socket": _socket}
