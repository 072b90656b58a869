"""One event socket connection: what an outbound and an inbound one have in common.

A reader thread cuts what comes into commands and answers them; events are written by whoever fires
them. A peer that does not read is cut off after a few seconds, so that it cannot hold up a call.
"""

from __future__ import annotations

import logging
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

_SEND_TIMEOUT_S = 5


class Connection:
    """Base of both kinds. Subclasses answer the commands that only they know."""

    def __init__(self, switch: Switch, sock: socket.socket) -> None:
        self.switch = switch
        self.finished = False
        self._socket = sock
        self._sending = threading.Lock()
        self._names: set[str] = set()
        self._filters: list[tuple[str, str]] = []
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_TIMEOUT_S, 0))

    def start(self, name: str) -> None:
        """Begin to read, in a thread."""
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def send(self, data: bytes) -> None:
        """Write whole frames; a peer that has gone, or does not read, ends the connection."""
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError:
            self.shut()

    def close(self) -> None:
        """Say goodbye and close."""
        self.switch.events.remove(self)
        if not self.finished:
            self.send(esl_wire.disconnect_frame(self.owner()))
        self.shut()

    def owner(self) -> str | None:
        """UUID of the call that this connection belongs to, if it does."""
        return None

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
        self.send(esl_wire.event_frame(headers))

    # Reading and answering --------------------------------------------------------------------

    def greet(self) -> None:
        """What the switch says first."""

    def ended(self) -> None:
        """The connection is no more; called once, by the reader."""

    def _run(self) -> None:
        framer = esl_wire.Framer()
        try:
            self.greet()
            while data := self._socket.recv(65536):
                for command in framer.feed(data):
                    self.handle(command)
                    if self.finished:
                        return
        except OSError:
            log.debug("an event socket broke")
        except esl_wire.WireError as error:
            log.warning("event socket: %s", error)
        except Exception:
            log.exception("event socket")
        finally:
            self.switch.events.remove(self)
            self.shut()
            self.ended()
            self.dispose()

    def shut(self) -> None:
        """End the connection."""
        self.finished = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def dispose(self) -> None:
        """Give the socket back, after the reader has ended."""
        self._socket.close()

    def handle(self, command: Command) -> None:
        """Answer one command."""
        word, _, rest = command.line.partition(" ")
        word, rest = word.lower(), rest.strip()
        if word == "exit":
            self.send(esl_wire.reply_frame("+OK bye"))
            self.send(esl_wire.disconnect_frame(self.owner()))
            self.shut()
        elif word == "api" and rest:
            self.send(esl_wire.api_frame(api.run(self.switch, rest)))
        elif word == "event":
            self.send(esl_wire.reply_frame(self._subscribe(rest)))
        elif word == "filter" and rest:
            self.send(esl_wire.reply_frame(self._filter(rest)))
        elif not self.own_command(word, rest, command):
            self.send(esl_wire.reply_frame("-ERR command not found"))

    def own_command(self, word: str, rest: str, command: Command) -> bool:
        """Answer a command that only this kind knows; False when it is none."""
        raise NotImplementedError

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
        self.switch.events.remove(self)
        self.switch.events.add(self)
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
