"""Flows as the console and the commands show them: what calls take, what is to come, drafts, history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.store.models import Flow, FlowDraft, FlowPublication, in_force
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class FlowState:
    """A flow. ``published`` is the version that calls take (None: none), ``to_come`` are (when, version), the
    soonest first; ``draft_at`` is None where there is no draft."""

    account: str
    name: str
    published: int | None
    to_come: tuple[tuple[datetime, int | None], ...]
    draft_at: datetime | None
    draft_by: str


@dataclass(frozen=True, slots=True)
class PublicationView:
    """A publication; ``version`` None: the flow was withdrawn."""

    version: int | None
    at: datetime
    made_at: datetime
    made_by: str
    note: str
    cancelled_at: datetime | None
    cancelled_by: str


def flow_states(reader: Reader, now: datetime) -> Sequence[FlowState]:
    """Every flow of the scope."""
    coming: dict[int, list[tuple[datetime, int | None]]] = {}
    for one in reader.scalars(
        select(FlowPublication)
        .where(FlowPublication.at > now, FlowPublication.cancelled_at.is_(None))
        .order_by(FlowPublication.at, FlowPublication.id)
    ):
        coming.setdefault(one.flow_id, []).append((one.at, one.version))
    drafts = {one.flow_id: one for one in reader.scalars(select(FlowDraft))}
    rows = reader.rows(select(Flow, in_force(now)).order_by(Flow.account_id, Flow.name))
    states = []
    for flow, version in rows:
        draft = drafts.get(flow.id)
        states.append(
            FlowState(
                flow.account_id,
                flow.name,
                version,
                tuple(coming.get(flow.id, ())),
                draft.edited_at if draft else None,
                draft.edited_by if draft else "",
            )
        )
    return states


def history(reader: Reader, name: str) -> Sequence[PublicationView]:
    """All publications of a flow of the scope's account, the latest first."""
    rows = reader.scalars(
        select(FlowPublication)
        .join(Flow, Flow.id == FlowPublication.flow_id)
        .where(Flow.name == name)
        .order_by(FlowPublication.at.desc(), FlowPublication.id.desc())
    )
    return [
        PublicationView(one.version, one.at, one.made_at, one.made_by, one.note, one.cancelled_at, one.cancelled_by)
        for one in rows
    ]
