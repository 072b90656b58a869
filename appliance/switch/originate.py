"""Placing a call of our own: the switch rings lines, and hands the leg of the one that answers to the handlers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.cdr import PACKED, packed
from appliance.errors import SwitchRefused, UnsafeArgument
from appliance.switch import escape
from appliance.switch.client import Client
from appliance.switch.dialling import leg, longest, named
from appliance.switch.leg import Target

#: The extension that such a leg runs once it has answered (``freeswitch-scripts/conf/dialplan``).
EXTENSION = "callback XML handlers"
_MARGIN_S = 15.0


def argument(
    targets: Sequence[Target],
    prompts: Sequence[Path],
    legs: Mapping[str, str],
    facts: Mapping[str, Mapping[str, str]],
) -> str:
    """The argument of ``originate``. The whole dial string stands in quotes: it holds blanks, and the command is
    cut at those (``originate_function``).

    Each leg holds its line's and its trunk's slot, as where several ring at once; the first that answers (and
    confirms) goes on. What is recorded is the other way round: the caller is the one who is heard on this leg.

    >>> target = Target("a", "02151860000", "127.0.0.1:5080", 25, 0, caller_number="02160000000")
    >>> print(argument([target], [], {"a": "0b1c"}, {"a": {"callback": "7f3e"}}).replace(",", "," + chr(10)))
    '{ignore_early_media=true,
    RECORD_STEREO_SWAP=true,
    originate_timeout=85}[origination_uuid=0b1c,
    gw_facts=callback=7f3e,
    leg_timeout=25,
    origination_caller_id_number=02160000000,
    origination_caller_id_name=02160000000,
    gw_line=a]sofia/gateway400/02151860000@127.0.0.1:5080' callback XML handlers
    """
    rung = []
    for target in targets:
        uuid = legs[target.line]
        noted = f"{PACKED}={escape.value(packed(facts[target.line]), escape.MAX_PACKED)}"
        made = leg(target, prompts, alone=False, call=uuid).removeprefix("[")
        rung.append(named(f"{noted},{made}", uuid))
    common = f"ignore_early_media=true,RECORD_STEREO_SWAP=true,originate_timeout={longest(targets)}"
    return f"{escape.quoted(f'{{{common}}}' + ','.join(rung))} {EXTENSION}"


@dataclass(frozen=True, slots=True)
class Originator:
    """Places calls; see ``calls.callbacks.Dialler``. Each on a connection of its own, which waits until the line
    has answered: a switch reads no other command on it meanwhile. When it breaks the line rings on.

    :param make: a new client, not yet connected.
    :param prompts: folders that what is whispered to a line may lie in.
    """

    make: Callable[[], Client]
    prompts: tuple[Path, ...]

    def ring(
        self, targets: Sequence[Target], legs: Mapping[str, str], facts: Mapping[str, Mapping[str, str]]
    ) -> str:
        """The cause; ``SUCCESS``: one has answered.

        :raises SwitchError: the switch is away, or went while the line rang.
        """
        with self._connected() as client:
            command = f"api originate {argument(targets, self.prompts, legs, facts)}"
            try:
                client.send(command, longest(targets) + _MARGIN_S)
            except SwitchRefused as refused:
                return _cause(str(refused))
        return "SUCCESS"

    def exists(self, uuid: str) -> bool:
        """Whether there is such a leg.

        :raises SwitchError: the switch is away.
        """
        with self._connected() as client:
            return client.api(f"uuid_exists {escape.identifier(uuid)}").strip() == "true"

    def count(self, realm: str, name: str) -> int:
        """Calls that are counted there; a count that cannot be read is none.

        :raises SwitchError: the switch is away.
        """
        with self._connected() as client:
            place = f"{escape.variable(realm)} {escape.identifier(name)}"
            counted = client.api(f"limit_usage hash {place}").strip()
        return int(counted) if counted.isdecimal() else 0

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Client]:
        client = self.make()
        client.connect()
        try:
            yield client
        finally:
            client.stop()


def _cause(refused: str) -> str:
    """``…: -ERR USER_BUSY`` → ``USER_BUSY``."""
    word = refused.rpartition("-ERR ")[2].strip()
    try:
        return escape.cause(word)
    except UnsafeArgument:
        return "NORMAL_UNSPECIFIED"
