"""The world that a walk without a call meets: lines, queues, schedules, lists, and where the caller calls from."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from appliance.domain import admission, numbers
from appliance.domain.calendar import DayKinds, Standing, standing
from appliance.domain.callback import NO_CALLBACK, Terms
from appliance.domain.callback_number import agreed_number, why_not_callable
from appliance.domain.called import Incoming
from appliance.domain.flow import Enqueue
from appliance.domain.flow.branch import Circumstances
from appliance.domain.flow.values import built_in
from appliance.domain.hunt import Choice, Hunt, Skip, choose
from appliance.domain.numbers import Caller, CallerKind
from appliance.domain.outcome import Disposition
from appliance.domain.places import Place
from appliance.domain.queue import Floor, LineNow, Waiting, lines_for
from appliance.domain.routing import RoutingTable
from appliance.domain.walk import World
from appliance.reference.regions import Regions
from appliance.store import past
from appliance.store.journal import Journal
from appliance.store.waitlist import Waitlist


@dataclass(frozen=True, slots=True)
class Hunting:
    """What choosing lines needs.

    :param busy: ids of lines that are taken.
    """

    at: datetime
    busy: Collection[str]
    call: Incoming
    table: RoutingTable
    journal: Journal
    day_kind: DayKinds
    dice: random.Random

    def choice(self, name: str, hunt: Hunt) -> Choice:
        """The lines that ring: those that are busy are passed over, if the hunt goes on after a busy one."""
        uses = past.uses(self.journal, name, hunt, self.call, self.table, self.at)
        chosen = choose(hunt, self.table, uses, self.at, self.day_kind, self.dice)
        skipped = dict(chosen.skipped)
        rounds = []
        for lines in chosen.rounds:
            free = tuple(line for line in lines if line.id not in self.busy)
            skipped |= {line.id: Skip.BUSY for line in lines if line.id in self.busy}
            if free:
                rounds.append(free)
            elif not hunt.goes_on(Disposition.BUSY):
                break
        return Choice(tuple(rounds), skipped)

    def served_by(self, node: Enqueue) -> Choice:
        """The lines of a queue that would ring at once, if nobody else waits in it."""
        queue = self.table.queues.get(node.queue)
        if queue is None:
            return Choice((), {})
        signed_in = Waitlist(self.journal.file).signed_in()
        floor = Floor(
            table=self.table,
            waiting=(),
            lines={line: LineNow(signed_in=True) for line in signed_in},
            now=self.at,
            day_kind=self.day_kind,
            dice=self.dice,
            uses=lambda queue, one: past.uses(
                self.journal, queue.turns, queue.hunt, self.call, self.table, self.at
            ),
        )
        asking = Waiting("", queue.id, self.at, skill=node.skill)
        return lines_for(queue, asking, floor, frozenset(self.table.lines) - frozenset(self.busy))


def place_in(table: RoutingTable, caller: Caller) -> Place | None:
    """Where a caller calls from, by the table's own places first."""
    if caller.kind is CallerKind.OVERSEAS:
        return admission.OVERSEAS
    return Regions(table.places).place_of(caller)


def world_of(call: Incoming, place: Place | None, hunting: Hunting, home_area_code: str = "") -> World:
    """What a walk of that call meets."""
    table, account = hunting.table, call.route.account

    def terms_of(node: Enqueue) -> Terms:
        queue = table.queues.get(node.queue)
        return NO_CALLBACK if queue is None or queue.account != account else queue.callback

    def agrees(node: Enqueue, press: Callable[[], str]) -> bool:
        terms = terms_of(node)

        def enter() -> Caller | None:
            keyed = press().removesuffix("#")  # by which he ends it
            return numbers.caller(keyed, home_area_code) if keyed else None

        agreed = agreed_number(
            call.caller,
            terms,
            lambda callee: why_not_callable(callee, terms, call.route, table),
            lambda why: None,
            lambda callee, may_change: press(),
            enter,
        )
        return agreed is not None

    def standing_of(schedule: str) -> Standing | None:
        found = table.schedules.get(schedule)
        return None if found is None else standing(found, hunting.at, hunting.day_kind)

    def is_listed(name: str) -> bool:
        found = table.lists.get(name)
        return found is not None and found.account == account and bool(found.match(call.caller))

    return World(
        lines_of=lambda node, hunt: hunting.choice(f"{account}/{node}", hunt),
        served_by=hunting.served_by,
        callback_key=lambda node: terms_of(node).key,
        agrees=agrees,
        at=Circumstances(standing_of, is_listed, lambda: place),
        flows=table.flows_of(account),
        extensions=table.extensions_of(account),
        variables=built_in(call.caller, place, call.route.number, hunting.at),
    )
