"""The ledger, closed months, and what people decided about charges. Amounts are millionths of a yuan.

None of these rows refers to another table by a key of the database: they outlive calls, numbers and accounts. A
month is a whole number (``domain.grants.month_of``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.append_only import append_only
from appliance.store.models.base import Base
from appliance.store.types import Instant, MicroYuan, RowId


class LedgerPosting(Base):
    """One amount from one ledger of an account to another (``domain.ledger``): balanced by its form.

    ``id`` counts without gaps: whoever writes takes his turn (``store.charges.take_turn``).
    """

    __tablename__ = "ledger_postings"
    __table_args__ = (
        # What is booked once is booked once, whoever tries again.
        UniqueConstraint("subject", "account_id", "revision"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit <> credit", name="sides"),
        Index("ix_ledger_postings_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    #: A call's UUID, or ``KIND:REFERENCE``.
    subject: Mapped[str] = mapped_column(String(120))
    account_id: Mapped[str] = mapped_column(String(40))
    #: Counts the postings of a subject and account from 1.
    revision: Mapped[int] = mapped_column()
    #: charge, change, late, correction, topup, refund or adjustment.
    kind: Mapped[str] = mapped_column(String(20))
    debit: Mapped[str] = mapped_column(String(20))
    credit: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int] = mapped_column(MicroYuan)
    #: The month whose bill has it.
    month: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(Instant)
    by_login: Mapped[str] = mapped_column(String(100))
    approved_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(500))


class LedgerBalance(Base):
    """Sum of a ledger of an account, credit less debit: kept beside the postings so that it is there at once."""

    __tablename__ = "ledger_balances"

    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    ledger: Mapped[str] = mapped_column(String(20), primary_key=True)
    amount: Mapped[int] = mapped_column(MicroYuan)


class LedgerSeal(Base):
    """SHA-256 of all postings up to one, by way of the seal before: what is sealed cannot be changed unnoticed."""

    __tablename__ = "ledger_seals"

    #: The last posting under it.
    through: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class ClosedMonth(Base):
    """A month of an account whose charges are final, and what they came to."""

    __tablename__ = "closed_months"

    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    month: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    closed_at: Mapped[datetime] = mapped_column(Instant)
    #: Empty: no person in particular (a timer).
    by_login: Mapped[str] = mapped_column(String(100))
    calls: Mapped[int] = mapped_column()
    amount: Mapped[int] = mapped_column(MicroYuan)
    #: Calls that no price was found for, closed all the same, and why.
    not_ratable: Mapped[int] = mapped_column()
    reason: Mapped[str] = mapped_column(String(500))


class Settlement(Base):
    """What a person decided about a call that could not be charged by itself, with the call before and after."""

    __tablename__ = "settlements"
    __table_args__ = (Index("ix_settlements_call", "call_uuid"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_uuid: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(40))
    #: charge or waive.
    action: Mapped[str] = mapped_column(String(10))
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(500))
    by_login: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(Instant)


class Correction(Base):
    """The difference that a re-rating found in a closed month, booked in an open one: an item of a credit note."""

    __tablename__ = "corrections"
    __table_args__ = (Index("ix_corrections_account", "account_id", "booked_month"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40))
    #: The closed month, and the open one that it is booked in.
    month: Mapped[int] = mapped_column()
    booked_month: Mapped[int] = mapped_column()
    #: What is to be paid in addition; below 0: what is given back.
    amount: Mapped[int] = mapped_column(MicroYuan)
    calls: Mapped[int] = mapped_column()
    reason: Mapped[str] = mapped_column(String(500))
    by_login: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(Instant)


class CorrectionItem(Base):
    """A call of a correction: the difference, and what it is rated as now. Its charge stays as it is."""

    __tablename__ = "correction_items"
    __table_args__ = (Index("ix_correction_items_call", "call_uuid"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    correction_id: Mapped[int] = mapped_column(RowId)
    call_uuid: Mapped[str] = mapped_column(String(64))
    #: Difference to the charge and the corrections before.
    amount: Mapped[int] = mapped_column(MicroYuan)
    plan_code: Mapped[str] = mapped_column(String(40))
    price_from: Mapped[str] = mapped_column(String(40))
    metered_seconds: Mapped[int] = mapped_column()
    billable_units: Mapped[int] = mapped_column()
    included_units: Mapped[int] = mapped_column()
    charged_units: Mapped[int] = mapped_column()
    rated: Mapped[int] = mapped_column(MicroYuan)
    reason_code: Mapped[str] = mapped_column(String(40))


for _table in (LedgerPosting, LedgerSeal, ClosedMonth, Settlement, Correction, CorrectionItem):
    append_only(_table)
