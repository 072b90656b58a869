"""One caller's leg on the outbound socket (``socket HOST:PORT async full``).

``Session`` is greenswitch's ``OutboundSession`` with its unsafe parts replaced (see ``link``). The switch runs
the applications that we send one after the other (``event-lock``: the next one is not begun from within the
one that runs, ``switch_core_session_dequeue_private_event``); the end of one that is waited for is known by
the ``Application-UUID`` that we chose, not by its name.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn, cast

import structlog
from gevent import socket
from gevent.event import AsyncResult
from greenswitch.esl import OutboundSession

from appliance.errors import CallerGone, SwitchError, SwitchGone, SwitchTimeout
from appliance.switch import escape
from appliance.switch.link import REPLY_TIMEOUT_S, Link, Taker, again
from appliance.switch.wire import Frame, Headers

_log = structlog.get_logger(__name__)


class Session(Link, OutboundSession):  # type: ignore[misc]  # greenswitch has no types
    """A connection that the switch opened for a call."""

    session_data: Headers | None

    def __init__(self, client_address: tuple[str, int], sock: socket.socket) -> None:
        # Many small writes go each way; waiting for the other side's ACK would cost 40 ms apiece.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ends: dict[bytes, AsyncResult[Headers]] = {}
        self._made = 0
        self._tag = secrets.token_hex(6)
        # Ids that the switch filters by already and whose ends have all come.
        self._free_ids: list[str] = []
        super().__init__(client_address, sock)
        self.sock_file.close()  # greenswitch reads from it; an open one would keep the socket open

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

    def connect(self, timeout_s: float = REPLY_TIMEOUT_S) -> Headers:
        """Take the call over; its data.

        :raises SwitchError: the switch did not answer, or not with a channel.
        """
        if self.session_data is None:
            data = self.send("connect", timeout_s)
            # The switch may be told to take the Call-ID for it (inbound-use-callid-as-uuid): a caller's text.
            escape.identifier(data.get(b"Unique-ID"))
            self.session_data = data
            self._outbound_connected = True
        return self.data

    def start(self, applications: Iterable[tuple[str, str]]) -> None:
        """Queue applications in the switch; nothing is waited for."""
        self.post(self._messages(applications))

    def run(self, applications: Sequence[tuple[str, str]], timeout_s: float) -> Headers:
        """Queue applications and wait until the last of them has ended; its event.

        :raises CallerGone: the caller hung up before, while or as the last one ended.
        :raises SwitchTimeout: it has not ended after ``timeout_s``.
        """
        name, argument = applications[-1]
        result: AsyncResult[Headers] = AsyncResult()
        first, waited = self._id()
        key = waited.encode()
        self._ends[key] = result

        def refused(frame: Frame) -> None:
            if frame.reply.startswith("-ERR"):
                result.set_exception(SwitchError(f"{name}: {frame.reply}"))

        try:
            last = (message(name, argument, waited), refused)
            self.post([*first, *self._messages(applications[:-1]), last])
            result.wait(timeout=timeout_s)
        finally:
            self._ends.pop(key, None)
        if not result.ready():
            raise SwitchTimeout(f"{name} has not ended after {timeout_s:g} s")
        event = cast(Headers, result.get())
        self._free_ids.append(waited)
        if event.raw(b"Answer-State") == b"hangup":
            raise CallerGone("the caller hung up")
        return event

    def _id(self) -> tuple[list[tuple[str, Taker]], str]:
        """An id for an application's end, and what the switch must be told before it is used."""
        if self._free_ids:
            return [], self._free_ids.pop()
        first: list[tuple[str, Taker]] = []
        if not self._made:
            first.append(("event plain CHANNEL_EXECUTE_COMPLETE", self._must))
        self._made += 1
        made = f"{self._tag}-{self._made}"
        # Before the subscription: without any filter every call's events would come.
        first.insert(0, (f"filter Application-UUID {made}", self._must))
        return first, made

    def hangup(
        self,
        cause: str = "NORMAL_CLEARING",
        first: Iterable[tuple[str, str]] = (),
        timeout_s: float = REPLY_TIMEOUT_S,
    ) -> None:
        """Run the last applications, end the call, and wait until the switch has closed the connection.

        :raises CallerGone: it had ended before.
        :raises SwitchTimeout: the connection is still there after ``timeout_s``.
        """
        reader = self._reader
        last = (f"sendmsg\ncall-command: hangup\nhangup-cause: {cause}", self._note_refusal)
        self.post([*self._messages(first), last])
        if reader is not None:
            reader.join(timeout=timeout_s)
        if self.ended is None:
            raise SwitchTimeout(f"the switch has not ended the call after {timeout_s:g} s")

    def call_command(self, *_: object, **__: object) -> NoReturn:
        """Not here: all of greenswitch's own verbs end in this; they wait by an application's name, without
        limit, and send what they are given."""
        raise NotImplementedError("use run, start or hangup")

    # -- what comes ------------------------------------------------------------------------------------------

    def on_event_frame(self, frame: Frame) -> None:
        """The end of an application that is waited for, or that was given up."""
        event = frame.event()
        result = self._ends.pop(event.raw_last(b"Application-UUID") or b"", None)
        if result is not None:
            result.set(event)

    def on_notice(self, frame: Frame) -> None:
        """``text/disconnect-notice``: the channel is gone, or another command of ours closed the socket."""
        self._end(CallerGone("the caller hung up"))

    def on_end(self, error: SwitchError) -> None:
        """Wake whoever waits for an application's end."""
        ends, self._ends = self._ends, {}
        for result in ends.values():
            result.set_exception(again(error))
        self._outbound_connected = False

    # -- helpers ---------------------------------------------------------------------------------------------

    def _messages(self, applications: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Taker]]:
        for name, argument in applications:
            yield message(name, argument), self._note_refusal

    def _must(self, frame: Frame) -> None:
        """Of commands without which no end would ever come."""
        if frame.reply.startswith("-ERR"):
            self._end(SwitchGone(f"the switch refused to tell us of ends: {frame.reply[:200]}"))

    def _note_refusal(self, frame: Frame) -> None:
        if frame.reply.startswith("-ERR"):
            _log.warning("the switch refused", reply=frame.reply[:200], call=self.uuid)


def message(application: str, argument: str, uuid: str = "") -> str:
    """An ``execute`` for ``sendmsg``; ``uuid`` comes back as ``Application-UUID``."""
    lines = ["sendmsg", "call-command: execute", f"execute-app-name: {application}", "event-lock: true"]
    if argument:
        lines.append(f"execute-app-arg: {argument}")
    if uuid:
        lines.append(f"Event-UUID: {uuid}")
    return "\n".join(lines)
