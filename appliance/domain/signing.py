"""Signing in at a line: at which lines anybody does, and whose line a caller calls from."""

from __future__ import annotations

from appliance.domain.numbers import Caller
from appliance.domain.routing import Line, RoutingTable


def asks_for_sign_in(line: Line, table: RoutingTable) -> bool:
    """Whether the line serves a queue only while somebody is signed in at it."""
    return any(queue.sign_in and line.id in queue.hunt.lines for queue in table.queues.values())


def line_called_from(caller: Caller, account: str, table: RoutingTable) -> Line | None:
    """The account's line that a caller calls from; None: none, or several have his number.

    It says whom he is asked to be, and proves nothing: a calling number can be made up.
    """
    if not caller.number:
        return None
    found = [one for one in table.lines.values() if one.account == account and one.number == caller.number]
    return found[0] if len(found) == 1 else None
