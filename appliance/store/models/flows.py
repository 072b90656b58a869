"""IVR flows: graphs by name, their versions, what is published when, and drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, ScalarSelect, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId


class Flow(Base):
    """An IVR graph by name; its versions are in ``flow_versions``, what calls take says ``flow_publications``."""

    __tablename__ = "flows"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(40))


class FlowVersion(Base):
    """One version of a graph; never changed."""

    __tablename__ = "flow_versions"
    __table_args__ = (UniqueConstraint("flow_id", "version"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    flow_id: Mapped[int] = mapped_column(ForeignKey("flows.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column()
    graph: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant)
    #: Login of the operator; ``site-file``.
    created_by: Mapped[str] = mapped_column(String(60), default="")


class FlowPublication(Base):
    """From ``at`` on calls take ``version`` (empty: the flow is withdrawn), until a later publication.

    Rows are added, and those to come may be cancelled; none is changed otherwise. So they are the history, too.
    """

    __tablename__ = "flow_publications"
    __table_args__ = (Index("ix_flow_publications_flow_at", "flow_id", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    flow_id: Mapped[int] = mapped_column(ForeignKey("flows.id", ondelete="CASCADE"))
    version: Mapped[int | None] = mapped_column()
    at: Mapped[datetime] = mapped_column(Instant)
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[str] = mapped_column(String(60), default="")
    note: Mapped[str] = mapped_column(String(200), default="")
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)
    cancelled_by: Mapped[str] = mapped_column(String(60), default="")


class FlowDraft(Base):
    """A graph that is being worked on; it may have faults. At most one for each flow."""

    __tablename__ = "flow_drafts"

    flow_id: Mapped[int] = mapped_column(ForeignKey("flows.id", ondelete="CASCADE"), primary_key=True)
    graph: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: The version that it was begun from.
    based_on: Mapped[int | None] = mapped_column()
    edited_at: Mapped[datetime] = mapped_column(Instant)
    edited_by: Mapped[str] = mapped_column(String(60), default="")


def in_force(at: datetime) -> ScalarSelect[int | None]:
    """The version of a flow that calls take at an instant, for a query that selects from ``flows``."""
    return (
        select(FlowPublication.version)
        .where(FlowPublication.flow_id == Flow.id, FlowPublication.at <= at, FlowPublication.cancelled_at.is_(None))
        .order_by(FlowPublication.at.desc(), FlowPublication.id.desc())
        .limit(1)
        .correlate(Flow)
        .scalar_subquery()
    )
