"""Which 400 numbers lead to a service menu: whoever records a prompt by phone dials one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import select

from appliance.domain import flow as flows
from appliance.domain.flow.ways import entered_from
from appliance.store.models import Flow, FlowVersion, Number, in_force
from appliance.store.queries.scope import Reader


def numbers_that_record(reader: Reader, account: str, now: datetime) -> tuple[str, ...]:
    """An account's numbers in service whose flow, as published ``now``, leads to a node that records prompts."""
    graphs = dict(_published(reader, account, now))
    leading = reader.rows(
        select(Number.number, Flow.name)
        .join(Flow, Flow.id == Number.flow_id)
        .where(Number.account_id == account, Number.in_service)
        .order_by(Number.number)
    )
    return tuple(number for number, name in leading if _records(name, graphs))


def _published(reader: Reader, account: str, now: datetime) -> Iterator[tuple[str, flows.Flow]]:
    published = select(Flow.name, FlowVersion.version, FlowVersion.graph).join(
        FlowVersion, (FlowVersion.flow_id == Flow.id) & (FlowVersion.version == in_force(now))
    )
    for name, version, graph in reader.rows(published.where(Flow.account_id == account)):
        parsed, _ = flows.parse(name, version, graph)
        if parsed is not None:
            yield name, parsed


def _records(name: str, graphs: Mapping[str, flows.Flow]) -> bool:
    return any(
        isinstance(node, flows.Service) and node.record
        for entered in entered_from(name, graphs)
        for node in graphs[entered].nodes.values()
    )
