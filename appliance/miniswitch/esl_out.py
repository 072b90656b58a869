"""`socket HOST:PORT async full`: the handlers' side of a call.

What happens when a handler goes away, as seen on a running FreeSWITCH: with `socket_resume` true the
running application is broken off and the dialplan goes on at once; else the application, and those
sent after it, run to their end first.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import causes, esl_wire, events
from appliance.miniswitch.channel import Channel, HandlerLost, HungUp
from appliance.miniswitch.esl_conn import Connection
from appliance.miniswitch.esl_wire import Command
from appliance.miniswitch.variables import is_true

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5.0
_FIRST_COMMAND_TIMEOUT_S = 25.0


class OutboundConnection(Connection):
    """The connection that the switch opened for one call."""

    def __init__(self, session: Session, sock: socket.socket) -> None:
        super().__init__(session.switch, sock)
        self.channel = session.channel
        self.connected = False

    def owner(self) -> str | None:
        """See `Connection`."""
        return self.channel.uuid

    def ended(self) -> None:
        """The handler is gone: note it for the call's thread, at the moment at which it went."""
        channel = self.channel
        with channel.changed:
            if channel.handler is self and channel.variables.is_true("socket_resume"):
                channel.handler_lost = True
            channel.changed.notify_all()

    def own_command(self, word: str, rest: str, command: Command) -> bool:
        """See `Connection`."""
        channel = self.channel
        if word == "connect":
            self.connected = True
            self.send(esl_wire.serialize(self._data()))
            channel.wake()
        elif word == "sendmsg":
            if rest and rest != channel.uuid:
                self.send(esl_wire.reply_frame(f"-ERR invalid session id [{rest}]"))
                return True
            self.send(esl_wire.reply_frame("+OK"))
            with channel.changed:
                channel.messages.append(command)
                channel.changed.notify_all()
            _hang_up_between(channel, command)
        else:
            return False
        return True

    def _data(self) -> events.Headers:
        bus = self.switch.events
        return [
            *bus.base("CHANNEL_DATA"),
            *events.data_headers(self.channel),
            *events.channel_headers(self.channel),
            ("Content-Type", "command/reply"),
            ("Reply-Text", "+OK\n"),
            ("Socket-Mode", "async"),
            ("Control", "full"),
        ]


def _hang_up_between(channel: Channel, command: Command) -> None:
    """A hang-up does not wait for an application that was started without `event-lock`."""
    if command.get("call-command") == "hangup" and channel.unlocked:
        channel.hangup(causes.parse(command.get("hangup-cause")))


def _socket(session: Session, text: str) -> None:
    """Park the call and do what its handler says, until one of the two goes away."""
    host, _, port = text.split(" ")[0].rpartition(":")
    channel = session.channel
    channel.variables.set("socket_host", host)
    try:
        sock = socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_S)
    except (OSError, ValueError) as error:
        log.warning("%s: nobody at %s: %s", channel.name, text, error)
        return
    connection = OutboundConnection(session, sock)
    session.connections.append(connection)
    with channel.changed:
        channel.handler, channel.handler_lost = connection, False
        channel.messages.clear()
    connection.start(f"handler {channel.uuid[:8]}")
    try:
        _obey(session, connection)
    except HandlerLost:
        log.info("%s: the handler is gone", channel.name)
    except HungUp:
        # Left open: the events of the hang-up still go out on it before it is closed.
        raise
    except BaseException:
        connection.close()
        raise
    finally:
        with channel.changed:
            channel.handler, channel.handler_lost = None, False
            channel.messages.clear()


def _obey(session: Session, connection: OutboundConnection) -> None:
    channel = session.channel
    deadline = time.monotonic() + _FIRST_COMMAND_TIMEOUT_S
    if not channel.wait(lambda: connection.connected or connection.finished, deadline - time.monotonic()):
        connection.close()
    if not connection.connected:
        # The handler went without a word, and `socket_resume` is off: FreeSWITCH leaves the call
        # parked; only a transfer fetches it back.
        channel.wait(lambda: False)
    session.switch.events.fire("CHANNEL_PARK", channel)
    while True:
        channel.wait(lambda: bool(channel.messages) or connection.finished)
        if not channel.messages:
            break
        _do(session, channel.messages.popleft())
    session.switch.events.fire("CHANNEL_UNPARK", channel)


def _do(session: Session, message: Command) -> None:
    """Carry out one `sendmsg`."""
    channel = session.channel
    what = message.get("call-command").lower()
    if what == "execute":
        name = message.get("execute-app-name")
        argument = message.get("execute-app-arg") or message.body
        channel.unlocked = not is_true(message.get("event-lock"))
        try:
            session.execute(name, argument, message.get("event-uuid") or None)
        finally:
            channel.unlocked = False
    elif what == "hangup":
        channel.hangup(causes.parse(message.get("hangup-cause")))
        channel.check()
    else:
        log.warning("%s: sendmsg %r is not offered", channel.name, what)


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"socket": _socket}
