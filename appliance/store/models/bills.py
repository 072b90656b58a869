"""Bills and credit notes: frozen as they were issued. Amounts are fen.

No row refers to another table by a key of the database: a bill outlives accounts, numbers and plans.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.append_only import append_only
from appliance.store.models.base import Base
from appliance.store.types import Fen, Instant, RowId


class Bill(Base):
    """A bill or a credit note. ``document`` is all that stands on it (``rating.bill.document``)."""

    __tablename__ = "bills"
    __table_args__ = (
        # Numbered without gaps: whoever issues one takes his turn (``store.charges.take_turn``).
        UniqueConstraint("kind", "sequence"),
        # A month of an account is billed once; each of its credit notes has a part of its own.
        UniqueConstraint("account_id", "month", "part"),
        Index("ix_bills_month", "month"),
    )

    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    #: bill or credit.
    kind: Mapped[str] = mapped_column(String(10))
    sequence: Mapped[int] = mapped_column()
    account_id: Mapped[str] = mapped_column(String(40))
    month: Mapped[int] = mapped_column()
    #: 0: the bill; its credit notes count from 1.
    part: Mapped[int] = mapped_column()
    #: Number of the bill that a credit note corrects.
    corrects: Mapped[str] = mapped_column(String(20))
    net: Mapped[int] = mapped_column(Fen)
    tax: Mapped[int] = mapped_column(Fen)
    gross: Mapped[int] = mapped_column(Fen)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued_at: Mapped[datetime] = mapped_column(Instant)
    by_login: Mapped[str] = mapped_column(String(100))


class BilledCorrection(Base):
    """A correction and the document that it stands on: on one, once."""

    __tablename__ = "billed_corrections"

    correction_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    bill_number: Mapped[str] = mapped_column(String(20))


class TaxInvoice(Base):
    """Number of the tax invoice (发票) that the tax system issued for a bill. The last one counts."""

    __tablename__ = "tax_invoices"
    __table_args__ = (Index("ix_tax_invoices_bill", "bill_number"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    bill_number: Mapped[str] = mapped_column(String(20))
    invoice: Mapped[str] = mapped_column(String(60))
    by_login: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(Instant)


class NumberMove(Base):
    """A 400 number went from one account to another. Before its first move it was always that one's."""

    __tablename__ = "number_moves"
    __table_args__ = (Index("ix_number_moves_at", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    number: Mapped[str] = mapped_column(String(10))
    #: Who had it until then, and has it since.
    from_account: Mapped[str] = mapped_column(String(40))
    to_account: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Instant)


for _table in (Bill, BilledCorrection, NumberMove, TaxInvoice):
    append_only(_table)
