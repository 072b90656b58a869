"""On what terms accounts call (reseller mode), and who suspended them.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEPT = "account_suspensions"


def upgrade() -> None:
    with op.batch_alter_table("accounts") as table:
        table.add_column(sa.Column("credit", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("accounts") as table:
        table.alter_column("credit", server_default=None)
    op.create_table(
        _KEPT,
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_suspensions")),
    )
    op.create_index("ix_account_suspensions_account", _KEPT, ["account_id"])
    # The database itself refuses to change or delete a row (the function came with the ledger).
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {_KEPT}_no_{action} BEFORE {action.upper()} ON {_KEPT} "
                f"BEGIN SELECT RAISE(ABORT, '{_KEPT} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {_KEPT}_no_change BEFORE UPDATE OR DELETE ON {_KEPT} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"CREATE TRIGGER {_KEPT}_no_truncate BEFORE TRUNCATE ON {_KEPT} EXECUTE FUNCTION refuse_change()")
