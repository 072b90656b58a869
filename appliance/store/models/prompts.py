"""The enterprises' own prompts: what the console knows of their files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId


class Prompt(Base):
    """One version of a prompt. Its sound is a file (``media/shelf.py``), which calls find without this table."""

    __tablename__ = "prompts"
    # Finds the prompts of an account as well.
    __table_args__ = (UniqueConstraint("account_id", "name", "version"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    #: 1 for the first; numbers are not used twice while a newer one is kept.
    version: Mapped[int] = mapped_column()
    title: Mapped[str] = mapped_column(String(100), default="")
    #: upload, tts or phone.
    source: Mapped[str] = mapped_column(String(10))
    #: What was said by text-to-speech.
    text: Mapped[str] = mapped_column(String(300), default="")
    milliseconds: Mapped[int] = mapped_column()
    #: Of the file, hexadecimal.
    sha256: Mapped[str] = mapped_column(String(64))
    #: As the file was called that was uploaded; never a path.
    file_name: Mapped[str] = mapped_column(String(200), default="")
    made_by: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime] = mapped_column(Instant)
    #: This one is played; of a prompt's versions at most one. None: the default set's is.
    in_use: Mapped[bool] = mapped_column(Boolean)
