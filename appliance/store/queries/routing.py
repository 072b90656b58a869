"""400 numbers and lines as the console shows them: where calls go, by which plan, within which limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from appliance.domain import flow as flows
from appliance.store.models import (
    Account,
    Flow,
    FlowVersion,
    Line,
    Number,
    NumberList,
    Plan,
    Price,
    Queue,
    Schedule,
    Subscription,
    Trunk,
    in_force,
)
from appliance.store.queries.charges import PlanView, PriceView, plan_view, price_view
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class LineView:
    """A bound line. ``used_by``: the numbers whose calls may come to it."""

    id: str
    name: str
    number: str
    kind: str
    account_name: str
    trunk_name: str
    max_calls: int
    ring_seconds: int
    extension: str = ""
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A node of a flow. ``exits`` are (exit, node) in the flow's order; exits are named as in ``domain.flow``.
    ``lines`` of a queue are those that serve it. ``strategy``: how its lines are rung; empty: it rings none.
    ``queue``: the name of the queue that callers wait in."""

    id: str
    kind: str
    prompt: str
    lines: tuple[LineView, ...]
    exits: tuple[tuple[str, str], ...]
    strategy: str
    queue: str = ""


@dataclass(frozen=True, slots=True)
class FlowView:
    """A published flow, its steps in the order a caller may meet them; ``readable`` False: it has faults."""

    name: str
    version: int
    readable: bool
    steps: tuple[FlowStep, ...]


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule that a number has: its name in the site file, and what it goes by; of passwords their count only."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberView:
    """A 400 number. Calls go to ``flow``, or to ``lines`` by ``strategy`` and then to the flow ``overflow``."""

    number: str
    name: str
    account_id: str
    account_name: str
    in_service: bool
    record: str
    record_notice: bool
    notice_prompt: str
    retention_days: int
    strategy: str
    overflow: str
    rules: tuple[RuleView, ...]
    flow: FlowView | None
    lines: tuple[LineView, ...]
    plan: PlanView | None
    prices: tuple[PriceView, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a drop-down list."""

    value: str
    name: str


def number_choices(reader: Reader) -> Sequence[Choice]:
    """The numbers that may be chosen in a filter."""
    found = reader.rows(select(Number.number, Number.name).order_by(Number.number))
    return [Choice(number, name) for number, name in found]


def line_choices(reader: Reader) -> Sequence[Choice]:
    """The lines that may be chosen in a filter."""
    found = reader.rows(select(Line.id, Line.name).order_by(Line.name, Line.id))
    return [Choice(line_id, name or line_id) for line_id, name in found]


def numbers_and_lines(reader: Reader, now: datetime) -> tuple[Sequence[NumberView], Sequence[LineView]]:
    """Every number with its flow, lines and the plan that holds at ``now``; and every line."""
    numbers = reader.scalars(select(Number).order_by(Number.account_id, Number.number))
    accounts = dict(reader.rows(select(Account.id, Account.name)))
    lines = {line.id: line for line in _lines(reader, accounts)}
    graphs = _published(reader, now)
    queues = {queue.id: queue for queue in reader.scalars(select(Queue))}
    flow_names = dict(reader.rows(select(Flow.id, Flow.name)))
    named = dict(reader.rows(select(Schedule.id, Schedule.name))) | dict(
        reader.rows(select(NumberList.id, NumberList.name))
    )
    plans, prices = _plans(reader, now)
    views = []
    used: dict[str, list[str]] = {}
    for number in numbers:
        flow = _flow(*graphs[number.flow_id], lines, queues) if number.flow_id in graphs else None
        direct = tuple(lines[line_id] for line_id in number.line_ids if line_id in lines)
        overflow = _flow(*graphs[number.overflow_id], lines, queues) if number.overflow_id in graphs else None
        rung = [*direct, *(line for way in (flow, overflow) if way for step in way.steps for line in step.lines)]
        for line in rung:
            if number.number not in used.setdefault(line.id, []):
                used[line.id].append(number.number)
        plan = plans.get(number.number)
        views.append(
            NumberView(
                number=number.number,
                name=number.name,
                account_id=number.account_id,
                account_name=accounts.get(number.account_id, ""),
                in_service=number.in_service,
                record=number.record,
                record_notice=number.record_notice,
                notice_prompt=number.notice_prompt,
                retention_days=number.retention_days,
                strategy=number.strategy,
                overflow=flow_names.get(number.overflow_id or 0, ""),
                rules=tuple(_rules(number.rules, named)),
                flow=flow,
                lines=() if flow else direct,
                plan=plan,
                prices=prices.get(plan.code, ()) if plan else (),
            )
        )
    return views, [replace(line, used_by=tuple(used.get(line.id, ()))) for line in lines.values()]


def _rules(stored: Mapping[str, Any], named: Mapping[str, str]) -> Iterator[RuleView]:
    """``named``: schedules' and lists' names by their ids."""
    for name, value in stored.items():
        match name, value:
            case "caller_limit", {"calls": calls, "minutes": minutes}:
                yield RuleView(name, (str(calls), str(minutes)))
            case "passwords", [*words]:
                yield RuleView(name, (str(len(words)),))
            case "refusals", dict():
                yield RuleView(name, tuple(map(str, value)))
            case _, [*entries]:
                yield RuleView(name, tuple(named.get(entry) or entry for entry in entries))
            case _:
                yield RuleView(name, (named.get(str(value)) or str(value),))


def _lines(reader: Reader, accounts: dict[str, str]) -> list[LineView]:
    trunks = dict(reader.rows(select(Trunk.id, Trunk.name)))
    return [
        LineView(
            id=line.id,
            name=line.name or line.id,
            number=line.number,
            kind=line.kind,
            account_name=accounts.get(line.account_id, ""),
            trunk_name=trunks.get(line.trunk_id, line.trunk_id) if line.trunk_id else "",
            max_calls=line.max_calls,
            ring_seconds=line.ring_seconds,
            extension=line.extension,
        )
        for line in reader.scalars(select(Line).order_by(Line.account_id, Line.id))
    ]


def _published(reader: Reader, now: datetime) -> dict[int, tuple[str, FlowVersion]]:
    found = reader.rows(
        select(Flow.id, Flow.name, FlowVersion).join(
            FlowVersion, (FlowVersion.flow_id == Flow.id) & (FlowVersion.version == in_force(now))
        )
    )
    return {flow_id: (name, version) for flow_id, name, version in found}


def _plans(reader: Reader, now: datetime) -> tuple[dict[str, PlanView], dict[str, tuple[PriceView, ...]]]:
    """Number → plan at ``now``; plan → the prices that hold at ``now``, one for each kind of caller."""
    holding = reader.rows(
        select(Subscription.number, Plan)
        .join(Plan, Plan.code == Subscription.plan_code)
        .where(Subscription.starts_at <= now, or_(Subscription.ends_at.is_(None), Subscription.ends_at > now))
    )
    plans = {number: plan_view(plan) for number, plan in holding}
    newest: dict[tuple[str, str], Price] = {}
    for price in reader.scalars(
        select(Price)
        .where(Price.plan_code.in_({plan.code for plan in plans.values()}), Price.effective_from <= now)
        .order_by(Price.effective_from)
    ):
        newest[price.plan_code, price.caller] = price
    prices: dict[str, tuple[PriceView, ...]] = {}
    for (code, _), price in sorted(newest.items()):
        prices[code] = (*prices.get(code, ()), price_view(price))
    return plans, prices


def _flow(name: str, version: FlowVersion, lines: Mapping[str, LineView], queues: Mapping[str, Queue]) -> FlowView:
    graph, _ = flows.parse(name, version.version, version.graph)
    if graph is None:
        return FlowView(name, version.version, False, ())
    ordered = [graph.start]
    for node_id in ordered:  # grows while it is walked: breadth first
        ordered += [to for to in flows.exits_of(graph.nodes[node_id]).values() if to not in ordered]
    steps = tuple(_step(node_id, graph.nodes[node_id], lines, queues) for node_id in dict.fromkeys(ordered))
    return FlowView(name, version.version, True, steps)


def _step(node_id: str, node: flows.Node, lines: Mapping[str, LineView], queues: Mapping[str, Queue]) -> FlowStep:
    strategy, name = "", ""
    rings: tuple[str, ...] = ()
    if isinstance(node, flows.Ring):
        rings, strategy = node.lines, node.strategy.value
    elif isinstance(node, flows.Enqueue):
        name = node.queue
        queue = queues.get(node.queue)
        if queue is not None:
            rings, strategy, name = tuple(queue.line_ids), queue.strategy, queue.name or queue.id
    return FlowStep(
        id=node_id,
        kind=node.TYPE,
        prompt=next(iter(flows.prompts_of(node)), ""),
        lines=tuple(lines[line_id] for line_id in rings if line_id in lines),
        exits=tuple(flows.exits_of(node).items()),
        strategy=strategy,
        queue=name,
    )
