"""Hooks, and the messages that went to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant


class Hook(Base):
    """Where messages go; the columns are the site file's own (``docs/site.md``)."""

    __tablename__ = "hooks"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(10))
    #: With ``{token}`` where the token belongs.
    url: Mapped[str] = mapped_column(String(2000))
    #: Neither is ever shown or exported. Empty: there is none, or it is in the file.
    token: Mapped[str] = mapped_column(String(500), default="")
    token_file: Mapped[str] = mapped_column(String(500), default="")
    secret: Mapped[str] = mapped_column(String(500), default="")
    secret_file: Mapped[str] = mapped_column(String(500), default="")
    recipient: Mapped[str] = mapped_column(String(200), default="")
    method: Mapped[str] = mapped_column(String(4), default="POST")
    encoding: Mapped[str] = mapped_column(String(4), default="form")
    fields: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    headers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    expect: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    expect_text: Mapped[str] = mapped_column(String(200), default="")
    #: None: as is usual for the kind.
    per_minute: Mapped[int | None] = mapped_column(default=None)


class Notification(Base):
    """A message that was sent or given up. Hook and account are named, not referred to: it outlives both."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_account_ended", "account_id", "ended_at"),
        Index("ix_notifications_ended", "ended_at"),
    )

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40))
    hook_id: Mapped[str] = mapped_column(String(40))
    call_uuid: Mapped[str] = mapped_column(String(64), default="")
    recipient: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(String(2000))
    made_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int]
    #: False: it was given up.
    sent: Mapped[bool] = mapped_column(Boolean)
    #: What the receiver said last, or why it could not be asked.
    said: Mapped[str] = mapped_column(String(300), default="")
