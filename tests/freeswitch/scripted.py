"""Call handlers for tests: the outbound socket's wire by hand, so that they can die at any point.

::

    async with Handlers(switch, script) as handlers: ...

``script(leg)`` is run for each call that the switch brings; it may raise anything, the socket then closes.
"""

from __future__ import annotations

import asyncio
import urllib.parse
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from appliance.testphone import Phone
from tests.support.freeswitch_server import FreeSwitch

LINE = "line-1"
"""The identity of the line that `ring` rings."""


class Gone(Exception):
    """The switch closed the socket."""


class Leg:
    """One call as the handlers see it. ``data`` is what ``connect`` brought, unquoted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.data: dict[str, str] = {}
        self.events: list[dict[str, str]] = []

    async def connect(self) -> dict[str, str]:
        """``connect``, and the events that `execute` waits for."""
        self.data = await self.command("connect")
        await self.command(f"filter Unique-ID {self.uuid}")
        await self.command("event plain CHANNEL_EXECUTE_COMPLETE CHANNEL_BRIDGE")
        return self.data

    @property
    def uuid(self) -> str:
        """The switch's name of the leg."""
        return self.data["Unique-ID"]

    async def take(self) -> dict[str, str]:
        """``connect`` and tell the dialplan that the call is looked after, as the appliance does."""
        await self.connect()
        await self.execute("sched_cancel", self.data["variable_last_sched_id"])
        return self.data

    async def command(self, text: str) -> dict[str, str]:
        """Send one command and return its reply's headers; events that come before it are kept."""
        self._writer.write(f"{text}\n\n".encode())
        while True:
            headers, body = await self._frame()
            if headers["Content-Type"] in ("command/reply", "api/response"):
                return headers | {"body": body}
            self._keep(headers, body)

    async def send(self, application: str, argument: str = "") -> str:
        """Have an application executed; return the identity that its end will carry."""
        identity = str(uuid.uuid4())
        await self.command(
            "sendmsg\ncall-command: execute\n"
            f"execute-app-name: {application}\nexecute-app-arg: {argument}\n"
            f"event-lock: true\nEvent-UUID: {identity}"
        )
        return identity

    async def execute(self, application: str, argument: str = "", timeout: float = 20.0) -> dict[str, str]:
        """Have an application executed and wait for its end; return the end's event, unquoted."""
        identity = await self.send(application, argument)
        async with asyncio.timeout(timeout):
            while True:
                for event in self.events:
                    if event.get("Application-UUID") == identity:
                        return event
                self._keep(*await self._frame())

    async def close(self) -> None:
        """Close the socket, as a handler does that dies."""
        self._writer.close()
        await asyncio.sleep(0)

    async def until_gone(self, timeout: float = 20.0) -> None:
        """Wait until the switch closes the socket."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    self._keep(*await self._frame())
        except Gone:
            return

    def _keep(self, headers: dict[str, str], body: str) -> None:
        if headers.get("Content-Type") == "text/event-plain":
            self.events.append(_headers(body))

    async def _frame(self) -> tuple[dict[str, str], str]:
        try:
            head = (await self._reader.readuntil(b"\n\n")).decode("utf-8", "replace")
            headers = _headers(head)
            body = await self._reader.readexactly(int(headers.get("Content-Length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Gone from error
        return headers, body.decode("utf-8", "replace")


Script = Callable[[Leg], Awaitable[None]]


def ring(line: Phone, facts: str = "gw_line=line-1", *, answer: bool = False) -> Script:
    """A script that rings ``line`` as the appliance does, after an answer or without, then hangs up.

    ``facts`` are variables of the channel, ``A=1;B=2``.
    """

    async def script(leg: Leg) -> None:
        await leg.take()
        await leg.execute("multiset", f"^^;socket_resume=false;ringback=%(1000,4000,450);{facts}")
        if answer:
            await leg.execute("answer")
        target = f"[leg_timeout=20]sofia/gateway400/02160000001@127.0.0.1:{line.port}"
        await leg.execute("limit_execute", f"hash line {LINE} 1 bridge {target}", timeout=60.0)
        await leg.execute("hangup", "NORMAL_CLEARING")

    return script


class Handlers:
    """Listens where ``switch`` looks for handlers. ``legs`` are the calls it brought, in order."""

    def __init__(self, switch: FreeSwitch, script: Script) -> None:
        self.port, self.script = switch.settings.handlers_port, script
        self.legs: list[Leg] = []
        self.faults: list[BaseException] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.die()
        if error is None and self.faults:
            raise self.faults[0]

    async def die(self) -> None:
        """Stop listening and drop every call at once, as a killed process does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._run(Leg(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, leg: Leg) -> None:
        self.legs.append(leg)
        try:
            await self.script(leg)
        except Gone:
            pass
        except Exception as error:
            self.faults.append(error)
        finally:
            await leg.close()


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in text.splitlines() if line)
    return {name: urllib.parse.unquote(value) for name, _, value in pairs}
