"""Plans, their prices, and who subscribes to them. Amounts are millionths of a yuan."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.store.models.base import Base
from appliance.store.types import Instant, MicroYuan, RowId


class Plan(Base):
    """A plan of the price book."""

    __tablename__ = "plans"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    #: time or call.
    charge_by: Mapped[str] = mapped_column(String(10))
    #: answer (the gateway's answer) or bridge (a line's answer).
    meter: Mapped[str] = mapped_column(String(10))
    #: Units granted a month: seconds for ``time``, calls for ``call``.
    included: Mapped[int] = mapped_column(default=0)
    rollover_months: Mapped[int] = mapped_column(default=0)
    minimum_monthly: Mapped[int] = mapped_column(MicroYuan, default=0)
    prices: Mapped[list[Price]] = relationship(
        back_populates="plan", order_by="Price.effective_from", cascade="all, delete-orphan"
    )


class Price(Base):
    """A price of a plan from an instant on; published prices are succeeded, never edited."""

    __tablename__ = "prices"
    __table_args__ = (UniqueConstraint("plan_code", "caller", "effective_from"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    plan_code: Mapped[str] = mapped_column(ForeignKey("plans.code", ondelete="CASCADE"))
    effective_from: Mapped[datetime] = mapped_column(Instant)
    #: The instant as the price book wrote it, offset and all: a charge names its price so.
    effective_text: Mapped[str] = mapped_column(String(40))
    #: any, mobile, fixed, overseas or unknown.
    caller: Mapped[str] = mapped_column(String(10), default="any")
    initial_seconds: Mapped[int] = mapped_column(default=60)
    step_seconds: Mapped[int] = mapped_column(default=60)
    free_seconds: Mapped[int] = mapped_column(default=0)
    connect_fee: Mapped[int] = mapped_column(MicroYuan, default=0)
    per_minute: Mapped[int] = mapped_column(MicroYuan, default=0)
    per_call: Mapped[int] = mapped_column(MicroYuan, default=0)
    plan: Mapped[Plan] = relationship(back_populates="prices")


class Subscription(Base):
    """A number's plan over ``[starts_at, ends_at)``; two of a number never overlap."""

    __tablename__ = "subscriptions"
    __table_args__ = (UniqueConstraint("number", "starts_at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("numbers.number", ondelete="CASCADE"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plans.code"))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
