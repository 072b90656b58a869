"""Which account a 400 number belonged to before: until its first move, the one that has it.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEPT = "number_moves"


def upgrade() -> None:
    op.create_table(
        _KEPT,
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("from_account", sa.String(length=40), nullable=False),
        sa.Column("to_account", sa.String(length=40), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_moves")),
    )
    op.create_index("ix_number_moves_at", _KEPT, ["at"])
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
