"""Bills and credit notes, the corrections and tax invoices that belong to them; as whom an account is billed.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FEN = sa.BigInteger()


def upgrade() -> None:
    with op.batch_alter_table("accounts") as table:
        table.add_column(sa.Column("billing", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("accounts") as table:
        table.alter_column("billing", server_default=None)
    op.create_table(
        "bills",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("corrects", sa.String(length=20), nullable=False),
        sa.Column("net", _FEN, nullable=False),
        sa.Column("tax", _FEN, nullable=False),
        sa.Column("gross", _FEN, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_bills")),
        sa.UniqueConstraint("kind", "sequence", name=op.f("uq_bills_kind_sequence")),
        sa.UniqueConstraint("account_id", "month", "part", name=op.f("uq_bills_account_id_month_part")),
    )
    op.create_index("ix_bills_month", "bills", ["month"])
    op.create_table(
        "billed_corrections",
        sa.Column("correction_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("bill_number", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_billed_corrections")),
    )
    op.create_table(
        "tax_invoices",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("bill_number", sa.String(length=20), nullable=False),
        sa.Column("invoice", sa.String(length=60), nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_invoices")),
    )
    op.create_index("ix_tax_invoices_bill", "tax_invoices", ["bill_number"])
    for name in ("bills", "billed_corrections", "tax_invoices"):
        _keep(name)


def _keep(name: str) -> None:
    """The database itself refuses to change or delete a row (the function came with the ledger)."""
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {name}_no_{action} BEFORE {action.upper()} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} EXECUTE FUNCTION refuse_change()")
