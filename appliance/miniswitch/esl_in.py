"""The event socket that the appliance connects to: login, API commands, events of all calls."""

from __future__ import annotations

import contextlib
import hmac
import logging
import queue
import socket
import threading
from typing import TYPE_CHECKING

from appliance.miniswitch import esl_wire
from appliance.miniswitch.esl_conn import Connection
from appliance.miniswitch.esl_wire import Command

if TYPE_CHECKING:
    from appliance.miniswitch.switch import Switch

log = logging.getLogger(__name__)


_MOST_WAITING = 5000


class InboundConnection(Connection):
    """A connection that somebody opened to the switch; nothing is done before the password.

    It may ask for events of every call, which are fired on the threads of SIP and RTP: so a thread of its
    own writes, and a client that reads too slowly is cut off (as FreeSWITCH does) and holds nobody up.
    """

    def __init__(self, switch: Switch, sock: socket.socket) -> None:
        super().__init__(switch, sock)
        self._trusted = False
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        threading.Thread(target=self._write, name="event socket writer", daemon=True).start()

    def send(self, data: bytes) -> None:
        """See `Connection`."""
        try:
            self._waiting.put_nowait(data)
        except queue.Full:
            log.warning("an event socket client does not read: cut off")
            super().shut()

    def shut(self) -> None:
        """End the connection once what is waiting has been written."""
        self.finished = True
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)

    def dispose(self) -> None:
        """See `Connection`; the writer does it, when it has written all."""

    def _write(self) -> None:
        while (data := self._waiting.get()) is not None:
            super().send(data)
        super().shut()
        super().dispose()

    def greet(self) -> None:
        """See `Connection`."""
        self.send(b"Content-Type: auth/request\n\n")

    def handle(self, command: Command) -> None:
        """See `Connection`."""
        if self._trusted:
            super().handle(command)
            return
        word, _, password = command.line.partition(" ")
        expected = self.switch.settings.esl_password
        if word.lower() == "auth" and hmac.compare_digest(esl_wire.to_bytes(password), esl_wire.to_bytes(expected)):
            self._trusted = True
            self.send(esl_wire.reply_frame("+OK accepted"))
        else:
            self.send(esl_wire.reply_frame("-ERR invalid"))
            self.close()

    def own_command(self, word: str, rest: str, command: Command) -> bool:
        """There is none: what belongs to a call is said on the call's own connection."""
        return False


class InboundServer:
    """Accepts connections to the event socket."""

    def __init__(self, switch: Switch) -> None:
        settings = switch.settings
        self._switch = switch
        self._socket = socket.create_server((settings.esl_host, settings.esl_port), backlog=32)
        self._connections: list[InboundConnection] = []
        threading.Thread(target=self._accept, name="event socket", daemon=True).start()

    def close(self) -> None:
        """Take no more, and end those that are there."""
        self._socket.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self._connections = [each for each in self._connections if not each.finished]
            connection = InboundConnection(self._switch, sock)
            self._connections.append(connection)
            connection.start("event socket client")
