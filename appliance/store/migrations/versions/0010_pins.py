"""PINs of lines.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lines") as batch:
        batch.add_column(sa.Column("pin_hash", sa.String(length=200), nullable=False, server_default=""))
    with op.batch_alter_table("lines") as batch:
        batch.alter_column("pin_hash", server_default=None)
