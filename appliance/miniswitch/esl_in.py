"""The event socket that the appliance connects to: login, API commands, events of all calls.

A reader thread cuts what comes into commands and answers them. Events are fired on the threads of SIP and RTP:
so a thread of its own writes, and a client that reads too slowly is cut off, as FreeSWITCH does, and holds
nobody up.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import queue
import socket
import struct
import threading
from typing import TYPE_CHECKING

from appliance.miniswitch import api, esl_wire
from appliance.miniswitch.esl_wire import Command
from appliance.miniswitch.events import NAMES, Headers

if TYPE_CHECKING:
    from appliance.miniswitch.switch import Switch

log = logging.getLogger(__name__)

_MOST_WAITING = 5000
_SEND_TIMEOUT_S = 5


class InboundConnection:
    """A connection that somebody opened to the switch; nothing is done before the password."""

    def __init__(self, switch: Switch, sock: socket.socket) -> None:
        self.finished = False
        self._switch = switch
        self._socket = sock
        self._trusted = False
        self._names: set[str] = set()
        self._filters: list[tuple[str, str]] = []
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_TIMEOUT_S, 0))
        for work, name in ((self._write, "event socket writer"), (self._read, "event socket client")):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        """Say goodbye and close."""
        self._switch.events.remove(self)
        if not self.finished:
            self._send(esl_wire.disconnect_frame(None))
        self._finish()

    # The part of an event listener ------------------------------------------------------------

    def wants(self, name: str) -> bool:
        """See `events.Listener`."""
        return name in self._names or "ALL" in self._names

    def deliver(self, headers: Headers) -> None:
        """See `events.Listener`. With filters, one that matches is enough, as in FreeSWITCH."""
        if self._filters:
            values = {name.lower(): value.lower() for name, value in headers}
            if not any(values.get(name) == wanted for name, wanted in self._filters):
                return
        self._send(esl_wire.event_frame(headers))

    # Writing ----------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        try:
            self._waiting.put_nowait(data)
        except queue.Full:
            log.warning("an event socket client does not read: cut off")
            self._shut()

    def _finish(self) -> None:
        """End the connection once what is waiting has been written."""
        self.finished = True
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)

    def _shut(self) -> None:
        """End the connection: both threads see it."""
        self.finished = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _write(self) -> None:
        while (data := self._waiting.get()) is not None:
            try:
                self._socket.sendall(data)
            except OSError:
                self._shut()
        self._shut()
        self._socket.close()

    # Reading and answering --------------------------------------------------------------------

    def _read(self) -> None:
        framer = esl_wire.Framer()
        try:
            self._send(b"Content-Type: auth/request\n\n")
            while data := self._socket.recv(65536):
                for command in framer.feed(data):
                    self._handle(command)
                    if self.finished:
                        return
        except OSError:
            log.debug("an event socket broke")
        except esl_wire.WireError as error:
            log.warning("event socket: %s", error)
        except Exception:
            log.exception("event socket")
        finally:
            self._switch.events.remove(self)
            self._finish()

    def _handle(self, command: Command) -> None:
        """Answer one command."""
        word, _, rest = command.line.partition(" ")
        word, rest = word.lower(), rest.strip()
        if not self._trusted:
            self._log_in(word, rest)
        elif word == "exit":
            self._send(esl_wire.reply_frame("+OK bye"))
            self.close()
        elif word == "api" and rest:
            self._send(esl_wire.api_frame(api.run(self._switch, rest)))
        elif word == "event":
            self._send(esl_wire.reply_frame(self._subscribe(rest)))
        elif word == "filter" and rest:
            self._send(esl_wire.reply_frame(self._filter(rest)))
        else:
            self._send(esl_wire.reply_frame(esl_wire.UNKNOWN))

    def _log_in(self, word: str, password: str) -> None:
        expected = self._switch.settings.esl_password
        if word == "auth" and hmac.compare_digest(esl_wire.to_bytes(password), esl_wire.to_bytes(expected)):
            self._trusted = True
            self._send(esl_wire.reply_frame("+OK accepted"))
        else:
            self._send(esl_wire.reply_frame("-ERR invalid"))
            self.close()

    def _subscribe(self, text: str) -> str:
        words = text.split()
        if words and words[0].lower() in ("plain", "json", "xml"):
            if words[0].lower() != "plain":
                return "-ERR only plain events are offered"
            words = words[1:]
        names = {word.upper() for word in words} & NAMES
        if not names:
            return "-ERR no keywords supplied"
        self._names |= names
        self._switch.events.remove(self)
        self._switch.events.add(self)
        return "+OK event listener enabled plain"

    def _filter(self, text: str) -> str:
        words = text.split(" ", 2)
        if words[0].lower() == "delete" and len(words) > 1:
            name, value = words[1], words[2] if len(words) > 2 else ""
            self._filters = (
                []
                if name.lower() == "all"
                else [
                    (kept, wanted)
                    for kept, wanted in self._filters
                    if kept != name.lower() or (value and wanted != value.lower())
                ]
            )
            return f"+OK filter deleted. [{name}][{value}]"
        if words[0].lower() == "add":
            words = words[1:]
        if len(words) < 2:
            return "-ERR invalid syntax"
        name, value = words[0], " ".join(words[1:])
        self._filters = [*self._filters, (name.lower(), value.lower())]
        return f"+OK filter added. [{name}]=[{value}]"


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
            self._connections.append(InboundConnection(self._switch, sock))
