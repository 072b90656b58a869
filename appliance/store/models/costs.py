"""What carriers take for legs that go out, and what each leg cost. Amounts are millionths of a yuan."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, MicroYuan, RowId


class TrunkCost(Base):
    """What a trunk takes from an instant on; published costs are succeeded, never edited.

    ``trunk_id`` has no foreign key: what legs cost by a trunk outlives it.
    """

    __tablename__ = "trunk_costs"
    __table_args__ = (UniqueConstraint("trunk_id", "line", "effective_from"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    trunk_id: Mapped[str] = mapped_column(String(40))
    effective_from: Mapped[datetime] = mapped_column(Instant)
    #: The instant as the site file wrote it: a leg's cost names its terms so.
    effective_text: Mapped[str] = mapped_column(String(40))
    #: any, landline, mobile or overseas.
    line: Mapped[str] = mapped_column(String(10), default="any")
    initial_seconds: Mapped[int] = mapped_column(default=60)
    step_seconds: Mapped[int] = mapped_column(default=60)
    connect_fee: Mapped[int] = mapped_column(MicroYuan, default=0)
    per_minute: Mapped[int] = mapped_column(MicroYuan, default=0)


class LegCost(Base):
    """What one leg that went out cost the box: the operator's own affair, which no enterprise sees."""

    __tablename__ = "leg_costs"
    __table_args__ = (
        Index("ix_leg_costs_call", "call_uuid"),
        Index("ix_leg_costs_answered", "answered_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    leg_uuid: Mapped[str] = mapped_column(ForeignKey("call_legs.leg_uuid", ondelete="CASCADE"), unique=True)
    call_uuid: Mapped[str] = mapped_column(String(64))
    #: Empty: a SIP phone of the house.
    trunk_id: Mapped[str] = mapped_column(String(40), default="")
    line_id: Mapped[str] = mapped_column(String(40), default="")
    #: landline, mobile, overseas or unknown.
    line: Mapped[str] = mapped_column(String(10), default="unknown")
    #: What was dialled and whom the carrier was shown as calling, as kept inside the country: its bill names both.
    dialled: Mapped[str] = mapped_column(String(30), default="")
    shown: Mapped[str] = mapped_column(String(30), default="")
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    seconds: Mapped[int] = mapped_column(default=0)
    units: Mapped[int] = mapped_column(default=0)
    amount: Mapped[int] = mapped_column(MicroYuan, default=0)
    #: As the site file writes it; empty: none was in effect, or none was needed.
    cost_from: Mapped[str] = mapped_column(String(40), default="")
    #: charged, unanswered, in-house or no-cost.
    reason: Mapped[str] = mapped_column(String(20))
