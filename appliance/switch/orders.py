"""Short orders to the switch about calls that other connections look after: how busy lines are, waking a leg, and
saying something over what it hears.

One connection for all, opened when it is first wanted and again after it broke; an idle one costs the switch fifty
looks a second, so it is closed when nobody has wanted it for a while.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.errors import SwitchError, SwitchRefused
from appliance.switch import escape
from appliance.switch.client import Client

#: Nobody wanted anything for so long: the connection is closed.
IDLE_S = 30.0


class Orders:
    """The orders; see ``calls.dispatch.Switchboard``.

    :param make: a new client, not yet connected.
    :param prompts: folders in which what is said may lie.
    """

    def __init__(self, make: Callable[[], Client], prompts: Sequence[Path] = ()) -> None:
        self._make = make
        self._prompts = tuple(prompts)
        self._client: Client | None = None
        self._wanted_at = 0.0

    def usage(self, lines: Sequence[str]) -> dict[str, int]:
        """Calls that each line has, by the switch's own count, those that ring it included.

        :raises SwitchError: the switch is away, or says what is no count.
        """
        asked = [self._connected().ask(f"api limit_usage hash line {escape.identifier(line)}") for line in lines]
        counts = {}
        for line, reply in zip(lines, asked, strict=True):
            body = reply.wait().body.decode("ascii", "replace").strip()
            if not body.isdigit():
                raise SwitchError(f"no count of line {line}: {body[:80]!r}")
            counts[line] = int(body)
        return counts

    def wake(self, uuid: str) -> bool:
        """End what a leg hears while it waits (``Leg.wait``); False: there is no such leg any more. Lost where its
        playing has not begun yet: say it again until it is awake.

        :raises SwitchError: the switch is away.
        """
        client = self._connected()  # a password that is refused says nothing of the leg
        try:
            client.api(f"uuid_break {escape.identifier(uuid)} all")
        except SwitchRefused:
            return False
        return True

    def say_over(self, uuid: str, sound: Path) -> bool:
        """Have a leg hear a sound in the place of what is played to it, which goes on beneath; False: there is no
        such leg any more, it has no media, the same sound is still heard, or cannot be opened.

        Its media thread swaps frames (``switch_ivr_displace_session``), so there is no gap before it.

        :raises SwitchError: the switch is away.
        """
        return self._displace(uuid, "start", sound)

    def hush(self, uuid: str, sound: Path) -> None:
        """End what is said over, if it is still heard.

        :raises SwitchError: the switch is away.
        """
        self._displace(uuid, "stop", sound)

    def _displace(self, uuid: str, verb: str, sound: Path) -> bool:
        order = f"uuid_displace {escape.identifier(uuid)} {verb} {escape.media_path(sound, *self._prompts)}"
        client = self._connected()
        try:
            client.api(order)
        except SwitchRefused:
            return False
        return True

    def rest(self) -> None:
        """Close the connection if nobody has wanted it for a while."""
        if self._client is not None and time.monotonic() - self._wanted_at > IDLE_S:
            self.close()

    def close(self) -> None:
        """Close the connection; the next order opens it again."""
        if self._client is not None:
            self._client.stop()
            self._client = None

    def _connected(self) -> Client:
        self._wanted_at = time.monotonic()
        if self._client is not None and self._client.ended is None:
            return self._client
        self.close()
        client = self._make()
        client.connect()
        if self._client is not None:
            # Another greenlet was quicker.
            with contextlib.suppress(SwitchError):
                client.stop()
            return self._client
        self._client = client
        return client
