"""Call handlers for tests: the outbound socket's wire by hand, so that they can die at any point.

::

    async with Handlers(switch, script) as handlers: ...

``script(leg)`` is run for each call that the switch brings; it may raise anything, the socket then closes.
"""

from __future__ import annotations

import asyncio
import urllib.parse
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

    async def connect(self) -> dict[str, str]:
        """Take the call over."""
        data = await self.command("connect")
        self.data = {name: urllib.parse.unquote(value) for name, value in data.items()}
        return self.data

    @property
    def uuid(self) -> str:
        """The switch's name of the leg."""
        return self.data["Unique-ID"]

    async def command(self, text: str, timeout: float = 20.0) -> dict[str, str]:
        """Send one command and return its reply's headers."""
        self.write(f"{text}\n\n")
        return await self.reply(timeout)

    def write(self, text: str) -> None:
        """Send bytes as they are, and wait for nothing."""
        self._writer.write(text.encode())

    async def reply(self, timeout: float = 20.0) -> dict[str, str]:
        """The next reply's headers.

        :raises Gone: the switch said goodbye, or closed.
        """
        async with asyncio.timeout(timeout):
            headers, body = await self._frame()
        if headers["Content-Type"] == "text/disconnect-notice":
            raise Gone
        return headers | {"body": body}

    async def execute(self, application: str, argument: str = "", timeout: float = 20.0) -> dict[str, str]:
        """Have an application carried out; the reply comes at its end."""
        return await self.command(execute(application, argument), timeout)

    async def getvar(self, name: str) -> str:
        """A variable's value; ``-ERR command not found`` when it is not set."""
        return (await self.command(f"getvar {name}"))["Reply-Text"]

    async def close(self) -> None:
        """Close the socket, as a handler does that dies."""
        self._writer.close()
        await asyncio.sleep(0)

    async def until_gone(self, timeout: float = 20.0) -> None:
        """Wait until the switch closes the socket."""
        try:
            while True:
                await self.reply(timeout)
        except Gone:
            return

    async def rest(self, timeout: float = 20.0) -> list[str]:
        """The kinds of all that the switch still sends, once it has closed the socket."""
        kinds: list[str] = []
        async with asyncio.timeout(timeout):
            while True:
                try:
                    kinds.append((await self._frame())[0]["Content-Type"])
                except Gone:
                    return kinds

    async def _frame(self) -> tuple[dict[str, str], str]:
        try:
            head = (await self._reader.readuntil(b"\n\n")).decode("utf-8", "replace")
            headers = _headers(head)
            body = await self._reader.readexactly(int(headers.get("Content-Length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Gone from error
        return headers, body.decode("utf-8", "replace")


def execute(application: str, argument: str = "") -> str:
    """The ``sendmsg`` that has an application carried out."""
    return f"sendmsg\ncall-command: execute\nexecute-app-name: {application}\nexecute-app-arg: {argument}"


Script = Callable[[Leg], Awaitable[None]]


def dial(line: Phone, options: str = "leg_timeout=20") -> str:
    """The dial string of ``line``, with the options of its leg."""
    return f"{{ignore_early_media=true}}[{options}]sofia/gateway400/02160000001@127.0.0.1:{line.port}"


def ring(
    line: Phone, facts: str = "gw_line=line-1", *, answer: bool = False, hang_up_after: bool = False
) -> Script:
    """A script that rings ``line`` as the appliance does, after an answer or without, then hangs up.

    ``facts`` are variables of the channel, ``A=1;B=2``; ``hang_up_after``: the switch ends the call with the talk.
    """

    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("multiset", f"^^;{facts}" if hang_up_after else f"^^;hangup_after_bridge=false;{facts}")
        if answer:
            await leg.execute("answer")
        await leg.execute("limit_execute", f"hash line {LINE} 1 bridge {dial(line)}", timeout=60.0)
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
    return {name: value for name, _, value in pairs}
