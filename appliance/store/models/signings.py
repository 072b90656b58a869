"""Who signed in and out at lines."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId


class LineSigning(Base):
    """Somebody signed in at a line, or out: copied by the collector from the journal (``store.signing``). Rows are
    only ever added, and outlive line and account.
    """

    __tablename__ = "signings"
    __table_args__ = (
        UniqueConstraint("line_id", "at", "signed_in"),
        Index("ix_signings_account_at", "account_id", "at"),
        Index("ix_signings_at", "at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    line_id: Mapped[str] = mapped_column(String(40))
    #: Empty: the line was gone when it was copied.
    account_id: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Instant)
    signed_in: Mapped[bool] = mapped_column()
    #: An operator's login, the number that called, the line whose phone it was.
    who: Mapped[str] = mapped_column(String(100))
    #: console, command, call or phone (``store.signing.Means``).
    means: Mapped[str] = mapped_column(String(10))
