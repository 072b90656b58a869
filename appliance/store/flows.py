"""Flows in the database: versions that never change, publications that are added, and the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from appliance.store.models import Flow, FlowDraft, FlowPublication, FlowVersion, SiteState, in_force


def find(session: Session, account: str, name: str) -> Flow | None:
    """A flow by its account and name."""
    return session.scalar(select(Flow).where(Flow.account_id == account, Flow.name == name))


def version(session: Session, flow: Flow, number: int) -> FlowVersion | None:
    """A version."""
    return session.scalar(select(FlowVersion).where(FlowVersion.flow_id == flow.id, FlowVersion.version == number))


def published(session: Session, flow: Flow, at: datetime) -> FlowVersion | None:
    """The version that calls take at an instant."""
    return session.scalar(
        select(FlowVersion)
        .join(Flow, Flow.id == FlowVersion.flow_id)
        .where(Flow.id == flow.id, FlowVersion.version == in_force(at))
    )


def versions(session: Session, flow: Flow) -> Sequence[FlowVersion]:
    """All versions, the newest first."""
    return session.scalars(
        select(FlowVersion).where(FlowVersion.flow_id == flow.id).order_by(FlowVersion.version.desc())
    ).all()


def publications(session: Session, flow: Flow) -> Sequence[FlowPublication]:
    """What was, is and is to be published, the latest first."""
    return session.scalars(
        select(FlowPublication)
        .where(FlowPublication.flow_id == flow.id)
        .order_by(FlowPublication.at.desc(), FlowPublication.id.desc())
    ).all()


def add_version(session: Session, flow: Flow, graph: Mapping[str, Any], by: str, now: datetime) -> FlowVersion:
    """The next version."""
    newest = session.scalar(select(func.max(FlowVersion.version)).where(FlowVersion.flow_id == flow.id)) or 0
    made = FlowVersion(flow_id=flow.id, version=newest + 1, graph=dict(graph), created_at=now, created_by=by)
    session.add(made)
    session.flush()
    return made


def publish(
    session: Session, flow: Flow, number: int | None, at: datetime, by: str, now: datetime, note: str = ""
) -> None:
    """Have calls take a version from ``at`` on; None: none, the flow is withdrawn."""
    session.add(FlowPublication(flow_id=flow.id, version=number, at=at, made_at=now, made_by=by, note=note))
    session.flush()


def cancel(session: Session, flow: Flow, by: str, now: datetime) -> int:
    """Cancel what is to be published after ``now``; how many publications that were."""
    made = session.execute(
        update(FlowPublication)
        .where(FlowPublication.flow_id == flow.id, FlowPublication.at > now, FlowPublication.cancelled_at.is_(None))
        .values(cancelled_at=now, cancelled_by=by)
        .returning(FlowPublication.id)
    )
    return len(made.all())


def draft(session: Session, flow: Flow) -> FlowDraft | None:
    """The draft, if there is one."""
    return session.get(FlowDraft, flow.id)


def save_draft(
    session: Session, flow: Flow, graph: Mapping[str, Any], based_on: int | None, by: str, now: datetime
) -> None:
    """Keep a graph that is being worked on, whatever faults it has."""
    row = session.get(FlowDraft, flow.id)
    if row is None:
        row = FlowDraft(flow_id=flow.id)
        session.add(row)
    row.graph, row.based_on, row.edited_at, row.edited_by = dict(graph), based_on, now, by
    session.flush()


def routing_changed(session: Session) -> None:
    """Have the call handlers read the routing again."""
    session.execute(update(SiteState).values(revision=SiteState.revision + 1))
