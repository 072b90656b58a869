"""A connection on which commands of many greenlets and events go at once: what the inbound client stands on.

``Link`` keeps greenswitch's ``ESLProtocol`` face and replaces what is unsafe beneath it (0.0.19, ``esl.py``):
its reader decodes before it frames, dies of a byte that is no UTF-8 and spins at an end of file in a body; its
``send`` waits for ever and may send half a command; its connections are never freed.

Here one greenlet reads; replies are matched to commands in order (the switch answers them one by one,
``listener_run``); every wait has a limit; and the end of the connection, whatever its reason, wakes every waiter.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import cast

import gevent
import structlog
from gevent import socket
from gevent.event import AsyncResult
from gevent.lock import BoundedSemaphore
from greenswitch.esl import ESLProtocol

from appliance.errors import SwitchError, SwitchGone, SwitchRefused, SwitchTimeout
from appliance.switch.wire import Frame, Framer

#: The switch answers a command within one turn of its listener thread (20 ms), an API call within its run time.
REPLY_TIMEOUT_S = 5.0
#: The switch reads within 20 ms; when the socket's buffer stays full as long as this, it is stuck.
SEND_TIMEOUT_S = 5.0
_READ_BYTES = 16384
_log = structlog.get_logger(__name__)


class Reply:
    """The answer to one command: still to come, or here."""

    __slots__ = ("_result", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._result: AsyncResult[Frame] = AsyncResult()

    def wait(self, timeout_s: float = REPLY_TIMEOUT_S) -> Frame:
        """The answer's frame.

        :raises SwitchTimeout: it did not come in time.
        :raises SwitchRefused: it is ``-ERR …``.
        :raises SwitchGone: the connection closed first.
        """
        # Not get(timeout): its Timeout could not be told from one of the caller's own around this.
        self._result.wait(timeout=timeout_s)
        if not self._result.ready():
            raise SwitchTimeout(f"no answer to {self._what!r} within {timeout_s:g} s")
        return cast(Frame, self._result.get())

    def arrive(self, frame: Frame) -> None:
        """Called by the reader."""
        answer = frame.reply
        if answer.startswith(("-ERR", "-USAGE")):
            self.fail(SwitchRefused(f"{self._what!r}: {answer.strip()[:200]}"))
        else:
            self._result.set(frame)

    def fail(self, error: SwitchError) -> None:
        """Called by the reader: there will be no answer."""
        if not self._result.ready():
            self._result.set_exception(error)


class Link(ESLProtocol):  # type: ignore[misc]  # greenswitch has no types
    """A connection to an event socket. Commands may be sent from any greenlet; one greenlet reads."""

    sock: socket.socket

    def __init__(self, *args: object) -> None:
        """``args`` go to greenswitch's class, which starts the reader or leaves it to ``connect``."""
        self._awaited: deque[Reply] = deque()
        self._sending = BoundedSemaphore(1)
        self._ended: SwitchError | None = None
        self._reader: gevent.Greenlet[[], None] | None = None
        super().__init__(*args)
        # greenswitch registers its own methods here: a cycle that would keep a session until the next
        # collection of garbage. Nothing of ours looks them up.
        self.event_handlers.clear()

    # -- greenswitch's hooks ---------------------------------------------------------------------------------

    def start_event_handlers(self) -> None:
        """Start the one greenlet of the connection."""
        self._reader = gevent.spawn(self.receive_events)

    def receive_events(self) -> None:
        """The reader: until the connection ends, for whatever reason."""
        framer = Framer()
        why: SwitchError = SwitchGone("the switch closed the connection")
        try:
            while data := self.sock.recv(_READ_BYTES):
                for frame in framer.feed(data):
                    self.handle_event(frame)
            if framer.in_frame:
                why = SwitchGone("the connection to the switch broke in the midst of a message")
        except OSError as error:
            why = SwitchGone(f"the connection to the switch broke: {error}")
        except SwitchError as error:
            _log.error("the switch sent what is no event socket", error=str(error))
            why = SwitchGone(str(error))
        finally:
            self._end(why)

    def handle_event(self, frame: Frame) -> None:
        """Hand one frame to whom it concerns."""
        if self._ended is not None:
            return
        kind = frame.kind
        if kind == b"text/event-plain":
            self.on_event_frame(frame)
        elif kind in (b"command/reply", b"api/response"):
            if not self._awaited:
                raise SwitchError("a reply that no command asked for")
            self._awaited.popleft().arrive(frame)
        elif kind == b"auth/request":
            self.on_auth_request(frame)
        elif kind == b"text/rude-rejection":
            raise SwitchError("the switch refuses connections from this address")

    # -- what stands on it does with it -----------------------------------------------------------------------

    def on_event_frame(self, frame: Frame) -> None:
        """An event came."""

    def on_auth_request(self, frame: Frame) -> None:
        """The switch asks for its password."""

    def on_end(self, error: SwitchError) -> None:
        """The connection ended: wake whoever waits for more than a reply."""

    # -- sending ---------------------------------------------------------------------------------------------

    def ask(self, command: str) -> Reply:
        """Send a command; its answer can be waited for later.

        :raises SwitchGone: the connection is closed.
        """
        reply = Reply(command.partition("\n")[0])
        # One greenlet at a time: sendall gives way when the buffer is full, and then neither bytes nor the order
        # of replies may mingle with those of another.
        with self._sending:
            if self._ended is not None:
                raise again(self._ended)
            self._awaited.append(reply)
            limit = gevent.Timeout.start_new(SEND_TIMEOUT_S)
            try:
                self.sock.sendall(command.encode() + b"\n\n")
            except BaseException as error:
                # Half a command may have been sent, whatever broke it off: nothing can follow on it.
                why = self._end(SwitchGone(f"the connection to the switch broke: {error!r}"))
                if error is limit or isinstance(error, OSError):
                    raise again(why) from None
                raise
            finally:
                limit.close()
        return reply

    def send(self, data: str, timeout_s: float = REPLY_TIMEOUT_S) -> Frame:
        """Send a command and wait for its answer; raises as ``Reply.wait``."""
        return self.ask(data).wait(timeout_s)

    # -- the end ---------------------------------------------------------------------------------------------

    @property
    def ended(self) -> SwitchError | None:
        """Why the connection is closed; None while it is open."""
        return self._ended

    def stop(self) -> None:
        """Close the connection, and be sure that nothing of it is left."""
        self._end(SwitchGone("we closed the connection"))
        reader = self._reader
        if reader is not None and reader is not gevent.getcurrent():
            reader.join(timeout=1.0)
            if not reader.dead:
                reader.kill(block=False)
        self._reader = None

    def _end(self, error: SwitchError) -> SwitchError:
        """Close once, for the first reason that is known; wake every waiter. That reason."""
        if self._ended is not None:
            return self._ended
        self._ended = error
        self.connected = False
        self._run = False
        sock = getattr(self, "sock", None)  # a client that was never connected has none
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # the other side learns of it even if a copy is open
            sock.close()
        awaited, self._awaited = self._awaited, deque()
        for reply in awaited:
            reply.fail(again(error))
        self.on_end(error)
        return error


def again(error: SwitchError) -> SwitchError:
    """A copy to be raised: one exception raised many times would gather the tracebacks of all."""
    return type(error)(*error.args)
