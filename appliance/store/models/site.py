"""The one row that says which site this is and how often it has changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant


class SiteState(Base):
    """``revision`` grows with every change to what calls are routed by; handlers compare it per call."""

    __tablename__ = "site_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    revision: Mapped[int] = mapped_column(default=0)
    applied_at: Mapped[datetime | None] = mapped_column(Instant)
    #: SHA-256 of the site file applied last.
    applied_sha256: Mapped[str] = mapped_column(String(64), default="")
