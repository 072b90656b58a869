"""The outbound side: the switch connects to us for a call, and we say what it does with it.

``Session`` is greenswitch's ``OutboundSession`` with its unsafe parts replaced, on a socket that the dialplan opens
without ``async``: the call's own thread in the switch reads a command, carries it out, answers it, and reads the
next one (mod_event_socket ``listener_run``). So an application's end is the answer to its command, and what became
of it is asked for by ``getvar`` right behind it. No event is subscribed to, none can be taken for another's, and
while an application runs neither side spends anything on the other: one greenlet a call, which writes and then
reads.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import NoReturn

from gevent import socket
from greenswitch.esl import OutboundSession

from appliance.errors import CallerGone, RuleError, SwitchError, SwitchGone, SwitchTimeout
from appliance.switch import escape
from appliance.switch.link import REPLY_TIMEOUT_S, SEND_TIMEOUT_S, again
from appliance.switch.wire import Frame, Framer, Headers

_READ_BYTES = 16384
#: How every application that was carried out is answered.
_SHORTEST_REPLY = len(b"Content-Type: command/reply\nReply-Text: +OK\n\n")
#: An argument that is longer goes as the message's body: the two headers that this needs cost more before.
_SHORT_ARGUMENT = 40
#: How ``getvar`` answers for a variable that is not set (``parse_command``: an empty answer is no answer).
_UNSET = "-ERR command not found"

#: An application of the dialplan and its argument.
Application = tuple[str, str]


class Session(OutboundSession):  # type: ignore[misc]  # greenswitch has no types
    """A connection that the switch opened for a call. For one greenlet: its verbs follow one another."""

    sock: socket.socket
    session_data: Headers | None

    def __init__(self, client_address: tuple[str, int], sock: socket.socket) -> None:
        # Small writes go each way; waiting for the other side's ACK would cost 40 ms apiece.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._framer = Framer()
        self._arrived: list[Frame] = []
        self._ended: SwitchError | None = None
        self._least = 1
        #: Whether anything ever came.
        self.heard = False
        super().__init__(client_address, sock)
        self.sock_file.close()  # greenswitch reads from it; an open one would keep the socket open
        # Its own methods, registered here, are a cycle that would keep the session until garbage is collected.
        self.event_handlers.clear()

    @property
    def uuid(self) -> str:
        """The channel's id."""
        return self.data.get(b"Unique-ID")

    @property
    def data(self) -> Headers:
        """The channel's data as it was when the call came.

        :raises SwitchError: there is none before ``connect``.
        """
        if self.session_data is None:
            raise SwitchError("the session is not connected")
        return self.session_data

    @property
    def ended(self) -> SwitchError | None:
        """Why the connection is closed; None while it is open as far as we know."""
        return self._ended

    def check(self) -> None:
        """Raise why the connection is closed, if that is known."""
        if self._ended is not None:
            raise again(self._ended)

    def connect(self, timeout_s: float = REPLY_TIMEOUT_S) -> Headers:
        """Take the call over; its data.

        :raises SwitchError: the switch did not answer, or not with a channel.
        """
        if self.session_data is None:
            (data,) = self._exchange("connect\n\n", 1, timeout_s)
            # The switch may be told to take the Call-ID for it (inbound-use-callid-as-uuid): a caller's text.
            escape.identifier(data.get(b"Unique-ID"))
            self.session_data = data
        return self.data

    def run(self, applications: Sequence[Application], read: str, timeout_s: float) -> str:
        """Have applications carried out one after the other; the value of a variable after the last one.

        :param read: a variable that no caller's text gets into: ``getvar`` answers a value as it is, newlines and
            all. Empty when it is unset.
        :raises CallerGone: the caller hung up before, while or as the last one ended: the switch then closes
            the connection before it has read the question for the variable.
        :raises SwitchTimeout: they have not ended after ``timeout_s``; the connection is closed.
        """
        question = f"getvar {escape.variable(read)}\n\n"
        done, value = self._exchange(message(applications) + question, 2, timeout_s)
        if done.reply.startswith("-ERR"):
            raise self._end(SwitchGone(f"{applications[-1][0]}: {done.reply[:200]}"))
        return "" if value.reply == _UNSET else value.reply

    def value(self, variable: str, timeout_s: float = REPLY_TIMEOUT_S) -> str:
        """The value of a variable, as ``run`` reads it; at most 511 bytes."""
        (value,) = self._exchange(f"getvar {escape.variable(variable)}\n\n", 1, timeout_s)
        return "" if value.reply == _UNSET else value.reply

    def api(self, commands: Sequence[str], timeout_s: float = REPLY_TIMEOUT_S) -> list[str]:
        """Run API commands, sent at once; what each answers.

        :raises CallerGone: the caller hung up before the last answer.
        """
        checked = [escape.api_command(command) for command in commands]
        if not checked:
            return []
        answers = self._exchange("".join(f"api {one}\n\n" for one in checked), len(checked), timeout_s)
        return [answer.reply for answer in answers]

    def hangup(self, cause: str, first: Iterable[Application] = (), timeout_s: float = REPLY_TIMEOUT_S) -> None:
        """Run the last applications, end the call, and wait until the switch has closed the connection.

        :raises CallerGone: it had ended before.
        :raises SwitchTimeout: the connection is still there after ``timeout_s``.
        """
        self._write(message([*first, ("hangup", cause)]))
        deadline = time.monotonic() + timeout_s
        self._wake_at(1)
        # Nothing but the end comes behind this answer.
        with contextlib.suppress(CallerGone):
            while True:
                self._read(deadline)
                self._arrived.clear()

    def stop(self) -> None:
        """Close the connection."""
        self._end(SwitchGone("we closed the connection"))

    def start_event_handlers(self) -> None:
        """greenswitch's hook: it would start two greenlets here. Nothing is read but what was asked for."""

    def call_command(self, *_: object, **__: object) -> NoReturn:
        """Not here: all of greenswitch's own verbs end in this; they wait by an application's name, without
        limit, and send what they are given."""
        raise RuleError("a verb of greenswitch: use run or hangup")

    # -- the wire --------------------------------------------------------------------------------------------

    def _exchange(self, commands: str, replies: int, timeout_s: float) -> list[Frame]:
        """Send commands and wait for their answers, which come in the commands' order."""
        self._write(commands)
        deadline = time.monotonic() + timeout_s
        while (missing := replies - len(self._arrived)) > 0:
            self._wake_at(1 if self._framer.in_frame else missing)
            self._read(deadline)
        answers, self._arrived = self._arrived[:replies], self._arrived[replies:]
        return answers

    def _wake_at(self, replies: int) -> None:
        """Have the kernel wake us for the last of so many answers only: the switch sends each in a packet of its
        own. Whatever else may come is longer, and an end of file wakes in any case."""
        least = (replies - 1) * _SHORTEST_REPLY + 1
        if least != self._least:
            self._least = least
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)

    def _write(self, commands: str) -> None:
        self.check()
        try:
            self.sock.settimeout(SEND_TIMEOUT_S)
            self.sock.sendall(commands.encode())
        except TimeoutError:
            # Half a command may have been sent: nothing can follow on it.
            raise self._end(SwitchTimeout("the switch does not read what we send")) from None
        except OSError as error:
            raise self._end(SwitchGone(f"the connection to the switch broke: {error}")) from None

    def _read(self, deadline: float) -> None:
        """Wait for bytes; whole answers go to ``_arrived``.

        :raises SwitchError: there will be no more, or none came in time: its answer, should it still come, would
            be taken for another's.
        """
        try:
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            data = self.sock.recv(_READ_BYTES)
            self.heard |= bool(data)
            frames = list(self._framer.feed(data))
        except TimeoutError:
            raise self._end(SwitchTimeout("the switch has not answered in time")) from None
        except OSError as error:
            raise self._end(SwitchGone(f"the connection to the switch broke: {error}")) from None
        except SwitchError as error:
            raise self._end(error) from None
        for frame in frames:
            if frame.kind in (b"command/reply", b"api/response"):
                self._arrived.append(frame)
            elif frame.kind == b"text/disconnect-notice":
                raise self._end(CallerGone("the caller hung up"))
        if not data:
            cut = " in the midst of a message" if self._framer.in_frame else ""
            raise self._end(SwitchGone(f"the switch closed the connection{cut}"))

    def _end(self, error: SwitchError) -> SwitchError:
        """Close once, for the first reason that is known; that reason, to be raised."""
        if self._ended is None:
            self._ended = error
            self.connected = self._run = self._outbound_connected = False
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)  # the switch learns of it even if a copy is open
            self.sock.close()
        return again(self._ended)


def message(applications: Sequence[Application]) -> str:
    """One ``sendmsg`` that has them carried out.

    Several go as one inline extension. The switch reads a command's headers byte by byte, some microseconds
    each, and its body at once (mod_event_socket ``read_packet``): what is long stands in the body.
    """
    if len(applications) == 1:
        name, argument = applications[0]
    else:
        name, argument = "execute_extension", escape.inline(applications)
    head = f"sendmsg\ncall-command:execute\nexecute-app-name:{name}\n"
    if len(argument) < _SHORT_ARGUMENT:
        return f"{head}execute-app-arg:{argument}\n\n" if argument else f"{head}\n"
    return f"{head}content-type:text/plain\ncontent-length:{len(argument.encode())}\n\n{argument}"
