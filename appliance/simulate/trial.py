"""Walks through a flow that is not published yet: by a table of cases in text, and by the calls that are stored.

A table has a line for each case, with columns between bars::

    # when             | caller      | keys  | busy    | the way that is expected
    2026-11-27 10:00   | 13800138000 | 1 -   |         | menu=keys.1 sales=joined
    2026-10-01 10:00   | 02161234567 |       |         | open=holiday bye=hung-up

``-`` is an asking that nothing is pressed at; times are of Asia/Shanghai; an empty way is only shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.domain import numbers
from appliance.domain.calendar import SHANGHAI, DayKinds
from appliance.domain.called import Incoming
from appliance.domain.flow import Flow
from appliance.domain.routing import NumberRoute, RoutingTable, Trunk
from appliance.domain.walk import Walk, walk
from appliance.errors import FlowError
from appliance.simulate.world import Hunting, place_in, world_of
from appliance.store.journal import Journal
from appliance.store.routing import load_table

_COLUMNS = ("when", "caller", "keys", "busy", "way")


@dataclass(frozen=True, slots=True)
class Case:
    """A line of a table; ``expected`` is empty where the way is only to be shown."""

    line: int
    at: datetime
    caller: str
    keys: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A case, and the way that the walk took."""

    case: Case
    walk: Walk

    @property
    def way(self) -> str:
        """``NODE=EXIT`` of each node, at last ``NODE=HOW IT ENDED``."""
        return " ".join(self.walk.way)

    @property
    def is_right(self) -> bool:
        """Whether it is as expected."""
        return self.case.expected in ("", self.way)


def read_table(text: str) -> list[Case]:
    """The cases of a table.

    :raises FlowError: with every line that is none.
    """
    cases, faults = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        columns = [column.strip() for column in line.split("|")]
        if len(columns) > len(_COLUMNS) or len(columns) < 2:
            faults.append(f"line {number}: {len(_COLUMNS)} columns at most, two at least: {', '.join(_COLUMNS)}")
            continue
        when, caller, keys, busy, way = (*columns, "", "", "")[: len(_COLUMNS)]
        at = _moment(when)
        if at is None:
            faults.append(f"line {number}: not a time (YYYY-MM-DD HH:MM, 2000 to 2099): {when}")
            continue
        pressed = tuple("" if key == "-" else key for key in keys.split())
        cases.append(Case(number, at, caller, pressed, tuple(busy.split()), " ".join(way.split())))
    if faults:
        raise FlowError(faults)
    return cases


def _moment(text: str) -> datetime | None:
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
        try:
            read = datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
        except ValueError:
            continue
        return read if 2000 <= read.year < 2100 else None
    return None


@dataclass(frozen=True, slots=True)
class Trial:
    """Walks a flow of an account through the site as it is stored."""

    session: Session
    journal: Journal
    public_day: DayKinds
    account: str
    home_area_code: str = ""

    def run(self, flow: Flow, cases: Sequence[Case]) -> Iterator[Tried]:
        """Each case in turn."""
        tables: dict[datetime, RoutingTable] = {}
        for case in cases:
            if case.at not in tables:
                tables[case.at] = load_table(self.session, case.at)
            yield Tried(case, self.walk(flow, case, tables[case.at]))

    def walk(self, flow: Flow, case: Case, table: RoutingTable) -> Walk:
        """One case, by a routing table."""
        caller = numbers.caller(case.caller, self.home_area_code)
        call = Incoming(Trunk("", ()), self._route(flow, table), caller)
        # Each case alone: what chance decides is decided alike each time.
        dice = random.Random(0)  # noqa: S311 - no secret
        days = table.day_kinds(self.public_day)
        hunting = Hunting(case.at, case.busy, call, table, self.journal, days, dice)
        world = world_of(call, place_in(table, caller), hunting, self.home_area_code)
        own = replace(world, flows={**world.flows, flow.name: flow})
        return walk(flow, case.keys, own)

    def _route(self, flow: Flow, table: RoutingTable) -> NumberRoute:
        """The first of the account's numbers that leads to the flow; where none does, one without rules."""
        leading = (
            replace(one, flow=flow)
            for one in table.numbers.values()
            if one.account == self.account and one.flow is not None and one.flow.name == flow.name
        )
        return next(leading, NumberRoute("", self.account, flow))
