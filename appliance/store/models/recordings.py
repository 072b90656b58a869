"""Recordings and messages that are kept, and who had to do with them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId


class Recording(Base):
    """One kept file, or one that could not be kept (``fault``). Durations are milliseconds.

    A row stays when its file is deleted: that there was one, and why it went, is part of the call's history.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        Index("ix_recordings_account_started", "account_id", "started_at"),
        Index("ix_recordings_started", "started_at"),
        Index("ix_recordings_call", "call_uuid"),
        Index("ix_recordings_keep_until", "keep_until"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_uuid: Mapped[str] = mapped_column(ForeignKey("calls.uuid"))
    #: The call's, as ``number``, ``caller`` and ``started_at``: lists are read from this table alone.
    account_id: Mapped[str | None] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(30), default="")
    caller: Mapped[str] = mapped_column(String(30), default="")
    started_at: Mapped[datetime] = mapped_column(Instant)
    #: talk or voicemail.
    kind: Mapped[str] = mapped_column(String(10))
    #: The switch's WAV that it was made of, relative to the recordings folder, once.
    source: Mapped[str] = mapped_column(String(200), unique=True)
    #: The kept file, relative to the recordings folder.
    file: Mapped[str] = mapped_column(String(200))
    #: opus, mp3, or wav where it could not be read.
    format: Mapped[str] = mapped_column(String(10))
    channels: Mapped[int] = mapped_column()
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column()
    #: Of the file as it lies on the disk: it is verified without a key.
    sha256: Mapped[str] = mapped_column(String(64))
    #: Of the key that it is encrypted with; empty: it is not.
    key_id: Mapped[str] = mapped_column(String(16), default="")
    made_at: Mapped[datetime] = mapped_column(Instant)
    keep_until: Mapped[datetime] = mapped_column(Instant)
    held_at: Mapped[datetime | None] = mapped_column(Instant)
    held_by: Mapped[str] = mapped_column(String(100), default="")
    held_why: Mapped[str] = mapped_column(String(500), default="")
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)
    deleted_why: Mapped[str] = mapped_column(String(500), default="")
    #: Why it could not be kept as it should; empty: it could.
    fault: Mapped[str] = mapped_column(Text, default="")


class RecordingAccess(Base):
    """What somebody did with a recording; rows are only ever added."""

    __tablename__ = "recording_access"
    __table_args__ = (
        Index("ix_recording_access_account_at", "account_id", "at"),
        Index("ix_recording_access_recording", "recording_id", "at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    #: Login of the console, or ``NAME (command line)``; the appliance itself for what is past its retention.
    operator: Mapped[str] = mapped_column(String(100))
    #: Where from; empty: on the box itself.
    address: Mapped[str] = mapped_column(String(45), default="")
    #: play, download, export, hold, release or delete.
    action: Mapped[str] = mapped_column(String(10))
    call_uuid: Mapped[str] = mapped_column(String(64))
    #: Empty: the switch's own file, which was not kept yet.
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("recordings.id"))
    account_id: Mapped[str | None] = mapped_column(String(40))
    why: Mapped[str] = mapped_column(String(500), default="")
