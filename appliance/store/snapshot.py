"""The fallback's copy of the routing: what FreeSWITCH connects by when no call handler answers.

The file holds, for each number in service, the one line that a call goes to then::

    {"version": 1, "revision": 7,
     "numbers": {"4008001234": {"account": "demo",
                                "first_line": {"id": "sales-1",
                                               "dial": "sofia/gateway400/02160000001@127.0.0.1:5090",
                                               "ring_seconds": 25, "max_calls": 2,
                                               "caller_id": "trunk", "caller_number": "02160000000"}}},
     "landing": {"02161234567": "4008001234"}}

``caller_id`` is ``pass`` where the line may see the caller's own number; else, and where that must not be shown, it
sees ``caller_number`` (empty: none).

A number that leads to no line is left out: its callers hear the apology.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.domain.flow import Enqueue, Flow, Ring, Subflow, exits_of
from appliance.domain.routing import PHONES_REALM, CallerIdPolicy, Line, NumberRoute, RoutingTable
from appliance.errors import StoreError

FORM = 1


def write_snapshot(table: RoutingTable, path: Path) -> None:
    """Write the fallback's routing: whoever reads ``path`` sees the old file or the new one, whole.

    :raises StoreError: the file cannot be written; the old one stays.
    """
    text = json.dumps(snapshot(table), ensure_ascii=False, indent=1) + "\n"
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False
        ) as file:
            part = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # The switch reads it, under a user of its own.
        part.chmod(0o644)
        part.replace(path)
        _keep_name(path.parent)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error


def _keep_name(folder: Path) -> None:
    """A rename outlives a power cut only once the folder itself is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def snapshot(table: RoutingTable) -> dict[str, Any]:
    """The snapshot's content."""
    numbers: dict[str, Any] = {}
    for route in table.numbers.values():
        found = _first_line(route, table) if route.in_service else None
        if found is not None:
            numbers[route.number] = {"account": route.account, "first_line": found}
    landing = {
        landed: number for trunk in table.trunks for landed, number in trunk.landing.items() if number in numbers
    }
    return {"version": FORM, "revision": table.revision, "numbers": numbers, "landing": landing}


def _first_line(route: NumberRoute, table: RoutingTable) -> dict[str, Any] | None:
    """The first line that can be dialled, of a number's lines or of the ring nodes of its flow. Those of a low
    level, and that ring at any time, go first: the fallback asks neither clock nor caps."""
    candidates = _ring_lines(route.flow, route.account, table) if route.flow is not None else iter(route.hunt.lines)
    lines = [table.lines[line_id] for line_id in candidates if line_id in table.lines]
    for line in sorted(lines, key=lambda line: (bool(line.schedule), line.level)):
        dial = _dial(line, table)
        if dial is not None:
            return {
                "id": line.id,
                "dial": dial,
                "ring_seconds": line.ring_seconds,
                "max_calls": line.max_calls,
                **_shown(line, table),
            }
    return None


def _ring_lines(flow: Flow, account: str, table: RoutingTable) -> Iterator[str]:
    """Lines of the nodes that ring some, those nearest to the start first, exits in their order, with the flows
    that are entered on the way."""
    todo = deque([(flow, flow.start)])
    seen = {(flow.name, flow.start)}
    while todo:
        at, node_id = todo.popleft()
        node = at.nodes[node_id]
        onward = [(at, target) for target in exits_of(node).values()]
        if isinstance(node, Ring):
            yield from node.lines
        elif isinstance(node, Enqueue) and node.queue in table.queues:
            yield from table.queues[node.queue].hunt.lines
        elif isinstance(node, Subflow) and (account, node.flow) in table.flows:
            inner = table.flows[account, node.flow]
            onward.insert(0, (inner, inner.start))
        for inside, target in onward:
            if (inside.name, target) not in seen:
                seen.add((inside.name, target))
                todo.append((inside, target))


def _shown(line: Line, table: RoutingTable) -> dict[str, str]:
    """By what number the line is rung (``domain.lines``). The fallback writes no name and no Diversion: with both
    policies that do not pass the caller's number the trunk's own is shown."""
    trunk = None if line.is_phone else table.trunk(line.trunk)
    if trunk is None:
        return {"caller_id": CallerIdPolicy.PASS.value, "caller_number": ""}
    passes = trunk.caller_id is CallerIdPolicy.PASS
    shown = CallerIdPolicy.PASS if passes else CallerIdPolicy.TRUNK
    return {"caller_id": shown.value, "caller_number": trunk.caller_number}


def _dial(line: Line, table: RoutingTable) -> str | None:
    if line.is_phone:
        return f"sofia/phones/{line.id}%{PHONES_REALM}"
    trunk = table.trunk(line.trunk)
    if trunk is None or not trunk.proxy:
        return None
    number = trunk.written(line.number)
    if trunk.registration is not None:
        return f"sofia/gateway/{trunk.id}/{number}"
    return f"sofia/{trunk.profile}/{number}@{trunk.proxy}"
