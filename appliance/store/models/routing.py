"""Trunks, lines, 400 numbers and flows: what a call is routed by."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.domain.hunt import FAIL_OVER
from appliance.domain.recording import RETENTION_DAYS
from appliance.store.models.base import Base


class Trunk(Base):
    """A carrier's SIP peer. Lists are JSON: they are read and written whole."""

    __tablename__ = "trunks"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    #: ``["10.1.2.0/24", "127.0.0.1:5070"]``: where INVITEs of this trunk come from.
    accept: Mapped[list[str]] = mapped_column(JSON)
    #: ``"HOST:PORT"``: where calls to lines are sent; empty: the trunk only receives.
    proxy: Mapped[str] = mapped_column(String(100), default="")
    #: Where the called number is taken from, in order: request-uri, to, diversion, history-info.
    called_from: Mapped[list[str]] = mapped_column(JSON)
    #: Landing number → 400 number.
    landing: Mapped[dict[str, str]] = mapped_column(JSON)
    #: How a national number is written toward this trunk: national, plus86, 86, with-zero.
    number_format: Mapped[str] = mapped_column(String(20), default="national")
    #: pass: the caller's number goes on; trunk: ``caller_number`` goes, the caller in Diversion.
    caller_id: Mapped[str] = mapped_column(String(20), default="trunk")
    caller_number: Mapped[str] = mapped_column(String(30), default="")
    codecs: Mapped[list[str]] = mapped_column(JSON)
    #: Channels, both directions; 0: not counted.
    max_calls: Mapped[int] = mapped_column(default=0)
    #: SIP status or cause → what the carrier means by it, where it is not the usual.
    causes: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    #: Seconds between two OPTIONS; 0: it is not asked whether it is there.
    ping_seconds: Mapped[int] = mapped_column(default=30)
    #: How we register there, the fields of a site file's ``registration``; empty: we do not. Never a password.
    registration: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: rfc2833, info or in-band.
    dtmf: Mapped[str] = mapped_column(String(10), default="rfc2833")
    behind_nat: Mapped[bool] = mapped_column(Boolean, default=False)
    symmetric_rtp: Mapped[bool] = mapped_column(Boolean, default=True)
    #: Seconds between two refreshes of a call that goes on; 0: none.
    session_timer_seconds: Mapped[int] = mapped_column(default=1800)
    #: Seconds without a packet; 0: as the box has it.
    media_timeout_seconds: Mapped[int] = mapped_column(default=0)
    #: Seconds within which a line has to give a sign; 0: no limit.
    progress_seconds: Mapped[int] = mapped_column(default=0)
    #: What it means that the carrier spoke and the line never rang; empty: as it ended.
    announced: Mapped[str] = mapped_column(String(20), default="")


class Line(Base):
    """A bound landline or mobile, or a SIP phone."""

    __tablename__ = "lines"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    #: Empty for a SIP phone, as ``trunk_id`` is.
    number: Mapped[str] = mapped_column(String(30))
    #: landline, mobile or phone.
    kind: Mapped[str] = mapped_column(String(10))
    trunk_id: Mapped[str | None] = mapped_column(ForeignKey("trunks.id"))
    max_calls: Mapped[int] = mapped_column(default=1)
    ring_seconds: Mapped[int] = mapped_column(default=25)
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id"))
    daily_calls: Mapped[int] = mapped_column(default=0)
    monthly_calls: Mapped[int] = mapped_column(default=0)
    level: Mapped[int] = mapped_column(default=1)
    weight: Mapped[int] = mapped_column(default=1)
    #: Trunks that are tried in order when ``trunk_id`` cannot reach it.
    backup_trunks: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Whoever answers has to press 1.
    confirm: Mapped[bool] = mapped_column(Boolean, default=False)
    #: What callers of a queue may ask for.
    skills: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Its own policy of recording: off, all or share:N; empty: the number's.
    record: Mapped[str] = mapped_column(String(10), default="")
    #: By what other lines of the account send callers to it; empty: none do.
    extension: Mapped[str] = mapped_column(String(8), default="")
    #: A SIP phone's digest secret (HA1, RFC 2617): it opens this one phone's account and nothing else. Empty: none
    #: was made yet, so it cannot register.
    phone_secret: Mapped[str] = mapped_column(String(32), default="")
    #: The PIN by which its agent signs in from any telephone: an argon2id hash, set by a command. Empty: none.
    pin_hash: Mapped[str] = mapped_column(String(200), default="")


class Number(Base):
    """A 400 number and where its calls go: to ``flow_id``, or to ``line_ids``, then ``overflow_id``."""

    __tablename__ = "numbers"

    number: Mapped[str] = mapped_column(String(10), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    flow_id: Mapped[int | None] = mapped_column(ForeignKey("flows.id"))
    line_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    strategy: Mapped[str] = mapped_column(String(20), default="order")
    #: Ends of a line after which the next one is rung.
    fail_over: Mapped[list[str]] = mapped_column(JSON, default=lambda: sorted(FAIL_OVER))
    #: The flow that takes calls whose lines could not be joined.
    overflow_id: Mapped[int | None] = mapped_column(ForeignKey("flows.id"))
    #: off, all or share:N (percent).
    record: Mapped[str] = mapped_column(String(10), default="all")
    #: The caller hears that the call is recorded, before it is.
    record_notice: Mapped[bool] = mapped_column(Boolean, default=True)
    #: The prompt that says so.
    notice_prompt: Mapped[str] = mapped_column(String(60), default="record-notice")
    #: Days that its recordings and messages are kept.
    retention_days: Mapped[int] = mapped_column(default=RETENTION_DAYS)
    in_service: Mapped[bool] = mapped_column(Boolean, default=True)
    #: Who may call, and when: the fields of a site file's ``rules`` that are not at their default.
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: The prompt that a line hears before it is joined; empty: none.
    whisper: Mapped[str] = mapped_column(String(60), default="")
    #: What the line's side may ask for while they talk: key → digit; null: as the account has it.
    talk_keys: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
