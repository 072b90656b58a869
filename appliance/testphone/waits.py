"""Waiting for what happens in a call, always with a timeout, and how a call ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from appliance.testphone.errors import CallOver, PhoneError, PhoneTimeout


@dataclass(frozen=True)
class Ended:
    """How a call ended.

    ``by`` is ``us``, ``them`` or ``nobody`` (no answer, no ACK, or we vanished); ``header`` the other side's
    Reason header and ``cause`` its Q.850 cause, if any; ``status`` the final status of a refused or cancelled
    call; ``at`` when, on ``time.monotonic``.
    """

    by: str
    header: str | None
    cause: int | None
    status: int | None
    at: float


class Waits:
    """What can be waited for. ``end`` is None while the call lives."""

    def __init__(self) -> None:
        self.end: Ended | None = None
        self._bell = asyncio.Event()

    async def ended(self, timeout: float = 10.0) -> Ended:
        """Waits for the end of the call."""
        what = "the end of the call"
        await self._until(lambda: self.end is not None, timeout, what)
        if self.end is None:
            raise self._over(what)
        return self.end

    async def pause(self, seconds: float) -> None:
        """Sleeps; raises CallOver as soon as the call ends."""
        try:
            await self._until(lambda: False, seconds, "")
        except PhoneTimeout:
            return

    def _ring_bell(self) -> None:
        """Wakes every waiter; each looks whether its own condition holds."""
        self._bell.set()
        self._bell = asyncio.Event()

    def _over(self, what: str) -> PhoneError:
        """What a waiter gets when the call ended before ``what``."""
        return CallOver(f"the call ended before {what}: {self.end}")

    def _so_far(self) -> str:
        """What a timeout's message adds about the call."""
        return ""

    async def _until(self, reached: Callable[[], bool], timeout: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not reached():
                    if self.end is not None:
                        raise self._over(what)
                    await self._bell.wait()
        except TimeoutError:
            raise PhoneTimeout(f"{what} did not come within {timeout} s{self._so_far()}") from None

    async def _poll(self, reached: Callable[[], bool], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        while not reached():
            if self.end is not None:
                raise self._over(what)
            if time.monotonic() > deadline:
                raise PhoneTimeout(f"{what} was not heard within {timeout} s")
            await asyncio.sleep(0.04)
