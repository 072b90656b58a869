"""What people call the things of a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.models import Account, Line, Queue, Trunk


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id; what has none, or is gone, is not in it. ``numbers``: lines' telephone numbers."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)
    trunks: Mapping[str, str] = field(default_factory=dict)


def names_of_site(session: Session) -> Names:
    """Those of the site that is stored now."""

    def named(table: type[Account | Line | Queue | Trunk]) -> dict[str, str]:
        return {id_: name for id_, name in session.execute(select(table.id, table.name)) if name}

    numbers = {id_: number for id_, number in session.execute(select(Line.id, Line.number)) if number}
    return Names(named(Account), named(Line), numbers, named(Queue), named(Trunk))
