"""Busy-line queues, the time that callers spent in them, and their requests to be called back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId


class Queue(Base):
    """Where callers wait until one of its lines is free; the columns are the site file's own (``docs/site.md``)."""

    __tablename__ = "queues"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    line_ids: Mapped[list[str]] = mapped_column(JSON)
    strategy: Mapped[str] = mapped_column(String(20), default="longest-idle")
    max_wait_seconds: Mapped[int] = mapped_column(default=600)
    #: Callers that wait at once; 0: any number.
    max_length: Mapped[int] = mapped_column(default=0)
    #: 0: the caller never hears his position.
    announce_seconds: Mapped[int] = mapped_column(default=30)
    music: Mapped[str] = mapped_column(String(60), default="hold-music")
    wrap_up_seconds: Mapped[int] = mapped_column(default=15)
    rest_seconds: Mapped[int] = mapped_column(default=30)
    sign_in: Mapped[bool] = mapped_column(Boolean, default=False)
    vip_priority: Mapped[int] = mapped_column(default=5)
    service_level_seconds: Mapped[int] = mapped_column(default=20)
    short_abandon_seconds: Mapped[int] = mapped_column(default=5)
    #: The site file's own form; none: nobody is called back.
    callback: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)


class QueueStay(Base):
    """A caller's time in a queue, with its one end. Written with its call, from the same legs.

    ``queue_id``, ``number`` and ``account_id`` have no foreign key: a stay outlives them, as its call does.
    """

    __tablename__ = "queue_stays"
    __table_args__ = (
        # Finds the stays of a call as well.
        UniqueConstraint("call_uuid", "ordinal"),
        Index("ix_queue_stays_queue_entered", "queue_id", "entered_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_uuid: Mapped[str] = mapped_column(String(64), ForeignKey("calls.uuid", ondelete="CASCADE"))
    #: 1 for the call's first stay.
    ordinal: Mapped[int] = mapped_column()
    queue_id: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[str | None] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(30))
    entered_at: Mapped[datetime] = mapped_column(Instant)
    wait_ms: Mapped[int] = mapped_column()
    #: answered, abandoned, timeout, full, nobody, key, callback or lost (``domain.queue.Left``).
    #: The column has another name: ``left`` is a word of SQL.
    left: Mapped[str] = mapped_column("left_how", String(10))
    #: The line that took him; empty: none did.
    line_id: Mapped[str] = mapped_column(String(40), default="")


class Callback(Base):
    """A request to be called back, as the journal has it (``store.callbacks``): copied by the collector whenever it
    has changed. It outlives its queue, its number and its call.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("ix_callbacks_queue_asked", "queue_id", "asked_at"),
        Index("ix_callbacks_account_asked", "account_id", "asked_at"),
    )

    #: UUID of the call in which he asked.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    queue_id: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(30))
    #: Who asked; empty: withheld.
    caller: Mapped[str] = mapped_column(String(30))
    #: The number that he is to be called at.
    callee: Mapped[str] = mapped_column(String(30))
    entered_at: Mapped[datetime] = mapped_column(Instant)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column()
    #: How the last try ended.
    said: Mapped[str] = mapped_column(String(60))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    #: reached, failed, expired or withdrawn (``domain.callback.Ending``); empty: open.
    ending: Mapped[str] = mapped_column(String(10))
    #: Why it was closed, and by whom where a person did it.
    reason: Mapped[str] = mapped_column(String(200))
    closed_by: Mapped[str] = mapped_column(String(100))
