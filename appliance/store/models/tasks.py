"""What people are to do, and what they did about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId

_OPEN = text("closed_at IS NULL")


class Task(Base):
    """A caller who is to be called back (kind ``missed``): his missed calls until somebody reached him.

    The row is derived from stored calls and people's closings, whenever one of either comes, and keeps its id.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_account_last", "account_id", "last_at"),
        Index("ix_tasks_last", "last_at"),
        Index("ix_tasks_caller", "caller", "account_id"),
        # One at a time for each caller.
        Index(
            "ux_tasks_open_caller",
            "account_id",
            "kind",
            "caller",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    #: As of calls, without a foreign key: it outlives the account.
    account_id: Mapped[str] = mapped_column(String(40))
    caller: Mapped[str] = mapped_column(String(30))
    caller_kind: Mapped[str] = mapped_column(String(10), default="unknown")
    #: The 400 number that he called last.
    number: Mapped[str] = mapped_column(String(30), default="")
    #: How many calls were missed, the beginnings of the first and the last one, and how that ended.
    calls: Mapped[int] = mapped_column()
    first_call: Mapped[str] = mapped_column(String(64))
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_call: Mapped[str] = mapped_column(String(64))
    last_at: Mapped[datetime] = mapped_column(Instant)
    last_outcome: Mapped[str] = mapped_column(String(60), default="")
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    #: The call that reached him; empty: none did.
    closing_call: Mapped[str] = mapped_column(String(64), default="")
    #: Login of who closed it, and what he said; empty: nobody.
    closed_by: Mapped[str] = mapped_column(String(100), default="")
    note: Mapped[str] = mapped_column(String(500), default="")


class TaskEvent(Base):
    """What somebody did with a task; rows are only ever added. A closing counts for what was missed before it."""

    __tablename__ = "task_events"
    __table_args__ = (Index("ix_task_events_caller", "caller", "account_id", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    #: Login of the console.
    operator: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(45), default="")
    #: close.
    action: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[str] = mapped_column(String(40))
    caller: Mapped[str] = mapped_column(String(30))
    note: Mapped[str] = mapped_column(String(500), default="")
