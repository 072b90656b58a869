"""The one connection by which the switch is looked at; open only while somebody watches.

An idle one costs the switch fifty wake-ups a second, so it is closed when nobody does.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.switch.client import Client
from appliance.switch.link import Reply
from appliance.switch.wire import text

#: A look that takes longer is none: what it would tell is old by then.
PATIENCE_S = 2.0


class Answer:
    """An answer that is still to come."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def wait(self) -> str:
        """Its text.

        :raises SwitchRefused: it is ``-ERR …``.
        :raises SwitchTimeout: it did not come in time.
        :raises SwitchGone: the connection closed first.
        """
        return text(self._reply.wait(PATIENCE_S).body)


class Connection:
    """Opened by the first question, and again by the next one after it broke.

    :param make: a new client, not yet connected.
    """

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._client: Client | None = None

    def ask(self, command: str) -> Answer:
        """Send an API command, which is ours whole: nothing of a caller's is in it.

        :raises SwitchError: the switch is away, or refuses the password.
        """
        if self._client is None or self._client.ended is not None:
            self.close()
            client = self._make()
            client.connect()
            self._client = client
        return Answer(self._client.ask(f"api {command}"))

    def close(self) -> None:
        """Close it."""
        client, self._client = self._client, None
        if client is not None:
            client.stop()
