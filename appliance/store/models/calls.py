"""Stored calls, their legs and charges. A call is derived from its legs: a leg that comes late changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.store.models.append_only import append_only
from appliance.store.models.base import Base
from appliance.store.types import Instant, MicroYuan, RowId


class Call(Base):
    """One call to a 400 number, from the caller's leg, or one back to a caller, from the line's. Durations are
    milliseconds.

    ``number`` and ``account_id`` have no foreign key: a call outlives both.
    """

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_account_started", "account_id", "started_at"),
        Index("ix_calls_number_started", "number", "started_at"),
        Index("ix_calls_started", "started_at"),
        Index("ix_calls_caller", "caller"),
        Index("ix_calls_callback", "callback_id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: UUID of the caller's leg.
    uuid: Mapped[str] = mapped_column(String(64), unique=True)
    #: Empty: the called number was not one of ours.
    account_id: Mapped[str | None] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(30), default="")
    trunk_id: Mapped[str] = mapped_column(String(40), default="")
    caller: Mapped[str] = mapped_column(String(30), default="")
    caller_kind: Mapped[str] = mapped_column(String(10), default="unknown")
    #: As the trunk sent it, whatever its length.
    caller_name: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    joined_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    #: From the gateway's answer to the end.
    bill_ms: Mapped[int] = mapped_column(default=0)
    #: From a line's answer to the end of that talk.
    bridged_ms: Mapped[int] = mapped_column(default=0)
    line_id: Mapped[str] = mapped_column(String(40), default="")
    flow: Mapped[str] = mapped_column(String(60), default="")
    #: ``NODE=KEY;NODE=KEY``.
    keys: Mapped[str] = mapped_column(Text, default="")
    #: ``NODE=EXIT;NODE=EXIT``: how it went through its flow.
    way: Mapped[str] = mapped_column(Text, default="")
    #: The key that answered a survey; empty: none.
    mark: Mapped[str] = mapped_column(String(10), default="")
    #: ``LINE=DISPOSITION;…``.
    tried: Mapped[str] = mapped_column(Text, default="")
    #: answered, refused:REASON, abandoned:WHERE, failed:REASON, abnormal.
    outcome: Mapped[str] = mapped_column(String(60), default="")
    #: By what a call was refused, or why no line was rung: ``list=shops entry=138*``.
    because: Mapped[str] = mapped_column(String(500), default="")
    hangup_cause: Mapped[str] = mapped_column(String(60), default="")
    #: Who spoke with the caller, in their order, and for how many milliseconds: ``LINE=MS;LINE=MS``.
    talks: Mapped[str] = mapped_column(String(500), default="")
    sip_status: Mapped[int | None] = mapped_column()
    #: Relative to the recordings folder; empty: none.
    recording: Mapped[str] = mapped_column(String(200), default="")
    #: Messages that the caller left, as ``recording``, joined with ``;``.
    messages: Mapped[str] = mapped_column(Text, default="")
    #: The prompt that told the caller of the recording; empty: none did.
    notice: Mapped[str] = mapped_column(String(60), default="")
    #: Why the talk was not recorded: off, share or no-room; empty: it was, or nobody talked.
    unrecorded: Mapped[str] = mapped_column(String(10), default="")
    #: The request that it calls back for: the UUID of the call in which he asked; empty: it came in.
    callback_id: Mapped[str] = mapped_column(String(64), default="")
    #: What a person decided: charge or waive; empty: nobody had to.
    settled: Mapped[str] = mapped_column(String(10), default="")
    collected_at: Mapped[datetime] = mapped_column(Instant)
    legs: Mapped[list[CallLeg]] = relationship(
        primaryjoin="Call.uuid == foreign(CallLeg.call_uuid)", viewonly=True, order_by="CallLeg.started_at"
    )
    charge: Mapped[Charge | None] = relationship(
        primaryjoin="Call.uuid == foreign(Charge.call_uuid)", viewonly=True, uselist=False
    )


class CallLeg(Base):
    """One CDR file, once. ``facts`` keeps the switch's variables that were read from it."""

    __tablename__ = "call_legs"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    leg_uuid: Mapped[str] = mapped_column(String(64), unique=True)
    call_uuid: Mapped[str] = mapped_column(String(64), index=True)
    #: caller or line.
    role: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    hangup_cause: Mapped[str] = mapped_column(String(60), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class SetAside(Base):
    """A CDR file that could not be stored, and why; the file is kept beside the spool."""

    __tablename__ = "cdr_set_aside"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    file: Mapped[str] = mapped_column(String(255), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)


class Charge(Base):
    """What a call costs its account; the columns are the rating rules' own (``docs/rating.md``)."""

    __tablename__ = "charges"
    __table_args__ = (Index("ix_charges_account_booked", "account_id", "booked_month"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_uuid: Mapped[str] = mapped_column(ForeignKey("calls.uuid", ondelete="CASCADE"), unique=True)
    #: Who pays: the call's account, or that of its number today; empty: neither is known.
    account_id: Mapped[str] = mapped_column(String(40))
    #: The call's month (``domain.grants.month_of``), and the one whose bill has it: a later one for a call that
    #: came when its month was closed.
    month: Mapped[int] = mapped_column()
    booked_month: Mapped[int] = mapped_column()
    #: Empty with a reason that begins with ``reject:``, or ``waived``.
    plan_code: Mapped[str] = mapped_column(String(40), default="")
    price_from: Mapped[str] = mapped_column(String(40), default="")
    metered_seconds: Mapped[int] = mapped_column(default=0)
    billable_units: Mapped[int] = mapped_column(default=0)
    included_units: Mapped[int] = mapped_column(default=0)
    charged_units: Mapped[int] = mapped_column(default=0)
    amount: Mapped[int] = mapped_column(MicroYuan, default=0)
    reason: Mapped[str] = mapped_column(String(40))
    rated_at: Mapped[datetime] = mapped_column(Instant)
    #: The month is closed; nothing changes this row any more.
    final: Mapped[bool] = mapped_column(Boolean, default=False)


append_only(Charge, when="OLD.final")
