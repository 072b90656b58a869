"""Signings: who signed in and out at lines, kept beyond the journal.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "signings",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("line_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("signed_in", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("means", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signings")),
        sa.UniqueConstraint("line_id", "at", "signed_in", name=op.f("uq_signings_line_id_at_signed_in")),
    )
    op.create_index("ix_signings_account_at", "signings", ["account_id", "at"])
    op.create_index("ix_signings_at", "signings", ["at"])
