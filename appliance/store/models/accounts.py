"""Enterprises and the people who use the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.store.models.append_only import append_only
from appliance.store.models.base import Base
from appliance.store.types import Instant, RowId


class Account(Base):
    """An enterprise. Every row that belongs to one carries ``account_id``."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    #: Calls to its numbers at once; 0: any number.
    max_calls: Mapped[int] = mapped_column(default=0)
    #: What a line's side may ask for while they talk: key → digit.
    talk_keys: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    #: As whom bills address it: title, tax_number, address, phone, bank, bank_account, where they are known.
    billing: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    #: On what terms it calls (``site.schema.CreditPart``), in reseller mode; empty: its calls are not counted.
    credit: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class AccountSuspension(Base):
    """An account was suspended, or may call again; its last one holds. Kept for good, whatever becomes of it."""

    __tablename__ = "account_suspensions"
    __table_args__ = (Index("ix_account_suspensions_account", "account_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40))
    suspended: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String(500))
    by_login: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(Instant)


append_only(AccountSuspension)


operator_roles = Table(
    "operator_roles",
    Base.metadata,
    Column("operator_id", RowId, ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", RowId, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base):
    """administrator, operator, finance, supervisor, agent or auditor."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)


class Operator(Base):
    """A console user. ``account_id`` empty: sees every account of the box."""

    __tablename__ = "operators"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    login: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    #: Changes whenever every session of this operator must end (Flask-Security's ``fs_uniquifier``).
    session_key: Mapped[str] = mapped_column(String(64), unique=True)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(Instant)
    preferences: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    roles: Mapped[list[Role]] = relationship(secondary=operator_roles, lazy="selectin")
