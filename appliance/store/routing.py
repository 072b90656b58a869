"""The routing of the box as the rules want it."""

from __future__ import annotations

import structlog
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from appliance.domain import flow as flows
from appliance.domain import routing as domain
from appliance.domain.numbers import NumberFormat
from appliance.store.models import Flow, FlowVersion, Line, Number, SiteState, Trunk

_log = structlog.get_logger(__name__)


def revision(session: Session) -> int:
    """How often the site has changed; 0: never applied. One row, cheap enough for every call."""
    return session.scalar(select(SiteState.revision)) or 0


def load_table(session: Session) -> domain.RoutingTable:
    """Everything that routing knows, at one moment (load it inside ``Store.reading``)."""
    graphs = _flows(session)
    return domain.RoutingTable(
        revision=revision(session),
        trunks=tuple(map(_trunk, session.scalars(select(Trunk).order_by(Trunk.id)))),
        lines={line.id: _line(line) for line in session.scalars(select(Line).order_by(Line.id))},
        numbers={
            number.number: _number(number, graphs)
            for number in session.scalars(select(Number).order_by(Number.number))
        },
    )


def _flows(session: Session) -> dict[int, flows.Flow]:
    """Published graphs by the flow's row."""
    query = select(Flow, FlowVersion).join(
        FlowVersion, and_(FlowVersion.flow_id == Flow.id, FlowVersion.version == Flow.published)
    )
    read: dict[int, flows.Flow] = {}
    for row, version in session.execute(query):
        graph, faults = flows.parse(row.name, version.version, version.graph)
        if graph is None:
            # Published before the rules grew stricter. The other numbers of the box go on.
            _log.error(
                "flow-unusable", account=row.account_id, flow=row.name, version=version.version, faults=faults
            )
            continue
        read[row.id] = graph
    return read


def _trunk(row: Trunk) -> domain.Trunk:
    return domain.Trunk(
        id=row.id,
        accept=tuple(row.accept),
        proxy=row.proxy,
        called_from=tuple(map(domain.CalledFrom, row.called_from)),
        landing=dict(row.landing),
        number_format=NumberFormat(row.number_format),
        caller_id=domain.CallerIdPolicy(row.caller_id),
        caller_number=row.caller_number,
        codecs=tuple(row.codecs),
    )


def _line(row: Line) -> domain.Line:
    return domain.Line(
        id=row.id,
        account=row.account_id,
        number=row.number,
        trunk=row.trunk_id,
        max_calls=row.max_calls,
        ring_seconds=row.ring_seconds,
    )


def _number(row: Number, graphs: dict[int, flows.Flow]) -> domain.NumberRoute:
    flow = graphs.get(row.flow_id) if row.flow_id is not None else None
    leads_somewhere = flow is not None or (row.flow_id is None and bool(row.line_ids))
    return domain.NumberRoute(
        number=row.number,
        account=row.account_id,
        flow=flow,
        lines=() if row.flow_id is not None else tuple(row.line_ids),
        record=domain.RecordPolicy(row.record),
        record_notice=row.record_notice,
        in_service=row.in_service and leads_somewhere,
    )
