"""When what was held for a call that was charged is free again.

Included units go to the calls of a subscription in the order of their answers (``grants``), and charges come in the
order of their ends. So a charge that units paid for is dearer later when a call comes that was answered before it:
until all that could be are charged, what was held stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple


class Held(NamedTuple):
    """What is held for a call of ``number`` that began ``at``; ``amount`` in millionths of a yuan."""

    uuid: str
    account: str
    number: str
    amount: int
    at: datetime


def freed(held: Iterable[Held], settled: Mapping[str, datetime | None]) -> set[str]:
    """Calls for which nothing has to be held any more.

    Only a call that began before another one's answer can have been answered before it: those that come later keep
    nothing held, so that everything is free in the end.

    :param held: everything that is held.
    :param settled: calls that were charged, or never will be; of those whose charge included units paid for, in
        part or whole, when they were answered.
    """
    held = list(held)
    oldest: dict[str, datetime] = {}
    for one in held:
        if one.uuid not in settled:
            oldest[one.number] = min(one.at, oldest.get(one.number, one.at))
    found = set()
    for one in held:
        answered = settled.get(one.uuid)
        # Where nothing is held there is nothing to keep.
        waits = answered is not None and one.amount > 0 and oldest.get(one.number, answered) < answered
        if one.uuid in settled and not waits:
            found.add(one.uuid)
    return found
