"""The switch's event socket."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from appliance.bootstrap.ground import esl_password
from appliance.config import Settings
from appliance.switch.client import Client


def client(settings: Settings) -> Client:
    """For the switch's event socket, not yet connected."""
    return Client(settings.esl_host, settings.esl_port, esl_password(settings), settings.command_timeout_s)


@contextlib.contextmanager
def switch_api(settings: Settings) -> Iterator[Callable[[str], str]]:
    """One connection to the switch's event socket, as a function from an API command to its answer.

    :raises SwitchError: the switch is away, or refuses the password.
    """
    connection = client(settings)
    connection.connect()
    try:
        yield connection.api
    finally:
        connection.stop()
